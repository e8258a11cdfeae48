//! Events: what happened, to which key, why, and how long it took.
//!
//! The cache reports; who listens is decided once, when it is opened. Nothing is patched and
//! nothing is printed here.

use std::panic::Location;
use std::time::Duration;

use super::dependencies::Staleness;
use super::entry::Entry;
use super::key::Key;
use super::level::Level;
use super::store::Trouble;
use super::tag::Tag;
use super::values::call::Call;

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

/// How an entry left the memory of this process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RemovalCause {
    /// It was pushed out for room.
    Evicted,
    /// It was deleted by hand, or all were.
    Deleted,
}

/// What came of a look-up or of a try to keep something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// Served from the cache.
    Hit,
    /// Served from the store that instances share, and kept here from now on.
    SharedHit,
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
    /// What the shared store holds under the key was not sealed by us for this key, or cannot be read; why,
    /// in few words ([`CodecError::name`](super::codec::CodecError::name)). It is a miss.
    Unreadable(&'static str),
    /// The shared store was of no help, which is as good as a miss there; why.
    Outage(Trouble),
    /// Built anew in the background, behind an answer that was given without waiting.
    Refreshing,
    /// Not there in the time that its caller may be made to wait; it is made all the same.
    TimedOut,
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
    /// How long the look-up took, or the making where something was stored; of what was collapsed, how
    /// long it waited.
    pub took: Duration,
    /// What was served or kept.
    pub entry: Option<&'e Entry>,
    /// Where nothing was there: how what had been there left, as far as is remembered.
    pub removal_cause: Option<RemovalCause>,
    /// Who asked, where that is known.
    pub caller: Option<&'static Location<'static>>,
    /// Of what was collapsed: on whose behalf it was being made; 0 where nobody knows.
    pub behind: u64,
}

impl<'e> Event<'e> {
    /// That this happened, and nothing more is known of it.
    pub fn new(level: Level, key: &'e Key, outcome: Outcome, took: Duration) -> Self {
        Self {
            level,
            key,
            outcome,
            took,
            entry: None,
            removal_cause: None,
            caller: None,
            behind: 0,
        }
    }

    /// The same of this entry.
    #[must_use]
    pub fn of(self, entry: &'e Entry) -> Self {
        Self { entry: Some(entry), ..self }
    }

    /// The same, which was waited for behind somebody.
    #[must_use]
    pub fn behind(self, behind: u64) -> Self {
        Self { behind, ..self }
    }

    /// The same, asked for at this place of the source.
    #[must_use]
    pub fn asked_at(self, caller: Option<&'static Location<'static>>) -> Self {
        Self { caller, ..self }
    }
}

/// Who is told.
pub trait Listener: Send + Sync + 'static {
    /// Called where it happened, on the thread of the request; must not block.
    fn on(&self, event: &Event<'_>);

    /// Called where a call to a value was answered; must not block. Who counts entries only need not hear.
    fn on_value(&self, call: &Call<'_>) {
        let _ = call;
    }
}
