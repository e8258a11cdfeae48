//! The local tier: entries in the memory of this process, bounded in bytes.
//!
//! It is a plain map in which the last insert wins, except for a load that a deletion has
//! overtaken. It cannot make a reader see old data, since every reader validates the entries that
//! it gets; it can only cost a load.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use moka::notification::RemovalCause as Cause;

use super::removal_causes::RemovalCauses;
use crate::entry::Entry;
use crate::event::RemovalCause;
use crate::key::Key;

/// What the map takes for each entry: its nodes and its place in the table; and the reference counts and allocations of
/// entry, body and key. Measured by the test `entries_take_what_is_counted`.
const OVERHEAD: usize = 448;

/// Entries that were looked up or built in this process.
#[derive(Debug, Clone)]
pub(crate) struct LocalTier {
    entries: moka::sync::Cache<Key, Arc<Entry>>,
    /// The number of entries that were evicted.
    evicted: Arc<AtomicU64>,
    removal_causes: Arc<RemovalCauses>,
}

impl LocalTier {
    /// Creates a tier with room for this many bytes, bodies and keys together.
    pub(crate) fn with_capacity(bytes: u64) -> Self {
        let evicted = Arc::<AtomicU64>::default();
        let removal_causes = Arc::new(RemovalCauses::default());
        let (count, notes) = (evicted.clone(), removal_causes.clone());
        let note = move |key: Arc<Key>, _, cause| match cause {
            Cause::Size => {
                count.fetch_add(1, Ordering::Relaxed);
                notes.note(&key, RemovalCause::Evicted);
            }
            Cause::Explicit => notes.note(&key, RemovalCause::Deleted),
            Cause::Replaced | Cause::Expired => {}
        };
        let entries = moka::sync::Cache::builder().max_capacity(bytes).weigher(weight);
        Self { entries: entries.eviction_listener(note).build(), evicted, removal_causes }
    }

    /// Returns how the entry under `key` left, if that is remembered.
    pub(crate) fn removal_cause_of(&self, key: &Key) -> Option<RemovalCause> {
        self.removal_causes.of(key)
    }

    /// Returns the entry under `key`, valid or not.
    pub(crate) fn get(&self, key: &Key) -> Option<Arc<Entry>> {
        self.entries.get(key)
    }

    /// Stores `entry` unless the present one supersedes it; reports whether it was stored.
    pub(crate) fn insert(&self, key: Key, entry: Arc<Entry>) -> bool {
        let is_superseded = self.has_superseded(&key, &entry);
        if !is_superseded {
            self.entries.insert(key, entry);
        }
        !is_superseded
    }

    /// Reports whether the entry under `key` supersedes `entry`.
    pub(crate) fn has_superseded(&self, key: &Key, entry: &Entry) -> bool {
        self.entries.get(key).is_some_and(|there| there.supersedes(entry))
    }

    /// Deletes the entry under `key`; reports whether there was one.
    pub(crate) fn remove(&self, key: &Key) -> bool {
        self.entries.remove(key).is_some()
    }

    /// Evicts the entry under `key` to make room for another.
    pub(crate) fn evict(&self, key: &Key) {
        if self.remove(key) {
            self.evicted.fetch_add(1, Ordering::Relaxed);
            self.removal_causes.note(key, RemovalCause::Evicted);
        }
    }

    /// Deletes all entries.
    pub(crate) fn clear(&self) {
        self.entries.invalidate_all();
    }

    /// Returns the entry whose key has this text. This does not count as use.
    pub(crate) fn find(&self, text: &str) -> Option<(Arc<Key>, Arc<Entry>)> {
        self.iter().find(|(key, _)| key.as_str() == text)
    }

    /// Returns all entries, valid or not, in no particular order. This does not count as use.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (Arc<Key>, Arc<Entry>)> {
        self.entries.iter()
    }

    /// Returns the approximate bytes of all entries, and the capacity.
    pub(crate) fn bytes(&self) -> (u64, Option<u64>) {
        self.entries.run_pending_tasks();
        (self.entries.weighted_size(), self.entries.policy().max_capacity())
    }

    /// Returns how many entries were ever evicted.
    pub(crate) fn evicted(&self) -> u64 {
        self.evicted.load(Ordering::Relaxed)
    }
}

/// Returns the approximate bytes of an entry with its key.
pub(crate) fn weight(key: &Key, entry: &Arc<Entry>) -> u32 {
    let bytes = entry.footprint() + key.footprint() + OVERHEAD;
    u32::try_from(bytes).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dependencies::Dependencies;
    use crate::level::Level;
    use crate::policy::Policy;

    #[test]
    fn evictions_are_counted() {
        let local = LocalTier::with_capacity(10 * OVERHEAD as u64);
        let policy = Policy::fresh_for(std::time::Duration::from_secs(60));
        for number in 0..100_u64 {
            let key = Key::named("tea").part("number", number).build();
            let entry =
                Entry::new(Level::Query, Arc::new(number), Dependencies::default(), &policy, 1);
            local.insert(key, Arc::new(entry));
        }
        let (bytes, limit) = local.bytes();
        let kept = local.iter().count() as u64;
        assert!(bytes <= limit.unwrap() && (1..10).contains(&kept), "{kept} take {bytes} bytes");
        assert_eq!(local.evicted(), 100 - kept);
    }
}
