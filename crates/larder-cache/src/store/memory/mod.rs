//! The memory store: it stores bytes in this process, bounded by entries and by bytes.
//!
//! - Expired keys are removed first, then the least recently used key is evicted. Reads, writes and
//!   counting are uses; checking whether a key exists is not.
//! - A key that was used twice outlives keys used once: a crawler that visits everything once does
//!   not evict the popular keys (segmented LRU).
//! - Each new key evicts one key. Django's store culls a third of the keys at a time.
//! - The key just written always stays, whatever the limits.
//! - Time is `tokio::time`: tests pause and advance it.
//! - One mutex guards everything. It is held for a few hundred nanoseconds and never across an
//!   `.await`: values are counters, sessions and limits. Pages are stored as entries, elsewhere.
//!
//! Source: Django `LocMemCache`; Karedla, Love, Wherry, "Caching Strategies to Improve Disk System
//! Performance" (SLRU).

use std::sync::{Mutex, MutexGuard};

use bytes::Bytes;
use tokio::time::Instant;

use super::{
    Answer, Item, Leased, Lifetime, ScanPage, Stats, Store, StoreError, Ttl, number::whole,
};

mod recency;
mod shelf;

use shelf::Shelf;

/// The limits of a [`MemoryStore`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Limits {
    /// The greatest number of keys.
    entries: usize,
    /// The greatest sum of the bytes of keys and values, with `OVERHEAD_BYTES` for each entry.
    bytes: usize,
}

/// The approximate bytes that one entry costs besides its key and value.
pub(crate) const OVERHEAD_BYTES: usize = 200;

/// A store in the memory of this process.
///
/// ```
/// # use std::sync::Arc;
/// # use larder_cache::store::MemoryStore;
/// # use larder_cache::values::{Settings, Timeout, Values};
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let store = Arc::new(MemoryStore::bounded(MemoryStore::DJANGOS_ENTRIES, 1 << 20));
/// let values = Values::new(store, Settings::new("blog"));
/// values.set("motd", "Fresh bread", Timeout::Never).await?;
/// # Ok::<(), larder_cache::Error>(())
/// # }).unwrap();
/// ```
#[derive(Debug)]
pub struct MemoryStore {
    shelf: Mutex<Shelf>,
}

/// Keys per page of a scan. It is bounded because the mutex is held while a page is collected.
const PAGE: usize = 500;

impl MemoryStore {
    /// The limit of Django's `LocMemCache`, `MAX_ENTRIES`: too few for production.
    pub const DJANGOS_ENTRIES: usize = 300;

    /// The limit of keys by default.
    pub const ENTRIES: usize = 10_000;

    /// Creates an empty store of at most this many keys, and this many bytes of keys and values.
    ///
    /// Each key counts as `OVERHEAD_BYTES` more than its own bytes. Beyond a limit the least recently used
    /// keys are evicted.
    pub fn bounded(entries: usize, bytes: usize) -> Self {
        Self { shelf: Mutex::new(Shelf::new(Limits { entries, bytes })) }
    }

    /// Locks the shelf and removes expired keys.
    fn shelf(&self) -> MutexGuard<'_, Shelf> {
        let mut shelf = self.shelf.lock().unwrap();
        shelf.expire(Instant::now());
        shelf
    }

    /// Runs `work` when the future is polled for the first time, not before.
    fn answer<'a, T: Send>(
        &'a self,
        work: impl FnOnce(&mut Shelf) -> Result<T, StoreError> + Send + 'a,
    ) -> Answer<'a, T> {
        Box::pin(async move { work(&mut self.shelf()) })
    }
}

impl Default for MemoryStore {
    /// Creates a store of 10,000 keys and 64 MiB.
    fn default() -> Self {
        Self::bounded(Self::ENTRIES, 64 << 20)
    }
}

impl Store for MemoryStore {
    fn name(&self) -> &'static str {
        "memory"
    }

    fn is_shared(&self) -> bool {
        false
    }

    fn get_many<'a>(&'a self, keys: &'a [&'a str]) -> Answer<'a, Vec<Option<Bytes>>> {
        self.answer(|shelf| Ok(keys.iter().map(|key| shelf.get(key)).collect()))
    }

    fn set_many<'a>(&'a self, items: &'a [Item<'a>]) -> Answer<'a, Vec<Result<(), StoreError>>> {
        self.answer(|shelf| Ok(items.iter().map(|item| put(shelf, item)).collect()))
    }

    fn add<'a>(&'a self, item: Item<'a>) -> Answer<'a, bool> {
        self.answer(move |shelf| {
            if shelf.peek(item.key).is_some() {
                return Ok(false);
            }
            put(shelf, &item).map(|()| true)
        })
    }

    fn add_leased<'a>(&'a self, item: Item<'a>, token: &'a [u8]) -> Answer<'a, bool> {
        self.answer(move |shelf| {
            let lease = Leased::key_of(item.key);
            let holds = shelf.peek(&lease).is_some_and(|entry| entry.bytes == token);
            if !(holds && shelf.remove(&lease)) || shelf.peek(item.key).is_some() {
                return Ok(false);
            }
            put(shelf, &item).map(|()| true)
        })
    }

    fn get_or_lease<'a>(
        &'a self,
        key: &'a str,
        token: &'a Bytes,
        time: Lifetime,
    ) -> Answer<'a, Leased> {
        self.answer(move |shelf| {
            if let Some(bytes) = shelf.get(key) {
                return Ok(Leased::Stored(bytes));
            }
            let lease = Leased::key_of(key);
            let token = shelf.peek(&lease).map_or(token, |entry| &entry.bytes).clone();
            shelf.put(&lease, token.clone(), end_of(time))?;
            Ok(Leased::Lease(token))
        })
    }

    fn delete_many<'a>(&'a self, keys: &'a [&'a str]) -> Answer<'a, u64> {
        self.answer(|shelf| Ok(keys.iter().filter(|key| forget(shelf, key)).count() as u64))
    }

    fn delete_if<'a>(&'a self, key: &'a str, bytes: &'a [u8]) -> Answer<'a, bool> {
        self.answer(move |shelf| {
            let is_same = shelf.peek(key).is_some_and(|entry| entry.bytes == bytes);
            Ok(is_same && shelf.remove(key))
        })
    }

    fn expire<'a>(&'a self, key: &'a str, lifetime: Lifetime) -> Answer<'a, bool> {
        self.answer(move |shelf| Ok(shelf.reschedule(key, end_of(lifetime))))
    }

    fn ttl<'a>(&'a self, key: &'a str) -> Answer<'a, Ttl> {
        self.answer(|shelf| {
            Ok(match shelf.peek(key).map(|entry| entry.expires) {
                None => Ttl::Absent,
                Some(None) => Ttl::Forever,
                Some(Some(end)) => Ttl::In(end.saturating_duration_since(Instant::now())),
            })
        })
    }

    fn incr<'a>(&'a self, key: &'a str, by: i64) -> Answer<'a, i64> {
        self.answer(move |shelf| {
            let entry = shelf.peek(key).ok_or(StoreError::Absent)?;
            let number = whole(&entry.bytes).ok_or(StoreError::NotInteger)?;
            let number = number.checked_add(by).ok_or(StoreError::Overflow)?;
            let expires = entry.expires;
            shelf.put(key, number.to_string().into(), expires)?;
            Ok(number)
        })
    }

    fn rename<'a>(&'a self, from: &'a str, to: &'a str) -> Answer<'a, bool> {
        self.answer(move |shelf| {
            let Some(entry) = shelf.peek(from).cloned() else {
                return Ok(false);
            };
            forget(shelf, from);
            shelf.remove(&Leased::key_of(to));
            shelf.put(to, entry.bytes, entry.expires)?;
            Ok(true)
        })
    }

    fn scan<'a>(&'a self, prefix: &'a str, from: Option<String>) -> Answer<'a, ScanPage> {
        self.answer(move |shelf| {
            let after = from.as_deref();
            let keys = shelf.names(prefix, after, PAGE);
            let is_last = keys.len() < PAGE;
            let next = keys.last().filter(|_| !is_last).cloned();
            Ok(ScanPage { keys, next })
        })
    }

    fn stats(&self) -> Answer<'_, Stats> {
        self.answer(|shelf| Ok(shelf.stats()))
    }
}

fn put(shelf: &mut Shelf, item: &Item<'_>) -> Result<(), StoreError> {
    shelf.put(item.key, item.bytes.clone(), end_of(item.lifetime))
}

/// Removes a key and its lease, and returns whether the key existed.
fn forget(shelf: &mut Shelf, key: &str) -> bool {
    shelf.remove(&Leased::key_of(key));
    shelf.remove(key)
}

fn end_of(lifetime: Lifetime) -> Option<Instant> {
    lifetime.duration().map(|left| Instant::now() + left)
}
