//! The view: every tag's stamp, as one moment saw them; and who supplies it.
//!
//! - A view is the result of one question; it is replaced, never patched.
//! - Equal ids mean equal stamps, so the common case is one comparison.
//! - A view handed out by [`Versions::fresh`] contains every write that was answered before the
//!   call. Where nobody can promise that, there is no view and the cache stands aside.

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::Arc;

use super::removal::Epochs;
use super::tag::{Stamp, Tag};

/// All stamps as one moment saw them.
#[derive(Debug)]
pub struct View {
    id: u64,
    stamps: HashMap<Tag, Stamp>,
    epochs: Epochs,
}

impl View {
    /// A view of `stamps`; they must come from one question and include [`Tag::ANY`].
    pub fn new(stamps: impl IntoIterator<Item = (Tag, Stamp)>) -> Self {
        let stamps: HashMap<Tag, Stamp> = stamps.into_iter().collect();
        let any = stamps.get(&Tag::ANY).copied().unwrap_or_default();
        let mut epochs = Epochs::default();
        stamps.iter().for_each(|(tag, stamp)| epochs.take(tag, *stamp));
        Self { id: Self::id_of(any), stamps, epochs }
    }

    /// The id that a view has when [`Tag::ANY`] has this stamp. Never 0.
    pub fn id_of(any: Stamp) -> u64 {
        // The nonce alone is random; the counter keeps a nonce that repeats from being believed.
        let mixed = (any.nonce as u64) ^ (any.count as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        mixed.max(1)
    }

    /// Names this view among all: equal ids, equal stamps.
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
pub struct Unvouched(pub String);

/// What [`Versions::fresh`] promises.
pub type FreshView = Result<Arc<View>, Unvouched>;

/// A view at once, or after a question to somebody else.
pub enum Fresh {
    /// Known here and now.
    Now(FreshView),
    /// On its way.
    Soon(Pin<Box<dyn Future<Output = FreshView> + Send>>),
}

impl Fresh {
    /// The view, waited for if need be.
    ///
    /// # Errors
    /// [`Unvouched`] when nobody can say what is current; the cache must not be used.
    pub async fn get(self) -> FreshView {
        match self {
            Fresh::Now(view) => view,
            Fresh::Soon(view) => view.await,
        }
    }
}

/// Whoever knows the stamps: a database, or the process itself.
pub trait Versions: Send + Sync + 'static {
    /// A view that contains every write answered before this call.
    fn fresh(&self) -> Fresh;

    /// Moves the stamps of `tags`, all or none, for every process that judges by them; each view that is
    /// asked for afterwards contains that. Entries are deleted in this way ([`super::removal`]).
    ///
    /// # Errors
    /// [`Unvouched`] where that is not done, as by the default: then nothing is deleted.
    fn invalidate(&self, tags: Vec<Tag>) -> Invalidation<'_> {
        drop(tags);
        let error =
            "these versions do not implement `Versions::invalidate`, by which entries are deleted";
        Box::pin(std::future::ready(Err(Unvouched(error.into()))))
    }
}

/// What [`Versions::invalidate`] answers.
pub type Invalidation<'v> = Pin<Box<dyn Future<Output = Result<(), Unvouched>> + Send + 'v>>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_stamps_of_any_mean_equal_ids() {
        let stamp = Stamp { count: 2, nonce: 77 };
        let one = View::new([(Tag::ANY, stamp)]);
        let other = View::new([(Tag::ANY, stamp)]);
        assert_eq!(one.id(), other.id());
        assert_ne!(one.id(), View::new([]).id());
    }
}
