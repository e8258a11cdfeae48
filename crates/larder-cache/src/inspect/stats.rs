//! Counts of the cache's events since the process started.

use std::sync::atomic::{AtomicU64, Ordering};

use super::description::LookUps;
use crate::event::{Event, Listener, Outcome};
use crate::level::Level;

/// A listener that counts events by level.
#[derive(Debug, Default)]
pub struct Stats {
    pages: Counts,
    fragments: Counts,
    queries: Counts,
}

/// The counts of one level.
#[derive(Debug, Default)]
pub struct Counts {
    /// Lookups answered from the cache, or from another request's load.
    pub hits: AtomicU64,
    /// Lookups after which something had to be built.
    pub misses: AtomicU64,
    /// Lookups answered with a stale entry, as the policy allows.
    pub stale: AtomicU64,
    /// Entries stored.
    pub stored: AtomicU64,
    /// Bytes of all entries ever stored.
    pub stored_bytes: AtomicU64,
}

impl Stats {
    /// Returns the counts of a level.
    pub fn of(&self, level: Level) -> &Counts {
        match level {
            Level::Page => &self.pages,
            Level::Fragment => &self.fragments,
            Level::Query => &self.queries,
        }
    }

    /// Returns the counts of all levels, for people.
    pub fn look_ups(&self) -> Vec<LookUps> {
        let levels = [Level::Page, Level::Fragment, Level::Query];
        levels.map(|level| self.of(level).read(level)).into()
    }
}

impl Counts {
    /// Returns the counts under the level's name.
    fn read(&self, level: Level) -> LookUps {
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        LookUps {
            level: level.name().to_owned(),
            hits: count(&self.hits),
            misses: count(&self.misses),
            stale: count(&self.stale),
            stored: count(&self.stored),
        }
    }
}

impl Listener for Stats {
    fn on(&self, event: &Event<'_>) {
        let counts = self.of(event.level);
        match &event.outcome {
            Outcome::Hit | Outcome::SharedHit | Outcome::Collapsed => add(&counts.hits, 1),
            Outcome::Miss(_) => add(&counts.misses, 1),
            Outcome::Stored(bytes) => {
                add(&counts.stored, 1);
                add(&counts.stored_bytes, u64::from(*bytes));
            }
            Outcome::Stale(_) => add(&counts.stale, 1),
            Outcome::NotStored(_)
            | Outcome::Unreadable(_)
            | Outcome::Outage(_)
            | Outcome::Refreshing
            | Outcome::TimedOut => {}
        }
    }
}

fn add(counter: &AtomicU64, by: u64) {
    counter.fetch_add(by, Ordering::Relaxed);
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use super::*;
    use crate::builder::Builder;
    use crate::in_process::InProcess;
    use crate::key::Key;
    use crate::policy::Policy;

    #[tokio::test]
    async fn lookups_are_counted_by_level() {
        let stats = Arc::new(Stats::default());
        let options = Builder::default().listener(stats.clone());
        let cache = options.open(Arc::new(InProcess::new()));
        let (key, policy) = (Key::named("test").build(), Policy::fresh_for(Duration::from_secs(1)));
        for _ in 0..3 {
            cache.get_or_set(&key, &policy, async || Ok::<_, ()>(7)).await.unwrap();
        }
        let queries = stats.of(Level::Query);
        assert_eq!(queries.misses.load(Ordering::Relaxed), 1);
        assert_eq!(queries.hits.load(Ordering::Relaxed), 2);
        assert_eq!(queries.stored.load(Ordering::Relaxed), 1);
        assert_eq!(stats.of(Level::Page).hits.load(Ordering::Relaxed), 0);
    }
}
