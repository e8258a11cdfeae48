//! Readers and a writer who work while a story makes trouble, and what they met.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

use crate::support::{
    Bell, Caller, Database, Figures, Ringer, Shelf, TestSite, Wrong, address_of_its_own,
};

const READERS: usize = 3;
const PRODUCTS: usize = 6;

/// How long everything is well before the trouble; and how long all is watched when its end is settled.
const CALM: Duration = Duration::from_millis(800);
const WATCH: Duration = Duration::from_secs(1);
const LONGEST_WATCH: Duration = Duration::from_secs(30);

/// So many cold pages and edits are enough to judge by.
const ENOUGH: u64 = 20;

/// So long after a trouble began or ended, visitors notice nothing of it.
const SETTLED_AFTER: Duration = Duration::from_secs(1);

/// Readers are people: they look at a page for a moment.
const LOOK: Duration = Duration::from_millis(2);
const EDIT_EVERY: Duration = Duration::from_millis(20);

/// Once a trouble is over, 99 of 100 pages take less; and nine of ten cold pages do also while it lasts.
/// Or less than three times what they took before: a machine that is busy with other things is slow, but
/// one that waits 80 ms for each page is found out.
const UNNOTICED: Duration = Duration::from_millis(50);

/// No request at all takes so long.
const ENDLESS: Duration = Duration::from_secs(3);

/// Two instances with one database and one Redis.
pub struct Shop {
    pub here: TestSite,
    pub there: TestSite,
    pub shelf: Shelf,
    /// The homepage without its digits: but for prices and times, nothing on it ever changes.
    face: OnceLock<String>,
    /// How many addresses have been asked for that nobody had asked for before.
    cold: AtomicU64,
}

/// A page that was read.
struct Read {
    started: Instant,
    took: Duration,
    /// Nobody had asked for this address before.
    is_cold: bool,
}

/// What the readers and the writer bring home.
#[derive(Default)]
struct Seen {
    reads: Vec<Read>,
    writes: u64,
    wrongs: Vec<Wrong>,
}

/// When there was trouble.
struct Trouble {
    began: Instant,
    ended: Instant,
}

impl Shop {
    pub fn open(on: Database, redis: &str) -> Self {
        let here = TestSite::start_with(on, &["--redis", redis]);
        let there = here.another_instance_with(&["--redis", redis]);
        let shelf = Shelf::of(&here, PRODUCTS);
        Self { here, there, shelf, face: OnceLock::new(), cold: AtomicU64::new(0) }
    }

    /// Lets people read and edit while `trouble` happens, which keeps its pace by the bell; then nobody
    /// may have seen an error, the past, or something untrue, and all is quick again within a second.
    pub fn lives_through(&self, trouble: impl FnOnce(&Bell)) {
        let evening = Bell::default();
        let (trouble, seen) = thread::scope(|scope| {
            let _end = Ringer(&evening);
            let readers: Vec<_> = (0..READERS)
                .map(|reader| {
                    scope.spawn({
                        let evening = &evening;
                        move || self.read(reader, evening)
                    })
                })
                .collect();
            let writer = scope.spawn(|| self.write(&evening));
            evening.rings_within(CALM);
            let began = Instant::now();
            trouble(&evening);
            let ended = Instant::now();
            self.is_watched(&evening);
            evening.ring();
            let mut seen = writer.join().unwrap();
            for reader in readers {
                seen.adds(reader.join().unwrap());
            }
            (Trouble { began, ended }, seen)
        });
        seen.judge(&trouble);
    }

    /// Waits for a while, on a busy machine for longer, until there is enough to judge by.
    fn is_watched(&self, evening: &Bell) {
        evening.rings_within(SETTLED_AFTER);
        let (cold, changes) = (self.cold.load(Relaxed), self.shelf.changes());
        let deadline = Instant::now() + LONGEST_WATCH;
        evening.rings_within(WATCH);
        let is_enough =
            || self.cold.load(Relaxed) > cold + ENOUGH && self.shelf.changes() > changes + ENOUGH;
        while !is_enough() && Instant::now() < deadline {
            evening.rings_within(EDIT_EVERY);
        }
    }

    fn read(&self, reader: usize, evening: &Bell) -> Seen {
        let mut callers = [&self.here, &self.there].map(TestSite::caller);
        let mut seen = Seen::default();
        let mut turn = reader;
        while !evening.rings_within(LOOK) {
            let caller = &mut callers[turn % 2];
            let started = Instant::now();
            let is_cold = turn.is_multiple_of(5);
            let looked = match turn % 5 {
                0 => self.looks_at_list(caller, &self.cold_path()),
                1 => self.looks_at_list(caller, "/"),
                _ => self.shelf.look_at_one(caller, turn % PRODUCTS).map(drop),
            };
            seen.reads.push(Read { started, took: started.elapsed(), is_cold });
            seen.wrongs.extend(looked.err());
            turn += 1;
        }
        seen
    }

    /// Looks at a list of all products, which has to be itself in every letter.
    pub fn looks_at_list(&self, caller: &mut Caller, path: &str) -> Result<(), Wrong> {
        let page = self.shelf.look_at_list(caller, path)?;
        let mut face = String::from_utf8_lossy(&page.body).into_owned();
        face.retain(|c| !c.is_ascii_digit());
        let first = self.face.get_or_init(|| face.clone());
        if *first == face { Ok(()) } else { Err(Wrong::Untrue(page.html())) }
    }

    /// An address for which nobody has asked yet.
    fn cold_path(&self) -> String {
        address_of_its_own(self.cold.fetch_add(1, Relaxed))
    }

    fn write(&self, evening: &Bell) -> Seen {
        let mut seen = Seen::default();
        let mut turn = 0;
        while !evening.rings_within(EDIT_EVERY) {
            let site = [&self.here, &self.there][turn % 2];
            let edited = self.shelf.edit(site, turn / 2 % PRODUCTS);
            seen.writes += 1;
            seen.wrongs.extend(edited.err());
            turn += 1;
        }
        seen
    }
}

impl Seen {
    fn adds(&mut self, other: Self) {
        self.reads.extend(other.reads);
        self.wrongs.extend(other.wrongs);
        self.writes += other.writes;
    }

    fn judge(&self, trouble: &Trouble) {
        let all = self.times(|_| true);
        let cold_before = self.times(|read| read.is_cold && read.started < trouble.began);
        let cold_during = self.times(|read| read.is_cold && trouble.is_used_to(read));
        let cold_after = self.times(|read| read.is_cold && trouble.is_over(read));
        let wrongs = |is: fn(&Wrong) -> bool| self.wrongs.iter().filter(|wrong| is(wrong)).count();
        Figures::new()
            .with("reads", all.len())
            .with("writes", self.writes)
            .with_time("p99 before", share(&self.times(|read| read.started < trouble.began), 99))
            .with_time("during", share(&self.times(|read| trouble.is_on(read)), 99))
            .with_time("after", share(&self.times(|read| trouble.is_over(read)), 99))
            .with_time("slowest", share(&all, 100))
            .with("errors", wrongs(|wrong| matches!(wrong, Wrong::Error(_))))
            .with("stale", wrongs(|wrong| matches!(wrong, Wrong::Stale(_))))
            .with("untrue", wrongs(|wrong| matches!(wrong, Wrong::Untrue(_))))
            .tell();
        let number = self.wrongs.len();
        assert!(number == 0, "{number} were wrong, the first: {}", self.wrongs[0]);
        assert!(cold_after.len() as u64 >= ENOUGH, "hardly anybody came through");
        assert!(share(&all, 100) < ENDLESS, "somebody waited {:?}", share(&all, 100));
        let p99 = |times: &[Duration]| share(times, 99);
        let usual = p99(&self.times(|read| read.started < trouble.began));
        let now = self.calmest(|read| trouble.is_over(read), p99);
        let limit = UNNOTICED.max(usual * 3);
        assert!(now < limit, "a second later the p99 is {now:?}, and was {usual:?} before");
        let before = share(&cold_before, 90);
        let limit = UNNOTICED.max(before * 3);
        for (when, times) in [("a second into it", cold_during), ("a second later", cold_after)] {
            let now = share(&times, 90);
            assert!(now < limit, "{when} cold pages take {now:?}, {before:?} before");
        }
    }

    /// The least that `figure` is in any third of the time of these: what lasts is seen in all of them, and
    /// what another program did to the machine in one.
    fn calmest(
        &self,
        which: impl Fn(&Read) -> bool,
        figure: impl Fn(&[Duration]) -> Duration,
    ) -> Duration {
        let mut reads: Vec<_> = self.reads.iter().filter(|read| which(read)).collect();
        reads.sort_by_key(|read| read.started);
        let third = reads.len().div_ceil(3).max(1);
        let figures = reads.chunks(third).map(|reads| {
            let mut times: Vec<_> = reads.iter().map(|read| read.took).collect();
            times.sort();
            figure(&times)
        });
        figures.min().unwrap_or_default()
    }

    /// How long these took, the shortest first.
    fn times(&self, which: impl Fn(&Read) -> bool) -> Vec<Duration> {
        let mut times: Vec<_> =
            self.reads.iter().filter(|read| which(read)).map(|read| read.took).collect();
        times.sort();
        times
    }
}

impl Trouble {
    /// Whether it was on, or had just ended, when this was asked for.
    fn is_on(&self, read: &Read) -> bool {
        (self.began..self.ended + SETTLED_AFTER).contains(&read.started)
    }

    /// Whether somebody waited for this while it was on, and everybody had had time to get used to it.
    fn is_used_to(&self, read: &Read) -> bool {
        read.started < self.ended && read.started + read.took > self.began + SETTLED_AFTER
    }

    /// Whether it was over, and everybody had had time to notice.
    fn is_over(&self, read: &Read) -> bool {
        read.started >= self.ended + SETTLED_AFTER
    }
}

/// What this share of sorted times, in percent, does not exceed; zero where there are none.
fn share(times: &[Duration], percent: usize) -> Duration {
    let place = (times.len() * percent).div_ceil(100).saturating_sub(1);
    times.get(place).copied().unwrap_or_default()
}
