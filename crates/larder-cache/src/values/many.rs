//! Operations on many keys in one round trip.

use std::collections::HashMap;

use bytes::Bytes;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::call::{CallOutcome, Operation};
use super::report::Several;
use super::seal::Read;
use super::{Error, Timeout, Values, plain, unwritable};
use crate::store::{Item, Lifetime};

impl Values {
    /// Returns the values of those keys that have a value of this type.
    ///
    /// # Errors
    /// As [`Values::get`].
    ///
    /// # Source
    /// Django `get_many`.
    pub async fn get_many<T: DeserializeOwned + 'static, K: AsRef<str>>(
        &self,
        keys: impl IntoIterator<Item = K>,
    ) -> Result<HashMap<String, T>, Error> {
        let (keys, names) = self.names(keys);
        let call = self.begin(Operation::GetMany);
        self.keep_up().await;
        let mut has_garbage = false;
        let found = self.store().get_many(&borrow(&names)).await;
        let found = found.map_err(|e| self.failed(e)).map(|found| {
            let named = keys.into_iter().zip(names.iter().zip(found));
            let read = |(key, (name, bytes)): (String, (&String, Option<Bytes>))| {
                let read = self.read(name, &bytes?);
                has_garbage |= matches!(read, Read::Garbage);
                Some((key, read.value()?))
            };
            named.filter_map(read).collect()
        });
        call.answer(Several(&names), found, |found: &HashMap<String, T>| match found.len() {
            _ if has_garbage => CallOutcome::Unreadable,
            0 => CallOutcome::Miss,
            there if there < names.len() => CallOutcome::Partly,
            _ => CallOutcome::Hit,
        })
    }

    /// Stores values, each with this timeout, and returns the keys that could not be stored.
    ///
    /// The returned keys have no value now.
    ///
    /// # Errors
    /// [`Error::Codec`] if a value cannot be encoded: then none was stored. [`Error::Store`].
    ///
    /// # Source
    /// Django `set_many`.
    pub async fn set_many<'v, V, K>(
        &self,
        values: impl IntoIterator<Item = (K, &'v V)>,
        timeout: impl Into<Timeout>,
    ) -> Result<Vec<String>, Error>
    where
        V: Serialize + ToOwned<Owned: DeserializeOwned + 'static> + ?Sized + 'v,
        K: AsRef<str>,
    {
        let (keys, values): (Vec<K>, Vec<&V>) = values.into_iter().unzip();
        let (_, names) = self.names(&keys);
        let call = self.begin(Operation::SetMany);
        let kept = self.put_all(keys, &names, values, timeout.into()).await;
        call.answer(Several(&names), kept, |lost| match lost.len() {
            0 => CallOutcome::Done,
            lost if lost < names.len() => CallOutcome::Partly,
            _ => CallOutcome::Refused,
        })
    }

    async fn put_all<V, K>(
        &self,
        keys: Vec<K>,
        names: &[String],
        values: Vec<&V>,
        timeout: Timeout,
    ) -> Result<Vec<String>, Error>
    where
        V: Serialize + ToOwned<Owned: DeserializeOwned + 'static> + ?Sized,
        K: AsRef<str>,
    {
        let keys: Vec<String> = keys.iter().map(|key| key.as_ref().to_owned()).collect();
        let Some(lifetime) = self.lifetime(timeout) else {
            self.delete_names(names).await?;
            return Ok(Vec::new());
        };
        self.keep_up().await;
        let written = keys.iter().zip(names).zip(values).map(|((key, name), value)| {
            plain::write(self.slot(name), value).map_err(|error| unwritable(key, error))
        });
        let written = written.collect::<Result<Vec<Bytes>, Error>>()?;
        self.put_many(keys, names, &written, lifetime).await
    }

    /// Deletes keys, and returns how many of them had a value.
    ///
    /// # Source
    /// Django `delete_many`, which returns no count.
    pub async fn delete_many<K: AsRef<str>>(
        &self,
        keys: impl IntoIterator<Item = K>,
    ) -> Result<u64, Error> {
        let (_, names) = self.names(keys);
        let call = self.begin(Operation::DeleteMany);
        let deleted = self.delete_names(&names).await;
        call.answer(Several(&names), deleted, |there| CallOutcome::done(*there > 0))
    }

    pub(crate) async fn delete_names(&self, names: &[String]) -> Result<u64, Error> {
        self.forget(&borrow(names)).await.map_err(|e| self.failed(e))
    }

    async fn put_many(
        &self,
        keys: Vec<String>,
        names: &[String],
        written: &[Bytes],
        lifetime: Lifetime,
    ) -> Result<Vec<String>, Error> {
        let named = names.iter().zip(written);
        let items: Vec<Item<'_>> =
            named.map(|(name, bytes)| Item::new(name, bytes, lifetime)).collect();
        let answers = self.store().set_many(&items).await;
        let answers = answers.map_err(|e| self.failed(e))?;
        let fates = keys.into_iter().zip(answers);
        Ok(fates.filter(|(_, answer)| answer.is_err()).map(|(key, _)| key).collect())
    }

    /// Returns the keys as they were passed, and their names.
    fn names<K: AsRef<str>>(
        &self,
        keys: impl IntoIterator<Item = K>,
    ) -> (Vec<String>, Vec<String>) {
        let keys = keys.into_iter();
        keys.map(|key| (key.as_ref().to_owned(), self.name(key.as_ref()))).unzip()
    }
}

fn borrow(names: &[String]) -> Vec<&str> {
    names.iter().map(String::as_str).collect()
}
