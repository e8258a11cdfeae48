//! Shows the bodies of the cache's own types to people: pages and fragments.

use super::description::{Body, Kind};
use crate::codec::{CodecError, Fingerprint, Sealed};
use crate::entry::{self, Entry};
use crate::level::Level;

/// A body that can be shown to people.
pub(crate) trait Describe: entry::Body {
    /// The level whose entries have such bodies.
    const LEVEL: Level;

    /// Describes the body, with the first `letters` characters of its text.
    fn describe(&self, letters: usize) -> Body;
}

/// Reads the bodies of one type, from memory and from a store.
#[derive(Debug, Clone, Copy)]
pub(crate) struct BodyReader {
    level: Level,
    fingerprint: fn() -> Result<Fingerprint, CodecError>,
    in_memory: fn(&Entry, usize) -> Option<Body>,
    in_store: fn(&Sealed, Fingerprint, usize) -> Option<Body>,
}

impl BodyReader {
    /// Reads bodies of the type `T`.
    pub(crate) const fn of<T: Describe>() -> Self {
        Self {
            level: T::LEVEL,
            fingerprint: Fingerprint::of::<T>,
            in_memory: |entry, letters| Some(entry.body::<T>()?.describe(letters)),
            in_store: |sealed, fingerprint, letters| {
                Some(sealed.value::<T>(fingerprint).ok()?.describe(letters))
            },
        }
    }

    /// Returns the level whose entries it reads.
    pub(crate) fn level(&self) -> Level {
        self.level
    }

    /// Reports whether names with this half of a fingerprint are of its type.
    pub(crate) fn reads(&self, fingerprint: u32) -> bool {
        (self.fingerprint)().is_ok_and(|own| own.number() as u32 == fingerprint)
    }

    /// Describes the body of an entry in memory, if it is of its type.
    pub(crate) fn in_memory(&self, entry: &Entry, letters: usize) -> Option<Body> {
        (self.in_memory)(entry, letters)
    }

    /// Describes a sealed body, if it is of its type.
    pub(crate) fn in_store(&self, sealed: &Sealed, letters: usize) -> Option<Body> {
        (self.in_store)(sealed, (self.fingerprint)().ok()?, letters)
    }
}

impl From<Level> for Kind {
    fn from(level: Level) -> Self {
        match level {
            Level::Page => Self::Page,
            Level::Fragment => Self::Fragment,
            Level::Query => Self::Query,
        }
    }
}

/// Returns the first `letters` characters, and reads no more of a body than they can take.
pub(crate) fn start(body: &[u8], letters: usize) -> String {
    let most = body.len().min(letters.saturating_mul(4));
    String::from_utf8_lossy(&body[..most]).chars().take(letters).collect()
}
