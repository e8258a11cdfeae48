//! Counts freshness checks, and records the time of the last successful one.
//!
//! - Stamps that a check returns were just read or found unchanged: their age is the time since then.
//! - While the stamps are unavailable the age keeps growing, and the failures are counted.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use super::tally::{Counter, Sharded};

/// The freshness checks of the threads of one shard.
#[derive(Debug, Default)]
struct Seen {
    answered: Counter,
    unavailable: Counter,
    /// The time of the last success, in nanoseconds since counting began; 0 for never.
    last: AtomicU64,
}

/// The freshness checks of all threads.
#[derive(Debug)]
pub struct Checks {
    began: Instant,
    seen: Sharded<Seen>,
}

impl Default for Checks {
    fn default() -> Self {
        Self { began: Instant::now(), seen: Sharded::default() }
    }
}

impl Checks {
    /// Returns how many freshness checks succeeded, and how many failed.
    pub fn counted(&self) -> (u64, u64) {
        let answered = self.seen.sum(|seen| seen.answered.read());
        (answered, self.seen.sum(|seen| seen.unavailable.read()))
    }

    /// Returns the time since the last success; `None` before the first.
    pub fn age(&self) -> Option<Duration> {
        let last = self.seen.all().map(|seen| seen.last.load(Ordering::Relaxed)).max();
        let last = last.filter(|last| *last > 0).map(Duration::from_nanos)?;
        Some(self.began.elapsed().saturating_sub(last))
    }

    /// Counts a check that ended at this moment.
    pub fn count(&self, ended: Instant, is_available: bool) {
        let seen = self.seen.mine();
        if !is_available {
            seen.unavailable.count();
            return;
        }
        seen.answered.count();
        let since = ended.saturating_duration_since(self.began).as_nanos();
        seen.last.store(u64::try_from(since).unwrap_or(u64::MAX).max(1), Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_successful_check_sets_the_age() {
        let checks = Checks::default();
        checks.count(Instant::now(), false);
        assert_eq!((checks.age(), checks.counted()), (None, (0, 1)));
        let began = Instant::now();
        checks.count(Instant::now(), true);
        assert!(checks.age().is_some_and(|age| age <= began.elapsed()));
        assert_eq!(checks.counted(), (1, 1));
    }
}
