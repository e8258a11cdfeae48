//! The order of eviction: segmented LRU.
//!
//! - A new key is *on probation*; a key that is used again is *protected*.
//! - The oldest key on probation is evicted first.
//! - At most four fifths of the keys are protected. Beyond that the oldest protected key returns to
//!   probation.

use std::{collections::BTreeMap, sync::Arc};

/// The order of all keys by use. A key is found by the last [`Place`] that was returned for it.
#[derive(Debug, Default)]
pub(super) struct Recency {
    places: BTreeMap<Place, Arc<str>>,
    protected: usize,
    uses: u64,
}

/// A key's place in the order: the smallest place is evicted first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    segment: Segment,
    used: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Segment {
    Probation,
    Protected,
}

impl Recency {
    /// Adds a new key and returns its place.
    pub(super) fn enter(&mut self, key: Arc<str>) -> Place {
        self.insert(Segment::Probation, key)
    }

    /// Protects a key that is used again, and returns its new place.
    ///
    /// If another key lost its protection for this, that key and its new place are returned, too.
    pub(super) fn promote(&mut self, place: Place) -> (Place, Option<(Arc<str>, Place)>) {
        let key = self.leave(place);
        let promoted = self.insert(Segment::Protected, key);
        let is_crowded = self.protected * 5 > self.places.len().max(2) * 4;
        (promoted, is_crowded.then(|| self.demote()).flatten())
    }

    /// Removes a key from the order.
    pub(super) fn leave(&mut self, place: Place) -> Arc<str> {
        if place.segment == Segment::Protected {
            self.protected -= 1;
        }
        self.places.remove(&place).expect("every entry knows its place")
    }

    /// Returns the key to evict first.
    pub(super) fn first(&self) -> Option<&Arc<str>> {
        self.places.values().next()
    }

    fn demote(&mut self) -> Option<(Arc<str>, Place)> {
        let oldest = Place { segment: Segment::Protected, used: 0 };
        let (&place, _) = self.places.range(oldest..).next()?;
        let key = self.leave(place);
        let demoted = self.insert(Segment::Probation, key.clone());
        Some((key, demoted))
    }

    fn insert(&mut self, segment: Segment, key: Arc<str>) -> Place {
        self.uses += 1;
        let place = Place { segment, used: self.uses };
        self.protected += usize::from(segment == Segment::Protected);
        self.places.insert(place, key);
        place
    }
}
