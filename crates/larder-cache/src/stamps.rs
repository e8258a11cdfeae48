//! The current: every tag's stamp, as one moment saw them; and who supplies it.
//!
//! - A current is the result of one question; it is replaced, never patched.
//! - Equal ids mean equal stamps, so the common case is one comparison.
//! - A current handed out by [`StampSource::current`] contains every write that was answered before the
//!   call. Where nobody can promise that, there is no current and the cache stands aside.

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::Arc;

use super::removal::Epochs;
use super::tag::{Stamp, Tag};

/// All stamps as one moment saw them.
#[derive(Debug)]
pub struct Stamps {
    id: u64,
    stamps: HashMap<Tag, Stamp>,
    epochs: Epochs,
}

impl Stamps {
    /// A current of `stamps`; they must come from one question and include [`Tag::ANY`].
    pub fn new(stamps: impl IntoIterator<Item = (Tag, Stamp)>) -> Self {
        let stamps: HashMap<Tag, Stamp> = stamps.into_iter().collect();
        let any = stamps.get(&Tag::ANY).copied().unwrap_or_default();
        let mut epochs = Epochs::default();
        stamps.iter().for_each(|(tag, stamp)| epochs.take(tag, *stamp));
        Self { id: Self::id_of(any), stamps, epochs }
    }

    /// The id that a current has when [`Tag::ANY`] has this stamp. Never 0.
    pub fn id_of(any: Stamp) -> u64 {
        // The nonce alone is random; the counter keeps a nonce that repeats from being believed.
        let mixed = (any.nonce as u64) ^ (any.count as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        mixed.max(1)
    }

    /// Names this current among all: equal ids, equal stamps.
    pub fn id(&self) -> u64 {
        self.id
    }

    /// The stamp of a tag; [`Stamp::NONE`] for one that never changed.
    pub fn stamp(&self, tag: &Tag) -> Stamp {
        self.stamps.get(tag).copied().unwrap_or_default()
    }

    /// How often entries were deleted and ended.
    pub(super) fn epochs(&self) -> &Epochs {
        &self.epochs
    }

    /// Every tag that ever changed, in no order.
    pub fn stamps(&self) -> impl Iterator<Item = (&Tag, Stamp)> {
        self.stamps.iter().map(|(tag, stamp)| (tag, *stamp))
    }
}

/// Nobody can vouch for what is cached: why.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{0}")]
pub struct StampsUnavailable(pub String);

/// What [`StampSource::current`] promises.
pub type StampsResult = Result<Arc<Stamps>, StampsUnavailable>;

/// A current at once, or after a question to somebody else.
pub enum Current {
    /// Known here and now.
    Ready(StampsResult),
    /// On its way.
    Pending(Pin<Box<dyn Future<Output = StampsResult> + Send>>),
}

impl Current {
    /// The current, waited for if need be.
    ///
    /// # Errors
    /// [`StampsUnavailable`] when nobody can say what is current; the cache must not be used.
    pub async fn get(self) -> StampsResult {
        match self {
            Current::Ready(current) => current,
            Current::Pending(current) => current.await,
        }
    }
}

/// Whoever knows the stamps: a database, or the process itself.
pub trait StampSource: Send + Sync + 'static {
    /// A current that contains every write answered before this call.
    fn current(&self) -> Current;

    /// Moves the stamps of `tags`, all or none, for every process that judges by them; each current that is
    /// asked for afterwards contains that. Entries are deleted in this way ([`super::removal`]).
    ///
    /// # Errors
    /// [`StampsUnavailable`] where that is not done, as by the default: then nothing is deleted.
    fn invalidate(&self, tags: Vec<Tag>) -> Invalidation<'_> {
        drop(tags);
        let error = "these versions do not implement `StampSource::invalidate`, by which entries are deleted";
        Box::pin(std::future::ready(Err(StampsUnavailable(error.into()))))
    }
}

/// What [`StampSource::invalidate`] answers.
pub type Invalidation<'v> =
    Pin<Box<dyn Future<Output = Result<(), StampsUnavailable>> + Send + 'v>>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_stamps_of_any_mean_equal_ids() {
        let stamp = Stamp { count: 2, nonce: 77 };
        let one = Stamps::new([(Tag::ANY, stamp)]);
        let other = Stamps::new([(Tag::ANY, stamp)]);
        assert_eq!(one.id(), other.id());
        assert_ne!(one.id(), Stamps::new([]).id());
    }
}
