//! Get or make: a value that is computed when it is missing, once.

use std::convert::Infallible;

use bytes::Bytes;
use serde::Serialize;

use super::told::{Operation, Outcome};
use super::{Readable, Timeout, Values, plain};
use crate::event::Trouble;
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
    /// Those of `load`, which are not remembered: the next caller tries again.
    pub async fn get_or_try_set<T: Readable + Serialize, E>(
        &self,
        key: &str,
        timeout: impl Into<Timeout>,
        load: impl AsyncFnOnce() -> Result<T, E>,
    ) -> Result<T, E> {
        let name = self.name(key);
        let call = self.begin(Operation::GetOrSet);
        if let Found::Value(value) = self.find(&name).await {
            call.end(&name, Outcome::Hit);
            return Ok(value);
        }
        let ticket = self.shared.flights.join(&name);
        let mut brought = ticket.flight.lock().await;
        if let Some(value) = brought.as_ref().and_then(|bytes| self.read(&name, bytes)) {
            call.end(&name, Outcome::Hit);
            return Ok(value);
        }
        // Somebody may have landed between our look and our turn.
        let found = self.find(&name).await;
        let outcome = match found {
            Found::Value(value) => {
                call.end(&name, Outcome::Hit);
                return Ok(value);
            }
            Found::Trouble(trouble) => Outcome::Outage(trouble),
            Found::Nothing | Found::Garbage => Outcome::Miss,
        };
        call.end(&name, outcome);
        let value = load().await?;
        let Some(bytes) = self.write(&name, &value) else {
            return Ok(value);
        };
        let theirs = self.offer(&name, &bytes, timeout.into(), found).await;
        *brought = Some(bytes);
        ticket.land();
        Ok(theirs.unwrap_or(value))
    }

    async fn find<T: Readable>(&self, name: &str) -> Found<T> {
        match self.store().get(name).await {
            Ok(Some(bytes)) => match self.read(name, &bytes) {
                Some(value) => Found::Value(value),
                None => Found::Garbage,
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
        plain::write_owned(value)
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
