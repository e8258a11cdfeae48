//! Stores: bytes in, bytes out.
//!
//! - A store knows keys, bytes and lifetimes; it knows neither types nor tags nor versions.
//! - Every key it is given is complete: prefix and version are part of it.
//! - An operation on one key is atomic. One on many keys is atomic per key and one round trip in
//!   all.
//! - A key and its lifetime are written together or not at all.
//! - A write that fails because of its size, or for lack of room, leaves no old value behind.
//! - Expired means absent, for every operation.
//! - A *lease* is the right to keep what is computed for a key. Deleting or moving the key ends it, in the same
//!   step: what was computed from before is not kept afterwards. A lease that the store has lost is over, too.
//!   It is kept under a key of its own ([`lease_of`]).
//! - A store never waits longer than its own timeout, nor than what is left of the request's
//!   [`Budget`].
//! - Only a store answers errors; what they mean (a miss, mostly) is decided above it.
//!
//! | Store | Where | For |
//! |---|---|---|
//! | [`memory`] | this process, bounded | one instance, tests |
//! | [`redis`] | a Redis server | instances that share work |
//! | [`null`] | nowhere | development without a cache (Django: `DummyCache`) |
//!
//! A store of your own implements a name and twelve methods of [`Store`]; the others are derived.
//!
//! Not here: values and their keys (`super::values`), bytes in an envelope (`super::codec`).

use std::fmt;

use bytes::Bytes;
use futures_util::future::BoxFuture;

pub mod breaker;
pub mod budget;
mod error;
mod fault;
mod lifetime;
pub mod memory;
pub mod metered;
pub mod null;
pub(crate) mod number;
pub mod redis;
mod scan;

#[cfg(test)]
pub(crate) mod contract;

pub use budget::Budget;
pub use error::StoreError;
pub use fault::KeyFault;
pub use lifetime::{Lifetime, Ttl};
pub use scan::{Cursor, ScanPage};

/// What a store's method answers: boxed, so that a store can be chosen at run time.
pub type Answer<'a, T> = BoxFuture<'a, Result<T, StoreError>>;

/// One key with what is to be kept under it.
#[derive(Debug, Clone, Copy)]
pub struct Item<'a> {
    /// The complete key.
    pub key: &'a str,
    /// What is kept, as it is: a sealed value, or a number in plain text.
    pub bytes: &'a Bytes,
    /// How long, counted from the moment the store does it.
    pub lifetime: Lifetime,
}

impl<'a> Item<'a> {
    /// These bytes, under this key, for so long.
    pub fn new(key: &'a str, bytes: &'a Bytes, lifetime: Lifetime) -> Self {
        Self { key, bytes, lifetime }
    }
}

/// What a store answers to who would compute what it does not have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Leased {
    /// This is kept under the key.
    Kept(Bytes),
    /// Nothing is; this token holds the lease of the key.
    Lease(Bytes),
}

/// The key under which the lease of a key is kept. Leases of keys that begin alike begin alike.
pub fn lease_of(key: &str) -> String {
    format!("larder-load:{key}")
}

/// What a store says of itself; `None` where it cannot know.
///
/// Redis answers for the whole server: other applications' keys are counted too.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Stats {
    /// Keys that are kept.
    pub entries: Option<u64>,
    /// Memory in use.
    pub bytes: Option<u64>,
    /// The bound on `bytes`.
    pub limit_bytes: Option<u64>,
    /// Keys dropped for lack of room since the store was started.
    pub evicted: Option<u64>,
    /// Keys dropped because their lifetime was over since the store was started.
    pub expired: Option<u64>,
}

/// A place that keeps bytes under keys for a time.
///
/// # Errors
/// Every method may answer [`StoreError::Unavailable`], [`StoreError::Timeout`],
/// [`StoreError::Paused`], [`StoreError::Exhausted`], [`StoreError::Closed`] and
/// [`StoreError::Refused`]; only further ones are named below.
///
/// # Cancellation
/// A dropped answer leaves the operation done or not done, never half done for any one key.
///
/// # Source
/// Django: `django.core.cache.backends.base.BaseCache`.
pub trait Store: fmt::Debug + Send + Sync {
    /// The store's name in logs and errors: `memory`, `redis`, `null`.
    fn name(&self) -> &'static str;

    /// Whether others than this process can write to it. What is kept there is then sealed under a secret
    /// (`super::secret`).
    fn is_shared(&self) -> bool {
        true
    }

    /// What is kept under each key, in the order of the keys. No round trip for no keys.
    fn get_many<'a>(&'a self, keys: &'a [&'a str]) -> Answer<'a, Vec<Option<Bytes>>>;

    /// Keeps all items; answers, in their order, how each fared. No round trip for no items.
    ///
    /// An item fails by itself with [`StoreError::TooLarge`] or [`StoreError::Full`].
    fn set_many<'a>(&'a self, items: &'a [Item<'a>]) -> Answer<'a, Vec<Result<(), StoreError>>>;

    /// Keeps an item unless its key is taken; whether it was kept.
    ///
    /// # Errors
    /// [`StoreError::TooLarge`], [`StoreError::Full`].
    fn add<'a>(&'a self, item: Item<'a>) -> Answer<'a, bool>;

    /// Keeps an item unless its key is taken, if `token` still holds the lease of the key, which ends
    /// with this; whether it was kept.
    ///
    /// # Errors
    /// As [`Store::add`].
    fn add_leased<'a>(&'a self, item: Item<'a>, token: &'a [u8]) -> Answer<'a, bool>;

    /// What is kept under a key; else a lease of it for so long, held by `token`, or by the token of who
    /// has it already: each holder of the token shares the lease.
    fn get_or_lease<'a>(
        &'a self,
        key: &'a str,
        token: &'a Bytes,
        time: Lifetime,
    ) -> Answer<'a, Leased>;

    /// Forgets these keys, and ends their leases; how many keys there were. No round trip for no keys.
    fn delete_many<'a>(&'a self, keys: &'a [&'a str]) -> Answer<'a, u64>;

    /// Forgets a key if exactly these bytes are kept under it; whether they were.
    fn delete_if<'a>(&'a self, key: &'a str, bytes: &'a [u8]) -> Answer<'a, bool>;

    /// Gives a key another lifetime, counted from now; whether it exists.
    fn expire<'a>(&'a self, key: &'a str, lifetime: Lifetime) -> Answer<'a, bool>;

    /// What is left of a key's lifetime. Does not count as use.
    fn ttl<'a>(&'a self, key: &'a str) -> Answer<'a, Ttl>;

    /// Adds to the whole number kept under a key, as decimal text; what it is then. The lifetime
    /// stays.
    ///
    /// # Errors
    /// [`StoreError::Absent`], [`StoreError::NotInteger`], [`StoreError::Overflow`]; nothing is
    /// changed.
    fn incr<'a>(&'a self, key: &'a str, by: i64) -> Answer<'a, i64>;

    /// Moves what is kept under one key to another, lifetime and all, replacing what was there; ends the
    /// leases of both. Whether there was anything to move.
    fn rename<'a>(&'a self, from: &'a str, to: &'a str) -> Answer<'a, bool>;

    /// Some of the keys that begin with `prefix`, and where to go on.
    ///
    /// A key that is present from the first page to the last is listed at least once; Redis may
    /// list it twice. A page may be empty and still not be the last one.
    fn scan<'a>(&'a self, prefix: &'a str, from: Option<Cursor>) -> Answer<'a, ScanPage>;

    /// What is kept under a key.
    fn get<'a>(&'a self, key: &'a str) -> Answer<'a, Option<Bytes>> {
        Box::pin(async move { Ok(self.get_many(&[key]).await?.pop().flatten()) })
    }

    /// Keeps an item, replacing what was there.
    ///
    /// # Errors
    /// [`StoreError::TooLarge`], [`StoreError::Full`]: the old value is gone, too.
    fn set<'a>(&'a self, item: Item<'a>) -> Answer<'a, ()> {
        Box::pin(async move { self.set_many(&[item]).await?.pop().unwrap_or(Ok(())) })
    }

    /// Forgets a key; whether it existed.
    fn delete<'a>(&'a self, key: &'a str) -> Answer<'a, bool> {
        Box::pin(async move { Ok(self.delete_many(&[key]).await? > 0) })
    }

    /// Whether a key exists.
    fn has<'a>(&'a self, key: &'a str) -> Answer<'a, bool> {
        Box::pin(async move { Ok(self.ttl(key).await? != Ttl::Absent) })
    }

    /// Takes the lock of this name for at most `lease`; whether it was free.
    ///
    /// `token` names the holder and must be unique: only who knows it can release the lock.
    fn lock<'a>(&'a self, key: &'a str, token: &'a Bytes, lease: Lifetime) -> Answer<'a, bool> {
        self.add(Item::new(key, token, lease))
    }

    /// Frees a lock if `token` still holds it; whether it did.
    fn unlock<'a>(&'a self, key: &'a str, token: &'a [u8]) -> Answer<'a, bool> {
        self.delete_if(key, token)
    }

    /// Forgets every key that begins with `prefix`, and no other; how many there were. Leases that were
    /// given before end.
    ///
    /// Keys that are set meanwhile may stay. Takes as long as it takes: whoever clears waits for
    /// it, so the request's budget does not count.
    fn clear<'a>(&'a self, prefix: &'a str) -> Answer<'a, u64> {
        Box::pin(budget::apart(async move {
            // First: a load keeps what it computes before its lease is looked for, then it is found
            // below; or not at all.
            scan::clear(self, &lease_of(prefix)).await?;
            scan::clear(self, prefix).await
        }))
    }

    /// The store's own figures.
    fn stats(&self) -> Answer<'_, Stats> {
        Box::pin(async { Ok(Stats::default()) })
    }

    /// Whether calls are refused for now, because the last ones failed. Asks nobody.
    fn is_paused(&self) -> bool {
        false
    }

    /// Lets go of connections; afterwards every operation answers [`StoreError::Closed`]. A store
    /// without connections goes on working.
    fn close(&self) -> Answer<'_, ()> {
        Box::pin(async { Ok(()) })
    }

    /// What is wrong with a complete key, if anything; the default is memcached's rule, so that a
    /// key that passes here works everywhere.
    ///
    /// Source: Django `BaseCache.validate_key`.
    fn key_fault(&self, key: &str) -> Option<KeyFault> {
        KeyFault::of(key)
    }
}
