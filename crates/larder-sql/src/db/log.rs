//! Logs the SQL statements of each request.
//!
//! - A query runs wholly on one blocking thread, and the thread holds the log while the query runs. The
//!   calling task passes its log to that thread.
//! - Every query is counted, which costs an addition; it is logged only if the task is observed.
//! - A log is bounded, so that a request with very many queries does not fill the memory.

use std::backtrace::Backtrace;
use std::cell::{Cell, RefCell};
use std::panic::Location;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use diesel::connection::{Instrumentation, InstrumentationEvent};
use nix::time::{ClockId, clock_gettime};

use super::binds::split;
use super::kind::Kind;
use super::role::Role;

/// Statements that a log holds; more are only counted.
const ROOM: usize = 5_000;

/// The caller of a query, and the reason for it.
#[derive(Debug, Clone)]
pub struct Origin {
    /// The place in the source code.
    pub caller: &'static Location<'static>,
    /// The name of the value that is being built, if there is one.
    pub purpose: Option<String>,
}

/// A statement that ran.
#[derive(Debug, Clone)]
pub struct Statement {
    /// The SQL, with placeholders for its binds.
    pub sql: String,
    /// The binds as diesel prints them: `["tea", 25]`; empty if there are none.
    pub binds: String,
    /// When it began.
    pub began: Instant,
    /// How long the database took.
    pub took: Duration,
    /// Why it failed, if it did.
    pub error: Option<String>,
    /// The kind of connection.
    pub role: Role,
    /// The caller; `None` if the program ran the statement by itself.
    pub origin: Option<Arc<Origin>>,
    /// Whether it belongs to a freshness check, which answered all requests that waited.
    pub is_check: bool,
    /// The calls that led to it, while [`trace`] is on.
    pub trace: Option<Arc<Backtrace>>,
}

impl Statement {
    /// Returns what the statement is for, judged by its text.
    pub fn kind(&self) -> Kind {
        if self.is_check { Kind::Stamps } else { Kind::of(&self.sql) }
    }

    /// Reports whether the statement reads or changes data, and is not part of the protocol around that.
    pub fn is_query(&self) -> bool {
        matches!(self.kind(), Kind::Query | Kind::Write)
    }
}

/// A wait for a connection.
#[derive(Debug, Clone)]
pub struct Wait {
    /// The kind of connection.
    pub role: Role,
    /// When it began.
    pub began: Instant,
    /// How long it took.
    pub took: Duration,
    /// The name of the value that is being built, if there is one.
    pub purpose: Option<String>,
}

/// The statements of one request, in order.
#[derive(Debug, Clone, Default)]
pub struct Log(Arc<Mutex<Written>>);

#[derive(Debug, Default)]
struct Written {
    statements: Vec<Statement>,
    waits: Vec<Wait>,
    left_out: u64,
    processor: Duration,
    unlogged: Duration,
}

/// The content of a log.
#[derive(Debug, Default)]
pub struct Logged {
    /// The statements, in order.
    pub statements: Vec<Statement>,
    /// Waits for a connection, in the order in which they ended.
    pub waits: Vec<Wait>,
    /// Number of further statements, for which there was no room.
    pub left_out: u64,
    /// Processor time of the threads that ran the statements.
    pub processor: Duration,
    /// Time spent in [`without_logging`].
    pub unlogged: Duration,
}

impl Log {
    /// Takes the statements so far out of the log, which is empty afterwards.
    pub fn take(&self) -> Logged {
        let written = std::mem::take(&mut *self.0.lock().unwrap());
        let Written { statements, waits, left_out, processor, unlogged } = written;
        Logged { statements, waits, left_out, processor, unlogged }
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

/// A log, and the origin of the statements that are written to it.
#[derive(Debug, Clone)]
struct Listening {
    log: Log,
    origin: Option<Arc<Origin>>,
}

tokio::task_local! {
    static TASK: Log;
}

/// Whether statements are logged with the calls that led to them.
static IS_TRACING: AtomicBool = AtomicBool::new(false);

/// Sets whether statements are logged with the calls that led to them, which costs more than many a statement.
pub fn trace(is_on: bool) {
    IS_TRACING.store(is_on, Ordering::Relaxed);
}

thread_local! {
    static THREAD: RefCell<Option<Listening>> = const { RefCell::new(None) };
    static RAN: Cell<u64> = const { Cell::new(0) };
}

/// Runs `work` and writes the statements that it causes to `log`.
pub async fn observe<T>(log: Log, work: impl Future<Output = T>) -> T {
    TASK.scope(log, work).await
}

/// Reports whether the running task is observed, so that collecting details is worthwhile.
pub fn is_observed() -> bool {
    TASK.try_with(|_| ()).is_ok()
}

/// Returns the number of statements that have run on this thread.
pub fn ran() -> u64 {
    RAN.get()
}

/// Runs `work` without logging its statements, which exist only for observation.
pub fn without_logging<T>(work: impl FnOnce() -> T) -> T {
    let began = Instant::now();
    let log = THREAD.with_borrow(|listening| listening.as_ref().map(|heard| heard.log.clone()));
    let done = within(None, work);
    if let Some(Log(written)) = log {
        written.lock().unwrap().unlogged += began.elapsed();
    }
    done
}

/// Returns the log of the running task, if it has one.
pub(super) fn current() -> Option<Log> {
    TASK.try_with(Log::clone).ok()
}

/// Logs the statements of a freshness check for the running task: text, beginning, duration and error of each.
pub(crate) fn checked<'s>(
    statements: impl Iterator<Item = (&'s str, Instant, Duration, Option<&'s str>)>,
) {
    let _ = TASK.try_with(|log| {
        for (sql, began, took, error) in statements {
            log.write(|| Statement {
                sql: sql.to_owned(),
                binds: String::new(),
                began,
                took,
                error: error.map(ToOwned::to_owned),
                role: Role::Reader,
                origin: None,
                is_check: true,
                trace: None,
            });
        }
    });
}

/// Counts a wait for a connection, and logs it for the running task.
pub(super) fn waited(role: Role, began: Instant, origin: Option<&Origin>) {
    let took = began.elapsed();
    super::meter::count_wait(role, took);
    let _ = TASK.try_with(|Log(written)| {
        let mut written = written.lock().unwrap();
        if written.waits.len() < ROOM {
            let purpose = origin.and_then(|origin| origin.purpose.clone());
            written.waits.push(Wait { role, began, took, purpose });
        }
    });
}

/// Runs `work` on this thread and logs its statements to `log`.
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
    /// Restores the previous value, also after a panic.
    struct Restore(Option<Listening>);
    impl Drop for Restore {
        fn drop(&mut self) {
            THREAD.replace(self.0.take());
        }
    }
    let _restore = Restore(THREAD.replace(listening));
    work()
}

/// Returns the processor time of this thread; zero if the system does not report it.
pub fn processor_time() -> Duration {
    clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID).map(Duration::from).unwrap_or_default()
}

/// Records the statements of one connection.
pub(super) struct Recorder {
    role: Role,
    started: Option<Instant>,
}

impl Recorder {
    /// Returns a recorder for a connection of this role.
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
                    // Printing a query costs more than running it, so it is printed only if the task is
                    // observed.
                    let Some(Listening { log, origin }) = listening else { return };
                    log.write(|| {
                        let (sql, binds) = split(&query.to_string());
                        let error = error.map(ToString::to_string);
                        let origin = origin.clone();
                        let role = self.role;
                        let is_check = false;
                        let trace = IS_TRACING.load(Ordering::Relaxed);
                        let trace = trace.then(|| Arc::new(Backtrace::force_capture()));
                        Statement { sql, binds, began, took, error, role, origin, is_check, trace }
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
        let (role, is_check) = (Role::Reader, false);
        let (error, origin, trace) = (None, None, None);
        Statement { sql, binds, began, took, error, role, origin, is_check, trace }
    }

    #[test]
    fn the_text_of_a_statement_decides_its_kind() {
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
    fn binds_are_split_from_the_statement_whatever_they_contain() {
        let typed = r#"SELECT id FROM products WHERE t LIKE ? -- binds: ["a -- binds: b"]"#;
        let typed = statement(typed);
        assert_eq!(typed.sql, "SELECT id FROM products WHERE t LIKE ?");
        assert_eq!(typed.binds, r#"["a -- binds: b"]"#);
        assert_eq!(statement("SELECT 1 -- binds: []").binds, "");
        assert_eq!(statement(IS_ALIVE).sql, IS_ALIVE);
    }
}
