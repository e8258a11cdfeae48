//! Events: what happened, to which key, why, and how long it took.
//!
//! The cache reports; who listens is decided once, when it is opened. Nothing is patched and
//! nothing is printed here.

use std::time::Duration;

use super::key::Key;
use super::level::Level;
use super::tag::Tag;

/// Why there was nothing to serve.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Miss {
    /// Nothing is kept under the key (any more).
    Absent,
    /// Its lifetime was over.
    Expired,
    /// What it was made from has changed.
    Invalidated(Tag),
}

/// Why something old was served.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Staleness {
    /// Making it anew failed.
    Error,
    /// It is being made anew meanwhile.
    Revalidating,
    /// Making it anew takes longer than callers wait.
    Timeout,
}

/// What came of a look-up or of a try to keep something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// Served from the cache.
    Hit,
    /// Served from the store that instances share, and kept here from now on.
    FarHit,
    /// Served from what another request was just making.
    Collapsed,
    /// Served although it is known to be old, as the policy allows; why.
    Stale(Staleness),
    /// To be made.
    Miss(Miss),
    /// Kept: so many bytes.
    Stored(u32),
    /// Not kept, and why.
    NotStored(&'static str),
    /// What the shared store holds under the key is no entry of this kind.
    Unreadable,
}

/// Something that happened to a key.
#[derive(Debug)]
pub struct Event<'e> {
    /// On which level.
    pub level: Level,
    /// To which key.
    pub key: &'e Key,
    /// What.
    pub outcome: Outcome,
    /// How long the look-up took, or the making where something was stored.
    pub took: Duration,
}

/// Who is told.
pub trait Listener: Send + Sync + 'static {
    /// Called where it happened, on the thread of the request; must not block.
    fn on(&self, event: &Event<'_>);
}
