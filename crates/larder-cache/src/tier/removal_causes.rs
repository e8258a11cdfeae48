//! Remembers how entries left the memory of this process, for people.
//!
//! - It takes 32 KiB, and remembers the latest removals only.
//! - It may forget. It is wrong about a key only if 62 bits of two hashes are equal.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::event::RemovalCause;
use crate::key::Key;

/// The number of removals that are remembered at most.
const ROOM: usize = 4096;

/// The low bits of a note hold the cause; those above are from the key's hash.
const HOW: u64 = 0b11;
const EVICTED: u64 = 0b01;
const DELETED: u64 = 0b10;

/// The causes of removals, by a hash of the keys.
#[derive(Debug)]
pub(crate) struct RemovalCauses(Box<[AtomicU64]>);

impl Default for RemovalCauses {
    fn default() -> Self {
        Self((0..ROOM).map(|_| AtomicU64::new(0)).collect())
    }
}

impl RemovalCauses {
    /// Remembers how the entry under `key` left.
    pub(super) fn note(&self, key: &Key, how: RemovalCause) {
        let (place, hash) = place_of(key);
        let how = match how {
            RemovalCause::Evicted => EVICTED,
            RemovalCause::Deleted => DELETED,
        };
        self.0[place].store(hash | how, Ordering::Relaxed);
    }

    /// Returns how the entry under `key` left, if that is remembered.
    pub(super) fn of(&self, key: &Key) -> Option<RemovalCause> {
        let (place, hash) = place_of(key);
        let note = self.0[place].load(Ordering::Relaxed);
        match (note & !HOW == hash, note & HOW) {
            (true, EVICTED) => Some(RemovalCause::Evicted),
            (true, DELETED) => Some(RemovalCause::Deleted),
            _ => None,
        }
    }
}

fn place_of(key: &Key) -> (usize, u64) {
    let hash = xxhash_rust::xxh3::xxh3_64(key.as_str().as_bytes());
    // The place comes from the upper half, so the lower half still distinguishes its keys.
    ((hash >> 32) as usize % ROOM, hash & !HOW)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(number: u64) -> Key {
        Key::named("test").part("number", number).build()
    }

    #[test]
    fn the_cause_of_a_removal_is_remembered() {
        let removal_causes = RemovalCauses::default();
        assert_eq!(removal_causes.of(&key(1)), None);
        removal_causes.note(&key(1), RemovalCause::Evicted);
        removal_causes.note(&key(2), RemovalCause::Deleted);
        assert_eq!(removal_causes.of(&key(1)), Some(RemovalCause::Evicted));
        assert_eq!(removal_causes.of(&key(2)), Some(RemovalCause::Deleted));
        assert_eq!(removal_causes.of(&key(3)), None);
    }

    #[test]
    fn the_latest_removals_are_remembered() {
        let removal_causes = RemovalCauses::default();
        (0..100_000).for_each(|number| removal_causes.note(&key(number), RemovalCause::Evicted));
        assert_eq!(removal_causes.of(&key(99_999)), Some(RemovalCause::Evicted));
        let remembered = (0..100_000).filter(|number| removal_causes.of(&key(*number)).is_some());
        assert!(remembered.count() <= ROOM);
    }
}
