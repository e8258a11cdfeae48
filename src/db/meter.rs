//! How many statements ran, and how long the database took for them, since the process began.
//!
//! - Statements are told apart by what they are for, not by their text: there are few kinds.
//! - Every connection counts, also those that only ask what is current.
//! - Counting takes no lock, and no more of a statement's text than its head.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use diesel::connection::{Instrumentation, InstrumentationEvent};

use super::kind::Kind;

/// Statements of one kind that ended in one way.
struct Count {
    statements: AtomicU64,
    nanos: AtomicU64,
}

/// By kind, then by whether they succeeded.
static COUNTS: [[Count; 2]; 4] =
    [const { [const { Count { statements: AtomicU64::new(0), nanos: AtomicU64::new(0) } }; 2] }; 4];

/// What was counted of one kind and one end.
#[derive(Debug, Clone, Copy)]
pub struct Figures {
    /// Which kind.
    pub kind: Kind,
    /// Whether the database did what it was asked.
    pub succeeded: bool,
    /// How many statements.
    pub statements: u64,
    /// How long the database took for all of them.
    pub took: Duration,
}

/// What all connections of this process have counted so far.
pub fn figures() -> impl Iterator<Item = Figures> {
    Kind::ALL.into_iter().flat_map(|kind| {
        [true, false].map(|succeeded| {
            let count = &COUNTS[kind as usize][usize::from(succeeded)];
            Figures {
                kind,
                succeeded,
                statements: count.statements.load(Ordering::Relaxed),
                took: Duration::from_nanos(count.nanos.load(Ordering::Relaxed)),
            }
        })
    })
}

/// Counts a statement that has ended.
pub(super) fn count(statement: impl fmt::Display, took: Duration, succeeded: bool) {
    count_as(Kind::of(statement), took, succeeded);
}

fn count_as(kind: Kind, took: Duration, succeeded: bool) {
    let count = &COUNTS[kind as usize][usize::from(succeeded)];
    count.statements.fetch_add(1, Ordering::Relaxed);
    count.nanos.fetch_add(u64::try_from(took.as_nanos()).unwrap_or(u64::MAX), Ordering::Relaxed);
}

/// Listens to a connection that only asks what is current.
#[derive(Debug, Default)]
pub struct OfStamps {
    started: Option<Instant>,
}

impl Instrumentation for OfStamps {
    fn on_connection_event(&mut self, event: InstrumentationEvent<'_>) {
        match event {
            InstrumentationEvent::StartQuery { .. } => self.started = Some(Instant::now()),
            InstrumentationEvent::FinishQuery { error, .. } => {
                let took = self.started.take().map(|started| started.elapsed()).unwrap_or_default();
                count_as(Kind::Stamps, took, error.is_none());
            }
            _ => {}
        }
    }
}
