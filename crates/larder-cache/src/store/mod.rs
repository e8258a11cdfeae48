//! Stores: they hold bytes under keys for a time.
//!
//! - A store knows keys, bytes and lifetimes. It knows no types, tags or versions.
//! - Every key that a store receives is complete: it includes the prefix and the version.
//! - An operation on one key is atomic. An operation on many keys is atomic per key and costs one
//!   round trip.
//! - A key and its lifetime are written together or not at all.
//! - A write that fails because of its size, or because the store is full, removes the old value.
//! - An expired key is absent, for every operation.
//! - A *lease* is the right to store what is computed for a key. Deleting or renaming the key ends
//!   the lease in the same step, so that a value computed from older data is not stored
//!   afterwards. A lease that the store has lost has ended, too. A lease is stored under a key of
//!   its own ([`Leased::key_of`]).
//! - A store never waits longer than its own timeout, or than what is left of the request's
//!   `Budget`.
//! - A store returns errors. The layers above decide what they mean (mostly a miss).
//!
//! | Store | Where | For |
//! |---|---|---|
//! | `memory` | this process, bounded | one instance, tests |
//! | [`redis`] | a Redis server | instances that share work |
//! | `null` | nowhere | development without a cache (Django: `DummyCache`) |
//!
//! A custom store implements the name and twelve methods of [`Store`]; the others have defaults.
//!
//! Not here: values and their keys (`super::values`), bytes in an envelope (`super::codec`).

use std::fmt;

use bytes::Bytes;
use futures_util::future::BoxFuture;

pub(crate) mod breaker;
pub(crate) mod budget;
mod error;
mod fault;
mod lifetime;
pub(crate) mod memory;
pub mod metered;
pub(crate) mod null;
pub(crate) mod number;
#[cfg(feature = "redis")]
mod redis;
mod scan;
mod trouble;

#[cfg(all(test, feature = "redis"))]
pub(crate) mod contract;

pub use super::codec::CodecError;
#[cfg(feature = "actix")]
pub(crate) use budget::Budget;
pub use budget::without_budget;
pub use error::StoreError;
pub(crate) use fault::KeyFault;
pub use lifetime::{Lifetime, Ttl};
pub use memory::MemoryStore;
pub use null::NullStore;
#[cfg(feature = "redis")]
pub use redis::redis;
pub use scan::ScanPage;
pub use trouble::Trouble;

/// The result of a store's method. It is boxed, so that a store can be chosen at run time.
pub type Answer<'a, T> = BoxFuture<'a, Result<T, StoreError>>;

/// One key with the bytes to store under it.
#[derive(Debug, Clone, Copy)]
pub struct Item<'a> {
    /// The complete key.
    pub key: &'a str,
    /// The bytes, stored unchanged: a sealed value, or a number in plain text.
    pub bytes: &'a Bytes,
    /// How long the bytes are stored, counted from the moment of the write.
    pub lifetime: Lifetime,
}

impl<'a> Item<'a> {
    /// Creates an item from a key, its bytes and its lifetime.
    pub fn new(key: &'a str, bytes: &'a Bytes, lifetime: Lifetime) -> Self {
        Self { key, bytes, lifetime }
    }
}

/// The result of [`Store::get_or_lease`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Leased {
    /// The bytes stored under the key.
    Stored(Bytes),
    /// Nothing is stored; this token holds the lease of the key.
    Lease(Bytes),
}

impl Leased {
    /// Returns the key under which the lease of `key` is stored.
    ///
    /// Keys with a common prefix have leases with a common prefix.
    pub fn key_of(key: &str) -> String {
        format!("load:{key}")
    }
}

/// A store's figures about itself; `None` where the store does not know.
///
/// Redis reports the whole server: keys of other applications are counted, too.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Stats {
    /// Keys that are stored.
    pub entries: Option<u64>,
    /// Memory in use, in bytes.
    pub bytes: Option<u64>,
    /// The limit of `bytes`.
    pub limit_bytes: Option<u64>,
    /// Keys evicted since the store was started.
    pub evicted: Option<u64>,
    /// Keys expired since the store was started.
    pub expired: Option<u64>,
}

/// Stores bytes under keys for a time.
///
/// # Errors
/// Every method may return [`StoreError::Unavailable`], [`StoreError::Timeout`],
/// [`StoreError::Paused`], [`StoreError::Exhausted`], [`StoreError::Closed`] and
/// [`StoreError::Refused`]. The methods below name only further errors.
///
/// # Cancellation
/// If the future is dropped, the operation is done or not done, never half done for any one key.
///
/// # Source
/// Django: `django.core.cache.backends.base.BaseCache`.
pub trait Store: fmt::Debug + Send + Sync {
    /// Returns the store's name in logs and errors: `memory`, `redis`, `null`.
    fn name(&self) -> &'static str;

    /// Reports whether other processes can write to the store.
    ///
    /// Values in such a store are sealed under a secret (`super::secret`).
    fn is_shared(&self) -> bool {
        true
    }

    /// Returns what is stored under each key, in the order of the keys.
    ///
    /// An empty list costs no round trip.
    fn get_many<'a>(&'a self, keys: &'a [&'a str]) -> Answer<'a, Vec<Option<Bytes>>>;

    /// Stores all items, and returns one result for each, in their order.
    ///
    /// An item fails by itself with [`StoreError::TooLarge`] or [`StoreError::Full`]. An empty list
    /// costs no round trip.
    fn set_many<'a>(&'a self, items: &'a [Item<'a>]) -> Answer<'a, Vec<Result<(), StoreError>>>;

    /// Stores an item unless its key exists, and returns whether it was stored.
    ///
    /// # Errors
    /// [`StoreError::TooLarge`], [`StoreError::Full`].
    fn add<'a>(&'a self, item: Item<'a>) -> Answer<'a, bool>;

    /// Stores an item if `token` holds the lease of its key, and returns whether it was stored.
    ///
    /// The lease ends with this call. A key that exists already is left as it is.
    ///
    /// # Errors
    /// As [`Store::add`].
    fn add_leased<'a>(&'a self, item: Item<'a>, token: &'a [u8]) -> Answer<'a, bool>;

    /// Returns what is stored under `key`, or takes the lease of the key for `time`.
    ///
    /// The lease is held by `token`. If it is held already, the holder's token is returned: all
    /// callers with that token share the lease, and each call renews its lifetime.
    fn get_or_lease<'a>(
        &'a self,
        key: &'a str,
        token: &'a Bytes,
        time: Lifetime,
    ) -> Answer<'a, Leased>;

    /// Deletes keys and their leases, and returns how many keys existed.
    ///
    /// An empty list costs no round trip.
    fn delete_many<'a>(&'a self, keys: &'a [&'a str]) -> Answer<'a, u64>;

    /// Deletes a key if exactly `bytes` are stored under it, and returns whether it was deleted.
    fn delete_if<'a>(&'a self, key: &'a str, bytes: &'a [u8]) -> Answer<'a, bool>;

    /// Sets a key's lifetime, counted from now, and returns whether the key exists.
    fn expire<'a>(&'a self, key: &'a str, lifetime: Lifetime) -> Answer<'a, bool>;

    /// Returns what is left of a key's lifetime. This does not count as a use of the key.
    fn ttl<'a>(&'a self, key: &'a str) -> Answer<'a, Ttl>;

    /// Adds to the whole number stored under a key as decimal text, and returns the sum.
    ///
    /// The key's lifetime does not change.
    ///
    /// # Errors
    /// [`StoreError::Absent`], [`StoreError::NotInteger`], [`StoreError::Overflow`]; nothing is
    /// changed.
    fn incr<'a>(&'a self, key: &'a str, by: i64) -> Answer<'a, i64>;

    /// Renames a key, and returns whether it existed.
    ///
    /// The lifetime moves along. A value under `to` is replaced. The leases of both keys end.
    fn rename<'a>(&'a self, from: &'a str, to: &'a str) -> Answer<'a, bool>;

    /// Returns one page of the keys that begin with `prefix`, and where the next page starts.
    ///
    /// A key that exists during the whole scan is listed at least once; Redis may list it twice. An
    /// empty page is not necessarily the last one.
    fn scan<'a>(&'a self, prefix: &'a str, from: Option<String>) -> Answer<'a, ScanPage>;

    /// Returns what is stored under a key.
    fn get<'a>(&'a self, key: &'a str) -> Answer<'a, Option<Bytes>> {
        Box::pin(async move { Ok(self.get_many(&[key]).await?.pop().flatten()) })
    }

    /// Stores an item, replacing the old value.
    ///
    /// # Errors
    /// [`StoreError::TooLarge`], [`StoreError::Full`]: the old value is removed, too.
    fn set<'a>(&'a self, item: Item<'a>) -> Answer<'a, ()> {
        Box::pin(async move { self.set_many(&[item]).await?.pop().unwrap_or(Ok(())) })
    }

    /// Deletes a key, and returns whether it existed.
    fn delete<'a>(&'a self, key: &'a str) -> Answer<'a, bool> {
        Box::pin(async move { Ok(self.delete_many(&[key]).await? > 0) })
    }

    /// Reports whether a key exists.
    fn has<'a>(&'a self, key: &'a str) -> Answer<'a, bool> {
        Box::pin(async move { Ok(self.ttl(key).await? != Ttl::Absent) })
    }

    /// Takes the lock `key` for at most `lease`, and returns whether it was free.
    ///
    /// `token` names the holder and must be unique: only a caller that knows it can release the
    /// lock.
    fn lock<'a>(&'a self, key: &'a str, token: &'a Bytes, lease: Lifetime) -> Answer<'a, bool> {
        self.add(Item::new(key, token, lease))
    }

    /// Releases a lock if `token` still holds it, and returns whether it was released.
    fn unlock<'a>(&'a self, key: &'a str, token: &'a [u8]) -> Answer<'a, bool> {
        self.delete_if(key, token)
    }

    /// Deletes every key that begins with `prefix`, and no other, and returns how many there were.
    ///
    /// Existing leases of such keys end. Keys that are written meanwhile may stay. The request's
    /// budget does not limit this call, since its time grows with the number of keys.
    fn clear<'a>(&'a self, prefix: &'a str) -> Answer<'a, u64> {
        Box::pin(budget::without_budget(async move {
            // Leases first: a load either stored its value before its lease was deleted, and the
            // second walk deletes that value, or it can no longer store one.
            scan::clear(self, &Leased::key_of(prefix)).await?;
            scan::clear(self, prefix).await
        }))
    }

    /// Returns the store's figures about itself.
    fn stats(&self) -> Answer<'_, Stats> {
        Box::pin(async { Ok(Stats::default()) })
    }

    /// Reports whether calls are refused for now because the last ones failed, without I/O.
    fn is_paused(&self) -> bool {
        false
    }

    /// Closes the connections; afterwards every operation returns [`StoreError::Closed`].
    ///
    /// A store without connections goes on working.
    fn close(&self) -> Answer<'_, ()> {
        Box::pin(async { Ok(()) })
    }

    /// Returns what is wrong with a complete key, if anything.
    ///
    /// The default is memcached's rule: a key that passes it works with every store.
    ///
    /// Source: Django `BaseCache.validate_key`.
    fn key_fault(&self, key: &str) -> Option<String> {
        KeyFault::of(key).map(|fault| fault.to_string())
    }
}
