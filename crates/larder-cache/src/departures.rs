//! Why entries are not there any more, for people who ask.
//!
//! - Bounded: it takes 32 KiB, and the latest to leave is what is remembered.
//! - It can forget, and it is wrong about a key only where 62 bits of two hashes are equal.

use std::sync::atomic::{AtomicU64, Ordering};

use super::event::Departure;
use super::key::Key;

/// So many are remembered at most.
const ROOM: usize = 4096;

/// The low bits of a note say how; those above are of the key's hash.
const HOW: u64 = 0b11;
const EVICTED: u64 = 0b01;
const DELETED: u64 = 0b10;

/// How entries left, by a hash of their keys.
#[derive(Debug)]
pub(super) struct Departures(Box<[AtomicU64]>);

impl Default for Departures {
    fn default() -> Self {
        Self((0..ROOM).map(|_| AtomicU64::new(0)).collect())
    }
}

impl Departures {
    /// Remembers how the entry under `key` left.
    pub fn note(&self, key: &Key, how: Departure) {
        let (place, hash) = place_of(key);
        let how = match how {
            Departure::Evicted => EVICTED,
            Departure::Deleted => DELETED,
        };
        self.0[place].store(hash | how, Ordering::Relaxed);
    }

    /// How the entry under `key` left.
    pub fn of(&self, key: &Key) -> Option<Departure> {
        let (place, hash) = place_of(key);
        let note = self.0[place].load(Ordering::Relaxed);
        match (note & !HOW == hash, note & HOW) {
            (true, EVICTED) => Some(Departure::Evicted),
            (true, DELETED) => Some(Departure::Deleted),
            _ => None,
        }
    }
}

fn place_of(key: &Key) -> (usize, u64) {
    let hash = xxhash_rust::xxh3::xxh3_64(key.as_str().as_bytes());
    // Taken from the upper half: what is left of the hash still tells keys of one place apart.
    ((hash >> 32) as usize % ROOM, hash & !HOW)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(number: u64) -> Key {
        Key::named("test").part("number", number).build()
    }

    #[test]
    fn how_an_entry_left_is_remembered() {
        let departures = Departures::default();
        assert_eq!(departures.of(&key(1)), None);
        departures.note(&key(1), Departure::Evicted);
        departures.note(&key(2), Departure::Deleted);
        assert_eq!(departures.of(&key(1)), Some(Departure::Evicted));
        assert_eq!(departures.of(&key(2)), Some(Departure::Deleted));
        assert_eq!(departures.of(&key(3)), None);
    }

    #[test]
    fn the_latest_to_leave_is_what_is_remembered() {
        let departures = Departures::default();
        (0..100_000).for_each(|number| departures.note(&key(number), Departure::Evicted));
        assert_eq!(departures.of(&key(99_999)), Some(Departure::Evicted));
        let remembered = (0..100_000).filter(|number| departures.of(&key(*number)).is_some());
        assert!(remembered.count() <= ROOM);
    }
}
