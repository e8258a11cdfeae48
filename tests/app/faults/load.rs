//! Readers and a writer who work while a story makes trouble, and what they met.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

use crate::support::{
    Bell, Caller, Database, Figures, PATIENCE, Ringer, Shelf, TestSite, Wrong, address_of_its_own,
};

const READERS: usize = 3;
const PRODUCTS: usize = 6;

/// How long everything is well before the trouble; and how long all is watched when its end is settled.
const CALM: Duration = Duration::from_millis(800);
const WATCH: Duration = Duration::from_secs(1);

/// So many cold pages and edits are enough to judge by.
const ENOUGH: u64 = 20;

/// So long after a trouble began or ended, visitors notice nothing of it.
const SETTLED_AFTER: Duration = Duration::from_secs(1);

/// Readers are people: they look at a page for a moment.
const LOOK: Duration = Duration::from_millis(2);
const EDIT_EVERY: Duration = Duration::from_millis(20);

/// So many calls to Redis may wait in vain, and so many more in each second: per instance three failures in
/// a row, those under way beside them, and one probe a second. Without a breaker each reader and writer would
/// wait twelve times a second. This is counted, not timed: a busy machine is slow, but counts right.
const WAITS: f64 = 12.0;
const WAITS_PER_SECOND: f64 = 8.0;

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

/// When there was trouble, and how many calls to Redis have waited in vain since it began.
struct Trouble {
    began: Instant,
    ended: Instant,
    waits: f64,
}

impl Shop {
    pub fn open(on: Database, redis: &str) -> Self {
        let here = TestSite::start_with(on, &["--redis", redis]);
        let there = here.another_instance_with(&["--redis", redis]);
        let shelf = Shelf::of(&here, PRODUCTS);
        Self { here, there, shelf, face: OnceLock::new(), cold: AtomicU64::new(0) }
    }

    /// Lets people read and edit while `trouble` happens, which keeps its pace by the bell; then nobody
    /// may have seen an error, the past, or something untrue, and few may have waited for Redis.
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
            let (began, before) = (Instant::now(), self.waits());
            trouble(&evening);
            let ended = Instant::now();
            self.is_watched(&evening);
            let waits = self.waits() - before;
            let most = WAITS + WAITS_PER_SECOND * began.elapsed().as_secs_f64();
            assert!(waits <= most, "{waits} calls waited for Redis in vain, more than {most}");
            evening.ring();
            let mut seen = writer.join().unwrap();
            for reader in readers {
                seen.adds(reader.join().unwrap());
            }
            (Trouble { began, ended, waits }, seen)
        });
        seen.judge(&trouble);
    }

    /// How many calls to Redis have waited in vain, in both instances.
    fn waits(&self) -> f64 {
        [&self.here, &self.there].map(|site| site.figures().waits_for_the_store()).iter().sum()
    }

    /// Waits for a while, on a busy machine for longer, until there is enough to judge by.
    fn is_watched(&self, evening: &Bell) {
        evening.rings_within(SETTLED_AFTER);
        let (cold, changes) = (self.cold.load(Relaxed), self.shelf.changes());
        let deadline = Instant::now() + PATIENCE;
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
        let cold_after = self.times(|read| read.is_cold && trouble.is_over(read));
        let wrongs = |is: fn(&Wrong) -> bool| self.wrongs.iter().filter(|wrong| is(wrong)).count();
        Figures::new()
            .with("reads", all.len())
            .with("writes", self.writes)
            .with_time("p99 before", share(&self.times(|read| read.started < trouble.began), 99))
            .with_time("during", share(&self.times(|read| trouble.is_on(read)), 99))
            .with_time("after", share(&self.times(|read| trouble.is_over(read)), 99))
            .with_time("slowest", share(&all, 100))
            .with("waits", trouble.waits)
            .with("errors", wrongs(|wrong| matches!(wrong, Wrong::Error(_))))
            .with("stale", wrongs(|wrong| matches!(wrong, Wrong::Stale(_))))
            .with("untrue", wrongs(|wrong| matches!(wrong, Wrong::Untrue(_))))
            .tell();
        let number = self.wrongs.len();
        assert!(number == 0, "{number} were wrong, the first: {}", self.wrongs[0]);
        assert!(cold_after.len() as u64 >= ENOUGH, "hardly anybody came through");
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
