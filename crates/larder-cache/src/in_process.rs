//! A stamp source in the memory of this process.

use std::sync::Arc;

use super::dependencies::Dependencies;
use super::random;
use super::stamps::{Current, Invalidation, StampSource, Stamps};
use super::sync::Mutex;
use super::tag::{Stamp, Tag};
use super::tracking;

/// Stamps in memory, for applications without a database and for tests.
///
/// They are correct for one process only: writes of another process are not seen. So they carry a
/// nonce of their own, and what was built under another process's stamps, such as those of this
/// program before its restart, is stale.
///
/// ```
/// # use std::sync::Arc;
/// # use larder_cache::{Builder, InProcess, Tag};
/// const TEAS: Tag = Tag::named("teas");
///
/// let stamps = Arc::new(InProcess::new());
/// let cache = Builder::default().open(stamps.clone());
/// // In a load, before the data is read:
/// stamps.reads(&[TEAS]);
/// // After a write:
/// stamps.bump(&[TEAS]);
/// ```
#[derive(Debug)]
pub struct InProcess {
    current: Mutex<Arc<Stamps>>,
    nonce: i64,
}

impl InProcess {
    /// Creates a source in which nothing has changed yet.
    pub fn new() -> Self {
        let nonce = random::u64().cast_signed();
        // Every entry depends on this tag, so that no entry of another process is fresh here.
        let everything = (Tag::EVERYTHING, Stamp { count: 0, nonce });
        Self { current: Mutex::new(Arc::new(Stamps::new([everything]))), nonce }
    }

    /// Invalidates `tags`: when this returns, every entry that depends on one of them is stale.
    pub fn bump(&self, tags: &[Tag]) {
        let mut current = self.current.lock().unwrap();
        let changed = tags.iter().cloned().chain([Tag::ANY]).map(|tag| {
            let count = current.stamp(&tag).count + 1;
            (tag, Stamp { count, nonce: self.nonce })
        });
        *current = Arc::new(current.with(changed));
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

    fn is_shared(&self) -> bool {
        false
    }

    fn invalidate(&self, tags: Vec<Tag>) -> Invalidation<'_> {
        self.bump(&tags);
        Box::pin(std::future::ready(Ok(())))
    }
}

/// Stands for stamps that several processes see: its instances are in one process.
#[cfg(test)]
pub(super) struct Common(pub(super) Arc<InProcess>);

#[cfg(test)]
impl StampSource for Common {
    fn current(&self) -> Current {
        self.0.current()
    }

    fn is_shared(&self) -> bool {
        true
    }

    fn invalidate(&self, tags: Vec<Tag>) -> Invalidation<'_> {
        self.0.invalidate(tags)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_processes_have_no_equal_stamps_of_what_every_entry_depends_on() {
        let [one, other] = [InProcess::new(), InProcess::new()].map(|stamps| {
            let Current::Ready(Ok(before)) = stamps.current() else { panic!("it is at once") };
            stamps.bump(&[Tag::named("tea"), Tag::EVERYTHING]);
            let Current::Ready(Ok(after)) = stamps.current() else { panic!("it is at once") };
            [
                before.stamp(&Tag::EVERYTHING),
                after.stamp(&Tag::EVERYTHING),
                after.stamp(&Tag::named("tea")),
            ]
        });
        for (one, other) in one.iter().zip(&other) {
            assert_ne!(one, other);
        }
    }

    #[tokio::test]
    async fn a_change_that_overtakes_a_load_makes_its_result_stale() {
        let cache = crate::Cache::in_memory();
        let (key, tea) = (crate::Key::named("tea").build(), [Tag::named("tea")]);
        let minute = crate::Policy::fresh_for(std::time::Duration::from_secs(60));
        let get = async |value: u32| {
            let load = async || {
                cache.reads(&tea);
                if value == 1 {
                    cache.changed(&tea).await.unwrap();
                }
                value
            };
            *cache.get_or_load(&key, &minute, load).await
        };
        assert_eq!([get(1).await, get(2).await, get(3).await], [1, 2, 2]);
        cache.changed(&[Tag::named("milk")]).await.unwrap();
        assert_eq!(get(4).await, 2);
        cache.changed(&tea).await.unwrap();
        assert_eq!(get(5).await, 5);
    }

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
