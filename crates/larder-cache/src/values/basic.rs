//! Operations on one key.

use bytes::Bytes;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::call::{CallOutcome, Operation};
use super::seal::Read;
use super::{Error, Timeout, Values, plain, unwritable};
use crate::store::{Item, StoreError, Ttl};

impl Values {
    /// Returns the value of a key, or `None` if it has no value of this type.
    ///
    /// # Errors
    /// [`Error::Store`]. A value that cannot be read is a miss, with a warning in the log.
    ///
    /// # Source
    /// Django `get`.
    pub async fn get<T: DeserializeOwned + 'static>(&self, key: &str) -> Result<Option<T>, Error> {
        let name = self.name(key);
        let call = self.begin(Operation::Get);
        self.keep_up().await;
        let bytes = self.fetch(&name).await;
        let found = bytes.map(|bytes| bytes.map(|bytes| self.read(&name, &bytes)));
        let found = call.answer(&name, found, |found| match found {
            Some(Read::Garbage) => CallOutcome::Unreadable,
            found => CallOutcome::found(found.is_some()),
        });
        Ok(found?.and_then(Read::value))
    }

    /// Returns the value of a key, or `default`.
    ///
    /// # Errors
    /// As [`Values::get`].
    pub async fn get_or<T: DeserializeOwned + 'static>(
        &self,
        key: &str,
        default: T,
    ) -> Result<T, Error> {
        Ok(self.get(key).await?.unwrap_or(default))
    }

    /// Stores a value.
    ///
    /// # Errors
    /// [`Error::Codec`] if the value cannot be encoded. [`Error::Store`] if it is too large or the
    /// store is full: then the old value is removed, too.
    ///
    /// # Source
    /// Django `set`.
    pub async fn set<V>(
        &self,
        key: &str,
        value: &V,
        timeout: impl Into<Timeout>,
    ) -> Result<(), Error>
    where
        V: Serialize + ToOwned<Owned: DeserializeOwned + 'static> + ?Sized,
    {
        let name = self.name(key);
        let call = self.begin(Operation::Set);
        self.keep_up().await;
        let kept = match plain::write(self.slot(&name), value).map_err(|e| unwritable(key, e)) {
            Ok(bytes) => self.put(&name, &bytes, timeout.into()).await.map_err(|e| self.failed(e)),
            Err(error) => Err(error),
        };
        call.answer(&name, kept, |()| CallOutcome::Done)
    }

    /// Stores a value unless the key has one of any type, and returns whether it had none.
    ///
    /// With a timeout that is over at once nothing is stored, and the result is the same.
    ///
    /// # Errors
    /// As [`Values::set`].
    ///
    /// # Source
    /// Django `add`.
    pub async fn add<V>(
        &self,
        key: &str,
        value: &V,
        timeout: impl Into<Timeout>,
    ) -> Result<bool, Error>
    where
        V: Serialize + ToOwned<Owned: DeserializeOwned + 'static> + ?Sized,
    {
        let name = self.name(key);
        let call = self.begin(Operation::Add);
        self.keep_up().await;
        let kept = match plain::write(self.slot(&name), value).map_err(|e| unwritable(key, e)) {
            Ok(bytes) => {
                self.put_new(&name, &bytes, timeout.into()).await.map_err(|e| self.failed(e))
            }
            Err(error) => Err(error),
        };
        call.answer(&name, kept, |is_ours| CallOutcome::taken(*is_ours))
    }

    /// Sets the timeout of a key, counted from now, and returns whether the key has a value.
    ///
    /// A timeout that is over at once deletes the key.
    ///
    /// # Source
    /// Django `touch`.
    pub async fn touch(&self, key: &str, timeout: impl Into<Timeout>) -> Result<bool, Error> {
        let name = self.name(key);
        let call = self.begin(Operation::Touch);
        let touched = match self.lifetime(timeout.into()) {
            Some(lifetime) => self.store().expire(&name, lifetime).await,
            None => self.forget(&[&name]).await.map(|there| there > 0),
        };
        let touched = touched.map_err(|e| self.failed(e));
        call.answer(&name, touched, |is_there| CallOutcome::done(*is_there))
    }

    /// Deletes a key, and returns whether it had a value.
    ///
    /// # Source
    /// Django `delete`.
    pub async fn delete(&self, key: &str) -> Result<bool, Error> {
        let name = self.name(key);
        let call = self.begin(Operation::Delete);
        let deleted = self.forget(&[&name]).await.map(|there| there > 0);
        let deleted = deleted.map_err(|e| self.failed(e));
        call.answer(&name, deleted, |was_there| CallOutcome::done(*was_there))
    }

    /// Reports whether a key has a value of any type.
    ///
    /// # Source
    /// Django `has_key`, `in`.
    pub async fn has_key(&self, key: &str) -> Result<bool, Error> {
        let name = self.name(key);
        let call = self.begin(Operation::HasKey);
        let left = self.store().ttl(&name).await.map_err(|e| self.failed(e));
        let is_there = left.map(|left| left != Ttl::Absent);
        call.answer(&name, is_there, |is_there| CallOutcome::done(*is_there))
    }

    /// Deletes names, and returns how many there were.
    ///
    /// The results of their running loads are not stored, and later callers do not wait for those
    /// loads ([`super::derive`]).
    pub(super) async fn forget(&self, names: &[&str]) -> Result<u64, StoreError> {
        let deleted = self.store().delete_many(names).await;
        names.iter().for_each(|name| self.shared.flights.close(*name));
        deleted
    }

    pub(super) async fn fetch(&self, name: &str) -> Result<Option<Bytes>, Error> {
        self.store().get(name).await.map_err(|e| self.failed(e))
    }

    pub(super) async fn put(
        &self,
        name: &str,
        bytes: &Bytes,
        timeout: Timeout,
    ) -> Result<(), StoreError> {
        match self.lifetime(timeout) {
            Some(lifetime) => self.store().set(Item::new(name, bytes, lifetime)).await,
            None => self.forget(&[name]).await.map(|_| ()),
        }
    }

    pub(super) async fn put_new(
        &self,
        name: &str,
        bytes: &Bytes,
        timeout: Timeout,
    ) -> Result<bool, StoreError> {
        match self.lifetime(timeout) {
            Some(lifetime) => self.store().add(Item::new(name, bytes, lifetime)).await,
            None => self.store().has(name).await.map(|has| !has),
        }
    }
}
