//! Runs reads and writes on threads that may block, as many at a time as there are connections.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::{OwnedSemaphorePermit, oneshot};

use super::attempts::Limits;
use super::conn::Conn;
use super::deadline::AGAIN;
use super::error::Error;
use super::log::{self, Origin};
use super::role::Role;
use super::transaction::Access;
use super::{Db, STALLED, Shared};

/// Work for a blocking thread, which keeps its result itself: its task is compiled once, and not for each query.
type Job = Box<dyn FnOnce(&Shared, &Limits) -> Result<(), Error> + Send>;

impl Db {
    /// Runs `work` on a blocking thread and returns its result; see [`Db::run_apart`].
    pub(super) async fn blocking<T: Send + 'static>(
        &self,
        access: Access,
        origin: Option<Origin>,
        work: impl FnOnce(&Shared, &Limits) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let (keep, mut kept) = oneshot::channel();
        let work = Box::new(move |db: &Shared, limits: &Limits| {
            // Nothing waits for the result of a request that has ended.
            let _ = keep.send(work(db, limits)?);
            Ok(())
        });
        self.run_apart(access, origin, work).await?;
        Ok(kept.try_recv().expect("work that succeeds has a result"))
    }

    /// Runs `work` on a blocking thread once a permit is free, and logs its SQL for the calling task.
    ///
    /// A request that waits for a permit holds no thread. Therefore many readers do not delay a writer, and
    /// a lock of another program blocks no more threads than there are permits.
    async fn run_apart(
        &self,
        access: Access,
        origin: Option<Origin>,
        work: Job,
    ) -> Result<(), Error> {
        let limits = Arc::new(Limits::of(self.0.lock_timeout));
        let patience = limits.patience;
        let turn = self.turn(access, patience.left(), origin.as_ref()).await?;
        let (db, log, its_limits) = (self.clone(), log::current(), limits.clone());
        let work = move || {
            let _turn = turn;
            work(&db.0, &its_limits)
        };
        let work = tokio::task::spawn_blocking(move || log::on_this_thread(log, origin, work));
        // A server that is stopped, or behind a broken line, never answers. Its thread waits on, its
        // request does not.
        let work = tokio::time::timeout(patience.left() + STALLED, work);
        let done = tokio::select! {
            done = work => done,
            never = self.enforce(limits) => match never {},
        };
        match done {
            Ok(done) => done.unwrap_or(Err(Error::Panicked)),
            Err(_) => match access {
                Access::Read => Err(Error::Busy),
                Access::Write => Err(Error::Unanswered),
            },
        }
    }

    /// Waits for a permit; where none is free, the wait is counted, and logged for the calling task.
    async fn turn(
        &self,
        access: Access,
        limit: Duration,
        origin: Option<&Origin>,
    ) -> Result<OwnedSemaphorePermit, Error> {
        let (turns, role) = match access {
            Access::Read => (&self.0.reading, Role::Reader),
            Access::Write => (&self.0.writing, Role::Writer),
        };
        if let Ok(turn) = turns.clone().try_acquire_owned() {
            return Ok(turn);
        }
        let began = Instant::now();
        let turn = tokio::time::timeout(limit, turns.clone().acquire_owned()).await;
        log::waited(role, began, origin);
        // The semaphore is never closed; if it were, no attempt could get a permit.
        turn.map_err(|_| Error::Busy)?.map_err(|_| Error::Busy)
    }

    /// Ends the waits of a transaction for locks, once its time for them is over.
    async fn enforce(&self, limits: Arc<Limits>) -> Infallible {
        // A single wait ends by itself.
        tokio::time::sleep(limits.patience.left() + AGAIN).await;
        loop {
            let (db, limits) = (self.clone(), limits.clone());
            let cancel = move || {
                // Where all readers wait, too, each of them ends by itself.
                let Some(mut pooled) = db.0.readers.try_get() else { return };
                if let Conn::Postgres(conn) = &mut pooled.conn
                    && let Err(error) = log::without_logging(|| limits.backend.cancel_wait(conn))
                {
                    tracing::debug!(%error, "the wait for a lock was not cancelled");
                }
            };
            // A failure, or a panic, leaves the wait to the limit of the lock.
            let _ = tokio::task::spawn_blocking(cancel).await;
            tokio::time::sleep(AGAIN).await;
        }
    }
}
