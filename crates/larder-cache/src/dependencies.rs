//! What a page, a fragment or a query result was built from: tags with their stamps.

use std::collections::HashMap;

use tokio::time::Instant;

use super::stamps::Stamps;
use super::tag::{Stamp, Tag};

/// Why something old was served.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Staleness {
    /// BuildCost it anew failed.
    Error,
    /// It is being made anew meanwhile.
    Revalidating,
    /// BuildCost it anew takes longer than callers wait.
    Timeout,
}

impl Staleness {
    /// What to call it in headers and logs.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Error => "stale-if-error",
            Self::Revalidating => "stale-while-revalidate",
            Self::Timeout => "soft timeout",
        }
    }
}

/// What readers of a page should know of its sources, beside that it is right.
///
/// What is worse comes later: of two, the later one is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Note {
    /// A part of it is being made anew, ahead of its end.
    RefreshingAhead,
    /// A part of it was not there in time: what was made without it is not kept.
    TimedOut,
}

impl Note {
    /// What to call it in headers and logs.
    pub const fn name(self) -> &'static str {
        match self {
            Self::RefreshingAhead => "refreshing ahead",
            Self::TimedOut => "hard timeout",
        }
    }
}

/// Up to so many tags are compared one by one, which is quicker than hashing them.
const FEW: usize = 32;

/// Tags with the stamps that they had before what depends on them was read.
#[derive(Debug, Clone, Default)]
pub struct Dependencies {
    stamps: Vec<(Tag, Stamp)>,
    /// Where there are more than [`FEW`]: the place of each, so that adding one takes as long as ever.
    places: HashMap<Tag, usize>,
    expires: Option<Instant>,
    inconsistent: bool,
    stale: Option<Staleness>,
    note: Option<Note>,
    queries: u32,
}

impl Dependencies {
    /// On nothing but the generation of everything, as `current` saw it.
    pub fn on_everything(current: &Stamps) -> Self {
        let mut dependencies = Self::default();
        dependencies.add(Tag::EVERYTHING, current.stamp(&Tag::EVERYTHING));
        dependencies
    }

    /// Also on `tag` at `stamp`.
    pub fn add(&mut self, tag: Tag, stamp: Stamp) {
        if !self.knows(&tag, stamp) {
            self.stamps.push((tag, stamp));
        }
    }

    /// Whether the tag is known; at another stamp, it is inconsistent.
    fn knows(&mut self, tag: &Tag, stamp: Stamp) -> bool {
        let place = if self.stamps.len() > FEW {
            self.place_of(tag)
        } else {
            self.stamps.iter().position(|(known, _)| known == tag)
        };
        self.inconsistent |= place.is_some_and(|place| self.stamps[place].1 != stamp);
        place.is_some()
    }

    fn place_of(&mut self, tag: &Tag) -> Option<usize> {
        for place in self.places.len()..self.stamps.len() {
            self.places.insert(self.stamps[place].0.clone(), place);
        }
        self.places.get(tag).copied()
    }

    /// The same, to which hardly anything will be added: without what makes adding quick.
    #[must_use]
    pub(super) fn settled(self) -> Self {
        Self { places: HashMap::new(), ..self }
    }

    /// Also on everything that `other` depends on; the earlier expiry wins.
    pub fn merge(&mut self, other: &Dependencies) {
        for (tag, stamp) in &other.stamps {
            if !self.knows(tag, *stamp) {
                self.stamps.push((tag.clone(), *stamp));
            }
        }
        self.inconsistent |= other.inconsistent;
        self.queries = self.queries.saturating_add(other.queries);
        self.stale = self.stale.or(other.stale);
        self.note = self.note.max(other.note);
        if let Some(expires) = other.expires {
            self.expires_by(expires);
        }
    }

    /// What was made may not be served after `moment`.
    pub fn expires_by(&mut self, moment: Instant) {
        self.expires = Some(self.expires.map_or(moment, |known| known.min(moment)));
    }

    /// The earliest moment at which a part of it expires.
    pub fn expires(&self) -> Option<Instant> {
        self.expires
    }

    /// What was made holds something known to be old, and may not be kept.
    pub fn mark_stale(&mut self, why: Staleness) {
        self.stale = Some(why);
    }

    /// Why it holds something known to be old, if it does.
    pub fn staleness(&self) -> Option<Staleness> {
        self.stale
    }

    /// What readers should know of its sources; the worst, if there are several.
    pub fn note(&self) -> Option<Note> {
        self.note
    }

    /// Adds a note for readers.
    pub(super) fn add_note(&mut self, note: Note) {
        self.note = self.note.max(Some(note));
    }

    /// So many queries ran for it.
    pub fn asked(&mut self, queries: u32) {
        self.queries = self.queries.saturating_add(queries);
    }

    /// How many queries ran for it. What is made from a kept entry does not pay for that one again:
    /// [`super::entry::Entry::cost`] has them.
    pub fn queries(&self) -> u32 {
        self.queries
    }

    /// The same, which are then counted no more.
    pub(super) fn take_queries(&mut self) -> u32 {
        std::mem::take(&mut self.queries)
    }

    /// Whether it mixes two states of the data.
    pub fn is_inconsistent(&self) -> bool {
        self.inconsistent
    }

    /// The tags with their stamps, in the order in which they were read.
    pub fn stamps(&self) -> &[(Tag, Stamp)] {
        &self.stamps
    }

    /// The first tag whose stamp is not that of `current`, if there is one.
    pub fn first_changed(&self, current: &Stamps) -> Option<&Tag> {
        let moved = |(tag, stamp): &&(Tag, Stamp)| current.stamp(tag) != *stamp;
        self.stamps.iter().find(moved).map(|(tag, _)| tag)
    }

    /// Whether what was made is at least as new as `current` in every tag.
    pub fn are_at_least(&self, current: &Stamps) -> bool {
        self.stamps.iter().all(|(tag, stamp)| stamp.is_at_least(current.stamp(tag)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// With a lookup that compares all tags one by one this test takes minutes.
    #[test]
    fn many_tags_are_told_apart_as_few_are() {
        let tag = |number: usize| Tag::from(format!("t{number}"));
        let stamp = Stamp { count: 1, nonce: 1 };
        let mut many = Dependencies::default();
        (0..100_000).chain(0..100_000).for_each(|number| many.add(tag(number), stamp));
        assert_eq!((many.stamps().len(), many.is_inconsistent()), (100_000, false));
        let mut both = many.clone().settled();
        both.merge(&many);
        assert_eq!((both.stamps().len(), both.is_inconsistent()), (100_000, false));
        both.add(tag(99_999), Stamp { count: 2, nonce: 2 });
        assert!(both.is_inconsistent());
    }
}
