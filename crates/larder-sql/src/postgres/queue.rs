//! The requests that wait for stamps, and the queries that are under way.

use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use larder_cache::stamps::{StampsResult, StampsUnavailable};
use tokio::sync::oneshot;

use crate::driver::timed::Ran;

/// How long after a query has started the next one may start, if it is still under way.
///
/// A database nearby has answered by then. So one query after the other answers all that wait, which costs it least.
const OVERLAP: Duration = Duration::from_micros(500);

/// A request that waits.
pub(super) type Asker = oneshot::Sender<Answer>;

/// The stamps, and the statements that read them.
pub(super) type Answer = (StampsResult, Arc<[Ran]>);

/// The queue of all threads.
pub(super) struct Queue {
    askers: Mutex<Receiver<Asker>>,
    /// For each thread, when its query that is under way has started.
    under_way: Mutex<Vec<Option<Instant>>>,
    /// Notified when a query has ended.
    ended: Condvar,
}

impl Queue {
    /// Returns an empty queue for so many threads, and its other end.
    pub(super) fn open(threads: usize) -> (Sender<Asker>, Self) {
        let (sender, receiver) = channel();
        let under_way = Mutex::new(vec![None; threads]);
        (sender, Self { askers: Mutex::new(receiver), under_way, ended: Condvar::new() })
    }

    /// Waits until a query by this thread should start, and returns the requests that it answers.
    ///
    /// They are none if no request has come within `patience`. Returns `None` once the other end was dropped.
    pub(super) fn take(&self, thread: usize, patience: Duration) -> Option<Vec<Asker>> {
        // Held until the query starts: the other threads wait here.
        let askers = lock(&self.askers);
        let first = match askers.recv_timeout(patience) {
            Ok(asker) => Some(asker),
            Err(RecvTimeoutError::Timeout) => None,
            Err(RecvTimeoutError::Disconnected) => return None,
        };
        let mut under_way = lock(&self.under_way);
        while let Some(remaining) = until_overlap(&under_way) {
            let waited = self.ended.wait_timeout(under_way, remaining);
            under_way = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        // Set before the requests are drained and the query starts: every request in here is older than the
        // query, so the answer contains each write that the request must see.
        under_way[thread] = Some(Instant::now());
        Some(first.into_iter().chain(askers.try_iter()).collect())
    }

    /// Records that the query of this thread has ended.
    pub(super) fn end(&self, thread: usize) {
        lock(&self.under_way)[thread] = None;
        self.ended.notify_all();
    }

    /// Reports whether a query has taken longer than a request waits.
    pub(super) fn is_stuck(&self, patience: Duration) -> bool {
        lock(&self.under_way).iter().flatten().any(|since| since.elapsed() > patience)
    }
}

/// Returns how long the next query has to wait for one that is under way; `None` if it may start.
fn until_overlap(under_way: &[Option<Instant>]) -> Option<Duration> {
    let latest = under_way.iter().flatten().max()?;
    OVERLAP.checked_sub(latest.elapsed()).filter(|remaining| !remaining.is_zero())
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

pub(super) fn unanswered_in_time() -> StampsUnavailable {
    StampsUnavailable("the database does not answer".into())
}
