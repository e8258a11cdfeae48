//! Counting, and moving values between versions.

use bytes::Bytes;

use super::call::{CallOutcome, Operation};
use super::{Error, Values, name, seal};
use crate::store::{Item, Leased, Lifetime, StoreError, Ttl};

impl Values {
    /// Adds to the whole number of a key, and returns the sum. The timeout does not change.
    ///
    /// # Errors
    /// [`Error::Absent`], [`Error::NotInteger`], [`Error::Overflow`], [`Error::Store`]. A counter
    /// has no default, so the caller decides what to do without it.
    ///
    /// # Source
    /// Django `incr`.
    pub async fn incr(&self, key: &str, by: i64) -> Result<i64, Error> {
        self.count(Operation::Incr, key, Some(by)).await
    }

    /// Subtracts from the whole number of a key, and returns the difference.
    ///
    /// # Errors
    /// As [`Values::incr`].
    ///
    /// # Source
    /// Django `decr`.
    pub async fn decr(&self, key: &str, by: i64) -> Result<i64, Error> {
        self.count(Operation::Decr, key, by.checked_neg()).await
    }

    /// Moves a value to the version that is `by` above this one, and returns that version.
    ///
    /// The timeout moves along. A value at the other version is replaced.
    ///
    /// # Errors
    /// [`Error::Absent`] if there is no value to move, [`Error::Overflow`], [`Error::Store`].
    ///
    /// # Source
    /// Django `incr_version`, which restarts the timeout.
    pub async fn incr_version(&self, key: &str, by: i64) -> Result<i64, Error> {
        self.go(Operation::IncrVersion, key, self.version.checked_add(by)).await
    }

    /// Moves a value to the version that is `by` below this one, and returns that version.
    ///
    /// # Errors
    /// As [`Values::incr_version`].
    ///
    /// # Source
    /// Django `decr_version`.
    pub async fn decr_version(&self, key: &str, by: i64) -> Result<i64, Error> {
        self.go(Operation::DecrVersion, key, self.version.checked_sub(by)).await
    }

    /// Adds `by`; `None` is an overflow.
    async fn count(&self, operation: Operation, key: &str, by: Option<i64>) -> Result<i64, Error> {
        let name = self.name(key);
        let call = self.begin(operation);
        let sum = match by {
            Some(by) => self.store().incr(&name, by).await,
            None => Err(StoreError::Overflow),
        };
        let sum = sum.map_err(|error| self.not_counted(key, error));
        call.answer(&name, sum, |_| CallOutcome::Done)
    }

    /// Moves a value to another version; `None` is an overflow.
    async fn go(
        &self,
        operation: Operation,
        key: &str,
        version: Option<i64>,
    ) -> Result<i64, Error> {
        let from = self.name(key);
        let call = self.begin(operation);
        let gone = match version {
            Some(version) => self.rename(key, &from, version).await.map(|()| version),
            None => Err(self.not_counted(key, StoreError::Overflow)),
        };
        call.answer(&from, gone, |_| CallOutcome::Done)
    }

    async fn rename(&self, key: &str, from: &str, version: i64) -> Result<(), Error> {
        // No second warning: this name has the same faults as `from`.
        let to = name::bounded(self.version(version).spell(key));
        self.keep_up().await;
        loop {
            let bytes = self.fetch(from).await?.ok_or_else(|| seal::absent(key))?;
            // A value that cannot be opened under `from` could not be opened under `to` either.
            let resealed = self.sealed_for((from, &to), &bytes).map_err(|_| seal::absent(key))?;
            let moved = match &resealed {
                None => self.store().rename(from, &to).await,
                Some(resealed) => self.replace((from, &bytes), (&to, resealed)).await,
            };
            match (moved.map_err(|error| self.failed(error))?, resealed.is_some()) {
                (true, _) => {
                    for name in [from, to.as_str()] {
                        self.shared.flights.close(name);
                    }
                    return Ok(());
                }
                (false, false) => return Err(seal::absent(key)),
                // The value was replaced or deleted meanwhile: look again.
                (false, true) => {}
            }
        }
    }

    /// Moves a value that is sealed for its name, and returns whether this caller moved it.
    ///
    /// The deletion lets only one of several callers succeed. If the process ends between the
    /// deletion and the write, the value is lost, as by an eviction.
    async fn replace(
        &self,
        (from, bytes): (&str, &Bytes),
        (to, resealed): (&str, &Bytes),
    ) -> Result<bool, StoreError> {
        let lifetime = match self.store().ttl(from).await? {
            Ttl::Forever => Some(Lifetime::FOREVER),
            Ttl::In(left) => Lifetime::of(left),
            Ttl::Absent => None,
        };
        let Some(lifetime) = lifetime else { return Ok(false) };
        // Leases first: no load that began before the move may store its value under either key.
        self.store().delete_many(&[&Leased::key_of(from), &Leased::key_of(to)]).await?;
        if !self.store().delete_if(from, bytes).await? {
            return Ok(false);
        }
        self.store().set(Item::new(to, resealed, lifetime)).await.map(|()| true)
    }

    fn not_counted(&self, key: &str, error: StoreError) -> Error {
        let key = key.to_owned();
        match error {
            StoreError::Absent => Error::Absent { key },
            StoreError::NotInteger => Error::NotInteger { key },
            StoreError::Overflow => Error::Overflow { key },
            other => self.failed(other),
        }
    }
}
