//! Events: what happened to which key, why, and how long it took.
//!
//! The cache reports them to the listeners that it was opened with. It does not log or print them.

use std::panic::Location;
use std::time::{Duration, Instant};

pub use super::dependencies::Staleness;
pub use super::entry::Cost;
use super::entry::Entry;
use super::key::Key;
use super::level::Level;
pub use super::removal::Removal;
use super::stamps::StampsResult;
use super::store::{Trouble, metered};
use super::tag::Tag;
use super::tracking;
use super::values::call::Call;

/// Why a lookup found nothing to serve.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Miss {
    /// Nothing is stored under the key, or no longer.
    Absent,
    /// Its lifetime was over.
    Expired,
    /// The data it was built from has changed.
    Invalidated(Tag),
    /// It was not looked at, since the caller rebuilds everything ([`tracking::rebuilding`]).
    Bypassed,
}

/// How an entry left the memory of this process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RemovalCause {
    /// It was evicted to make room.
    Evicted,
    /// It was deleted, alone or with all others.
    Deleted,
}

/// The outcome of a lookup, or of an attempt to store a result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// Served from the local tier.
    Hit,
    /// Served from the shared tier, and stored in the local tier.
    SharedHit,
    /// Served the result of another request, which was building it already.
    Collapsed,
    /// Served stale for this reason, as the policy allows.
    Stale(Staleness),
    /// Nothing to serve: it has to be built.
    Miss(Miss),
    /// Stored: this many bytes.
    Stored(u32),
    /// Not stored, for this reason.
    NotStored(&'static str),
    /// The bytes in the shared store are not sealed for this key, or cannot be read: a miss.
    ///
    /// The reason is a few words ([`CodecError::name`](super::codec::CodecError::name)).
    Unreadable(&'static str),
    /// The shared store did not answer, for this reason: a miss there.
    Outage(Trouble),
    /// Rebuilding in the background, after an answer that did not wait for it.
    Refreshing,
    /// Not available within the time that the caller may wait; the load continues.
    TimedOut,
}

/// An event of the cache.
#[derive(Debug)]
pub struct Event<'e> {
    /// The level of the key.
    pub level: Level,
    /// The key.
    pub key: &'e Key,
    /// What happened.
    pub outcome: Outcome,
    /// How long the lookup took; if an entry was stored, the build; if collapsed, the waiting.
    pub took: Duration,
    /// When it ended, if the clock was read for that.
    pub ended: Option<Instant>,
    /// The entry that was served or stored.
    pub entry: Option<&'e Entry>,
    /// On a miss: how the entry left that was stored before, if that is remembered.
    pub removal_cause: Option<RemovalCause>,
    /// The place in the source that asked for it, if known.
    pub caller: Option<&'static Location<'static>>,
    /// If collapsed: on whose behalf it was being built ([`super::tracking::on_behalf_of`]); 0 if
    /// unknown.
    pub behind: u64,
    /// The number of the request on whose behalf it happened, also if it did in a task of its own; 0 if unknown.
    pub maker: u64,
}

impl<'e> Event<'e> {
    /// Creates an event without further details.
    pub fn new(level: Level, key: &'e Key, outcome: Outcome, took: Duration) -> Self {
        Self {
            level,
            key,
            outcome,
            took,
            ended: None,
            entry: None,
            removal_cause: None,
            caller: None,
            behind: 0,
            maker: tracking::maker(),
        }
    }

    /// Adds when it ended.
    #[must_use]
    pub(super) fn ended_at(self, ended: Instant) -> Self {
        Self { ended: Some(ended), ..self }
    }

    /// Adds the entry.
    #[must_use]
    pub fn of(self, entry: &'e Entry) -> Self {
        Self { entry: Some(entry), ..self }
    }

    /// Adds on whose behalf the awaited result was built.
    #[must_use]
    pub fn behind(self, behind: u64) -> Self {
        Self { behind, ..self }
    }

    /// Adds the place in the source that asked for it.
    #[must_use]
    pub fn asked_at(self, caller: Option<&'static Location<'static>>) -> Self {
        Self { caller, ..self }
    }
}

/// Receives the events of a cache.
///
/// ```
/// use larder_cache::event::Outcome;
/// use larder_cache::{Event, Listener};
///
/// /// Prints what is built, and how long it took.
/// struct Print;
///
/// impl Listener for Print {
///     fn on(&self, event: &Event<'_>) {
///         if let Outcome::Stored(bytes) = event.outcome {
///             println!("{}: {bytes} bytes in {:?}", event.key, event.took);
///         }
///     }
/// }
/// ```
pub trait Listener: Send + Sync + 'static {
    /// Receives an event, on the thread on which it happened; it must not block.
    fn on(&self, event: &Event<'_>);

    /// Receives a call to a value, once answered; it must not block. By default it is ignored.
    fn on_value(&self, call: &Call<'_>) {
        let _ = call;
    }

    /// Receives a freshness check: when it began, how long it took, and the stamps if they were available.
    ///
    /// It must not block. By default it is ignored.
    fn on_check(&self, began: Instant, took: Duration, current: &StampsResult) {
        let _ = (began, took, current);
    }

    /// Receives a call to the shared store, once answered; it must not block. By default it is ignored.
    fn on_store(&self, call: &metered::Call) {
        let _ = call;
    }
}
