//! Dependency tracking: what a page, fragment or value depends on while it is built.
//!
//! - A reader of data calls [`record`]; no list of dependencies is kept by hand.
//! - Trackers nest: an inner one hands its dependencies outwards, from value to fragment to page.
//! - The outermost tracker pins the stamps, so that all lookups of a request are validated at the
//!   same moment.
//! - A tracker knows the key that is being built, and counts the queries that it costs.
//! - A result that contains a stale part, as a policy allows, is marked and not stored. Neither is
//!   a result that was built without a part that took too long.
//! - A tag recorded at two different stamps makes the result *inconsistent*: it mixes two states of
//!   the data and is not stored.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

pub use super::dependencies::Dependencies;
use super::dependencies::Note;
use super::key::Key;
use super::stamps::Stamps;
use super::sync::{Mutex, task_local};

/// The pinned stamps and the dependencies of one build.
#[derive(Debug)]
struct Tracker {
    current: Arc<Stamps>,
    key: Option<Key>,
    collected: Mutex<Dependencies>,
}

task_local! {
    static CURRENT: Arc<Tracker>;
}

task_local! {
    static MAKER: u64;
}

/// Runs `work` on behalf of a request of this number, which is noted in all that it builds.
pub async fn on_behalf_of<T>(maker: u64, work: impl Future<Output = T>) -> T {
    MAKER.scope(maker, work).await
}

/// Returns the number of the request on whose behalf this runs; 0 for none.
pub(super) fn maker() -> u64 {
    MAKER.try_with(|maker| *maker).unwrap_or_default()
}

/// Runs `work` on behalf of the same request as this task, for a load in a task of its own.
pub(super) fn carried_on<W: Future>(work: W) -> impl Future<Output = W::Output> + use<W> {
    MAKER.scope(maker(), work)
}

task_local! {
    static REBUILDING: Instant;
}

/// Runs `work`, in which no entry is served that was built before: each is loaded or built anew, and stored.
///
/// What a task of its own loads meanwhile is not affected.
pub async fn rebuilding<T>(work: impl Future<Output = T>) -> T {
    REBUILDING.scope(Instant::now(), work).await
}

/// Returns how long entries have been rebuilt here; `None` if they are not.
pub(super) fn rebuilding_for() -> Option<Duration> {
    REBUILDING.try_with(|since| since.elapsed()).ok()
}

/// Runs `work` with pinned stamps, and returns its result and dependencies.
///
/// # Cancellation
/// Dropping the future drops `work`. The outer tracker then records nothing, since nothing was
/// built.
pub async fn track<T>(current: Arc<Stamps>, work: impl Future<Output = T>) -> (T, Dependencies) {
    track_as(current_key(), current, work).await
}

/// Does the same as [`track`] for a build of `key`.
pub(super) async fn track_for<T>(
    key: &Key,
    current: Arc<Stamps>,
    work: impl Future<Output = T>,
) -> (T, Dependencies) {
    track_as(Some(key.clone()), current, work).await
}

async fn track_as<T>(
    key: Option<Key>,
    current: Arc<Stamps>,
    work: impl Future<Output = T>,
) -> (T, Dependencies) {
    let collected = Mutex::new(Dependencies::on_everything(&current));
    let tracker = Arc::new(Tracker { current, key, collected });
    let made = CURRENT.scope(tracker.clone(), work).await;
    let dependencies = std::mem::take(&mut *tracker.collected.lock().unwrap());
    record(&dependencies);
    (made, dependencies)
}

/// Adds dependencies to the current build; without a tracker it does nothing.
///
/// ```
/// use larder_cache::tracking::{self, Dependencies};
/// use larder_cache::{Stamp, Tag};
///
/// // In an adapter of a database, before it reads the rows:
/// let mut dependencies = Dependencies::default();
/// dependencies.add(Tag::named("posts"), Stamp { count: 3, nonce: 99 });
/// tracking::record(&dependencies);
/// ```
pub fn record(dependencies: &Dependencies) {
    let _ = CURRENT.try_with(|tracker| tracker.collected.lock().unwrap().merge(dependencies));
}

/// Returns `work` for another thread: what it records there belongs to the build that this is called in.
///
/// ```
/// use larder_cache::tracking;
///
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let read = || 42; // which records what it reads
/// let answer = tokio::task::spawn_blocking(tracking::carried(read)).await;
/// # assert_eq!(answer.unwrap(), 42);
/// # });
/// ```
pub fn carried<T>(work: impl FnOnce() -> T) -> impl FnOnce() -> T {
    let tracker = CURRENT.try_with(Arc::clone).ok();
    move || match tracker {
        Some(tracker) => CURRENT.sync_scope(tracker, work),
        None => work(),
    }
}

/// Adds a note to the current build.
pub(crate) fn note(note: Note) {
    let mut dependencies = Dependencies::default();
    dependencies.add_note(note);
    record(&dependencies);
}

/// Returns the stamps that the current tracker pins.
pub(crate) fn pinned() -> Option<Arc<Stamps>> {
    CURRENT.try_with(|tracker| tracker.current.clone()).ok()
}

/// Returns the key that is being built here, if there is one.
pub fn current_key() -> Option<Key> {
    CURRENT.try_with(|tracker| tracker.key.clone()).ok().flatten()
}

/// Reports whether dependencies are tracked here, so that it is worth finding them out.
pub fn is_tracking() -> bool {
    CURRENT.try_with(|_| ()).is_ok()
}

#[cfg(test)]
mod tests {
    use tokio::time::Instant;

    use super::*;
    use crate::tag::{Stamp, Tag};

    fn on(tag: &'static str, count: i64) -> Dependencies {
        let mut dependencies = Dependencies::default();
        dependencies.add(Tag::named(tag), Stamp { count, nonce: count });
        dependencies
    }

    fn current() -> Arc<Stamps> {
        Arc::new(Stamps::new([]))
    }

    #[tokio::test]
    async fn dependencies_bubble_up_from_value_to_fragment_to_page() {
        let (_, page) = track(current(), async {
            let (_, value) = track(current(), async { record(&on("tea", 1)) }).await;
            assert_eq!(value.stamps().len(), 2, "the generation and tea");
            record(&on("milk", 1));
        })
        .await;
        let tags: Vec<_> = page.stamps().iter().map(|(tag, _)| tag.as_str()).collect();
        assert_eq!(tags, ["!", "tea", "milk"]);
    }

    #[tokio::test]
    async fn a_build_knows_its_key_and_its_queries_are_counted() {
        let key = |name| Key::named(name).build();
        let asked = |queries| {
            let mut dependencies = Dependencies::default();
            dependencies.asked(queries);
            dependencies
        };
        assert_eq!(current_key(), None);
        let (_, page) = track_for(&key("page"), current(), async {
            record(&asked(1));
            let (_, value) = track_for(&key("value"), current(), async {
                assert_eq!(current_key(), Some(key("value")));
                track(current(), async { assert_eq!(current_key(), Some(key("value"))) }).await;
                record(&asked(2));
            })
            .await;
            assert_eq!(value.queries(), 2);
            assert_eq!(current_key(), Some(key("page")));
        })
        .await;
        assert_eq!(page.queries(), 3);
    }

    #[tokio::test]
    async fn what_a_carried_thread_records_belongs_to_the_build() {
        let (_, page) = track(current(), async {
            let work = || record(&on("tea", 1));
            tokio::task::spawn_blocking(carried(work)).await.unwrap();
            tokio::task::spawn_blocking(|| record(&on("milk", 1))).await.unwrap();
        })
        .await;
        let tags: Vec<_> = page.stamps().iter().map(|(tag, _)| tag.as_str()).collect();
        assert_eq!(tags, ["!", "tea"]);
    }

    #[tokio::test]
    async fn a_tag_at_two_stamps_is_inconsistent() {
        let (_, page) = track(current(), async {
            record(&on("tea", 1));
            record(&on("tea", 2));
        })
        .await;
        assert!(page.is_inconsistent());
    }

    #[tokio::test]
    async fn an_outer_lifetime_ends_with_the_inner_one() {
        let soon = Instant::now();
        let (_, page) = track(current(), async {
            let mut part = on("tea", 1);
            part.expires_by(soon);
            record(&part);
        })
        .await;
        assert_eq!(page.expires(), Some(soon));
    }

    #[test]
    fn outside_of_tracking_nothing_is_pinned_or_recorded() {
        record(&on("tea", 1));
        assert!(pinned().is_none());
        assert!(!is_tracking());
    }
}
