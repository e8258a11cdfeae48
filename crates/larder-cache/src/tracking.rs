//! Scopes: what a page, a fragment or a value depended on while it was made.
//!
//! - Whoever reads says so by [`record`]; nobody lists dependencies by hand.
//! - Scopes nest: what an inner one collected is handed outwards, value → fragment → page.
//! - One current is pinned for the whole of the outermost tracker, so that all look-ups of a request
//!   judge by the same moment.
//! - Whoever is made knows the key that it is made for, and what it cost: its queries are counted.
//! - What was served stale, by a policy that allows it, marks all that is made from it: none is kept.
//! - What was made without a part that took too long is not kept either.
//! - A tag recorded at two different stamps is *inconsistent*: what was made mixes two states and is not
//!   kept.

use std::sync::Arc;

use super::dependencies::{Dependencies, Note};
use super::key::Key;
use super::stamps::Stamps;
use super::sync::{Mutex, task_local};

/// The current and the dependencies of what is being made.
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

/// Runs `work` on behalf of somebody who goes by this number, which is noted in all that is made.
pub async fn on_behalf_of<T>(maker: u64, work: impl Future<Output = T>) -> T {
    MAKER.scope(maker, work).await
}

/// On whose behalf; 0 for nobody's.
pub(super) fn maker() -> u64 {
    MAKER.try_with(|maker| *maker).unwrap_or_default()
}

/// Runs `work`, pinned to `current`, and answers what it depended on.
///
/// # Cancellation
/// Dropping it drops `work`; the outer tracker then learns nothing, which is right: nothing was made.
pub async fn track<T>(current: Arc<Stamps>, work: impl Future<Output = T>) -> (T, Dependencies) {
    track_as(current_key(), current, work).await
}

/// [`track`], where all that happens in `work` is for `key`.
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

/// Says that what is being made depends on this. Outside of a tracker it says it to nobody.
pub fn record(dependencies: &Dependencies) {
    let _ = CURRENT.try_with(|tracker| tracker.collected.lock().unwrap().merge(dependencies));
}

/// Says something of a source of what is being made.
pub fn note(note: Note) {
    let mut dependencies = Dependencies::default();
    dependencies.add_note(note);
    record(&dependencies);
}

/// The current that the current tracker is pinned to.
pub fn pinned() -> Option<Arc<Stamps>> {
    CURRENT.try_with(|tracker| tracker.current.clone()).ok()
}

/// The key of what is being made here, if something is.
pub fn current_key() -> Option<Key> {
    CURRENT.try_with(|tracker| tracker.key.clone()).ok().flatten()
}

/// Whether somebody collects dependencies here, so that it is worth finding them out.
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
    async fn whoever_is_made_knows_its_key_and_its_queries_are_counted() {
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
    async fn a_tag_at_two_stamps_is_torn() {
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
    fn outside_of_a_scope_nothing_is_pinned_and_nothing_collected() {
        record(&on("tea", 1));
        assert!(pinned().is_none());
        assert!(!is_tracking());
    }
}
