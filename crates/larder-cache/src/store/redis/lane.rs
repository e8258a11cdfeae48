//! Connections, each shared by all calls of its threads.
//!
//! - deadpool pings at every checkout, which would double the time of a `GET`. So a connection is
//!   checked out once and then shared: it carries many calls at the same time, answered in order.
//! - A thread stays in its lane, because the runtime that opened a connection also drives it.
//! - A connection that failed or timed out is dropped; the next call opens a new one.
//!
//! Source: deadpool issue 307 (`UNWATCH` and `PING` at every checkout).

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicUsize, Ordering::Relaxed},
};

use deadpool_redis::{Connection, PoolError, redis::aio::MultiplexedConnection};

use super::source::Source;

/// The connection of one group of threads.
#[derive(Default)]
pub(super) struct Lane {
    current: Mutex<Option<Arc<Link>>>,
    /// Held while connecting, so that concurrent callers wait for the same connection.
    connecting: tokio::sync::Mutex<()>,
}

/// A connection checked out of the pool.
pub(super) struct Link {
    handle: MultiplexedConnection,
    /// Removed from the pool on drop, so that the pool opens a new one instead of reusing it.
    slot: Mutex<Option<Connection>>,
}

impl Lane {
    /// Returns the lane's connection, and whether it was open before.
    pub(super) async fn link(&self, source: &Source) -> Result<(Arc<Link>, bool), PoolError> {
        if let Some(link) = self.current() {
            return Ok((link, true));
        }
        let _turn = self.connecting.lock().await;
        // Another caller may have connected while this one waited for its turn.
        if let Some(link) = self.current() {
            return Ok((link, true));
        }
        let link = Arc::new(Link::new(source.connect().await?));
        *self.current.lock().unwrap() = Some(link.clone());
        Ok((link, false))
    }

    /// Drops a connection, unless another call has already replaced it.
    pub(super) fn discard(&self, broken: &Arc<Link>) {
        let mut current = self.current.lock().unwrap();
        if current.as_ref().is_some_and(|link| Arc::ptr_eq(link, broken)) {
            *current = None;
        }
    }

    pub(super) fn close(&self) {
        *self.current.lock().unwrap() = None;
    }

    fn current(&self) -> Option<Arc<Link>> {
        self.current.lock().unwrap().clone()
    }
}

impl Link {
    fn new(connection: Connection) -> Self {
        Self {
            handle: MultiplexedConnection::clone(&connection),
            slot: Mutex::new(Some(connection)),
        }
    }

    /// Returns a handle for one call.
    pub(super) fn handle(&self) -> MultiplexedConnection {
        self.handle.clone()
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        if let Some(connection) = self.slot.lock().unwrap().take() {
            drop(Connection::take(connection));
        }
    }
}

/// Returns the number of this thread's lane. Threads are numbered in the order of their first call.
pub(super) fn of_this_thread(lanes: usize) -> usize {
    static THREADS: AtomicUsize = AtomicUsize::new(0);
    thread_local! {
        static THREAD: usize = THREADS.fetch_add(1, Relaxed);
    }
    THREAD.with(|thread| thread % lanes)
}
