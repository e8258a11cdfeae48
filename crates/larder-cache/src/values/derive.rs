//! `get_or_set`: a missing value is computed once and stored.
//!
//! - A caller takes the lease of the key before it computes, and needs the lease to store the
//!   value. Deleting the key ends the lease in the same step, in the store: no process stores a
//!   value that it began to compute before the deletion ([`crate::store`]).
//! - A value that was not stored because its lease had ended is returned to the caller that
//!   computed it, and to no waiter.
//! - Callers that come after a deletion do not wait for a load that began before it.
//! - While the store is failing, nothing is stored, and deletions by other processes go unnoticed.

use std::convert::Infallible;
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::call::{CallOutcome, Operation};
use super::seal::Read;
use super::{Readable, Timeout, Values, plain};
use crate::find::{self, Found, Look, Wanted};
use crate::flight::{Landing, Leader, Turn, land};
use crate::lineage::Load;
use crate::panics::caught;
use crate::presence::Client;
use crate::random;
use crate::removal::Epoch;
use crate::store::Trouble;
use crate::store::{Item, Leased, Lifetime, StoreError};

/// How long a load may take and still be stored.
const LEASE: Duration = Duration::from_secs(600);

/// The fate of a computed value.
enum Offered<T> {
    /// All waiters may have the value.
    Ours,
    /// Only its caller may have the value: the key was deleted meanwhile.
    Deleted,
    /// Another process stored this value first.
    Theirs(T),
}

/// A value that a caller wants.
struct Sought<'s, T> {
    values: &'s Values,
    name: &'s String,
    of: PhantomData<T>,
}

impl<T: Readable> Wanted for Sought<'_, T> {
    type Key = String;
    type Load = Bytes;
    /// No value: what another caller has built cannot be read as this type.
    type Answer = Option<T>;
    type Missed = ();

    async fn look(&self) -> Look<Option<T>, ()> {
        match self.values.find(self.name).await {
            Some(value) => Look::There(Some(value)),
            None => Look::Missing(()),
        }
    }

    fn turn(&self, (): &()) -> Turn<String, Bytes> {
        self.values.shared.flights.take_turn(self.name, Client::current(), Epoch::default())
    }

    /// The lookup with a lease, which follows, notices that.
    fn is_outdated(&self, (): &()) -> bool {
        false
    }

    async fn landed(&self, (): &(), bytes: Bytes, _: u64) -> Option<Option<T>> {
        Some(self.values.read(self.name, &bytes).value())
    }

    async fn failed(&self, (): &()) -> Option<Option<T>> {
        None
    }
}

impl Values {
    /// Returns the value of a key; computes and stores it if it is missing.
    ///
    /// One caller per process computes at a time, and the others wait. If another process stores
    /// its value first, that value is returned. If the store fails, the value is computed and
    /// returned all the same.
    ///
    /// # Errors
    /// None: a failure of the store is a warning in the log.
    ///
    /// # Panics
    /// If `load` panics, or if it calls `get_or_set` for the same key, which would never end.
    ///
    /// # Cancellation
    /// If the future is dropped while it computes, one of the waiters computes instead.
    ///
    /// # Source
    /// Django `get_or_set`.
    pub async fn get_or_set<T: Serialize + DeserializeOwned + 'static>(
        &self,
        key: &str,
        timeout: impl Into<Timeout>,
        load: impl AsyncFnOnce() -> T,
    ) -> T {
        let load = async || Ok::<T, Infallible>(load().await);
        let Ok(value) = self.get_or_try_set(key, timeout, load).await;
        value
    }

    /// Does the same as [`Values::get_or_set`], with a `load` that may fail.
    ///
    /// # Errors
    /// The errors of `load`. They are not stored: the next caller tries again, and all waiters try
    /// at the same time.
    ///
    /// # Panics
    /// As [`Values::get_or_set`].
    pub async fn get_or_try_set<T: Serialize + DeserializeOwned + 'static, E>(
        &self,
        key: &str,
        timeout: impl Into<Timeout>,
        load: impl AsyncFnOnce() -> Result<T, E>,
    ) -> Result<T, E> {
        let name = self.name(key);
        let call = self.begin(Operation::GetOrSet);
        self.keep_up().await;
        let leader = match find::find(&Sought { values: self, name: &name, of: PhantomData }).await
        {
            Found::Answer(Some(value)) => {
                call.end(&name, CallOutcome::Hit);
                return Ok(value);
            }
            Found::Build((), leader) => leader,
            Found::Answer(None) | Found::Full(()) => None,
            Found::Circle(circle, ()) => panic!("{circle}"),
        };
        // Another caller may have stored the value between this caller's lookup and its turn.
        let (outcome, lease) = match self.find_or_lease(&name).await {
            Ok(value) => {
                call.end(&name, CallOutcome::Hit);
                return Ok(value);
            }
            Err(missed) => missed,
        };
        call.end(&name, outcome);
        // Encoding runs code of the value's type, which may panic as well as the load.
        let work = caught(async {
            let value = load().await?;
            Ok::<_, E>((self.write(&name, &value), value))
        });
        let (bytes, value) = match self.within(&name, leader.as_ref()).run(work).await {
            Ok(Ok(loaded)) => loaded,
            failed => {
                land(leader, Landing::Failed);
                let failed = failed.unwrap_or_else(|panic| panic.resume());
                return failed.map(|(_, value)| value);
            }
        };
        let Some(bytes) = bytes else {
            land(leader, Landing::Nothing);
            return Ok(value);
        };
        // Announced before the value is stored: between storing and landing, another process may
        // delete the key, and a caller that comes after the deletion must not get this value.
        if let Some(leader) = &leader {
            leader.approach();
        }
        match self.offer(&name, &bytes, timeout.into(), lease).await {
            Offered::Ours => land(leader, Landing::Entry(bytes)),
            // The waiters look the key up again: they find a newer value, or compute one.
            Offered::Deleted => land(leader, Landing::Lost),
            Offered::Theirs(theirs) => {
                land(leader, Landing::Lost);
                return Ok(theirs);
            }
        }
        Ok(value)
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

    /// Returns the value of a key, or the outcome to report and the lease for storing a new value.
    async fn find_or_lease<T: Readable>(
        &self,
        name: &str,
    ) -> Result<T, (CallOutcome, Option<Bytes>)> {
        match self.lease(name).await {
            Ok(Leased::Stored(bytes)) => match self.read(name, &bytes) {
                Read::Value(value) => Ok(value),
                Read::Garbage => {
                    Err((CallOutcome::Unreadable, self.lease_instead(name, &bytes).await))
                }
            },
            Ok(Leased::Lease(token)) => Err((CallOutcome::Miss, Some(token))),
            Err(error) => {
                self.warn(name, &error);
                Err((CallOutcome::Outage(Trouble::from(&error)), None))
            }
        }
    }

    async fn lease(&self, name: &str) -> Result<Leased, StoreError> {
        // Never `None`, since the lease is not zero.
        let time = Lifetime::of(LEASE).unwrap_or(Lifetime::FOREVER);
        self.store().get_or_lease(name, &random::token(), time).await
    }

    /// Deletes an unreadable value and takes the lease of its key.
    ///
    /// The unreadable value would keep every new value from being stored until it expires.
    async fn lease_instead(&self, name: &str, unreadable: &Bytes) -> Option<Bytes> {
        self.store().delete_if(name, unreadable).await.ok()?;
        match self.lease(name).await {
            Ok(Leased::Lease(token)) => Some(token),
            _ => None,
        }
    }

    /// Stores a computed value if its lease still holds and no other process stored one first.
    async fn offer<T: Readable>(
        &self,
        name: &str,
        bytes: &Bytes,
        timeout: Timeout,
        lease: Option<Bytes>,
    ) -> Offered<T> {
        // Without a lease the store is failing: nothing is stored, but the waiters get the value.
        let Some(token) = lease else { return Offered::Ours };
        let kept = match self.lifetime(timeout) {
            Some(lifetime) => {
                self.store().add_leased(Item::new(name, bytes, lifetime), &token).await
            }
            // The timeout is over at once, so nothing is stored. The waiters may have the value if
            // the lease still held, that is, if the key was not deleted.
            None => self.store().delete_if(&Leased::key_of(name), &token).await,
        };
        match kept {
            Ok(true) => Offered::Ours,
            Ok(false) => self.find(name).await.map_or(Offered::Deleted, Offered::Theirs),
            Err(error) => {
                self.warn(name, &error);
                Offered::Ours
            }
        }
    }

    fn write<T: Readable + Serialize>(&self, name: &str, value: &T) -> Option<Bytes> {
        plain::write_owned(self.slot(name), value)
            .inspect_err(|error| tracing::warn!(cache.key = ?name, "not stored: {error}"))
            .ok()
    }

    /// Logs a failure of the store, at debug level if the store was not called, which may be often.
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
