//! Stamps kept by this process.

use std::collections::HashMap;
use std::sync::Arc;

use super::dependencies::Dependencies;
use super::scope;
use super::sync::Mutex;
use super::tag::{Stamp, Tag};
use super::view::{Fresh, Invalidation, Versions, View};

/// Stamps kept by the process itself: for applications without a database, and for tests.
///
/// Correct for one process only: another one's writes are not seen.
#[derive(Debug)]
pub struct InProcess {
    view: Mutex<Arc<View>>,
}

impl InProcess {
    /// Nothing has changed yet.
    pub fn new() -> Self {
        Self { view: Mutex::new(Arc::new(View::new([]))) }
    }

    /// Says that what `tags` name has changed: every entry that depends on them is stale when
    /// this returns.
    pub fn bump(&self, tags: &[Tag]) {
        let mut view = self.view.lock().unwrap();
        let mut stamps: HashMap<Tag, Stamp> =
            view.stamps().map(|(tag, stamp)| (tag.clone(), stamp)).collect();
        for tag in tags.iter().chain([&Tag::ANY]) {
            let stamp = stamps.entry(tag.clone()).or_default();
            // One process, one history: the counter is all the nonce that is needed.
            *stamp = Stamp { count: stamp.count + 1, nonce: stamp.count + 1 };
        }
        *view = Arc::new(View::new(stamps));
    }

    /// Says that what is being made reads what `tags` name. Call it before reading: a change in between
    /// is then noticed.
    pub fn reads(&self, tags: &[Tag]) {
        let view = self.view.lock().unwrap().clone();
        let mut dependencies = Dependencies::default();
        for tag in tags {
            dependencies.add(tag.clone(), view.stamp(tag));
        }
        scope::record(&dependencies);
    }
}

impl Default for InProcess {
    fn default() -> Self {
        Self::new()
    }
}

impl Versions for InProcess {
    fn fresh(&self) -> Fresh {
        Fresh::Now(Ok(self.view.lock().unwrap().clone()))
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
        let Fresh::Now(Ok(view)) = versions.fresh() else { panic!("in process is at once") };
        assert_eq!(view.stamp(&Tag::named("tea")).count, 1);
        assert_eq!(view.stamp(&Tag::ANY).count, 1);
        assert_eq!(view.stamp(&Tag::named("milk")), Stamp::NONE);
    }
}
