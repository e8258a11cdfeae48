//! Counts statements and their time in the database, and waits for a connection, since the process began.
//!
//! - Statements are grouped by what they are for, not by their text: there are few kinds.
//! - Every connection counts, also those that only read stamps.
//! - Counting takes no lock, and reads only the first bytes of a statement's text.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use diesel::connection::{Instrumentation, InstrumentationEvent};

use super::kind::Kind;
use super::role::Role;

/// Statements of one kind that succeeded, or of one kind that failed.
struct Count {
    statements: AtomicU64,
    nanos: AtomicU64,
}

impl Count {
    fn add(&self, took: Duration) {
        self.statements.fetch_add(1, Ordering::Relaxed);
        self.nanos.fetch_add(u64::try_from(took.as_nanos()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }
}

/// By kind, then by whether they succeeded.
static COUNTS: [[Count; 2]; 4] =
    [const { [const { Count { statements: AtomicU64::new(0), nanos: AtomicU64::new(0) } }; 2] }; 4];

/// Waits for a connection, by role.
static WAITS: [Count; 2] =
    [const { Count { statements: AtomicU64::new(0), nanos: AtomicU64::new(0) } }; 2];

/// Returns how often a read or write waited for a connection of this role, and for how long in all.
pub fn waits() -> impl Iterator<Item = (Role, u64, Duration)> {
    Role::ALL.into_iter().zip(&WAITS).map(|(role, waits)| {
        let took = Duration::from_nanos(waits.nanos.load(Ordering::Relaxed));
        (role, waits.statements.load(Ordering::Relaxed), took)
    })
}

/// Counts a wait for a connection that has ended.
pub(super) fn count_wait(role: Role, took: Duration) {
    WAITS[role as usize].add(took);
}

/// The figures of one kind and one result.
#[derive(Debug, Clone, Copy)]
pub struct Figures {
    /// The kind of the statements.
    pub kind: Kind,
    /// Whether they succeeded.
    pub succeeded: bool,
    /// Number of statements.
    pub statements: u64,
    /// Total time that the database took.
    pub took: Duration,
}

/// Returns the figures of all connections of this process so far.
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
    COUNTS[kind as usize][usize::from(succeeded)].add(took);
}

/// Counts a question for stamps that has ended.
pub fn count_stamps(took: Duration, succeeded: bool) {
    count_as(Kind::Stamps, took, succeeded);
}

/// Counts the statements of a connection that only reads stamps.
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
                count_stamps(took, error.is_none());
            }
            _ => {}
        }
    }
}
