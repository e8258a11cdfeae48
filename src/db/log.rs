//! Which SQL ran for whom.
//!
//! A query runs wholly on one blocking thread, so the thread knows for whom while it lasts; the
//! task that asked carries the log across.

use std::cell::RefCell;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use diesel::connection::{Instrumentation, InstrumentationEvent};

/// What a pool asks a server before it trusts a connection.
pub(super) const IS_ALIVE: &str = "SELECT 1 -- alive?";

/// A statement that ran.
#[derive(Debug, Clone)]
pub struct Statement {
    /// The SQL with its binds, as diesel prints it.
    pub sql: String,
    /// How long the database took.
    pub took: Duration,
    /// Whether it succeeded.
    pub succeeded: bool,
}

impl Statement {
    /// Whether it asks for data, and is not part of the protocol around it.
    pub fn is_query(&self) -> bool {
        let protocol = ["BEGIN", "COMMIT", "ROLLBACK", "SAVEPOINT", "RELEASE", IS_ALIVE];
        !protocol.iter().any(|word| self.sql.starts_with(word))
            && !self.sql.contains("cache_versions")
    }
}

/// The statements of one request, in order.
#[derive(Debug, Clone, Default)]
pub struct Log(Arc<Mutex<Vec<Statement>>>);

impl Log {
    /// What ran so far.
    pub fn statements(&self) -> Vec<Statement> {
        self.0.lock().unwrap().clone()
    }
}

tokio::task_local! {
    static TASK: Log;
}

thread_local! {
    static THREAD: RefCell<Option<Log>> = const { RefCell::new(None) };
}

/// Runs `work` and writes the statements that it causes into `log`.
pub async fn observe<T>(log: Log, work: impl Future<Output = T>) -> T {
    TASK.scope(log, work).await
}

/// The log of the running task, if it has one.
pub(super) fn current() -> Option<Log> {
    TASK.try_with(Log::clone).ok()
}

/// Runs `work` on this thread on behalf of whoever keeps `log`.
pub(super) fn on_this_thread<T>(log: Option<Log>, work: impl FnOnce() -> T) -> T {
    /// Puts back what was there, also after a panic.
    struct Restore(Option<Log>);
    impl Drop for Restore {
        fn drop(&mut self) {
            THREAD.replace(self.0.take());
        }
    }
    let _restore = Restore(THREAD.replace(log));
    work()
}

/// Listens to one connection.
#[derive(Default)]
pub(super) struct Recorder {
    started: Option<Instant>,
}

impl Instrumentation for Recorder {
    fn on_connection_event(&mut self, event: InstrumentationEvent<'_>) {
        match event {
            InstrumentationEvent::StartQuery { .. } => self.started = Some(Instant::now()),
            InstrumentationEvent::FinishQuery { query, error, .. } => {
                let took = self.started.take().map(|started| started.elapsed()).unwrap_or_default();
                super::meter::count(query, took, error.is_none());
                THREAD.with_borrow(|log| {
                    // Printing a query costs more than a query: only where somebody listens.
                    if let Some(Log(statements)) = log {
                        let sql = query.to_string();
                        let succeeded = error.is_none();
                        statements.lock().unwrap().push(Statement { sql, took, succeeded });
                    }
                });
            }
            _ => {}
        }
    }
}
