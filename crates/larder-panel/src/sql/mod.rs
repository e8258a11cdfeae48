//! The statements that ran for a request: those of larder-sql's adapter, and those that an application records.
//!
//! ```
//! use std::time::Instant;
//!
//! use larder_panel::sql::{self, Statement};
//!
//! let began = Instant::now();
//! // … the driver runs it …
//! sql::record(Statement::new("SELECT title FROM posts WHERE id = ?", began.elapsed()).bind("7"));
//! ```

#[cfg(feature = "sql")]
mod adapter;

use std::cell::RefCell;
use std::panic::Location;
use std::time::{Duration, Instant};

use crate::cache::tracking;
use crate::toolbar::record::SqlKind;
use crate::trace::Trace;

#[cfg(feature = "sql")]
pub(crate) use adapter::{observe, text_of};

/// Statements that are recorded of one request; more are only counted.
const ROOM: usize = 5_000;

/// A statement that ran.
#[derive(Debug, Clone)]
pub struct Statement {
    pub(crate) sql: String,
    /// As they are printed.
    pub(crate) binds: Vec<String>,
    pub(crate) kind: SqlKind,
    pub(crate) began: Instant,
    pub(crate) took: Duration,
    pub(crate) error: Option<String>,
    pub(crate) connection: &'static str,
    pub(crate) caller: Option<String>,
    /// The entry that was being built.
    pub(crate) for_key: Option<String>,
    /// Whether it belongs to a freshness check, whose time counts by itself.
    pub(crate) is_check: bool,
    /// The calls that led to it, where they are wanted.
    pub(crate) trace: Option<Trace>,
}

/// A wait for a connection of a pool.
#[derive(Debug)]
pub(crate) struct Wait {
    pub pool: &'static str,
    pub began: Instant,
    pub took: Duration,
    /// The entry that was being built.
    pub for_key: Option<String>,
}

impl Statement {
    /// Creates a statement that has just ended and took this long, with placeholders for its values.
    #[track_caller]
    pub fn new(sql: impl Into<String>, took: Duration) -> Self {
        let (sql, place) = (sql.into(), Location::caller());
        Self {
            kind: kind(&sql),
            sql,
            binds: Vec::new(),
            began: Instant::now().checked_sub(took).unwrap_or_else(Instant::now),
            took,
            error: None,
            connection: "",
            caller: Some(format!("{}:{}", place.file(), place.line())),
            for_key: tracking::current_key().map(|key| key.to_string()),
            is_check: false,
            trace: Trace::here(),
        }
    }

    /// Adds a value, as it is printed.
    #[must_use]
    pub fn bind(mut self, value: impl Into<String>) -> Self {
        self.binds.push(value.into());
        self
    }

    /// Marks it as a part of the protocol, such as a freshness check: it is counted apart from the application's own.
    #[must_use]
    pub fn internal(self) -> Self {
        Self { kind: SqlKind::Stamps, ..self }
    }

    /// Adds why it failed.
    #[must_use]
    pub fn failed(self, error: impl ToString) -> Self {
        Self { error: Some(error.to_string()), ..self }
    }
}

/// The statements of one request, in order.
#[derive(Debug, Default)]
pub(crate) struct Logged {
    pub statements: Vec<Statement>,
    /// Waits for a connection, in the order in which they ended.
    pub waits: Vec<Wait>,
    /// Number of further statements, for which there was no room.
    pub left_out: u64,
    /// Processor time of other threads that ran the statements.
    pub processor: Duration,
    /// Time that the adapter spent for the toolbar.
    pub unlogged: Duration,
}

tokio::task_local! {
    static CURRENT: RefCell<Logged>;
}

/// Records a statement for the request that runs in this task; does nothing where none is observed.
pub fn record(statement: Statement) {
    let _ = CURRENT.try_with(|logged| {
        let logged = &mut *logged.borrow_mut();
        match logged.statements.len() < ROOM {
            true => logged.statements.push(statement),
            false => logged.left_out += 1,
        }
    });
}

/// Runs `work` and returns the statements that were recorded meanwhile.
pub(crate) async fn observe_recorded<T>(work: impl Future<Output = T>) -> (T, Logged) {
    let observed = async {
        let done = work.await;
        (done, CURRENT.with(RefCell::take))
    };
    CURRENT.scope(RefCell::default(), observed).await
}

#[cfg(not(feature = "sql"))]
pub(crate) use observe_recorded as observe;

/// Returns the text of a printed value.
#[cfg(not(feature = "sql"))]
pub(crate) fn text_of(printed: &str) -> String {
    let inside = printed.strip_prefix(['"', '\'']).and_then(|rest| rest.strip_suffix(['"', '\'']));
    inside.unwrap_or(printed).to_owned()
}

/// Returns what a statement is for, judged by its first word.
fn kind(sql: &str) -> SqlKind {
    let word = sql.split_whitespace().next().unwrap_or_default().to_ascii_uppercase();
    match word.trim_end_matches(';') {
        "BEGIN" | "COMMIT" | "ROLLBACK" | "SAVEPOINT" | "RELEASE" | "START" => SqlKind::Transaction,
        "SELECT" | "WITH" | "PRAGMA" | "EXPLAIN" | "VALUES" => SqlKind::Query,
        _ => SqlKind::Write,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_recorded_statement_belongs_to_the_request_that_runs() {
        record(Statement::new("SELECT 0", Duration::ZERO));
        let work = async {
            record(Statement::new("SELECT 1 WHERE a = ?", Duration::from_millis(2)).bind("\"x\""));
            record(Statement::new("commit;", Duration::ZERO).failed("no transaction"));
        };
        let ((), logged) = observe_recorded(work).await;
        let [select, commit] = &logged.statements[..] else { panic!("{logged:?}") };
        assert_eq!((select.kind, commit.kind), (SqlKind::Query, SqlKind::Transaction));
        assert_eq!((text_of(&select.binds[0]).as_str(), select.took.as_millis()), ("x", 2));
        assert!(select.caller.as_ref().is_some_and(|place| place.contains("sql/mod.rs")));
        assert_eq!(commit.error.as_deref(), Some("no transaction"));
    }
}
