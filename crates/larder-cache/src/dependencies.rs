//! What a page, a fragment or a query result was built from: tags with their stamps.

use std::collections::HashMap;

use tokio::time::Instant;

use super::stamps::Stamps;
use super::tag::{Stamp, Tag};

/// Why a stale entry was served.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Staleness {
    /// Rebuilding it failed.
    Error,
    /// It is being rebuilt meanwhile.
    Revalidating,
    /// Rebuilding it takes longer than callers wait.
    Timeout,
}

impl Staleness {
    /// Returns its name in headers and logs.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Error => "stale-if-error",
            Self::Revalidating => "stale-while-revalidate",
            Self::Timeout => "soft timeout",
        }
    }
}

/// A remark about the sources of a page, which does not make it wrong.
///
/// The variants are ordered by severity: of two notes, the later variant is reported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Note {
    /// A part of it is being rebuilt before its end.
    RefreshingAhead,
    /// A part of it was not ready in time: the page was built without it and is not stored.
    TimedOut,
}

impl Note {
    /// Returns its name in headers and logs.
    pub const fn name(self) -> &'static str {
        match self {
            Self::RefreshingAhead => "refreshing ahead",
            Self::TimedOut => "hard timeout",
        }
    }
}

/// Up to this many tags are compared one by one, which is faster than hashing them.
const FEW: usize = 32;

/// Tags with the stamps that they had before the dependent data was read.
#[derive(Debug, Clone, Default)]
pub struct Dependencies {
    stamps: Vec<(Tag, Stamp)>,
    /// The index of each tag if there are more than [`FEW`], so that adding one stays fast.
    places: HashMap<Tag, usize>,
    expires: Option<Instant>,
    inconsistent: bool,
    stale: Option<Staleness>,
    note: Option<Note>,
    queries: u32,
}

impl Dependencies {
    /// Depends only on [`Tag::EVERYTHING`], at its stamp in `current`.
    pub fn on_everything(current: &Stamps) -> Self {
        let mut dependencies = Self::default();
        dependencies.add(Tag::EVERYTHING, current.stamp(&Tag::EVERYTHING));
        dependencies
    }

    /// Adds a dependency on `tag` at `stamp`.
    pub fn add(&mut self, tag: Tag, stamp: Stamp) {
        if !self.knows(&tag, stamp) {
            self.stamps.push((tag, stamp));
        }
    }

    /// Reports whether the tag is known; if at another stamp, marks the dependencies inconsistent.
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

    /// Drops the index and spare room, since hardly any tag will be added.
    #[must_use]
    pub(super) fn settled(mut self) -> Self {
        self.stamps.shrink_to_fit();
        Self { places: HashMap::new(), ..self }
    }

    /// Returns the bytes that they take beside the structure itself.
    pub(super) fn footprint(&self) -> usize {
        let owned = self.stamps.iter().map(|(tag, _)| tag.footprint());
        self.stamps.len() * size_of::<(Tag, Stamp)>() + owned.sum::<usize>()
    }

    /// Adds everything that `other` depends on; the earlier expiry counts.
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

    /// Sets the moment after which the result may not be served, unless an earlier one is set.
    pub fn expires_by(&mut self, moment: Instant) {
        self.expires = Some(self.expires.map_or(moment, |known| known.min(moment)));
    }

    /// Returns the earliest moment at which a part of the result expires.
    pub fn expires(&self) -> Option<Instant> {
        self.expires
    }

    /// Marks the result as containing a stale part, so that it is not stored.
    pub fn mark_stale(&mut self, why: Staleness) {
        self.stale = Some(why);
    }

    /// Returns why the result contains a stale part, if it does.
    pub fn staleness(&self) -> Option<Staleness> {
        self.stale
    }

    /// Returns the most severe note about the sources.
    pub fn note(&self) -> Option<Note> {
        self.note
    }

    /// Adds a note about the sources.
    pub(super) fn add_note(&mut self, note: Note) {
        self.note = self.note.max(Some(note));
    }

    /// Counts this many queries that ran for the result.
    pub fn asked(&mut self, queries: u32) {
        self.queries = self.queries.saturating_add(queries);
    }

    /// Returns how many queries ran for the result, without those of stored entries it used.
    ///
    /// Those are in [`super::entry::Entry::cost`].
    pub fn queries(&self) -> u32 {
        self.queries
    }

    /// Returns the count of queries and resets it.
    pub(super) fn take_queries(&mut self) -> u32 {
        std::mem::take(&mut self.queries)
    }

    /// Reports whether the result mixes two states of the data.
    pub fn is_inconsistent(&self) -> bool {
        self.inconsistent
    }

    /// Returns the tags with their stamps, in the order in which they were read.
    pub fn stamps(&self) -> &[(Tag, Stamp)] {
        &self.stamps
    }

    /// Returns the first tag whose stamp differs from `current`, if there is one.
    pub fn first_changed(&self, current: &Stamps) -> Option<&Tag> {
        let changed = |(tag, stamp): &&(Tag, Stamp)| current.stamp(tag) != *stamp;
        self.stamps.iter().find(changed).map(|(tag, _)| tag)
    }

    /// Reports whether the result is at least as new as `current` in every tag.
    pub fn are_at_least(&self, current: &Stamps) -> bool {
        self.stamps.iter().all(|(tag, stamp)| stamp.is_at_least(current.stamp(tag)))
    }

    /// Reports whether the result is newer than `current` in a tag.
    pub(super) fn are_newer_than(&self, current: &Stamps) -> bool {
        self.stamps.iter().any(|(tag, stamp)| !current.stamp(tag).is_at_least(*stamp))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A lookup that compares all tags one by one would take minutes here.
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
