//! Counts the events of the cache by level, outcome and reason.
//!
//! - Each event is counted once.
//! - A load is counted if it built a value, stored or not; a failed load is not.

use std::ops::Range;

use crate::cache::Level;
use crate::cache::event::{Event, Listener, Miss, Outcome};
use crate::cache::values::call::Call;

use super::tally::{Counter, Histogram, Sharded, Snapshot, Table};
use super::values::Values;
use super::words::place;

/// The levels, in the order of their numbers.
pub const LEVELS: [Level; 3] = [Level::Page, Level::Fragment, Level::Query];

/// The outcomes, in the order of their numbers.
pub const OUTCOMES: [&str; 11] = [
    "hit",
    "shared_hit",
    "collapsed",
    "stale",
    "miss",
    "stored",
    "not_stored",
    "refreshing",
    "timed_out",
    "unreadable",
    "outage",
];

/// The outcomes of lookups.
pub const LOOKUPS: Range<usize> = 0..5;

/// The outcomes of builds and loads.
pub const BUILDS: Range<usize> = 5..9;

/// The failures of the shared store.
pub const ERRORS: Range<usize> = 9..11;

/// The counters of one level.
#[derive(Debug, Default)]
struct OfLevel {
    outcomes: Table<{ OUTCOMES.len() }>,
    loads: Histogram,
    stored_bytes: Counter,
}

/// Listens to the cache and counts.
#[derive(Debug, Default)]
pub struct Operations {
    levels: Sharded<[OfLevel; LEVELS.len()]>,
    /// Calls to values.
    pub values: Values,
}

impl Operations {
    /// Returns how often a level had this outcome for this reason, by their indices.
    pub fn counted(&self, level: usize, outcome: usize, word: usize) -> u64 {
        self.levels.sum(|levels| levels[level].outcomes.at(outcome, word).read())
    }

    /// Returns how long a level's loads took.
    pub fn loads(&self, level: usize) -> Snapshot {
        Snapshot::of(self.levels.all().map(|levels| &levels[level].loads))
    }

    /// Returns the bytes of the entries that a level has stored, over all time.
    pub fn stored_bytes(&self, level: usize) -> u64 {
        self.levels.sum(|levels| levels[level].stored_bytes.read())
    }
}

impl Listener for Operations {
    fn on(&self, event: &Event<'_>) {
        let counts = &self.levels.mine()[event.level as usize];
        match event.outcome {
            Outcome::Stored(bytes) => {
                counts.loads.observe(event.took);
                counts.stored_bytes.add(u64::from(bytes));
            }
            Outcome::NotStored(_) => counts.loads.observe(event.took),
            _ => {}
        }
        let (outcome, word) = places(&event.outcome);
        counts.outcomes.at(outcome, word).count();
    }

    fn on_value(&self, call: &Call<'_>) {
        self.values.count(call);
    }
}

/// Returns the indices of an outcome and of its reason.
fn places(outcome: &Outcome) -> (usize, usize) {
    match outcome {
        Outcome::Hit => (0, 0),
        Outcome::SharedHit => (1, 0),
        Outcome::Collapsed => (2, 0),
        Outcome::Stale(why) => (3, place(why.name())),
        Outcome::Miss(Miss::Absent) => (4, place("absent")),
        Outcome::Miss(Miss::Expired) => (4, place("expired")),
        Outcome::Miss(Miss::Invalidated(_)) => (4, place("invalidated")),
        Outcome::Miss(Miss::Bypassed) => (4, place("bypass")),
        Outcome::Stored(_) => (5, 0),
        Outcome::NotStored(why) => (6, place(why)),
        Outcome::Refreshing => (7, 0),
        Outcome::TimedOut => (8, 0),
        Outcome::Unreadable(why) => (9, place(why)),
        Outcome::Outage(why) => (10, place(why.name())),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use super::*;
    use crate::cache::{Builder, InProcess, Key, Policy, Tag};

    #[tokio::test]
    async fn each_event_is_counted_once_and_each_load() {
        let operations = Arc::new(Operations::default());
        let versions = Arc::new(InProcess::new());
        let cache = Builder::default().listener(operations.clone()).open(versions.clone());
        let (key, policy) = (Key::named("test").build(), Policy::fresh_for(Duration::from_secs(9)));
        for round in 0..4 {
            if round == 3 {
                versions.bump(&[Tag::EVERYTHING]);
            }
            cache.get_or_set(&key, &policy, async || Ok::<_, ()>(7)).await.unwrap();
        }
        let counted = |outcome: &str, reason| {
            let outcome = OUTCOMES.iter().position(|name| *name == outcome).unwrap();
            operations.counted(Level::Query as usize, outcome, place(reason))
        };
        assert_eq!([counted("miss", "absent"), counted("miss", "invalidated")], [1, 1]);
        assert_eq!([counted("hit", ""), counted("stored", "")], [2, 2]);
        assert_eq!(operations.loads(Level::Query as usize).count(), 2);
        assert!(operations.stored_bytes(Level::Query as usize) > 0);
        assert_eq!(operations.loads(Level::Page as usize).count(), 0);
    }

    #[test]
    fn every_level_is_found_at_its_number() {
        for (number, level) in LEVELS.into_iter().enumerate() {
            assert_eq!(level as usize, number);
        }
    }
}
