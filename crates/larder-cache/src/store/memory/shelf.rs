//! The bounded map with lifetimes that a [`MemoryStore`](super::MemoryStore) guards with its mutex.
//!
//! It reads no clock: the caller passes the time to [`Shelf::expire`] before every operation.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Bound,
    sync::Arc,
};

use bytes::Bytes;
use tokio::time::Instant;

use super::{
    Limits, OVERHEAD_BYTES, Stats, StoreError,
    recency::{Place, Recency},
};

/// The bytes stored under a key, with their expiry.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub(super) bytes: Bytes,
    /// `None`: the entry never expires.
    pub(super) expires: Option<Instant>,
    place: Place,
}

#[derive(Debug)]
pub(super) struct Shelf {
    limits: Limits,
    /// Ordered by key, so that a prefix is a range and a scan can go on where it stopped.
    entries: BTreeMap<Arc<str>, Entry>,
    schedule: BTreeSet<(Instant, Arc<str>)>,
    recency: Recency,
    bytes: usize,
    evicted: u64,
    expired: u64,
}

impl Shelf {
    pub(super) fn new(limits: Limits) -> Self {
        Self {
            limits,
            entries: BTreeMap::new(),
            schedule: BTreeSet::new(),
            recency: Recency::default(),
            bytes: 0,
            evicted: 0,
            expired: 0,
        }
    }

    /// Removes every expired entry. The cost is paid once per entry.
    pub(super) fn expire(&mut self, now: Instant) {
        while let Some((end, key)) = self.schedule.first()
            && *end <= now
        {
            let key = key.clone();
            self.remove(&key);
            self.expired += 1;
        }
    }

    /// Returns the bytes under a key. This counts as a use of the key.
    pub(super) fn get(&mut self, key: &str) -> Option<Bytes> {
        self.touch(key);
        self.entries.get(key).map(|entry| entry.bytes.clone())
    }

    /// Returns the entry under a key. This does not count as a use of the key.
    pub(super) fn peek(&self, key: &str) -> Option<&Entry> {
        self.entries.get(key)
    }

    /// Stores bytes, and evicts other keys if the limits require it.
    ///
    /// # Errors
    /// [`StoreError::TooLarge`] if the bytes would not fit on an empty shelf; the old value is
    /// removed, too.
    pub(super) fn put(
        &mut self,
        key: &str,
        bytes: Bytes,
        expires: Option<Instant>,
    ) -> Result<(), StoreError> {
        let (weight, limit) = (weight(key, &bytes), self.limits.bytes);
        if weight > limit {
            self.remove(key);
            return Err(StoreError::TooLarge { bytes: weight, limit });
        }
        match self.entries.contains_key(key) {
            true => self.replace(key, bytes, expires),
            false => self.insert(key.into(), bytes, expires),
        }
        self.make_room(key);
        Ok(())
    }

    /// Sets the expiry of a key, and returns whether the key exists.
    pub(super) fn reschedule(&mut self, key: &str, expires: Option<Instant>) -> bool {
        let Some((key, entry)) = self.entries.get_key_value(key) else {
            return false;
        };
        let (key, bytes) = (key.clone(), entry.bytes.clone());
        self.replace(&key, bytes, expires);
        true
    }

    pub(super) fn remove(&mut self, key: &str) -> bool {
        let Some((key, entry)) = self.entries.remove_entry(key) else {
            return false;
        };
        self.bytes -= weight(&key, &entry.bytes);
        self.recency.leave(entry.place);
        if let Some(end) = entry.expires {
            self.schedule.remove(&(end, key));
        }
        true
    }

    /// Returns at most `count` keys that begin with `prefix` and follow `after`, in order.
    pub(super) fn names(&self, prefix: &str, after: Option<&str>, count: usize) -> Vec<String> {
        let start = after.map_or(Bound::Included(prefix), Bound::Excluded);
        self.entries
            .range::<str, _>((start, Bound::Unbounded))
            .map(|(key, _)| key)
            .take_while(|key| key.starts_with(prefix))
            .take(count)
            .map(|key| key.to_string())
            .collect()
    }

    pub(super) fn stats(&self) -> Stats {
        Stats {
            entries: Some(self.entries.len() as u64),
            bytes: Some(self.bytes as u64),
            limit_bytes: Some(self.limits.bytes as u64),
            evicted: Some(self.evicted),
            expired: Some(self.expired),
        }
    }

    fn insert(&mut self, key: Arc<str>, bytes: Bytes, expires: Option<Instant>) {
        self.bytes += weight(&key, &bytes);
        self.schedule.extend(expires.map(|end| (end, key.clone())));
        let place = self.recency.enter(key.clone());
        let entry = Entry { bytes, expires, place };
        self.entries.insert(key, entry);
    }

    /// Replaces the bytes and the expiry of an existing key. This counts as a use of the key.
    fn replace(&mut self, key: &str, bytes: Bytes, expires: Option<Instant>) {
        self.touch(key);
        let (key, _) = self.entries.get_key_value(key).expect("only what is here is replaced");
        let key = key.clone();
        let entry = self.entries.get_mut(&key).expect("found a moment ago");
        self.bytes = self.bytes - entry.bytes.len() + bytes.len();
        if let Some(end) = entry.expires {
            self.schedule.remove(&(end, key.clone()));
        }
        self.schedule.extend(expires.map(|end| (end, key)));
        entry.bytes = bytes;
        entry.expires = expires;
    }

    fn touch(&mut self, key: &str) {
        let Some(entry) = self.entries.get_mut(key) else {
            return;
        };
        let (place, demoted) = self.recency.promote(entry.place);
        entry.place = place;
        if let Some((key, place)) = demoted
            && let Some(entry) = self.entries.get_mut(&key)
        {
            entry.place = place;
        }
    }

    /// Evicts keys in their order until the limits hold, but never the key just written.
    fn make_room(&mut self, written: &str) {
        while self.entries.len() > self.limits.entries || self.bytes > self.limits.bytes {
            let Some(first) = self.recency.first().cloned() else {
                return;
            };
            if &*first != written {
                self.remove(&first);
                self.evicted += 1;
            } else if self.entries.len() > 1 {
                // A use protects the key just written, so that another key is evicted first.
                self.touch(written);
            } else {
                return;
            }
        }
    }
}

fn weight(key: &str, bytes: &Bytes) -> usize {
    key.len() + bytes.len() + OVERHEAD_BYTES
}
