//! Stamps kept by this process.

use std::collections::HashMap;
use std::sync::Arc;

use super::dependencies::Dependencies;
use super::stamps::{Current, Invalidation, StampSource, Stamps};
use super::sync::Mutex;
use super::tag::{Stamp, Tag};
use super::tracking;

/// Stamps kept by the process itself: for applications without a database, and for tests.
///
/// Correct for one process only: another one's writes are not seen.
#[derive(Debug)]
pub struct InProcess {
    current: Mutex<Arc<Stamps>>,
}

impl InProcess {
    /// Nothing has changed yet.
    pub fn new() -> Self {
        Self { current: Mutex::new(Arc::new(Stamps::new([]))) }
    }

    /// Says that what `tags` name has changed: every entry that depends on them is stale when
    /// this returns.
    pub fn bump(&self, tags: &[Tag]) {
        let mut current = self.current.lock().unwrap();
        let mut stamps: HashMap<Tag, Stamp> =
            current.stamps().map(|(tag, stamp)| (tag.clone(), stamp)).collect();
        for tag in tags.iter().chain([&Tag::ANY]) {
            let stamp = stamps.entry(tag.clone()).or_default();
            // One process, one history: the counter is all the nonce that is needed.
            *stamp = Stamp { count: stamp.count + 1, nonce: stamp.count + 1 };
        }
        *current = Arc::new(Stamps::new(stamps));
    }

    /// Says that what is being made reads what `tags` name. Call it before reading: a change in between
    /// is then noticed.
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
    fn bumping_a_tag_moves_it_and_any_and_nothing_else() {
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
