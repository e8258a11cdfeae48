//! Stamps: every tag's stamp at one moment, and the source that supplies them.
//!
//! - All stamps come from one query; a new query replaces them, and they are never patched.
//! - Equal ids mean equal stamps, so the common freshness check is one comparison.
//! - The stamps that [`StampSource::current`] returns contain every write that was answered before
//!   the call. A source that cannot promise this returns an error, and the cache is bypassed. Where an
//!   application has chosen that its pages may be older, a source may promise as much less.

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::Arc;

use super::removal::Epochs;
use super::tag::{Stamp, Tag};

/// Every tag's stamp at one moment.
#[derive(Debug)]
pub struct Stamps {
    id: u64,
    /// Those of an earlier moment, which several share.
    base: Arc<HashMap<Tag, Stamp>>,
    /// Those that differ from the base.
    changed: HashMap<Tag, Stamp>,
    epochs: Epochs,
}

impl Stamps {
    /// Collects `stamps`, which must come from one query and include [`Tag::ANY`].
    pub fn new(stamps: impl IntoIterator<Item = (Tag, Stamp)>) -> Self {
        let base: HashMap<Tag, Stamp> = stamps.into_iter().collect();
        let mut epochs = Epochs::default();
        base.iter().for_each(|(tag, stamp)| epochs.take(tag, *stamp));
        let any = base.get(&Tag::ANY).copied().unwrap_or_default();
        Self { id: Self::id_of(any), base: Arc::new(base), changed: HashMap::new(), epochs }
    }

    /// Returns these stamps with `changed` in place of some of them. What is the same is shared, not copied.
    ///
    /// It is for a source that can read what has changed; together they must be of one moment.
    #[must_use]
    pub fn with(&self, changed: impl IntoIterator<Item = (Tag, Stamp)>) -> Self {
        let (mut all, mut epochs) = (self.changed.clone(), self.epochs.clone());
        for (tag, stamp) in changed {
            epochs.take(&tag, stamp);
            all.insert(tag, stamp);
        }
        let mut with = Self { id: 0, base: self.base.clone(), changed: all, epochs };
        with.id = Self::id_of(with.stamp(&Tag::ANY));
        with
    }

    /// Returns the id of the stamps in which [`Tag::ANY`] has this stamp. It is never 0.
    pub fn id_of(any: Stamp) -> u64 {
        // The nonce alone is random; the counter distinguishes two states whose nonces are equal.
        let mixed = (any.nonce as u64) ^ (any.count as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        mixed.max(1)
    }

    /// Returns the id of these stamps: equal ids mean equal stamps.
    pub fn id(&self) -> u64 {
        self.id
    }

    /// Returns the stamp of a tag: [`Stamp::NONE`] if it never changed.
    pub fn stamp(&self, tag: &Tag) -> Stamp {
        self.changed.get(tag).or_else(|| self.base.get(tag)).copied().unwrap_or_default()
    }

    /// Returns the epochs of deletions and early ends.
    pub(super) fn epochs(&self) -> &Epochs {
        &self.epochs
    }

    /// Returns every tag that ever changed, in no particular order.
    pub fn stamps(&self) -> impl Iterator<Item = (&Tag, Stamp)> {
        let unchanged = self.base.iter().filter(|(tag, _)| !self.changed.contains_key(*tag));
        unchanged.chain(&self.changed).map(|(tag, stamp)| (tag, *stamp))
    }
}

/// The current stamps are not known, for this reason: no entry can be validated.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{0}")]
pub struct StampsUnavailable(pub String);

/// The result of [`StampSource::current`].
pub type StampsResult = Result<Arc<Stamps>, StampsUnavailable>;

/// The current stamps, known already or still being queried.
pub enum Current {
    /// They are known.
    Ready(StampsResult),
    /// They are being queried.
    Pending(Pin<Box<dyn Future<Output = StampsResult> + Send>>),
}

impl Current {
    /// Returns the current stamps, waiting for them if necessary.
    ///
    /// # Errors
    /// [`StampsUnavailable`] if they cannot be determined; then the cache must not be used.
    pub async fn get(self) -> StampsResult {
        match self {
            Current::Ready(current) => current,
            Current::Pending(current) => current.await,
        }
    }
}

#[diagnostic::on_unimplemented(
    message = "`{Self}` does not say which data have changed",
    label = "a cache is opened with a source of stamps",
    note = "open it with `Arc::new(InProcess::new())`, or with the stamps of a database, from its adapter"
)]
/// A source of stamps: a database, or the process itself.
///
/// ```
/// use std::sync::Arc;
///
/// use larder_cache::stamps::{Current, Stamps};
/// use larder_cache::{Stamp, StampSource, Tag};
///
/// /// Data that change together, and whose version a file or a service gives.
/// struct Release(i64);
///
/// impl StampSource for Release {
///     fn current(&self) -> Current {
///         let stamp = Stamp { count: self.0, nonce: self.0 };
///         let all = [(Tag::ANY, stamp), (Tag::EVERYTHING, stamp)];
///         Current::Ready(Ok(Arc::new(Stamps::new(all))))
///     }
///
///     fn is_shared(&self) -> bool {
///         true
///     }
/// }
/// ```
pub trait StampSource: Send + Sync + 'static {
    /// Returns stamps that contain every write answered before this call.
    fn current(&self) -> Current;

    /// Reports whether other processes have the same stamps, as those of a database.
    ///
    /// Otherwise entries are not shared through a store, in which another process would not see that
    /// they are stale ([`Builder::shared`](super::Builder::shared)).
    fn is_shared(&self) -> bool;

    /// Changes the stamps of `tags`, all or none, for every process that uses this source.
    ///
    /// Stamps that are requested afterwards contain the change. Entries are deleted in this way
    /// (`removal`).
    ///
    /// # Errors
    /// [`StampsUnavailable`] if the stamps were not changed, as by default: then nothing is
    /// deleted.
    fn invalidate(&self, tags: Vec<Tag>) -> Invalidation<'_> {
        drop(tags);
        let error = "this source does not implement `StampSource::invalidate`, by which entries are deleted";
        Box::pin(std::future::ready(Err(StampsUnavailable(error.into()))))
    }

    /// Learns that a build has read data that are newer than `stamps`, which this source has returned.
    ///
    /// A source that returns the same stamps for a while must not return these again: what was built would not be
    /// found by them, and be built anew for each request. By default nothing happens.
    fn outdated(&self, stamps: &Stamps) {
        let _ = stamps;
    }
}

/// The result of [`StampSource::invalidate`].
pub type Invalidation<'v> =
    Pin<Box<dyn Future<Output = Result<(), StampsUnavailable>> + Send + 'v>>;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::Key;
    use crate::removal::{Epoch, Removal};

    #[test]
    fn equal_stamps_of_any_mean_equal_ids() {
        let stamp = Stamp { count: 2, nonce: 77 };
        let one = Stamps::new([(Tag::ANY, stamp)]);
        let other = Stamps::new([(Tag::ANY, stamp)]);
        assert_eq!(one.id(), other.id());
        assert_ne!(one.id(), Stamps::new([]).id());
    }

    #[test]
    fn stamps_with_changes_are_those_that_are_read_at_once() {
        let stamp = |count| Stamp { count, nonce: count };
        let deleted = || Removal::Deleted.of_all();
        let of = |tags: Vec<(Tag, i64)>| tags.into_iter().map(|(tag, count)| (tag, stamp(count)));
        let tag = |name: &str| Tag::from(name.to_owned());
        let first = Stamps::new(of(vec![(Tag::ANY, 1), (tag("tea"), 1), (tag("milk"), 1)]));
        let second = first.with(of(vec![(Tag::ANY, 3), (tag("tea"), 2), (deleted(), 1)]));
        let third = second.with(of(vec![(Tag::ANY, 4), (tag("tea"), 3), (tag("salt"), 1)]));
        let all = vec![
            (Tag::ANY, 4),
            (tag("tea"), 3),
            (tag("milk"), 1),
            (tag("salt"), 1),
            (deleted(), 1),
        ];
        let at_once = Stamps::new(of(all.clone()));
        assert_eq!(third.id(), at_once.id());
        let sorted = |stamps: &Stamps| {
            let mut sorted: Vec<_> = stamps.stamps().map(|(tag, at)| (tag.clone(), at)).collect();
            sorted.sort_by(|one, other| one.0.cmp(&other.0));
            sorted
        };
        assert_eq!(sorted(&third), sorted(&at_once));
        for (tag, count) in all {
            assert_eq!(third.stamp(&tag), stamp(count), "{tag}");
        }
        // Those from which they were derived are as they were.
        assert_eq!((first.stamp(&tag("tea")), first.stamp(&tag("salt"))), (stamp(1), Stamp::NONE));
        let epoch = |stamps: &Stamps| Epoch::of(&Key::named("tea").build(), None, stamps.epochs());
        assert_eq!(epoch(&third), epoch(&at_once));
        assert_ne!(epoch(&third), epoch(&first));
    }
}
