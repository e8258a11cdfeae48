//! Deletes entries and ends their lifetimes early, in every instance.
//!
//! - A deletion changes the stamp of a dedicated tag: that of the key's bucket, or that of all
//!   keys. Ending a lifetime changes another one.
//! - An entry carries the stamps of these tags from before its load began, in memory and in the
//!   shared store: its [`Epoch`].
//! - An entry whose stamp of deletion is older than the reader's is treated as absent: it is not
//!   served, not handed to waiters, not used on errors. So it does not matter when, or where, a
//!   load stores it.
//! - A caller does not wait for a load that began before a deletion that the caller's stamps
//!   contain.
//! - After the tag, the shared store is emptied, and memory last: that only frees space.
//! - An instance that has written an entry to the shared store checks the stamps once more, and
//!   removes the entry if its key was deleted meanwhile.
//! - A variant of a page is deleted with the address that it is a variant of, and so is a variant of a variant.
//! - The entries of a scope are deleted with it: its name is in a bucket, too.
//! - There are 4,096 buckets: a deletion makes one in 4,096 other entries load once more.
//! - A deletion reaches as far as the stamps do ([`StampSource`](super::stamps::StampSource)): every
//!   instance with a database, this process only with stamps in memory.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use super::key::Key;
use super::tag::{Stamp, Tag};

/// The number of buckets: each one with a deleted key is a row that is read with the stamps.
const BUCKETS: u16 = 1 << 12;

/// What a person or a program does to entries before their time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Removal {
    /// The entries are removed.
    Deleted,
    /// Their lifetime is over; a policy may still serve them on errors.
    Ended,
}

impl Removal {
    /// Returns the name of the tag; no table has such a name.
    const fn name(self) -> &'static str {
        match self {
            Self::Deleted => "!deleted",
            Self::Ended => "!ended",
        }
    }

    /// Reports whether `tag` belongs to a removal.
    pub(super) fn has(tag: &Tag) -> bool {
        let name = tag.as_str();
        [Self::Deleted, Self::Ended].iter().any(|removal| name.starts_with(removal.name()))
    }

    /// Returns the tag that does this to every entry.
    pub const fn of_all(self) -> Tag {
        Tag::named(self.name())
    }

    /// Returns the tag that does this to the entry under `key`, and to all others in its bucket.
    ///
    /// The key may also be the name of a scope's tag.
    pub fn of_key(self, key: &str) -> Tag {
        Tag::from(format!("{}#{}", self.name(), bucket(key)))
    }
}

/// Returns the bucket of a key: the same in every process and every build.
fn bucket(key: &str) -> u16 {
    xxhash_rust::xxh3::xxh3_64(key.as_bytes()) as u16 % BUCKETS
}

/// How often entries of some keys were deleted and ended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Epoch {
    /// The bucket of the key, that of the key it is a variant of, that of the key which this one is a variant of, and
    /// that of the scope; where there is none, the bucket before again.
    buckets: [u16; 4],
    deleted: Stamp,
    ended: Stamp,
}

impl Epoch {
    /// Returns the epoch of `key` at these stamps; `scope` is the tag of the scope that it is in.
    pub(super) fn of(key: &Key, scope: Option<&Tag>, epochs: &Epochs) -> Self {
        let of = |key: &Key| bucket(key.as_str());
        let (own, whole) = (of(key), key.variant_of());
        let of_whole = whole.map_or(own, of);
        let of_inner = whole.and_then(Key::variant_of).map_or(of_whole, of);
        let of_scope = scope.map_or(of_inner, |scope| bucket(scope.as_str()));
        epochs.at([own, of_whole, of_inner, of_scope])
    }

    /// Returns the epoch of the same keys at these stamps.
    pub(super) fn now(self, epochs: &Epochs) -> Self {
        epochs.at(self.buckets)
    }

    /// Reports whether keys were deleted between this epoch and `later`.
    pub(super) fn is_deleted_in(self, later: Self) -> bool {
        !self.deleted.is_at_least(later.deleted)
    }

    /// Reports whether no deletion lies between the two epochs.
    pub(super) fn has_same_deletions(self, other: Self) -> bool {
        self.deleted == other.deleted
    }

    /// Reports whether it is at least as late as `other`.
    pub(super) fn is_at_least(self, other: Self) -> bool {
        self.deleted.is_at_least(other.deleted) && self.ended.is_at_least(other.ended)
    }

    /// Returns the epoch that contains what happened to either of two sets of keys.
    ///
    /// Counters only grow, so equal sums mean equal counters; nonces distinguish histories.
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

/// The epochs of all buckets at one moment; nothing is allocated before the first removal.
#[derive(Debug, Clone, Default)]
pub(super) struct Epochs {
    all: Epoch,
    buckets: HashMap<u16, Epoch>,
}

impl Epochs {
    /// Records the stamp of `tag` if it belongs to a removal.
    pub(crate) fn take(&mut self, tag: &Tag, stamp: Stamp) {
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

    /// Returns the epoch of these buckets.
    fn at(&self, buckets: [u16; 4]) -> Epoch {
        let mut epoch = Epoch { buckets, ..self.all };
        for (nth, bucket) in buckets.iter().enumerate() {
            // A bucket that several of the keys share must be added once only.
            if !buckets[..nth].contains(bucket) {
                epoch = epoch.and(self.buckets.get(bucket).copied().unwrap_or_default());
            }
        }
        epoch
    }
}

#[cfg(test)]
mod tests;
