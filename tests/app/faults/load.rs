//! Readers and a writer that run while a test injects faults, and what they observed.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

use crate::support::{
    Bell, Caller, DEFAULT_REDIS_TIMEOUT, Database, Figures, PATIENCE, Ringer, Shelf, TestSite,
    Wrong, address_of_its_own, until,
};

const READERS: usize = 3;
const PRODUCTS: usize = 6;

/// How long the load runs before the fault, and how long at least it is observed afterwards.
const CALM: Duration = Duration::from_millis(800);
const WATCH: Duration = Duration::from_secs(1);

/// How many cold pages and edits at least are observed after the fault.
const ENOUGH: u64 = 20;

/// How long after its begin or end a fault may still slow down readers.
const SETTLED_AFTER: Duration = Duration::from_secs(1);

/// The pause of a reader between two pages.
const LOOK: Duration = Duration::from_millis(2);
const EDIT_EVERY: Duration = Duration::from_millis(20);

/// How many calls to Redis may time out, and how many more in each second.
///
/// Each instance may have three failures in a row, the calls in progress at that moment, and one
/// probe a second. Without a circuit breaker each reader and writer would wait twelve times a
/// second. Calls are counted and not timed: a busy machine is slow, but counts right.
const WAITS: f64 = 12.0;
const WAITS_PER_SECOND: f64 = 8.0;

/// Two instances with one database and one Redis.
pub struct Shop {
    pub here: TestSite,
    pub there: TestSite,
    pub shelf: Shelf,
    /// The homepage without its digits, and the same when it is filtered; all but prices and times is constant.
    faces: [OnceLock<String>; 2],
    /// How many cold addresses have been requested.
    cold: AtomicU64,
}

/// A page that was read.
struct Read {
    started: Instant,
    took: Duration,
    /// Whether this was the first request for the address.
    is_cold: bool,
}

/// What the readers and the writer have observed.
#[derive(Default)]
struct Seen {
    reads: Vec<Read>,
    writes: u64,
    wrongs: Vec<Wrong>,
}

/// When the fault began and ended, and how many calls to Redis have timed out since it began.
struct Trouble {
    began: Instant,
    ended: Instant,
    waits: f64,
}

impl Shop {
    pub fn open(on: Database, redis: &str) -> Self {
        let here =
            TestSite::start_with(on, &["--redis", redis, "--redis-timeout", DEFAULT_REDIS_TIMEOUT]);
        let there = here.another_instance_with(&[
            "--redis",
            redis,
            "--redis-timeout",
            DEFAULT_REDIS_TIMEOUT,
        ]);
        let shelf = Shelf::of(&here, PRODUCTS);
        Self { here, there, shelf, faces: Default::default(), cold: AtomicU64::new(0) }
    }

    /// Runs readers and a writer while `trouble` injects its fault, pacing itself by the bell.
    ///
    /// Asserts that there was no error, no stale or untrue page, and few timeouts of Redis.
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
            // On a busy machine nothing may have been read by then, and no figure be there.
            until("cold pages are read", || self.cold.load(Relaxed) > ENOUGH);
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

    /// Returns how many calls to Redis have timed out in both instances.
    fn waits(&self) -> f64 {
        [&self.here, &self.there].map(|site| site.figures().waits_for_the_store()).iter().sum()
    }

    /// Waits for [`WATCH`], or longer on a busy machine, until enough reads and edits are observed.
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

    /// Requests a list of all products, and checks that only digits differ from the first one.
    pub fn looks_at_list(&self, caller: &mut Caller, path: &str) -> Result<(), Wrong> {
        let page = self.shelf.look_at_list(caller, path)?;
        let mut face = String::from_utf8_lossy(&page.body).into_owned();
        // A time of whole seconds is written without a dot.
        face.retain(|c| !c.is_ascii_digit() && c != '.');
        let first = self.faces[usize::from(path.contains('?'))].get_or_init(|| face.clone());
        if *first == face { Ok(()) } else { Err(Wrong::Untrue(page.html())) }
    }

    /// Returns an address that has not been requested yet.
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
        assert!(cold_after.len() as u64 >= ENOUGH, "too few cold pages were read");
    }

    /// Returns the durations of the matching reads, the shortest first.
    fn times(&self, which: impl Fn(&Read) -> bool) -> Vec<Duration> {
        let mut times: Vec<_> =
            self.reads.iter().filter(|read| which(read)).map(|read| read.took).collect();
        times.sort();
        times
    }
}

impl Trouble {
    /// Reports whether a read began during the fault or shortly after it.
    fn is_on(&self, read: &Read) -> bool {
        (self.began..self.ended + SETTLED_AFTER).contains(&read.started)
    }

    /// Reports whether a read began after the fault had ended and settled.
    fn is_over(&self, read: &Read) -> bool {
        read.started >= self.ended + SETTLED_AFTER
    }
}

/// Returns a percentile of sorted durations, or zero if there are none.
fn share(times: &[Duration], percent: usize) -> Duration {
    let place = (times.len() * percent).div_ceil(100).saturating_sub(1);
    times.get(place).copied().unwrap_or_default()
}
