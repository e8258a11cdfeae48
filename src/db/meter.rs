//! How many statements ran, and how long the database took for them, since the process began.
//!
//! - Statements are told apart by what they are for, not by their text: there are few kinds.
//! - Every connection counts, also those that only ask what is current.
//! - Counting takes no lock, and no more of a statement's text than its head.

use std::fmt::{self, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use diesel::connection::{Instrumentation, InstrumentationEvent};

use super::log::IS_ALIVE;

/// What a statement is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Asks for data.
    Query,
    /// Changes data, or the schema.
    Write,
    /// Begins or ends a transaction, or asks whether a connection still lives.
    Transaction,
    /// Asks for stamps, whether they have moved, or who moves them; or moves them by hand.
    Stamps,
}

/// How much of a statement is looked at, in bytes.
const HEAD: usize = 160;

impl Kind {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Query, Self::Write, Self::Transaction, Self::Stamps];

    /// Its name, lower case.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Query => "query",
            Self::Write => "write",
            Self::Transaction => "transaction",
            Self::Stamps => "stamps",
        }
    }

    /// Of a statement that can be printed.
    fn of(statement: impl fmt::Display) -> Self {
        let mut head = Head { bytes: [0; HEAD], length: 0 };
        // It says that it failed as soon as it is full, which ends the printing.
        let _ = write!(head, "{statement}");
        Self::of_text(head.text())
    }

    fn of_text(text: &str) -> Self {
        const TRANSACTION: [&str; 5] = ["BEGIN", "COMMIT", "ROLLBACK", "SAVEPOINT", "RELEASE"];
        const QUERY: [&str; 5] = ["SELECT", "WITH", "PRAGMA", "EXPLAIN", "VALUES"];
        let text = text.trim_start();
        let begins = |words: &[&str]| {
            words.iter().any(|word| {
                text.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word))
            })
        };
        if begins(&TRANSACTION) || begins(&[IS_ALIVE]) {
            Self::Transaction
        } else if text.contains("cache_versions") || text.contains("cache_bump") {
            Self::Stamps
        } else if begins(&QUERY) {
            Self::Query
        } else {
            Self::Write
        }
    }
}

/// Takes the first bytes of what is printed into it.
struct Head {
    bytes: [u8; HEAD],
    length: usize,
}

impl Head {
    /// What was taken; without a letter that was cut in two.
    fn text(&self) -> &str {
        let bytes = &self.bytes[..self.length];
        match std::str::from_utf8(bytes) {
            Ok(text) => text,
            Err(error) => std::str::from_utf8(&bytes[..error.valid_up_to()]).unwrap_or_default(),
        }
    }
}

impl Write for Head {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let room = HEAD - self.length;
        let taken = text.len().min(room);
        self.bytes[self.length..self.length + taken].copy_from_slice(&text.as_bytes()[..taken]);
        self.length += taken;
        if text.len() > room { Err(fmt::Error) } else { Ok(()) }
    }
}

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statements_are_told_apart_by_what_they_are_for() {
        let cases = [
            ("SELECT \"products\".\"id\" FROM \"products\"", Kind::Query),
            (" select 1", Kind::Query),
            ("WITH RECURSIVE x AS (SELECT 1) SELECT * FROM x", Kind::Query),
            ("INSERT INTO products VALUES (?)", Kind::Write),
            ("UPDATE products SET title = ?", Kind::Write),
            ("DELETE FROM products", Kind::Write),
            ("CREATE TABLE t (id INTEGER)", Kind::Write),
            ("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", Kind::Transaction),
            ("COMMIT", Kind::Transaction),
            (IS_ALIVE, Kind::Transaction),
            ("SELECT \"cache_versions\".\"tag\" FROM \"cache_versions\"", Kind::Stamps),
            ("SELECT cache_bump($1)", Kind::Stamps),
            ("", Kind::Write),
        ];
        for (text, kind) in cases {
            assert_eq!(Kind::of(text), kind, "{text}");
        }
    }

    #[test]
    fn no_more_than_the_head_of_a_statement_is_read() {
        let long = format!("SELECT {} FROM cache_versions", "é".repeat(HEAD));
        assert_eq!(Kind::of(&long), Kind::Query);
    }
}
