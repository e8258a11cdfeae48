//! Entries: immutable bodies with the stamps of the data that they were built from.
//!
//! - An entry is served only while its stamps equal the current ones and its lifetime lasts.
//! - A valid entry remembers the id of the stamps, so that the next lookup at the same stamps is
//!   one comparison.
//! - An entry whose key was deleted since its load began is treated as absent ([`super::removal`]).
//! - An entry knows what it cost to build, so that a hit can report what it saved, and how often it
//!   was hit.
//! - Values, fragments and pages are all entries; they differ in their bodies.

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

/// A type that can be the body of an entry: owned, known to serde, `Send` and `Sync`.
///
/// It needs no implementation.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be stored in the cache",
    label = "the cache stores what is owned, known to serde, `Send` and `Sync`",
    note = "derive `serde::Serialize` and `serde::Deserialize` for it, and replace borrowed fields by owned ones"
)]
pub trait Body: Serialize + DeserializeOwned + Any + Send + Sync {}

#[diagnostic::do_not_recommend]
impl<T: Serialize + DeserializeOwned + Any + Send + Sync> Body for T {}

/// What it cost to build an entry.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Cost {
    /// The number of queries for it, and for all that was built for it.
    pub queries: u32,
    /// How long it took.
    pub took: Duration,
    /// On whose behalf: a number known only to the process that built it; 0 for none.
    ///
    /// See [`super::tracking::on_behalf_of`].
    pub by: u64,
}

/// A stored body with its dependencies and lifetime.
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
    /// The id of the last stamps at which it was found valid; 0 for none.
    seen: AtomicU64,
    hits: AtomicU64,
    /// The age in milliseconds up to which no rebuild is tried, since the last one failed.
    paused: AtomicU64,
}

/// Whether an entry may be served.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Validity {
    /// It may be served.
    Fresh,
    /// Its lifetime is over.
    Expired,
    /// Its key was deleted since its load began: it must not be used in any way.
    Deleted,
    /// The data it was built from has changed: the first invalidated tag.
    Invalidated(Tag),
}

impl Entry {
    /// Creates an entry of something built now, which takes about `size` bytes.
    ///
    /// Its lifetime is that of `policy`, or that of its shortest-lived part.
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

    /// Creates an entry of something built earlier, perhaps by another instance.
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
        // What uses the entry inherits its dependencies, but does not run its queries again.
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

    /// Sets the epoch of its key in which its load began.
    #[must_use]
    pub(super) fn since(mut self, epoch: Epoch) -> Self {
        self.epoch = epoch;
        self
    }

    /// Sets how long building it took, and on whose behalf.
    #[must_use]
    pub(super) fn built_in(mut self, took: Duration, by: u64) -> Self {
        self.cost = Cost { took, by, ..self.cost };
        self
    }

    /// Sets whether its body is `None`.
    #[must_use]
    pub(super) fn holding_nothing(mut self, holds_nothing: bool) -> Self {
        self.holds_nothing = holds_nothing;
        self
    }

    /// Returns a copy whose lifetime is over.
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

    /// Reports whether it may be served at the stamps `current`.
    pub fn validate(&self, current: &Stamps) -> Validity {
        self.validate_at(current, Instant::now())
    }

    /// Reports whether it may be served at the stamps `current` and the time `now`.
    pub(super) fn validate_at(&self, current: &Stamps, now: Instant) -> Validity {
        if self.seen.load(Ordering::Relaxed) != current.id() {
            let epoch = self.epoch.now(current.epochs());
            if self.epoch.is_deleted_in(epoch) {
                return Validity::Deleted;
            }
            if !self.epoch.has_same_deletions(epoch) {
                // The reader's stamps are older than the entry, or of another history.
                return Validity::Invalidated(Removal::Deleted.of_all());
            }
            if let Some(tag) = self.dependencies.first_changed(current) {
                return Validity::Invalidated(tag.clone());
            }
            if self.epoch != epoch {
                return Validity::Expired;
            }
            self.seen.store(current.id(), Ordering::Relaxed);
        }
        if self.expires <= now { Validity::Expired } else { Validity::Fresh }
    }

    /// Returns the level of caching to which it belongs.
    pub fn level(&self) -> Level {
        self.level
    }

    /// Returns the body, if it is a `T`.
    pub fn body<T: Any + Send + Sync>(&self) -> Option<Arc<T>> {
        self.body.clone().downcast().ok()
    }

    /// Returns what it depends on, including its own end, for what is built from it.
    pub fn dependencies(&self) -> &Dependencies {
        &self.dependencies
    }

    /// Reports whether it is at least as new as `current`, so that a waiter may take it.
    pub fn is_at_least(&self, current: &Stamps) -> bool {
        self.epoch.is_at_least(self.epoch.now(current.epochs()))
            && self.dependencies.are_at_least(current)
    }

    /// Reports whether it was built after a deletion that the still running load of `other` missed.
    ///
    /// The times are compared too, because after the restore of a backup the epochs say nothing.
    pub(super) fn supersedes(&self, other: &Self) -> bool {
        !other.epoch.is_at_least(self.epoch) && self.born + other.cost.took > other.born
    }

    /// Returns the epoch of its key in which its load began.
    pub(super) fn epoch(&self) -> Epoch {
        self.epoch
    }

    /// Returns what it cost to build it.
    pub fn cost(&self) -> Cost {
        self.cost
    }

    /// Counts a lookup that was answered with it.
    pub(super) fn count_hit(&self) {
        self.hits.fetch_add(1, Ordering::Relaxed);
    }

    /// Returns how many lookups it answered from the memory of this process.
    ///
    /// They are counted only if the cache has a listener.
    pub fn hits(&self) -> u64 {
        self.hits.load(Ordering::Relaxed)
    }

    /// Reports whether its body is `None`.
    pub fn holds_nothing(&self) -> bool {
        self.holds_nothing
    }

    /// Returns the time since it was built.
    pub fn age(&self) -> Duration {
        self.born.elapsed()
    }

    /// Returns the time since it was built, as of `now`.
    pub(super) fn age_at(&self, now: Instant) -> Duration {
        now.saturating_duration_since(self.born)
    }

    /// Reports whether its lifetime ended less than `grace` ago, or has not ended yet.
    pub(super) fn is_useful(&self, grace: Duration) -> bool {
        !grace.is_zero() && Instant::now() < self.expires + grace
    }

    /// Forbids rebuilds for this long, since the last one failed.
    pub(super) fn pause(&self, time: Duration) {
        let until = self.age().saturating_add(time).as_millis();
        self.paused.store(u64::try_from(until).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    /// Reports whether rebuilds are still forbidden.
    pub(super) fn is_paused(&self) -> bool {
        self.age() < Duration::from_millis(self.paused.load(Ordering::Relaxed))
    }

    /// Returns the tags with their stamps.
    pub fn stamps(&self) -> &[(Tag, Stamp)] {
        self.dependencies.stamps()
    }

    /// Returns how long it may still be served if nothing changes.
    pub fn remaining(&self) -> Duration {
        self.remaining_at(Instant::now())
    }

    /// Returns the same as [`Entry::remaining`], as of `now`.
    pub(super) fn remaining_at(&self, now: Instant) -> Duration {
        self.expires.saturating_duration_since(now)
    }

    /// Returns the tags that it depends on.
    pub fn tags(&self) -> impl Iterator<Item = &Tag> {
        self.dependencies.stamps().iter().map(|(tag, _)| tag)
    }

    /// Returns the bytes that it takes in memory, approximately.
    pub(super) fn footprint(&self) -> usize {
        size_of::<Self>() + self.dependencies.footprint() + self.size as usize
    }

    /// Returns the bytes that its body takes in memory, approximately.
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
    fn an_entry_is_fresh_while_its_stamps_equal_the_current_ones() {
        let versions = InProcess::new();
        let entry = entry(&current(&versions));
        assert_eq!(entry.validate(&current(&versions)), Validity::Fresh);
        versions.bump(&[Tag::named("milk")]);
        assert_eq!(entry.validate(&current(&versions)), Validity::Fresh);
        versions.bump(&[TEA]);
        assert_eq!(entry.validate(&current(&versions)), Validity::Invalidated(TEA));
    }

    #[test]
    fn a_fresh_entry_is_validated_again_for_older_stamps() {
        let versions = InProcess::new();
        let old = current(&versions);
        versions.bump(&[TEA]);
        let new = current(&versions);
        let entry = entry(&new);
        assert_eq!(entry.validate(&new), Validity::Fresh);
        assert_eq!(entry.validate(&old), Validity::Invalidated(TEA));
    }

    #[test]
    fn every_entry_depends_on_the_tag_everything() {
        let versions = InProcess::new();
        let entry = entry(&current(&versions));
        versions.bump(&[Tag::EVERYTHING]);
        assert_eq!(entry.validate(&current(&versions)), Validity::Invalidated(Tag::EVERYTHING));
    }

    #[tokio::test(start_paused = true)]
    async fn an_entry_expires_when_its_lifetime_is_over() {
        let versions = InProcess::new();
        let entry = entry(&current(&versions));
        tokio::time::advance(Duration::from_secs(59)).await;
        assert_eq!(entry.validate(&current(&versions)), Validity::Fresh);
        tokio::time::advance(Duration::from_secs(1)).await;
        assert_eq!(entry.validate(&current(&versions)), Validity::Expired);
    }
}
