//! Freshness on Postgres, strict: one query for all requests that wait.
//!
//! - A request joins the next query to *start*: one that is under way may return the state before a
//!   write that the request must see.
//! - Where the database answers at once there is one query at a time, however many requests wait. Where it is far
//!   away, the next one starts before the answer arrives, so that a request waits for one round trip only (`queue`).
//! - There is none when idle, but for the check of the triggers.
//! - Once a query has taken longer than a request waits, further requests do not wait for it.

mod queue;
mod validator;

use std::io;
use std::sync::Arc;
use std::time::Duration;

use larder_cache::Tag;
use larder_cache::stamps::{Current, Invalidation, StampSource, StampsUnavailable};
use tokio::runtime::{self, Runtime};
use tokio::sync::oneshot;

use self::queue::{Queue, unanswered_in_time};
use self::validator::{Shared, Validator};
use crate::driver::Connect;
use crate::driver::timed::Ran;
use crate::stamps;
use crate::table::Table;

/// How long a request waits for the freshness check on Postgres, where nothing else is chosen.
pub const FRESHNESS_TIMEOUT: Duration = Duration::from_secs(5);

/// The threads that query, each on a connection of its own, which it opens when it is first needed.
const THREADS: usize = 4;

/// Threads that query the stamps on behalf of all requests.
pub struct PostgresVersions<C> {
    queue: Arc<Queue>,
    shared: Arc<Shared<C>>,
    /// How long a request waits for the answer before it bypasses the cache.
    patience: Duration,
}

impl<C: Connect> PostgresVersions<C> {
    /// Starts the threads for a migrated database.
    ///
    /// # Errors
    /// If a thread cannot be started.
    pub fn open(database: C, patience: Duration, tables: &'static [Table]) -> Result<Self, String> {
        let queue = Arc::new(Queue::default());
        let shared = Arc::new(Shared::new(database, tables));
        // Dropped where a thread cannot be started, which ends those before it.
        let source = Self { queue: queue.clone(), shared: shared.clone(), patience };
        let failed = |error: io::Error| format!("cannot start a thread: {error}");
        for number in 0..THREADS {
            let (shared, queue, runtime) =
                (shared.clone(), queue.clone(), waiting().map_err(failed)?);
            std::thread::Builder::new()
                .name(format!("larder-stamps-{number}"))
                .spawn(move || Validator::new(shared, runtime).serve(&queue))
                .map_err(failed)?;
        }
        Ok(source)
    }
}

impl<C> Drop for PostgresVersions<C> {
    fn drop(&mut self) {
        self.queue.close();
    }
}

/// Logs the statements that answered the running task, and others beside it.
#[cfg(feature = "diesel")]
fn log(ran: &[Ran]) {
    let checks = ran.iter().map(|ran| (&*ran.sql, ran.began, ran.took, ran.error.as_deref()));
    crate::db::log::checked(checks);
}

#[cfg(not(feature = "diesel"))]
fn log(_: &[Ran]) {}

/// Returns a runtime for a thread that waits for a driver, which may be one that does not block.
fn waiting() -> io::Result<Runtime> {
    runtime::Builder::new_current_thread().enable_all().build()
}

impl<C: Connect> StampSource for PostgresVersions<C> {
    fn current(&self) -> Current {
        let (asker, answer) = oneshot::channel();
        if let Err(stuck) = self.queue.join(asker, self.patience) {
            return Current::Ready(Err(stuck));
        }
        let patience = self.patience;
        Current::Pending(Box::pin(async move {
            match tokio::time::timeout(patience, answer).await {
                Ok(Ok((current, ran))) => {
                    log(&ran);
                    current
                }
                _ => Err(unanswered_in_time()),
            }
        }))
    }

    fn is_shared(&self) -> bool {
        true
    }
    fn invalidate(&self, tags: Vec<Tag>) -> Invalidation<'_> {
        let shared = self.shared.clone();
        let bump = move || {
            let runtime = waiting().map_err(|error| error.to_string())?;
            runtime.block_on(async {
                let mut conn = shared.database.connect().await?;
                stamps::bump(&mut conn, &tags).await.map_err(|error| error.to_string())
            })
        };
        Box::pin(async {
            let done = tokio::task::spawn_blocking(bump).await;
            let done = done.map_err(|error| error.to_string()).flatten();
            done.map_err(|error| {
                StampsUnavailable(format!("the database refused the write: {error}"))
            })
        })
    }
}

#[cfg(test)]
mod tests;
