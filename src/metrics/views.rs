//! Records the time of the last successful freshness check.
//!
//! - Stamps that are returned were just read or found unchanged: their age is the time since then.
//! - While the stamps are unavailable the age keeps growing, and the failures are counted.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::cache::Tag;
use crate::cache::stamps::{Current, Invalidation, StampSource, StampsResult};

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
pub struct Views {
    began: Instant,
    seen: Sharded<Seen>,
}

impl Default for Views {
    fn default() -> Self {
        Self { began: Instant::now(), seen: Sharded::default() }
    }
}

impl Views {
    /// Returns how many freshness checks succeeded, and how many failed.
    pub fn questions(&self) -> (u64, u64) {
        let answered = self.seen.sum(|seen| seen.answered.read());
        (answered, self.seen.sum(|seen| seen.unavailable.read()))
    }

    /// Returns the time since the last success; `None` before the first.
    pub fn age(&self) -> Option<Duration> {
        let last = self.seen.all().map(|seen| seen.last.load(Ordering::Relaxed)).max();
        let last = last.filter(|last| *last > 0).map(Duration::from_nanos)?;
        Some(self.began.elapsed().saturating_sub(last))
    }

    fn notice(&self, current: &StampsResult) {
        let seen = self.seen.mine();
        if current.is_err() {
            seen.unavailable.count();
            return;
        }
        seen.answered.count();
        let now = u64::try_from(self.began.elapsed().as_nanos()).unwrap_or(u64::MAX).max(1);
        seen.last.store(now, Ordering::Relaxed);
    }
}

/// A source of stamps whose answers are counted.
pub struct Watched {
    versions: Arc<dyn StampSource>,
    views: Arc<Views>,
}

impl Watched {
    /// Wraps `versions`.
    pub fn new(versions: Arc<dyn StampSource>, views: Arc<Views>) -> Self {
        Self { versions, views }
    }
}

impl StampSource for Watched {
    fn current(&self) -> Current {
        match self.versions.current() {
            Current::Ready(current) => {
                self.views.notice(&current);
                Current::Ready(current)
            }
            Current::Pending(current) => {
                let views = self.views.clone();
                Current::Pending(Box::pin(async move {
                    let current = current.await;
                    views.notice(&current);
                    current
                }))
            }
        }
    }

    fn is_shared(&self) -> bool {
        self.versions.is_shared()
    }

    fn invalidate(&self, tags: Vec<Tag>) -> Invalidation<'_> {
        self.versions.invalidate(tags)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cache::InProcess;
    use crate::cache::stamps::StampsUnavailable;

    /// A source that answers late, and with an error.
    struct Unavailable;

    impl StampSource for Unavailable {
        fn current(&self) -> Current {
            Current::Pending(Box::pin(async { Err(StampsUnavailable("no stamps".into())) }))
        }

        fn is_shared(&self) -> bool {
            true
        }
    }

    #[tokio::test]
    async fn a_view_that_is_handed_out_is_of_now() {
        let views = Arc::new(Views::default());
        assert_eq!(views.age(), None);
        let watched = Watched::new(Arc::new(InProcess::new()), views.clone());
        watched.current().get().await.unwrap();
        let since_the_beginning = views.began.elapsed();
        assert!(views.age().unwrap() < since_the_beginning);
        assert_eq!(views.questions(), (1, 0));
    }

    #[tokio::test]
    async fn a_failed_check_sets_no_age() {
        let views = Arc::new(Views::default());
        Watched::new(Arc::new(Unavailable), views.clone()).current().get().await.unwrap_err();
        assert_eq!((views.age(), views.questions()), (None, (0, 1)));
    }
}
