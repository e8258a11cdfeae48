//! Counters that many threads add to at once.
//!
//! - Adding takes no lock; threads seldom share a cache line, since each has a shard.
//! - A reader adds the shards up. Concurrent additions may be missing, but none is counted twice.
//! - A histogram's count is the sum of its buckets, so the two always agree.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use super::words::WORDS;

/// The number of threads that count without sharing a shard.
const SHARDS: usize = 8;

/// A shard on cache lines of its own; processors fetch them in pairs.
#[derive(Debug, Default)]
#[repr(align(128))]
struct Shard<T>(T);

/// A value with a shard for each thread.
#[derive(Debug)]
pub struct Sharded<T>(Box<[Shard<T>; SHARDS]>);

impl<T: Default> Default for Sharded<T> {
    fn default() -> Self {
        Self(Box::new(std::array::from_fn(|_| Shard::default())))
    }
}

impl<T> Sharded<T> {
    /// Returns the shard of this thread.
    pub fn mine(&self) -> &T {
        static THREADS: AtomicUsize = AtomicUsize::new(0);
        thread_local! {
            static THREAD: usize = THREADS.fetch_add(1, Ordering::Relaxed) % SHARDS;
        }
        // A thread that is exiting has lost its number.
        &self.0[THREAD.try_with(|thread| *thread).unwrap_or_default()].0
    }

    /// Returns all shards.
    pub fn all(&self) -> impl Iterator<Item = &T> {
        self.0.iter().map(|shard| &shard.0)
    }

    /// Returns the sum of `read` over all shards.
    pub fn sum(&self, read: impl Fn(&T) -> u64) -> u64 {
        self.all().map(read).sum()
    }
}

/// A number that only grows.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    /// Adds one.
    pub fn count(&self) {
        self.add(1);
    }

    /// Adds `more`.
    pub fn add(&self, more: u64) {
        self.0.fetch_add(more, Ordering::Relaxed);
    }

    /// Returns the current number.
    pub fn read(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// A counter for each outcome and each reason in [`WORDS`].
#[derive(Debug)]
pub struct Table<const OUTCOMES: usize>([[Counter; WORDS.len()]; OUTCOMES]);

impl<const OUTCOMES: usize> Default for Table<OUTCOMES> {
    fn default() -> Self {
        Self(std::array::from_fn(|_| std::array::from_fn(|_| Counter::default())))
    }
}

impl<const OUTCOMES: usize> Table<OUTCOMES> {
    /// Returns the counter of an outcome and a reason, by their indices.
    pub fn at(&self, outcome: usize, word: usize) -> &Counter {
        &self.0[outcome][word]
    }
}

/// The upper bounds of all histograms' buckets, in nanoseconds: 10 µs to 10 s.
pub const BOUNDS: [u64; 19] = [
    10_000,
    25_000,
    50_000,
    100_000,
    250_000,
    500_000,
    1_000_000,
    2_500_000,
    5_000_000,
    10_000_000,
    25_000_000,
    50_000_000,
    100_000_000,
    250_000_000,
    500_000_000,
    1_000_000_000,
    2_500_000_000,
    5_000_000_000,
    10_000_000_000,
];

/// A histogram of durations.
#[derive(Debug, Default)]
pub struct Histogram {
    /// The last bucket is for durations above all bounds.
    buckets: [Counter; BOUNDS.len() + 1],
    nanos: Counter,
}

impl Histogram {
    /// Adds one duration.
    pub fn observe(&self, took: Duration) {
        let nanos = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        self.buckets[BOUNDS.partition_point(|bound| *bound < nanos)].count();
        self.nanos.add(nanos);
    }
}

/// The state of a histogram at one moment.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Snapshot {
    /// The number of durations in each bucket; the last is for those above all bounds.
    pub buckets: [u64; BOUNDS.len() + 1],
    /// The sum of the durations, in nanoseconds.
    pub nanos: u64,
}

impl Snapshot {
    /// Returns the sum of these histograms.
    pub fn of<'h>(histograms: impl Iterator<Item = &'h Histogram>) -> Self {
        let mut sum = Self::default();
        for histogram in histograms {
            for (all, bucket) in sum.buckets.iter_mut().zip(&histogram.buckets) {
                *all += bucket.read();
            }
            sum.nanos += histogram.nanos.read();
        }
        sum
    }

    /// Returns the bound of a percentile; `None` if that is above all bounds.
    ///
    /// Without durations it is the lowest bound.
    pub fn at_most(&self, percent: u64) -> Option<Duration> {
        let wanted = (self.count() * percent).div_ceil(100);
        let mut below = 0;
        let is_reached = |bucket: &u64| {
            below += bucket;
            below >= wanted
        };
        let place = self.buckets.iter().position(is_reached)?;
        BOUNDS.get(place).map(|nanos| Duration::from_nanos(*nanos))
    }

    /// Returns the number of durations.
    pub fn count(&self) -> u64 {
        self.buckets.iter().sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_many_threads_count_is_added_up() {
        let sharded: Sharded<Counter> = Sharded::default();
        std::thread::scope(|scope| {
            for _ in 0..20 {
                scope.spawn(|| (0..1_000).for_each(|_| sharded.mine().count()));
            }
        });
        assert_eq!(sharded.sum(Counter::read), 20_000);
        let used = sharded.all().filter(|counter| counter.read() > 0).count();
        assert_eq!(used, SHARDS, "twenty threads use all shards");
    }

    #[test]
    fn a_bound_belongs_to_the_bucket_below_it() {
        let histogram = Histogram::default();
        for nanos in [0, 10_000, 10_001, 10_000_000_000, 10_000_000_001] {
            histogram.observe(Duration::from_nanos(nanos));
        }
        let snapshot = Snapshot::of([&histogram, &Histogram::default()].into_iter());
        assert_eq!(snapshot.buckets[..2], [2, 1]);
        assert_eq!(snapshot.buckets[BOUNDS.len() - 1..], [1, 1]);
        assert_eq!((snapshot.count(), snapshot.nanos), (5, 20_000_020_002));
    }

    #[test]
    fn so_many_of_a_hundred_are_at_or_below_a_bound() {
        let histogram = Histogram::default();
        let p95 = || Snapshot::of([&histogram].into_iter()).at_most(95);
        (0..95).for_each(|_| histogram.observe(Duration::from_micros(20)));
        (0..5).for_each(|_| histogram.observe(Duration::from_secs(20)));
        assert_eq!(p95(), Some(Duration::from_micros(25)));
        histogram.observe(Duration::from_secs(20));
        assert_eq!(p95(), None, "above all bounds");
    }

    #[test]
    fn bounds_grow() {
        assert!(BOUNDS.is_sorted_by(|one, next| one < next));
    }
}
