//! Get or make: a value that is computed when it is missing, once.
//!
//! - A caller who computes has a lease of the key, taken before; by it the value is kept. Deleting the key
//!   ends the lease in the same step, in the store: no process keeps what it began to compute before
//!   ([`crate::store`]).
//! - What could not be kept because the lease was over is the answer to the caller who computed it, and to
//!   none who waits.
//! - Callers who come after a deletion do not wait for what began before it.
//! - While the store is in trouble nothing is kept, and deletions by other processes are not heard of.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use serde::Serialize;

use super::seal::Read;
use super::told::{Operation, Outcome};
use super::{Readable, Timeout, Values, lock, plain};
use crate::event::Trouble;
use crate::flight::{Landing, Leader, Turn, land};
use crate::lineage::Load;
use crate::panics::caught;
use crate::presence;
use crate::removal::Epoch;
use crate::store::{Item, Leased, Lifetime, StoreError, lease_of};

/// How long something may be computed and still be kept.
const LEASE: Duration = Duration::from_secs(600);

/// What became of a value that was computed.
enum Kept<T> {
    /// It is for all who wait.
    Ours,
    /// It is for its caller only: the key was deleted meanwhile.
    Deleted,
    /// Another process was quicker.
    Theirs(T),
}

impl Values {
    /// The value of a key, computed and remembered if it has none.
    ///
    /// Computed once at a time in this process; the others wait for it. Where another process was
    /// quicker, its value is the answer. A store in trouble costs the computation, not the answer.
    ///
    /// # Errors
    /// None: what goes wrong with the store is a warning in the log.
    ///
    /// # Panics
    /// If `load` panics; and if it asks for this very key, which would never end.
    ///
    /// # Cancellation
    /// Dropped while computing, one of those who wait computes instead.
    ///
    /// # Source
    /// Django `get_or_set`.
    pub async fn get_or_set<T: Readable + Serialize>(
        &self,
        key: &str,
        timeout: impl Into<Timeout>,
        load: impl AsyncFnOnce() -> T,
    ) -> T {
        let load = async || Ok::<T, Infallible>(load().await);
        let Ok(value) = self.get_or_try_set(key, timeout, load).await;
        value
    }

    /// As [`Values::get_or_set`], with a computation that may fail.
    ///
    /// # Errors
    /// Those of `load`, which are not remembered: the next caller tries again, and those who waited try all
    /// at once.
    ///
    /// # Panics
    /// As [`Values::get_or_set`].
    pub async fn get_or_try_set<T: Readable + Serialize, E>(
        &self,
        key: &str,
        timeout: impl Into<Timeout>,
        load: impl AsyncFnOnce() -> Result<T, E>,
    ) -> Result<T, E> {
        let name = self.name(key);
        let call = self.begin(Operation::GetOrSet);
        self.keep_up().await;
        let leader = match self.value_or_turn(&name).await {
            Ok(value) => {
                call.end(&name, Outcome::Hit);
                return Ok(value);
            }
            Err(leader) => leader,
        };
        // Another caller may have landed between our look and our turn.
        let (outcome, lease) = match self.find_or_lease(&name).await {
            Ok(value) => {
                call.end(&name, Outcome::Hit);
                return Ok(value);
            }
            Err(missed) => missed,
        };
        call.end(&name, outcome);
        let work = caught(async { load().await });
        let value = match self.within(&name, leader.as_ref()).run(work).await {
            Ok(Ok(value)) => value,
            failed => {
                land(leader, Landing::Failed);
                return failed.unwrap_or_else(|panic| panic.resume());
            }
        };
        let Some(bytes) = self.write(&name, &value) else {
            land(leader, Landing::Nothing);
            return Ok(value);
        };
        // Before it is kept: between that and the landing another process may delete the key, and a caller
        // come after that.
        if let Some(leader) = &leader {
            leader.approach();
        }
        match self.offer(&name, &bytes, timeout.into(), lease).await {
            Kept::Ours => land(leader, Landing::Entry(bytes)),
            // Those who wait look for themselves: for what is there now, or to compute anew.
            Kept::Deleted => land(leader, Landing::Lost),
            Kept::Theirs(theirs) => {
                land(leader, Landing::Lost);
                return Ok(theirs);
            }
        }
        Ok(value)
    }

    /// The value, from the store or from the caller that was just computing it; else it is to be computed,
    /// where others may wait for it if there is a leader.
    async fn value_or_turn<T: Readable>(
        &self,
        name: &String,
    ) -> Result<T, Option<Leader<String, Bytes>>> {
        loop {
            if let Some(value) = self.find(name).await {
                return Ok(value);
            }
            let ticket =
                match self.shared.flights.take_turn(name, presence::current(), Epoch::default()) {
                    Turn::Lead(leader) => return Err(Some(leader)),
                    Turn::Full | Turn::Alone => return Err(None),
                    Turn::Circle(circle) => panic!("{circle}"),
                    Turn::Wait(ticket) => ticket,
                };
            match ticket.arrive().await {
                Landing::Entry(bytes) => return self.read(name, &bytes).value().ok_or(None),
                Landing::Nothing | Landing::Failed => return Err(None),
                Landing::Lost => {}
            }
        }
    }

    fn within(&self, name: &str, leader: Option<&Leader<String, Bytes>>) -> Arc<Load> {
        match leader {
            Some(leader) => leader.load().clone(),
            None => Load::new(self.shared.flights.place(), [name]),
        }
    }

    async fn find<T: Readable>(&self, name: &str) -> Option<T> {
        match self.store().get(name).await {
            Ok(bytes) => self.read(name, &bytes?).value(),
            Err(error) => {
                self.warn(name, &error);
                None
            }
        }
    }

    /// The value of a key; else how that is told, and the lease by which another one may be kept.
    async fn find_or_lease<T: Readable>(&self, name: &str) -> Result<T, (Outcome, Option<Bytes>)> {
        match self.lease(name).await {
            Ok(Leased::Kept(bytes)) => match self.read(name, &bytes) {
                Read::Value(value) => Ok(value),
                Read::Garbage => Err((Outcome::Unreadable, self.lease_instead(name, &bytes).await)),
            },
            Ok(Leased::Lease(token)) => Err((Outcome::Miss, Some(token))),
            Err(error) => {
                self.warn(name, &error);
                Err((Outcome::Outage(Trouble::from(&error)), None))
            }
        }
    }

    async fn lease(&self, name: &str) -> Result<Leased, StoreError> {
        // Ten minutes are a lifetime.
        let time = Lifetime::of(LEASE).unwrap_or(Lifetime::FOREVER);
        self.store().get_or_lease(name, &lock::token(), time).await
    }

    /// The lease of a key that holds something unreadable, which would stand in the way of every value
    /// for as long as it lives.
    async fn lease_instead(&self, name: &str, unreadable: &Bytes) -> Option<Bytes> {
        self.store().delete_if(name, unreadable).await.ok()?;
        match self.lease(name).await {
            Ok(Leased::Lease(token)) => Some(token),
            _ => None,
        }
    }

    /// Remembers what was computed, if its lease is not over, and unless another process was quicker.
    async fn offer<T: Readable>(
        &self,
        name: &str,
        bytes: &Bytes,
        timeout: Timeout,
        lease: Option<Bytes>,
    ) -> Kept<T> {
        let Some(token) = lease else { return Kept::Ours };
        let kept = match self.lifetime(timeout) {
            Some(lifetime) => {
                self.store().add_leased(Item::new(name, bytes, lifetime), &token).await
            }
            // It is over at once: what matters is whether callers who wait may have it.
            None => self.store().delete_if(&lease_of(name), &token).await,
        };
        match kept {
            Ok(true) => Kept::Ours,
            Ok(false) => self.find(name).await.map_or(Kept::Deleted, Kept::Theirs),
            Err(error) => {
                self.warn(name, &error);
                Kept::Ours
            }
        }
    }

    fn write<T: Readable + Serialize>(&self, name: &str, value: &T) -> Option<Bytes> {
        plain::write_owned(self.slot(name), value)
            .inspect_err(|error| tracing::warn!(cache.key = ?name, "not remembered: {error}"))
            .ok()
    }

    /// Says that the store is in trouble; quietly while it is not even asked, which may be often.
    fn warn(&self, name: &str, error: &StoreError) {
        let store = self.store().name();
        match error {
            StoreError::Paused { .. } | StoreError::Exhausted => {
                tracing::debug!(cache.key = ?name, cache.store = store, "{error}");
            }
            _ => tracing::warn!(cache.key = ?name, cache.store = store, "{error}"),
        }
    }
}
