//! Who goes first when room is needed: segmented LRU.
//!
//! - A new key is *on probation*; a key that is used again is *protected*.
//! - The oldest key on probation goes first.
//! - At most four fifths are protected; beyond that the oldest of them is on probation again.

use std::{collections::BTreeMap, sync::Arc};

/// The order of all keys by use. Each key is found by the [`Place`] it was given last.
#[derive(Debug, Default)]
pub(super) struct Recency {
    places: BTreeMap<Place, Arc<str>>,
    protected: usize,
    uses: u64,
}

/// A key's place in the order: the lesser, the sooner it goes.
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
    /// A place for a new key.
    pub(super) fn enter(&mut self, key: Arc<str>) -> Place {
        self.insert(Segment::Probation, key)
    }

    /// A better place for a key that is used again; and the key that lost its protection for it,
    /// with its new place.
    pub(super) fn promote(&mut self, place: Place) -> (Place, Option<(Arc<str>, Place)>) {
        let key = self.leave(place);
        let promoted = self.insert(Segment::Protected, key);
        let is_crowded = self.protected * 5 > self.places.len().max(2) * 4;
        (promoted, is_crowded.then(|| self.demote()).flatten())
    }

    /// Takes a key out of the order.
    pub(super) fn leave(&mut self, place: Place) -> Arc<str> {
        if place.segment == Segment::Protected {
            self.protected -= 1;
        }
        self.places.remove(&place).expect("every entry knows its place")
    }

    /// The key that goes first.
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
