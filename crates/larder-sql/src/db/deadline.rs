//! One deadline for all the locks that a transaction waits for.
//!
//! - Postgres limits each wait by itself (`lock_timeout`), so a transaction that waits for one lock after the other
//!   would exceed its limit. One that waits for a lock after its deadline is cancelled, from another connection.
//! - A transaction that works and does not wait is left alone.
//! - On SQLite a transaction waits only once: to begin.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use diesel::prelude::*;
use diesel::sql_types::Integer;

/// How often the locks are looked at after the deadline.
pub(super) const AGAIN: Duration = Duration::from_millis(250);

const CANCEL: &str = "SELECT pg_cancel_backend(pid) FROM pg_stat_activity \
                      WHERE pid = $1 AND usename = current_user AND wait_event_type = 'Lock'";

/// The server process that runs a transaction at this moment.
#[derive(Debug, Default)]
pub(super) struct Backend(Mutex<Option<i32>>);

impl Backend {
    /// Runs `work`, the transaction, on the connection of this process.
    pub fn run<T>(&self, pid: Option<i32>, work: impl FnOnce() -> T) -> T {
        *self.lock() = pid;
        let done = work();
        *self.lock() = None;
        done
    }

    /// Cancels the statement of the transaction if it waits for a lock.
    ///
    /// # Errors
    /// Those of the database.
    pub fn cancel_wait(&self, other: &mut PgConnection) -> QueryResult<()> {
        // Locked until the server has answered: meanwhile the connection begins no other transaction.
        let running = self.lock();
        let Some(pid) = *running else { return Ok(()) };
        diesel::sql_query(CANCEL).bind::<Integer, _>(pid).execute(other).map(|_| ())
    }

    fn lock(&self) -> MutexGuard<'_, Option<i32>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
