//! Deleting entries, and ending them before their time: in every instance, for good.
//!
//! - A deletion moves a tag of its own where the stamps are kept: that of the key's bucket, or that of all
//!   keys. Ending a lifetime moves another.
//! - An entry carries the stamps that these tags had in the view to which its load was pinned: from before
//!   the load began. It keeps them in memory and in the shared store, its [`Epoch`].
//! - An entry whose stamp of deletion is older than the reader's is not there: it is not served, not handed
//!   to callers who wait, not used for errors. So it does not matter when, or where, a load stores it.
//! - A caller does not wait for a load that began before a deletion that the caller's view contains.
//! - After the tag, the shared store is emptied, and memory last: that only frees room.
//! - An instance that has written an entry to the shared store looks at the stamps once more, and takes the
//!   entry out again if its key was deleted meanwhile.
//! - A variant of a page goes with the address that it is a variant of.
//! - There are 4,096 buckets: a deletion makes one in 4,096 other entries load once more.
//! - How far it reaches is how far [`Versions`](super::view::Versions) do: a database reaches every
//!   instance, stamps in a process that process only.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use super::key::Key;
use super::tag::{Stamp, Tag};
use super::view::View;

/// So many buckets: each in which a key was ever deleted is a row that is read with the stamps.
const BUCKETS: u16 = 1 << 12;

/// What is done to entries by hand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Removal {
    /// They are forgotten.
    Deleted,
    /// Their lifetime is over; a policy may let them stand in for an error.
    Ended,
}

impl Removal {
    /// No table is called so.
    const fn name(self) -> &'static str {
        match self {
            Self::Deleted => "!deleted",
            Self::Ended => "!ended",
        }
    }

    /// Whether a tag is one of a removal.
    pub(super) fn has(tag: &Tag) -> bool {
        let name = tag.as_str();
        [Self::Deleted, Self::Ended].iter().any(|removal| name.starts_with(removal.name()))
    }

    /// The tag that does it to every entry.
    pub const fn of_all(self) -> Tag {
        Tag::named(self.name())
    }

    /// The tag that does it to the entries whose key reads so, and to those of its bucket.
    pub fn of_key(self, key: &str) -> Tag {
        Tag::from(format!("{}#{}", self.name(), bucket(key)))
    }
}

/// The bucket of a key: the same in every process and every build.
fn bucket(key: &str) -> u16 {
    xxhash_rust::xxh3::xxh3_64(key.as_bytes()) as u16 % BUCKETS
}

/// How often entries of some keys were deleted and ended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Epoch {
    /// Of the key itself, and of the key of which it is a variant, or of itself again.
    buckets: [u16; 2],
    deleted: Stamp,
    ended: Stamp,
}

impl Epoch {
    /// The epoch of `key` in `view`.
    pub(super) fn of(key: &Key, view: &View) -> Self {
        let own = bucket(key.as_str());
        view.epochs().at([own, key.variant_of().map_or(own, bucket)])
    }

    /// The epoch of the same keys in `view`.
    pub(super) fn now(self, view: &View) -> Self {
        view.epochs().at(self.buckets)
    }

    /// Whether keys were deleted between this epoch and `later`.
    pub(super) fn is_deleted_in(self, later: Self) -> bool {
        !self.deleted.is_at_least(later.deleted)
    }

    /// Whether it is of the same deletions.
    pub(super) fn has_same_deletions(self, other: Self) -> bool {
        self.deleted == other.deleted
    }

    /// Whether it is at least as late as `other`.
    pub(super) fn is_at_least(self, other: Self) -> bool {
        self.deleted.is_at_least(other.deleted) && self.ended.is_at_least(other.ended)
    }

    /// The epoch in which what happened to either of two sets of keys has happened.
    ///
    /// Counters only grow, so that equal sums are equal counters; nonces tell histories apart.
    fn and(self, other: Self) -> Self {
        let add = |one: Stamp, other: Stamp| Stamp {
            count: one.count.wrapping_add(other.count),
            nonce: one.nonce.rotate_left(1) ^ other.nonce,
        };
        Self {
            buckets: self.buckets,
            deleted: add(self.deleted, other.deleted),
            ended: add(self.ended, other.ended),
        }
    }
}

/// The epochs of all buckets, as a view has them; nothing is allocated where nothing was ever removed.
#[derive(Debug, Default)]
pub(super) struct Epochs {
    all: Epoch,
    buckets: HashMap<u16, Epoch>,
}

impl Epochs {
    /// Notes the stamp of a tag, if it is one of a removal.
    pub fn take(&mut self, tag: &Tag, stamp: Stamp) {
        for removal in [Removal::Deleted, Removal::Ended] {
            let Some(rest) = tag.as_str().strip_prefix(removal.name()) else { continue };
            let epoch = match rest.strip_prefix('#').map(str::parse) {
                Some(Ok(bucket)) => self.buckets.entry(bucket).or_default(),
                None if rest.is_empty() => &mut self.all,
                _ => continue,
            };
            *match removal {
                Removal::Deleted => &mut epoch.deleted,
                Removal::Ended => &mut epoch.ended,
            } = stamp;
        }
    }

    /// The epoch of these buckets.
    fn at(&self, buckets: [u16; 2]) -> Epoch {
        let start = Epoch { buckets, ..self.all };
        let [own, whole] = buckets.map(|bucket| self.buckets.get(&bucket).copied());
        let own_epoch = start.and(own.unwrap_or_default());
        match buckets[0] == buckets[1] {
            true => own_epoch,
            false => own_epoch.and(whole.unwrap_or_default()),
        }
    }
}

#[cfg(test)]
mod tests;
