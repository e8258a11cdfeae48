//! Entries: immutable facts, "this key was this, at these stamps".
//!
//! - An entry is served only while its stamps equal the current's and its lifetime lasts.
//! - An entry found valid remembers the current's id, so that the next look-up under the same current is
//!   one comparison.
//! - An entry of a key that was deleted since its load began is not there ([`super::removal`]).
//! - An entry knows what it cost to make, so that a hit can say what it saved, and how often it was one.
//! - Values, fragments and pages are all entries; they differ in what the body is.

use std::any::Any;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::time::Instant;

use super::dependencies::Dependencies;
use super::level::Level;
use super::policy::Policy;
use super::removal::{Epoch, Removal};
use super::stamps::Stamps;
use super::sync::AtomicU64;
use super::tag::{Stamp, Tag};

/// What can be the body of an entry: owned, known to serde, fit for other threads. Nothing needs to be
/// implemented.
pub trait Body: Serialize + DeserializeOwned + Any + Send + Sync {}

impl<T: Serialize + DeserializeOwned + Any + Send + Sync> Body for T {}

/// What it took to make something.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Cost {
    /// Queries that ran for it, and for all that was made for it.
    pub queries: u32,
    /// How long it took.
    pub took: Duration,
    /// On whose behalf: a number that only the process knows which made it
    /// ([`super::tracking::on_behalf_of`]); 0 where nobody said.
    pub by: u64,
}

/// What is kept under a key.
#[derive(Debug)]
pub struct Entry {
    level: Level,
    body: Arc<dyn Any + Send + Sync>,
    dependencies: Dependencies,
    epoch: Epoch,
    born: Instant,
    expires: Instant,
    size: u32,
    cost: Cost,
    holds_nothing: bool,
    /// The id of the last current under which it was found valid; 0 for none.
    seen: AtomicU64,
    hits: AtomicU64,
    /// Up to which age nothing is made in its place, in milliseconds: the last try has failed.
    paused: AtomicU64,
}

/// Whether an entry may be served.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Validity {
    /// It may.
    Fresh,
    /// Its lifetime is over.
    Expired,
    /// Its key was deleted since its load began: it must not be used in any way.
    Deleted,
    /// What it was made from has changed: the first tag that says so.
    Invalidated(Tag),
}

impl Entry {
    /// A fact made now; `size` in bytes, for bounding memory.
    ///
    /// It lives as long as `policy` says, or less if a part of it does.
    pub fn new<T: Any + Send + Sync>(
        level: Level,
        body: Arc<T>,
        dependencies: Dependencies,
        policy: &Policy,
        size: usize,
    ) -> Self {
        let born = Instant::now();
        let lifetime = born + policy.lifetime();
        let expires = dependencies.expires().map_or(lifetime, |part| part.min(lifetime));
        Self::restored(level, body, dependencies, born, expires, size)
    }

    /// A fact that was made before, perhaps by another instance.
    pub(super) fn restored<T: Any + Send + Sync>(
        level: Level,
        body: Arc<T>,
        mut dependencies: Dependencies,
        born: Instant,
        expires: Instant,
        size: usize,
    ) -> Self {
        dependencies.expires_by(expires);
        let size = u32::try_from(size).unwrap_or(u32::MAX);
        // Who uses the entry depends on what it depends on, but does not ask again.
        let cost = Cost { queries: dependencies.take_queries(), ..Cost::default() };
        let [seen, hits, paused] = [0; 3].map(AtomicU64::new);
        let (holds_nothing, epoch) = (false, Epoch::default());
        let dependencies = dependencies.settled();
        Self {
            level,
            body,
            dependencies,
            epoch,
            born,
            expires,
            size,
            cost,
            holds_nothing,
            seen,
            hits,
            paused,
        }
    }

    /// The same, whose load began in this epoch of its key.
    #[must_use]
    pub(super) fn since(mut self, epoch: Epoch) -> Self {
        self.epoch = epoch;
        self
    }

    /// The same, which took so long to make, on this behalf.
    #[must_use]
    pub(super) fn built_in(mut self, took: Duration, by: u64) -> Self {
        self.cost = Cost { took, by, ..self.cost };
        self
    }

    /// The same, whose body says that there is nothing, or not.
    #[must_use]
    pub(super) fn holding_nothing(mut self, holds_nothing: bool) -> Self {
        self.holds_nothing = holds_nothing;
        self
    }

    /// The same, whose lifetime is over now.
    #[must_use]
    pub(super) fn ended(&self) -> Self {
        Self {
            body: self.body.clone(),
            dependencies: self.dependencies.clone(),
            expires: self.expires.min(Instant::now()),
            seen: AtomicU64::new(0),
            hits: AtomicU64::new(self.hits()),
            paused: AtomicU64::new(0),
            ..*self
        }
    }

    /// Whether it may be served to somebody who judges by `current`.
    pub fn validate(&self, current: &Stamps) -> Validity {
        if self.seen.load(Ordering::Relaxed) != current.id() {
            let now = self.epoch.now(current.epochs());
            if self.epoch.is_deleted_in(now) {
                return Validity::Deleted;
            }
            if !self.epoch.has_same_deletions(now) {
                // The reader's current is older than the entry, or of another history.
                return Validity::Invalidated(Removal::Deleted.of_all());
            }
            if let Some(tag) = self.dependencies.first_changed(current) {
                return Validity::Invalidated(tag.clone());
            }
            if self.epoch != now {
                return Validity::Expired;
            }
            self.seen.store(current.id(), Ordering::Relaxed);
        }
        if self.expires <= Instant::now() { Validity::Expired } else { Validity::Fresh }
    }

    /// Returns the level of caching to which it belongs.
    pub fn level(&self) -> Level {
        self.level
    }

    /// The body, if it is a `T`.
    pub fn body<T: Any + Send + Sync>(&self) -> Option<Arc<T>> {
        self.body.clone().downcast().ok()
    }

    /// What it depends on, including its own end, for whatever is made from it.
    pub fn dependencies(&self) -> &Dependencies {
        &self.dependencies
    }

    /// Whether it is at least as new as `current`, so that a waiter with that current may take it.
    pub fn is_at_least(&self, current: &Stamps) -> bool {
        self.epoch.is_at_least(self.epoch.now(current.epochs()))
            && self.dependencies.are_at_least(current)
    }

    /// Whether it was made for callers who came after a deletion, while the load of `other` was under way
    /// that had begun before. By time, too: after a backup was restored its epoch says nothing.
    pub(super) fn supersedes(&self, other: &Self) -> bool {
        !other.epoch.is_at_least(self.epoch) && self.born + other.cost.took > other.born
    }

    /// The epoch of its key in which its load began.
    pub(super) fn epoch(&self) -> Epoch {
        self.epoch
    }

    /// What it took to make it.
    pub fn cost(&self) -> Cost {
        self.cost
    }

    /// Notes that a look-up was answered with it.
    pub(super) fn count_hit(&self) {
        self.hits.fetch_add(1, Ordering::Relaxed);
    }

    /// How many look-ups were answered with it from the memory of this process; counted where somebody
    /// listens to the cache.
    pub fn hits(&self) -> u64 {
        self.hits.load(Ordering::Relaxed)
    }

    /// Whether what it says is that there is nothing: `None`.
    pub fn holds_nothing(&self) -> bool {
        self.holds_nothing
    }

    /// Time since it was made.
    pub fn age(&self) -> Duration {
        self.born.elapsed()
    }

    /// Whether its lifetime ended less than `grace` ago, or has not ended yet.
    pub(super) fn is_useful(&self, grace: Duration) -> bool {
        !grace.is_zero() && Instant::now() < self.expires + grace
    }

    /// Notes that nothing new could be made in its place, and is not to be tried for so long.
    pub(super) fn pause(&self, time: Duration) {
        let until = self.age().saturating_add(time).as_millis();
        self.paused.store(u64::try_from(until).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    /// Whether nothing is to be made in its place yet.
    pub(super) fn is_paused(&self) -> bool {
        self.age() < Duration::from_millis(self.paused.load(Ordering::Relaxed))
    }

    /// The tags with the stamps they had.
    pub fn stamps(&self) -> &[(Tag, Stamp)] {
        self.dependencies.stamps()
    }

    /// Time for which it may still be served, if nothing changes.
    pub fn remaining(&self) -> Duration {
        self.expires.saturating_duration_since(Instant::now())
    }

    /// The tags it depends on.
    pub fn tags(&self) -> impl Iterator<Item = &Tag> {
        self.dependencies.stamps().iter().map(|(tag, _)| tag)
    }

    /// Bytes it takes, about.
    pub fn size(&self) -> u32 {
        self.size
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::in_process::InProcess;
    use crate::stamps::{Current, StampSource};

    const TEA: Tag = Tag::named("tea");
    const MINUTE: Policy = Policy::fresh_for(Duration::from_secs(60));

    fn current(versions: &InProcess) -> Arc<Stamps> {
        let Current::Ready(Ok(current)) = versions.current() else {
            panic!("in process is at once")
        };
        current
    }

    fn entry(current: &Stamps) -> Entry {
        let mut dependencies = Dependencies::on_everything(current);
        dependencies.add(TEA, current.stamp(&TEA));
        Entry::new(Level::Query, Arc::new(1), dependencies, &MINUTE, 1)
    }

    #[test]
    fn an_entry_is_served_while_its_stamps_equal_the_views() {
        let versions = InProcess::new();
        let entry = entry(&current(&versions));
        assert_eq!(entry.validate(&current(&versions)), Validity::Fresh);
        versions.bump(&[Tag::named("milk")]);
        assert_eq!(entry.validate(&current(&versions)), Validity::Fresh);
        versions.bump(&[TEA]);
        assert_eq!(entry.validate(&current(&versions)), Validity::Invalidated(TEA));
    }

    #[test]
    fn an_entry_seen_valid_is_judged_anew_by_an_older_view() {
        let versions = InProcess::new();
        let old = current(&versions);
        versions.bump(&[TEA]);
        let new = current(&versions);
        let entry = entry(&new);
        assert_eq!(entry.validate(&new), Validity::Fresh);
        assert_eq!(entry.validate(&old), Validity::Invalidated(TEA));
    }

    #[test]
    fn the_generation_is_a_dependency_that_nobody_names() {
        let versions = InProcess::new();
        let entry = entry(&current(&versions));
        versions.bump(&[Tag::EVERYTHING]);
        assert_eq!(entry.validate(&current(&versions)), Validity::Invalidated(Tag::EVERYTHING));
    }

    #[tokio::test(start_paused = true)]
    async fn an_entry_is_gone_when_its_lifetime_is_over() {
        let versions = InProcess::new();
        let entry = entry(&current(&versions));
        tokio::time::advance(Duration::from_secs(59)).await;
        assert_eq!(entry.validate(&current(&versions)), Validity::Fresh);
        tokio::time::advance(Duration::from_secs(1)).await;
        assert_eq!(entry.validate(&current(&versions)), Validity::Expired);
    }
}
