//! One lookup of a request, and its outcome.

use std::panic::Location;
use std::time::{Duration, SystemTime};

use super::record::{Miss, Outcome, Store};
use crate::cache::event::{self, Event};
use crate::cache::http::Coding;
use crate::cache::inspect::PageDetails;
use crate::cache::{Entry, event::Cost};
use crate::cache::{Key, Level, Stamp, Tag, tracking};
use crate::trace::Trace;

/// A lookup, and its outcome.
#[derive(Debug)]
pub struct Node {
    pub level: Level,
    pub key: Key,
    /// The key of the stored entry, if it differs: the variant of a page.
    pub kept_under: Option<Key>,
    /// The key of the entry that was being built during the lookup.
    pub parent: Option<Key>,
    pub outcome: event::Outcome,
    pub removal_cause: Option<event::RemovalCause>,
    pub store: Option<Store>,
    pub at: Duration,
    pub took: Duration,
    pub making: Option<Duration>,
    pub kept: Option<Result<u64, String>>,
    /// The entry that was served or stored.
    pub entry: Option<Known>,
    pub caller: Option<&'static Location<'static>>,
    /// The id of the request that this one waited for, or 0.
    pub behind: u64,
    /// The calls that led to it, where they are wanted.
    pub trace: Option<Trace>,
}

/// The properties of an entry.
#[derive(Debug)]
pub struct Known {
    pub bytes: u64,
    pub age: Duration,
    pub left: Duration,
    /// How long a page may still be served stale, if it allows that.
    pub stale_left: Option<Duration>,
    /// The compressed length of a page, in each coding that was requested so far.
    pub coded: Vec<(Coding, u64)>,
    pub stamps: Vec<(Tag, Stamp)>,
    pub cost: Cost,
    pub made: SystemTime,
    pub holds_nothing: bool,
}

impl Known {
    pub(super) fn of(entry: &Entry) -> Self {
        let page = PageDetails::of(entry).unwrap_or_default();
        Self {
            coded: page.coded,
            bytes: entry.size().into(),
            age: entry.age(),
            left: entry.remaining(),
            stale_left: page.stale_left,
            stamps: entry.stamps().to_vec(),
            cost: entry.cost(),
            made: SystemTime::now() - entry.age(),
            holds_nothing: entry.holds_nothing(),
        }
    }
}

impl Node {
    pub(super) fn of(event: &Event<'_>, now: Duration) -> Self {
        // A fragment is reported after it was built.
        let is_made = event.level == Level::Fragment && is_miss(&event.outcome);
        Self {
            level: event.level,
            key: event.key.clone(),
            kept_under: None,
            parent: tracking::current_key().filter(|parent| parent != event.key),
            outcome: event.outcome.clone(),
            removal_cause: event.removal_cause,
            store: match event.outcome {
                event::Outcome::Hit => Some(Store::Memory),
                event::Outcome::SharedHit => Some(Store::Shared),
                _ => None,
            },
            at: now.saturating_sub(event.took),
            took: if is_made { Duration::ZERO } else { event.took },
            making: is_made.then_some(event.took),
            kept: None,
            entry: event.entry.map(Known::of),
            caller: event.caller,
            behind: event.behind,
            trace: Trace::here(),
        }
    }

    /// Reports whether it is a miss whose build has not been reported yet.
    pub(super) fn is_open(&self) -> bool {
        is_miss(&self.outcome) && self.kept.is_none()
    }
}

fn is_miss(outcome: &event::Outcome) -> bool {
    matches!(outcome, event::Outcome::Miss(_))
}

/// Returns the node of a build without a lookup: a bypass, or a value known not to be storable.
pub(super) fn unasked(event: &Event<'_>, now: Duration, kept: Result<u64, String>) -> Node {
    let mut node = Node::of(event, now);
    node.outcome = match kept {
        Ok(_) => event::Outcome::Refreshing,
        Err(_) => event::Outcome::Miss(event::Miss::Absent),
    };
    (node.took, node.making, node.kept) = (Duration::ZERO, Some(event.took), Some(kept));
    node
}

/// Returns the outcome of a lookup, without the details that only the rest of the recording has.
pub fn outcome(node: &Node) -> Outcome {
    let is_nothing = node.entry.as_ref().is_some_and(|entry| entry.holds_nothing);
    match &node.outcome {
        event::Outcome::Hit | event::Outcome::SharedHit if is_nothing => Outcome::HitNothing,
        event::Outcome::Hit | event::Outcome::SharedHit => Outcome::Hit,
        event::Outcome::Collapsed => Outcome::Collapsed,
        event::Outcome::Stale(why) => Outcome::Stale(why.name().to_owned()),
        event::Outcome::Outage(trouble) => Outcome::Outage(trouble.name().to_owned()),
        event::Outcome::Unreadable(why) => Outcome::Unreadable((*why).to_owned()),
        event::Outcome::Refreshing => Outcome::Refreshing,
        event::Outcome::TimedOut => Outcome::TimedOut,
        event::Outcome::Miss(miss) => Outcome::Miss(why(node, miss)),
        // These events end a build and never create a node.
        event::Outcome::Stored(_) | event::Outcome::NotStored(_) => Outcome::Refreshing,
    }
}

/// Returns the reason for the miss, as far as the cache itself knows it.
fn why(node: &Node, miss: &event::Miss) -> Miss {
    match (miss, node.removal_cause) {
        (event::Miss::Absent, None) => Miss::Never,
        (event::Miss::Absent, Some(event::RemovalCause::Evicted)) => Miss::Evicted,
        (event::Miss::Absent, Some(event::RemovalCause::Deleted)) => Miss::Deleted,
        (event::Miss::Expired, _) => Miss::Expired,
        (event::Miss::Bypassed, _) => Miss::Bypassed,
        (event::Miss::Invalidated(tag), _) => {
            Miss::Invalidated { tag: tag.to_string(), at: None, by: None }
        }
    }
}
