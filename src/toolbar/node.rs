//! One lookup of a request, and what came of it.

use std::panic::Location;
use std::time::{Duration, SystemTime};

use super::record::{Miss, Outcome, Store};
use crate::cache::entry::{Cost, Entry};
use crate::cache::event::{self, Event};
use crate::cache::key::Key;
use crate::cache::level::Level;
use crate::cache::page::encoding::Coding;
use crate::cache::page::stored::Stored;
use crate::cache::tag::{Stamp, Tag};
use crate::cache::tracking;

/// A look-up, and what came of it.
#[derive(Debug)]
pub struct Node {
    pub level: Level,
    pub key: Key,
    /// Under which it was kept, where that is another: the variant of a page.
    pub kept_under: Option<Key>,
    /// What was being made when it was looked up.
    pub parent: Option<Key>,
    pub outcome: event::Outcome,
    pub removal_cause: Option<event::RemovalCause>,
    pub store: Option<Store>,
    pub at: Duration,
    pub took: Duration,
    pub making: Option<Duration>,
    pub kept: Option<Result<u64, String>>,
    /// Of what was served or kept.
    pub entry: Option<Known>,
    pub caller: Option<&'static Location<'static>>,
    /// The request that was waited for, where one was.
    pub behind: u64,
}

/// What is known of an entry.
#[derive(Debug)]
pub struct Known {
    pub bytes: u64,
    pub age: Duration,
    pub left: Duration,
    /// How much longer it is of use where it cannot be made anew at once; of pages.
    pub stale_left: Option<Duration>,
    /// How long it is compressed, in each coding in which somebody has asked for it; of pages.
    pub coded: Vec<(Coding, u64)>,
    pub stamps: Vec<(Tag, Stamp)>,
    pub cost: Cost,
    pub made: SystemTime,
    pub holds_nothing: bool,
}

impl Known {
    pub(super) fn of(entry: &Entry) -> Self {
        let stored = entry.body::<Stored>();
        let stale_left = stored.as_deref().and_then(|stored| match stored {
            Stored::Page(page) => {
                let age = page.initial_age().saturating_add(entry.age());
                let freshness = page.freshness();
                let has_window = freshness.end() > freshness.lifetime;
                has_window.then(|| freshness.end().saturating_sub(age))
            }
            Stored::Varies(_) | Stored::Uncacheable => None,
        });
        let coded = match stored.as_deref() {
            Some(Stored::Page(page)) => Coding::OFFERED
                .into_iter()
                .filter_map(|coding| Some((coding, page.coded_len(coding)? as u64)))
                .collect(),
            _ => Vec::new(),
        };
        Self {
            coded,
            bytes: entry.size().into(),
            age: entry.age(),
            left: entry.remaining(),
            stale_left,
            stamps: entry.stamps().to_vec(),
            cost: entry.cost(),
            made: SystemTime::now() - entry.age(),
            holds_nothing: entry.holds_nothing(),
        }
    }
}

impl Node {
    pub(super) fn of(event: &Event<'_>, now: Duration) -> Self {
        // A fragment is told of when it has been made.
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
        }
    }

    /// Whether it is a miss that nobody has told the end of yet.
    pub(super) fn is_open(&self) -> bool {
        is_miss(&self.outcome) && self.kept.is_none()
    }
}

fn is_miss(outcome: &event::Outcome) -> bool {
    matches!(outcome, event::Outcome::Miss(_))
}

/// Something made that nobody had looked up: it was asked for anew, or is known not to be for keeping.
pub(super) fn unasked(event: &Event<'_>, now: Duration, kept: Result<u64, String>) -> Node {
    let mut node = Node::of(event, now);
    node.outcome = match kept {
        Ok(_) => event::Outcome::Refreshing,
        Err(_) => event::Outcome::Miss(event::Miss::Absent),
    };
    (node.took, node.making, node.kept) = (Duration::ZERO, Some(event.took), Some(kept));
    node
}

/// What came of a look-up, without what only the rest of the recording can tell.
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
        // They end a making and begin no node.
        event::Outcome::Stored(_) | event::Outcome::NotStored(_) => Outcome::Refreshing,
    }
}

/// Why there was nothing to serve, as far as the cache itself knows.
fn why(node: &Node, miss: &event::Miss) -> Miss {
    match (miss, node.removal_cause) {
        (event::Miss::Absent, None) => Miss::Never,
        (event::Miss::Absent, Some(event::RemovalCause::Evicted)) => Miss::Evicted,
        (event::Miss::Absent, Some(event::RemovalCause::Deleted)) => Miss::Deleted,
        (event::Miss::Expired, _) => Miss::Expired,
        (event::Miss::Invalidated(tag), _) => {
            Miss::Invalidated { tag: tag.to_string(), at: None, by: None }
        }
    }
}
