//! Scopes: what a page, a fragment or a value depended on while it was made.
//!
//! - Whoever reads says so by [`record`]; nobody lists dependencies by hand.
//! - Scopes nest: what an inner one collected is handed outwards, value → fragment → page.
//! - One view is pinned for the whole of the outermost scope, so that all look-ups of a request
//!   judge by the same moment.
//! - Whoever is made knows the key that it is made for, and what it cost: its queries are counted.
//! - What was served stale, by a policy that allows it, marks all that is made from it: none is kept.
//! - What was made without a part that took too long is not kept either.
//! - A tag recorded at two different stamps is *torn*: what was made mixes two states and is not
//!   kept.

use std::collections::HashMap;
use std::sync::Arc;

use tokio::time::Instant;

use super::event::{Note, Staleness};
use super::key::Key;
use super::sync::{Mutex, task_local};
use super::tag::{Stamp, Tag};
use super::view::View;

/// Up to so many tags are compared one by one, which is quicker than hashing them.
const FEW: usize = 32;

/// Tags with the stamps that they had before what depends on them was read.
#[derive(Debug, Clone, Default)]
pub struct Dependencies {
    stamps: Vec<(Tag, Stamp)>,
    /// Where there are more than [`FEW`]: the place of each, so that adding one takes as long as ever.
    places: HashMap<Tag, usize>,
    expires: Option<Instant>,
    torn: bool,
    stale: Option<Staleness>,
    note: Option<Note>,
    queries: u32,
}

impl Dependencies {
    /// On nothing but the generation of everything, as `view` saw it.
    pub fn on_everything(view: &View) -> Self {
        let mut dependencies = Self::default();
        dependencies.add(Tag::EVERYTHING, view.stamp(&Tag::EVERYTHING));
        dependencies
    }

    /// Also on `tag` at `stamp`.
    pub fn add(&mut self, tag: Tag, stamp: Stamp) {
        if !self.knows(&tag, stamp) {
            self.stamps.push((tag, stamp));
        }
    }

    /// Whether the tag is known; at another stamp, it is torn.
    fn knows(&mut self, tag: &Tag, stamp: Stamp) -> bool {
        let place = if self.stamps.len() > FEW {
            self.place_of(tag)
        } else {
            self.stamps.iter().position(|(known, _)| known == tag)
        };
        self.torn |= place.is_some_and(|place| self.stamps[place].1 != stamp);
        place.is_some()
    }

    fn place_of(&mut self, tag: &Tag) -> Option<usize> {
        for place in self.places.len()..self.stamps.len() {
            self.places.insert(self.stamps[place].0.clone(), place);
        }
        self.places.get(tag).copied()
    }

    /// The same, to which hardly anything will be added: without what makes adding quick.
    #[must_use]
    pub(super) fn settled(self) -> Self {
        Self { places: HashMap::new(), ..self }
    }

    /// Also on everything that `other` depends on; the earlier expiry wins.
    pub fn merge(&mut self, other: &Dependencies) {
        for (tag, stamp) in &other.stamps {
            if !self.knows(tag, *stamp) {
                self.stamps.push((tag.clone(), *stamp));
            }
        }
        self.torn |= other.torn;
        self.queries = self.queries.saturating_add(other.queries);
        self.stale = self.stale.or(other.stale);
        self.note = self.note.max(other.note);
        if let Some(expires) = other.expires {
            self.expires_by(expires);
        }
    }

    /// What was made may not be served after `moment`.
    pub fn expires_by(&mut self, moment: Instant) {
        self.expires = Some(self.expires.map_or(moment, |known| known.min(moment)));
    }

    /// The earliest moment at which a part of it expires.
    pub fn expires(&self) -> Option<Instant> {
        self.expires
    }

    /// What was made holds something known to be old, and may not be kept.
    pub fn mark_stale(&mut self, why: Staleness) {
        self.stale = Some(why);
    }

    /// Why it holds something known to be old, if it does.
    pub fn staleness(&self) -> Option<Staleness> {
        self.stale
    }

    /// What readers should know of its sources; the worst, if there are several.
    pub fn note(&self) -> Option<Note> {
        self.note
    }

    /// So many queries ran for it.
    pub fn asked(&mut self, queries: u32) {
        self.queries = self.queries.saturating_add(queries);
    }

    /// How many queries ran for it. What is made from a kept entry does not pay for that one again:
    /// [`super::entry::Entry::cost`] has them.
    pub fn queries(&self) -> u32 {
        self.queries
    }

    /// The same, which are then counted no more.
    pub(super) fn take_queries(&mut self) -> u32 {
        std::mem::take(&mut self.queries)
    }

    /// Whether it mixes two states of the data.
    pub fn is_torn(&self) -> bool {
        self.torn
    }

    /// The tags with their stamps, in the order in which they were read.
    pub fn stamps(&self) -> &[(Tag, Stamp)] {
        &self.stamps
    }

    /// The first tag whose stamp is not that of `view`, if there is one.
    pub fn first_moved(&self, view: &View) -> Option<&Tag> {
        let moved = |(tag, stamp): &&(Tag, Stamp)| view.stamp(tag) != *stamp;
        self.stamps.iter().find(moved).map(|(tag, _)| tag)
    }

    /// Whether what was made is at least as new as `view` in every tag.
    pub fn are_at_least(&self, view: &View) -> bool {
        self.stamps.iter().all(|(tag, stamp)| stamp.is_at_least(view.stamp(tag)))
    }
}

/// The view and the dependencies of what is being made.
#[derive(Debug)]
struct Scope {
    view: Arc<View>,
    key: Option<Key>,
    collected: Mutex<Dependencies>,
}

task_local! {
    static CURRENT: Arc<Scope>;
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

/// Runs `work`, pinned to `view`, and answers what it depended on.
///
/// # Cancellation
/// Dropping it drops `work`; the outer scope then learns nothing, which is right: nothing was made.
pub async fn collect<T>(view: Arc<View>, work: impl Future<Output = T>) -> (T, Dependencies) {
    collect_as(making(), view, work).await
}

/// [`collect`], where all that happens in `work` is for `key`.
pub(super) async fn collect_for<T>(
    key: &Key,
    view: Arc<View>,
    work: impl Future<Output = T>,
) -> (T, Dependencies) {
    collect_as(Some(key.clone()), view, work).await
}

async fn collect_as<T>(
    key: Option<Key>,
    view: Arc<View>,
    work: impl Future<Output = T>,
) -> (T, Dependencies) {
    let collected = Mutex::new(Dependencies::on_everything(&view));
    let scope = Arc::new(Scope { view, key, collected });
    let made = CURRENT.scope(scope.clone(), work).await;
    let dependencies = std::mem::take(&mut *scope.collected.lock().unwrap());
    record(&dependencies);
    (made, dependencies)
}

/// Says that what is being made depends on this. Outside of a scope it says it to nobody.
pub fn record(dependencies: &Dependencies) {
    let _ = CURRENT.try_with(|scope| scope.collected.lock().unwrap().merge(dependencies));
}

/// Says something of a source of what is being made.
pub fn note(note: Note) {
    let note = Some(note);
    record(&Dependencies { note, ..Dependencies::default() });
}

/// The view that the current scope is pinned to.
pub fn pinned() -> Option<Arc<View>> {
    CURRENT.try_with(|scope| scope.view.clone()).ok()
}

/// The key of what is being made here, if something is.
pub fn making() -> Option<Key> {
    CURRENT.try_with(|scope| scope.key.clone()).ok().flatten()
}

/// Whether somebody collects dependencies here, so that it is worth finding them out.
pub fn is_collecting() -> bool {
    CURRENT.try_with(|_| ()).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn on(tag: &'static str, count: i64) -> Dependencies {
        let mut dependencies = Dependencies::default();
        dependencies.add(Tag::named(tag), Stamp { count, nonce: count });
        dependencies
    }

    fn view() -> Arc<View> {
        Arc::new(View::new([]))
    }

    #[tokio::test]
    async fn dependencies_bubble_up_from_value_to_fragment_to_page() {
        let (_, page) = collect(view(), async {
            let (_, value) = collect(view(), async { record(&on("tea", 1)) }).await;
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
        assert_eq!(making(), None);
        let (_, page) = collect_for(&key("page"), view(), async {
            record(&asked(1));
            let (_, value) = collect_for(&key("value"), view(), async {
                assert_eq!(making(), Some(key("value")));
                collect(view(), async { assert_eq!(making(), Some(key("value"))) }).await;
                record(&asked(2));
            })
            .await;
            assert_eq!(value.queries(), 2);
            assert_eq!(making(), Some(key("page")));
        })
        .await;
        assert_eq!(page.queries(), 3);
    }

    #[tokio::test]
    async fn a_tag_at_two_stamps_is_torn() {
        let (_, page) = collect(view(), async {
            record(&on("tea", 1));
            record(&on("tea", 2));
        })
        .await;
        assert!(page.is_torn());
    }

    /// With a lookup that compares all tags one by one this test takes minutes.
    #[test]
    fn many_tags_are_told_apart_as_few_are() {
        let tag = |number: usize| Tag::from(format!("t{number}"));
        let stamp = Stamp { count: 1, nonce: 1 };
        let mut many = Dependencies::default();
        (0..100_000).chain(0..100_000).for_each(|number| many.add(tag(number), stamp));
        assert_eq!((many.stamps().len(), many.is_torn()), (100_000, false));
        let mut both = many.clone().settled();
        both.merge(&many);
        assert_eq!((both.stamps().len(), both.is_torn()), (100_000, false));
        both.add(tag(99_999), Stamp { count: 2, nonce: 2 });
        assert!(both.is_torn());
    }

    #[tokio::test]
    async fn an_outer_lifetime_ends_with_the_inner_one() {
        let soon = Instant::now();
        let (_, page) = collect(view(), async {
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
        assert!(!is_collecting());
    }
}
