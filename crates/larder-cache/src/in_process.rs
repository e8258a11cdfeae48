//! A stamp source in the memory of this process.

use std::collections::HashMap;
use std::sync::Arc;

use super::dependencies::Dependencies;
use super::stamps::{Current, Invalidation, StampSource, Stamps};
use super::sync::Mutex;
use super::tag::{Stamp, Tag};
use super::tracking;

/// Stamps in memory, for applications without a database and for tests.
///
/// They are correct for one process only: writes of another process are not seen.
#[derive(Debug)]
pub struct InProcess {
    current: Mutex<Arc<Stamps>>,
}

impl InProcess {
    /// Creates a source in which nothing has changed yet.
    pub fn new() -> Self {
        Self { current: Mutex::new(Arc::new(Stamps::new([]))) }
    }

    /// Invalidates `tags`: when this returns, every entry that depends on one of them is stale.
    pub fn bump(&self, tags: &[Tag]) {
        let mut current = self.current.lock().unwrap();
        let mut stamps: HashMap<Tag, Stamp> =
            current.stamps().map(|(tag, stamp)| (tag.clone(), stamp)).collect();
        for tag in tags.iter().chain([&Tag::ANY]) {
            let stamp = stamps.entry(tag.clone()).or_default();
            // One process has one history, so the counter serves as the nonce.
            *stamp = Stamp { count: stamp.count + 1, nonce: stamp.count + 1 };
        }
        *current = Arc::new(Stamps::new(stamps));
    }

    /// Records that the current build reads the data of `tags`.
    ///
    /// Call it before reading, so that a change in between is noticed.
    pub fn reads(&self, tags: &[Tag]) {
        let current = self.current.lock().unwrap().clone();
        let mut dependencies = Dependencies::default();
        for tag in tags {
            dependencies.add(tag.clone(), current.stamp(tag));
        }
        tracking::record(&dependencies);
    }
}

impl Default for InProcess {
    fn default() -> Self {
        Self::new()
    }
}

impl StampSource for InProcess {
    fn current(&self) -> Current {
        Current::Ready(Ok(self.current.lock().unwrap().clone()))
    }

    fn invalidate(&self, tags: Vec<Tag>) -> Invalidation<'_> {
        self.bump(&tags);
        Box::pin(std::future::ready(Ok(())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bumping_a_tag_changes_it_and_any_and_nothing_else() {
        let versions = InProcess::new();
        versions.bump(&[Tag::named("tea")]);
        let Current::Ready(Ok(current)) = versions.current() else {
            panic!("in process is at once")
        };
        assert_eq!(current.stamp(&Tag::named("tea")).count, 1);
        assert_eq!(current.stamp(&Tag::ANY).count, 1);
        assert_eq!(current.stamp(&Tag::named("milk")), Stamp::NONE);
    }
}
