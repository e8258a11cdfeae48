//! Which SQL ran for whom.
//!
//! - A query runs wholly on one blocking thread, so the thread knows for whom while it lasts; the
//!   task that asked carries the log across.
//! - Queries are counted always, which costs an addition; they are written down only for who listens.
//! - A log is bounded: a request that asks without end does not fill the memory.

use std::cell::{Cell, RefCell};
use std::panic::Location;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use diesel::connection::{Instrumentation, InstrumentationEvent};
use nix::time::{ClockId, clock_gettime};

use super::binds::split;
use super::kind::Kind;
use super::role::Role;

/// Statements that a log holds; more are only counted.
const ROOM: usize = 5_000;

/// Who asks, and what for.
#[derive(Debug, Clone)]
pub struct Origin {
    /// The place in the source.
    pub caller: &'static Location<'static>,
    /// The name of what is being made, where something is.
    pub purpose: Option<String>,
}

/// A statement that ran.
#[derive(Debug, Clone)]
pub struct Statement {
    /// The SQL, with places for its binds.
    pub sql: String,
    /// The binds as diesel prints them: `["tea", 25]`; empty where there are none.
    pub binds: String,
    /// When it began.
    pub began: Instant,
    /// How long the database took.
    pub took: Duration,
    /// Why it failed, if it did.
    pub error: Option<String>,
    /// On which kind of connection.
    pub role: Role,
    /// Who asked; nobody where the program asked by itself.
    pub origin: Option<Arc<Origin>>,
}

impl Statement {
    /// What it is for, as its words tell.
    pub fn kind(&self) -> Kind {
        Kind::of(&self.sql)
    }

    /// Whether it asks for data or changes them, and is not part of the protocol around that.
    pub fn is_query(&self) -> bool {
        matches!(self.kind(), Kind::Query | Kind::Write)
    }
}

/// The statements of one request, in order.
#[derive(Debug, Clone, Default)]
pub struct Log(Arc<Mutex<Written>>);

#[derive(Debug, Default)]
struct Written {
    statements: Vec<Statement>,
    left_out: u64,
    processor: Duration,
    unlogged: Duration,
}

/// What a log holds.
#[derive(Debug, Default)]
pub struct Logged {
    /// What ran, in order.
    pub statements: Vec<Statement>,
    /// Further statements, for which there was no room.
    pub left_out: u64,
    /// Processor time of the threads on which they ran.
    pub processor: Duration,
    /// How long was asked what nobody hears of.
    pub unlogged: Duration,
}

impl Log {
    /// What ran so far; it is empty then.
    pub fn take(&self) -> Logged {
        let written = std::mem::take(&mut *self.0.lock().unwrap());
        let Written { statements, left_out, processor, unlogged } = written;
        Logged { statements, left_out, processor, unlogged }
    }

    fn write(&self, statement: impl FnOnce() -> Statement) {
        let mut written = self.0.lock().unwrap();
        if written.statements.len() < ROOM {
            written.statements.push(statement());
        } else {
            written.left_out += 1;
        }
    }
}

/// A log, and whose statements are written into it.
#[derive(Debug, Clone)]
struct Listening {
    log: Log,
    origin: Option<Arc<Origin>>,
}

tokio::task_local! {
    static TASK: Log;
}

thread_local! {
    static THREAD: RefCell<Option<Listening>> = const { RefCell::new(None) };
    static RAN: Cell<u64> = const { Cell::new(0) };
}

/// Runs `work` and writes the statements that it causes into `log`.
pub async fn observe<T>(log: Log, work: impl Future<Output = T>) -> T {
    TASK.scope(log, work).await
}

/// Whether somebody listens to the running task, so that it is worth finding out more for them.
pub fn is_observed() -> bool {
    TASK.try_with(|_| ()).is_ok()
}

/// How many statements have run on this thread.
pub fn ran() -> u64 {
    RAN.get()
}

/// Runs what only observers ask: it is written into no log.
pub fn without_logging<T>(work: impl FnOnce() -> T) -> T {
    let began = Instant::now();
    let log = THREAD.with_borrow(|listening| listening.as_ref().map(|heard| heard.log.clone()));
    let done = within(None, work);
    if let Some(Log(written)) = log {
        written.lock().unwrap().unlogged += began.elapsed();
    }
    done
}

/// The log of the running task, if it has one.
pub(super) fn current() -> Option<Log> {
    TASK.try_with(Log::clone).ok()
}

/// Runs `work` on this thread on behalf of whoever keeps `log`.
pub(super) fn on_this_thread<T>(
    log: Option<Log>,
    origin: Option<Origin>,
    work: impl FnOnce() -> T,
) -> T {
    let Some(log) = log else { return within(None, work) };
    let began = processor_time();
    let origin = origin.map(Arc::new);
    let done = within(Some(Listening { log: log.clone(), origin }), work);
    log.0.lock().unwrap().processor += processor_time().saturating_sub(began);
    done
}

fn within<T>(listening: Option<Listening>, work: impl FnOnce() -> T) -> T {
    /// Puts back what was there, also after a panic.
    struct Restore(Option<Listening>);
    impl Drop for Restore {
        fn drop(&mut self) {
            THREAD.replace(self.0.take());
        }
    }
    let _restore = Restore(THREAD.replace(listening));
    work()
}

/// What this thread has used of a processor; nothing where the system does not tell.
pub fn processor_time() -> Duration {
    clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID).map(Duration::from).unwrap_or_default()
}

/// Listens to one connection.
pub(super) struct Recorder {
    role: Role,
    started: Option<Instant>,
}

impl Recorder {
    /// To a connection for this.
    pub fn new(role: Role) -> Self {
        Self { role, started: None }
    }
}

impl Instrumentation for Recorder {
    fn on_connection_event(&mut self, event: InstrumentationEvent<'_>) {
        match event {
            InstrumentationEvent::StartQuery { .. } => self.started = Some(Instant::now()),
            InstrumentationEvent::FinishQuery { query, error, .. } => {
                RAN.set(RAN.get() + 1);
                let began = self.started.take().unwrap_or_else(Instant::now);
                let took = began.elapsed();
                super::meter::count(query, took, error.is_none());
                super::statement_probe::record(query);
                THREAD.with_borrow(|listening| {
                    // Printing a query costs more than a query: only where somebody listens.
                    let Some(Listening { log, origin }) = listening else { return };
                    log.write(|| {
                        let (sql, binds) = split(&query.to_string());
                        let error = error.map(ToString::to_string);
                        let origin = origin.clone();
                        Statement { sql, binds, began, took, error, role: self.role, origin }
                    });
                });
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::kind::IS_ALIVE;

    fn statement(sql: &str) -> Statement {
        let (sql, binds) = split(sql);
        let (began, took) = (Instant::now(), Duration::ZERO);
        Statement { sql, binds, began, took, error: None, role: Role::Reader, origin: None }
    }

    #[test]
    fn what_a_statement_is_for_is_told_by_its_words() {
        let cases = [
            ("BEGIN IMMEDIATE", Kind::Transaction),
            (IS_ALIVE, Kind::Transaction),
            ("SELECT `cache_versions`.`tag` FROM `cache_versions`", Kind::Stamps),
            ("SELECT cache_bump($1)", Kind::Stamps),
            ("UPDATE products SET title = ?", Kind::Write),
            ("SELECT count(*) FROM products", Kind::Query),
        ];
        for (sql, kind) in cases {
            assert_eq!(statement(sql).kind(), kind, "{sql}");
        }
    }

    #[test]
    fn binds_are_told_from_the_statement_whatever_they_hold() {
        let typed = r#"SELECT id FROM products WHERE t LIKE ? -- binds: ["a -- binds: b"]"#;
        let typed = statement(typed);
        assert_eq!(typed.sql, "SELECT id FROM products WHERE t LIKE ?");
        assert_eq!(typed.binds, r#"["a -- binds: b"]"#);
        assert_eq!(statement("SELECT 1 -- binds: []").binds, "");
        assert_eq!(statement(IS_ALIVE).sql, IS_ALIVE);
    }
}
