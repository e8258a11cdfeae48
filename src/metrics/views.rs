//! When somebody last vouched for what is cached.
//!
//! - A view that is handed out has just been read or found unchanged: its age is the time since then.
//! - Where nobody vouches the age goes on growing, and the failure is counted.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::cache::tag::Tag;
use crate::cache::view::{Fresh, FreshView, Invalidation, Versions};

use super::tally::{Counter, Sharded};

/// Views that were handed out to the threads of one shard.
#[derive(Debug, Default)]
struct Seen {
    vouched: Counter,
    unvouched: Counter,
    /// When the last good one was, in nanoseconds since the counting began; 0 for never.
    last: AtomicU64,
}

/// What was noticed of the views.
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
    /// How many questions for a view were answered with one, and how many without.
    pub fn questions(&self) -> (u64, u64) {
        let vouched = self.seen.sum(|seen| seen.vouched.read());
        (vouched, self.seen.sum(|seen| seen.unvouched.read()))
    }

    /// The time since the last good one; none if there was none yet.
    pub fn age(&self) -> Option<Duration> {
        let last = self.seen.all().map(|seen| seen.last.load(Ordering::Relaxed)).max();
        let last = last.filter(|last| *last > 0).map(Duration::from_nanos)?;
        Some(self.began.elapsed().saturating_sub(last))
    }

    fn notice(&self, view: &FreshView) {
        let seen = self.seen.mine();
        if view.is_err() {
            seen.unvouched.count();
            return;
        }
        seen.vouched.count();
        let now = u64::try_from(self.began.elapsed().as_nanos()).unwrap_or(u64::MAX).max(1);
        seen.last.store(now, Ordering::Relaxed);
    }
}

/// Hands on the views of others, and notices them.
pub struct Watched {
    versions: Arc<dyn Versions>,
    views: Arc<Views>,
}

impl Watched {
    /// Around `versions`.
    pub fn new(versions: Arc<dyn Versions>, views: Arc<Views>) -> Self {
        Self { versions, views }
    }
}

impl Versions for Watched {
    fn fresh(&self) -> Fresh {
        match self.versions.fresh() {
            Fresh::Now(view) => {
                self.views.notice(&view);
                Fresh::Now(view)
            }
            Fresh::Soon(view) => {
                let views = self.views.clone();
                Fresh::Soon(Box::pin(async move {
                    let view = view.await;
                    views.notice(&view);
                    view
                }))
            }
        }
    }

    fn invalidate(&self, tags: Vec<Tag>) -> Invalidation<'_> {
        self.versions.invalidate(tags)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cache::view::{InProcess, Unvouched};

    /// Answers late, that nobody vouches.
    struct Nobody;

    impl Versions for Nobody {
        fn fresh(&self) -> Fresh {
            Fresh::Soon(Box::pin(async { Err(Unvouched("nobody knows".into())) }))
        }
    }

    #[tokio::test]
    async fn a_view_that_is_handed_out_is_of_now() {
        let views = Arc::new(Views::default());
        assert_eq!(views.age(), None);
        let watched = Watched::new(Arc::new(InProcess::new()), views.clone());
        watched.fresh().get().await.unwrap();
        let since_the_beginning = views.began.elapsed();
        assert!(views.age().unwrap() < since_the_beginning);
        assert_eq!(views.questions(), (1, 0));
    }

    #[tokio::test]
    async fn where_nobody_vouches_there_is_no_new_age() {
        let views = Arc::new(Views::default());
        Watched::new(Arc::new(Nobody), views.clone()).fresh().get().await.unwrap_err();
        assert_eq!((views.age(), views.questions()), (None, (0, 1)));
    }
}
