//! Get or make: a value that is computed when it is missing, once.

use std::convert::Infallible;
use std::sync::Arc;

use bytes::Bytes;
use serde::Serialize;

use super::seal::Read;
use super::told::{Operation, Outcome};
use super::{Readable, Timeout, Values, plain};
use crate::event::Trouble;
use crate::flight::{Landing, Leader, Turn, land};
use crate::lineage::Load;
use crate::panics::caught;
use crate::presence;
use crate::store::StoreError;

/// How a look-up went.
enum Found<T> {
    Value(T),
    /// Nothing there; another caller may put something there meanwhile.
    Nothing,
    /// Something that is not a `T`, and would never become one.
    Garbage,
    /// The store is of no help; why.
    Trouble(Trouble),
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
        let found = self.find(&name).await;
        let outcome = match found {
            Found::Value(value) => {
                call.end(&name, Outcome::Hit);
                return Ok(value);
            }
            Found::Trouble(trouble) => Outcome::Outage(trouble),
            Found::Nothing => Outcome::Miss,
            Found::Garbage => Outcome::Unreadable,
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
        let theirs = self.offer(&name, &bytes, timeout.into(), found).await;
        land(leader, Landing::Entry(bytes));
        Ok(theirs.unwrap_or(value))
    }

    /// The value, from the store or from the caller that was just computing it; else it is to be computed,
    /// where others may wait for it if there is a leader.
    async fn value_or_turn<T: Readable>(
        &self,
        name: &String,
    ) -> Result<T, Option<Leader<String, Bytes>>> {
        loop {
            if let Found::Value(value) = self.find(name).await {
                return Ok(value);
            }
            let ticket = match self.shared.flights.take_turn(name, presence::current()) {
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

    async fn find<T: Readable>(&self, name: &str) -> Found<T> {
        match self.store().get(name).await {
            Ok(Some(bytes)) => match self.read(name, &bytes) {
                Read::Value(value) => Found::Value(value),
                Read::Garbage => Found::Garbage,
            },
            Ok(None) => Found::Nothing,
            Err(error) => {
                self.warn(name, &error);
                Found::Trouble(Trouble::from(&error))
            }
        }
    }

    /// Remembers what was computed, unless another process was quicker; then answers its value.
    async fn offer<T: Readable>(
        &self,
        name: &str,
        bytes: &Bytes,
        timeout: Timeout,
        found: Found<T>,
    ) -> Option<T> {
        let kept = match found {
            // `add` would lose against garbage for as long as that lives.
            Found::Garbage => self.put(name, bytes, timeout).await.map(|()| true),
            _ => self.put_new(name, bytes, timeout).await,
        };
        match kept {
            Ok(true) => None,
            Ok(false) => match self.find(name).await {
                Found::Value(theirs) => Some(theirs),
                _ => None,
            },
            Err(error) => {
                self.warn(name, &error);
                None
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
