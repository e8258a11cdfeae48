//! Counts of what happened, for as long as the process lives.

use std::sync::atomic::{AtomicU64, Ordering};

use super::event::{Event, Listener, Outcome};
use super::level::Level;

/// A listener that counts, by level.
#[derive(Debug, Default)]
pub struct Stats {
    pages: Counts,
    fragments: Counts,
    queries: Counts,
}

/// The counts of one level.
#[derive(Debug, Default)]
pub struct Counts {
    /// Look-ups answered from the cache, or from another request's load.
    pub hits: AtomicU64,
    /// Look-ups after which something had to be made.
    pub misses: AtomicU64,
    /// Look-ups answered with something known to be old, as the policy allows.
    pub stale: AtomicU64,
    /// Entries kept.
    pub stored: AtomicU64,
    /// Bytes of the entries kept, over all time.
    pub stored_bytes: AtomicU64,
}

impl Stats {
    /// The counts of a level.
    pub fn of(&self, level: Level) -> &Counts {
        match level {
            Level::Page => &self.pages,
            Level::Fragment => &self.fragments,
            Level::Query => &self.queries,
        }
    }
}

impl Listener for Stats {
    fn on(&self, event: &Event<'_>) {
        let counts = self.of(event.level);
        match &event.outcome {
            Outcome::Hit | Outcome::FarHit | Outcome::Collapsed => add(&counts.hits, 1),
            Outcome::Miss(_) => add(&counts.misses, 1),
            Outcome::Stored(bytes) => {
                add(&counts.stored, 1);
                add(&counts.stored_bytes, u64::from(*bytes));
            }
            Outcome::Stale(_) => add(&counts.stale, 1),
            Outcome::NotStored(_) | Outcome::Unreadable => {}
        }
    }
}

fn add(counter: &AtomicU64, by: u64) {
    counter.fetch_add(by, Ordering::Relaxed);
}
