//! Counting, and moving between versions: what must happen in one step.

use super::{Error, Values, name};
use crate::cache::store::StoreError;

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
        let name = self.name(key);
        let sum = self.store().incr(&name, by).await;
        sum.map_err(|error| self.not_counted(key, error))
    }

    /// Subtracts from the whole number of a key; what it is then.
    ///
    /// # Errors
    /// As [`Values::incr`].
    ///
    /// # Source
    /// Django `decr`.
    pub async fn decr(&self, key: &str, by: i64) -> Result<i64, Error> {
        match by.checked_neg() {
            Some(by) => self.incr(key, by).await,
            None => Err(self.not_counted(key, StoreError::Overflow)),
        }
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
        let version = self.version.checked_add(by);
        let version = version.ok_or_else(|| self.not_counted(key, StoreError::Overflow))?;
        let from = self.name(key);
        // Has the same faults as `from`, of which a warning was given.
        let to = name::bounded(self.version(version).spell(key));
        match self.store().rename(&from, &to).await {
            Ok(true) => Ok(version),
            Ok(false) => Err(self.not_counted(key, StoreError::Absent)),
            Err(error) => Err(self.failed(error)),
        }
    }

    /// Moves a value to the version that is `by` below this one.
    ///
    /// # Errors
    /// As [`Values::incr_version`].
    ///
    /// # Source
    /// Django `decr_version`.
    pub async fn decr_version(&self, key: &str, by: i64) -> Result<i64, Error> {
        match by.checked_neg() {
            Some(by) => self.incr_version(key, by).await,
            None => Err(self.not_counted(key, StoreError::Overflow)),
        }
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
