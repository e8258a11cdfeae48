//! Counting, and moving between versions: what must happen in one step.

use bytes::Bytes;

use super::told::{Operation, Outcome};
use super::{Error, Values, name, seal};
use crate::store::{Item, Lifetime, StoreError, Ttl, lease_of};

impl Values {
    /// Adds to the whole number of a key; what it is then. Its timeout stays.
    ///
    /// # Errors
    /// [`Error::Absent`], [`Error::NotInteger`], [`Error::Overflow`], [`Error::Store`]; a counter
    /// has no default, so the caller decides what to do without it.
    ///
    /// # Source
    /// Django `incr`.
    pub async fn incr(&self, key: &str, by: i64) -> Result<i64, Error> {
        self.count(Operation::Incr, key, Some(by)).await
    }

    /// Subtracts from the whole number of a key; what it is then.
    ///
    /// # Errors
    /// As [`Values::incr`].
    ///
    /// # Source
    /// Django `decr`.
    pub async fn decr(&self, key: &str, by: i64) -> Result<i64, Error> {
        self.count(Operation::Decr, key, by.checked_neg()).await
    }

    /// Moves a value to the version that is `by` above this one, timeout and all; answers that
    /// version. What was there is replaced.
    ///
    /// # Errors
    /// [`Error::Absent`] if there is no value to move, [`Error::Overflow`], [`Error::Store`].
    ///
    /// # Source
    /// Django `incr_version`, which starts the timeout anew.
    pub async fn incr_version(&self, key: &str, by: i64) -> Result<i64, Error> {
        self.go(Operation::IncrVersion, key, self.version.checked_add(by)).await
    }

    /// Moves a value to the version that is `by` below this one.
    ///
    /// # Errors
    /// As [`Values::incr_version`].
    ///
    /// # Source
    /// Django `decr_version`.
    pub async fn decr_version(&self, key: &str, by: i64) -> Result<i64, Error> {
        self.go(Operation::DecrVersion, key, self.version.checked_sub(by)).await
    }

    /// Adds, unless what is to be added is no number.
    async fn count(&self, operation: Operation, key: &str, by: Option<i64>) -> Result<i64, Error> {
        let name = self.name(key);
        let call = self.begin(operation);
        let sum = match by {
            Some(by) => self.store().incr(&name, by).await,
            None => Err(StoreError::Overflow),
        };
        let sum = sum.map_err(|error| self.not_counted(key, error));
        call.answer(&name, sum, |_| Outcome::Done)
    }

    /// Moves a value to another version, unless there is no such version.
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
        call.answer(&from, gone, |_| Outcome::Done)
    }

    async fn rename(&self, key: &str, from: &str, version: i64) -> Result<(), Error> {
        // Has the same faults as `from`, of which a warning was given.
        let to = name::bounded(self.version(version).spell(key));
        self.keep_up().await;
        loop {
            let bytes = self.fetch(from).await?.ok_or_else(|| seal::absent(key))?;
            // What cannot be opened here would not be opened there.
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
                // It was replaced meanwhile, or taken away.
                (false, true) => {}
            }
        }
    }

    /// Moves what is sealed for its name: another seal for another name. Only one of several callers does.
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
        // First: neither key gets what began to be computed before.
        self.store().delete_many(&[&lease_of(from), &lease_of(to)]).await?;
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
