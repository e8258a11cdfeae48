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

use std::sync::Arc;
use std::sync::mpsc::Sender;
use std::time::Duration;

use larder_cache::stamps::{Current, StampSource, StampsUnavailable};
use tokio::sync::oneshot;

use self::queue::{Asker, Queue, unanswered_in_time};
use self::validator::{Shared, Validator};
use crate::db::Url;
use crate::table::Table;

/// The threads that query, each on a connection of its own, which it opens when it is first needed.
const THREADS: usize = 4;

/// Threads that query the stamps on behalf of all requests.
pub struct PostgresVersions {
    askers: Sender<Asker>,
    queue: Arc<Queue>,
    /// How long a request waits for the answer before it bypasses the cache.
    patience: Duration,
}

impl PostgresVersions {
    /// Starts the threads for the migrated database at `url`.
    ///
    /// # Errors
    /// If a thread cannot be started.
    pub fn open(url: Url, patience: Duration, tables: &'static [Table]) -> Result<Self, String> {
        let (askers, queue) = Queue::open(THREADS);
        let queue = Arc::new(queue);
        let shared = Arc::new(Shared::new(url, tables));
        for number in 0..THREADS {
            let (validator, queue) = (Validator::new(shared.clone()), queue.clone());
            std::thread::Builder::new()
                .name(format!("larder-stamps-{number}"))
                .spawn(move || validator.serve(&queue, number))
                .map_err(|error| format!("cannot start a thread: {error}"))?;
        }
        Ok(Self { askers, queue, patience })
    }
}

impl StampSource for PostgresVersions {
    fn current(&self) -> Current {
        // A page asks for its fragments and queries too: each would wait anew.
        if self.queue.is_stuck(self.patience) {
            return Current::Ready(Err(unanswered_in_time()));
        }
        let (asker, answer) = oneshot::channel();
        if self.askers.send(asker).is_err() {
            return Current::Ready(Err(StampsUnavailable(
                "the threads of the freshness check have ended".into(),
            )));
        }
        let patience = self.patience;
        Current::Pending(Box::pin(async move {
            match tokio::time::timeout(patience, answer).await {
                Ok(Ok(current)) => current,
                _ => Err(unanswered_in_time()),
            }
        }))
    }

    fn is_shared(&self) -> bool {
        true
    }
}
