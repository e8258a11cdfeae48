//! Entries in the store that instances share.
//!
//! - Optional in every way: what it does not have, or has in a form that cannot be read, is made.
//! - An entry is sealed for its name, under a MAC, with its stamps in front, which are compared before its
//!   body is decoded. What was not sealed by us for this name is a miss and an event. An old entry that
//!   an attacker puts back under its own name is judged by its stamps and its end, as any other.
//! - Keys begin with a namespace, which names the build and its settings, and a type's fingerprint is
//!   part of each: old and new builds share a store without reading each other.
//! - One instance makes an entry at a time: a short lock says who. Who does not get it looks again for a
//!   moment, then makes it all the same; and does not wait for that lock again while its holder may be
//!   gone.
//! - No caller waits for a write: it happens behind the answer. What was written of a key that was deleted
//!   meanwhile is taken out again ([`crate::removal`]).

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use tokio::time::Instant;

use crate::codec::{CodecError, Fingerprint, Guard, Slot};
use crate::entry::{Body, Entry};
use crate::key::Key;
use crate::level::Level;
use crate::random;
use crate::secret::Secret;
use crate::stamps::{StampSource, Stamps};
use crate::store::{Item, Lifetime, Store, StoreError, Trouble, budget};
use crate::tier::sealed::{Header, Nothing, seal, unix_millis, unseal};

/// What the keys of all entries begin with.
pub(crate) const FRONT: &str = "larder:entry:";

/// What the names of locks end with.
const LOCK: &str = ":lock";

/// A lock that its holder does not release, as after a crash, ends by itself.
const LEASE: Duration = Duration::from_secs(2);

/// How often, and at which intervals, who did not get the lock looks again: 100 ms in all.
const LOOKS: u32 = 5;
const INTERVAL: Duration = Duration::from_millis(20);

/// A shared store, as entries see it.
#[derive(Debug, Clone)]
pub(crate) struct SharedTier {
    store: Arc<dyn Store>,
    /// What all keys begin with.
    front: Arc<str>,
    guard: Arc<Guard>,
    limiter: Arc<LogLimiter>,
    contended: Arc<ContendedLocks>,
}

/// When the store's trouble was last written into the log.
#[derive(Debug, Default)]
struct LogLimiter(Mutex<Option<Instant>>);

impl LogLimiter {
    /// Writes it, at most once a second.
    fn about(&self, store: &'static str, error: &StoreError) {
        let mut last = self.0.lock().unwrap();
        if last.is_none_or(|last| last.elapsed() >= Duration::from_secs(1)) {
            *last = Some(Instant::now());
            tracing::warn!(cache.store = store, %error, "the shared store is in trouble");
        }
    }
}

/// Locks that were waited for in contended, and when. Their holders may be gone: killed, or cut off before
/// they could say that they let go.
#[derive(Debug, Default)]
struct ContendedLocks(Mutex<HashMap<String, Instant>>);

impl ContendedLocks {
    fn has(&self, name: &str) -> bool {
        let since = self.0.lock().unwrap().get(name).copied();
        since.is_some_and(|since| since.elapsed() < LEASE)
    }

    fn remember(&self, name: String) {
        let mut waits = self.0.lock().unwrap();
        waits.retain(|_, since| since.elapsed() < LEASE);
        waits.insert(name, Instant::now());
    }
}

/// What a complete name says to readers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ParsedKey<'n> {
    /// The low half of the body's type's fingerprint.
    pub fingerprint: u32,
    /// The entry's key, which its program knows it by.
    pub key: &'n str,
    /// Whether it is the lock of that key, and no entry.
    pub is_lock: bool,
}

impl<'n> ParsedKey<'n> {
    /// Of the name of an entry; none for what is no such name.
    pub fn of(name: &'n str) -> Option<Self> {
        let mut rest = name.strip_prefix(FRONT)?;
        loop {
            let (part, after) = rest.split_once(':')?;
            rest = after;
            if is_fingerprint(part) {
                let fingerprint = u32::from_str_radix(part, 16).ok()?;
                let key = rest.strip_suffix(LOCK);
                return Some(Self {
                    fingerprint,
                    key: key.unwrap_or(rest),
                    is_lock: key.is_some(),
                });
            }
        }
    }
}

/// Eight hexadecimal digits, as [`SharedTier::name`] writes them.
fn is_fingerprint(part: &str) -> bool {
    part.len() == 8 && part.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

impl SharedTier {
    /// Entries of one namespace, in `store`, sealed under `secret`.
    pub fn new(store: Arc<dyn Store>, namespace: &str, secret: Secret) -> Self {
        let front = format!("{FRONT}{namespace}").into();
        let guard = Arc::new(Guard::Shared(secret));
        Self { store, front, guard, limiter: Arc::default(), contended: Arc::default() }
    }

    /// The entry under `key`, if it is true in `current`.
    pub async fn fetch<T: Body>(
        &self,
        level: Level,
        key: &Key,
        current: &Stamps,
    ) -> Result<(Arc<T>, Entry), Nothing> {
        let name = self.name::<T>(key)?;
        match self.store.get(&name).await {
            Err(error) => {
                self.limiter.about(self.store.name(), &error);
                Err(Nothing::Outage(Trouble::from(&error)))
            }
            Ok(None) => Err(Nothing::Absent),
            Ok(Some(bytes)) => unseal(level, self.slot(&name), &bytes, current),
        }
    }

    /// The entries under `keys` that are true in `current`; in one question.
    pub async fn fetch_many<T: Body>(
        &self,
        level: Level,
        keys: &[&Key],
        current: &Stamps,
    ) -> Result<Vec<Result<(Arc<T>, Entry), Nothing>>, Trouble> {
        let names: Result<Vec<String>, _> = keys.iter().map(|key| self.name::<T>(key)).collect();
        // There is nothing of a type that cannot be sealed.
        let Ok(names) = names else {
            return Ok(keys.iter().map(|_| Err(Nothing::Absent)).collect());
        };
        let borrowed: Vec<&str> = names.iter().map(String::as_str).collect();
        let found = self.store.get_many(&borrowed).await.map_err(|error| {
            self.limiter.about(self.store.name(), &error);
            Trouble::from(&error)
        })?;
        let found = found.into_iter().zip(&names).map(|(bytes, name)| {
            unseal(level, self.slot(name), &bytes.ok_or(Nothing::Absent)?, current)
        });
        Ok(found.collect())
    }

    /// Takes the lock of `key`, so that other instances wait.
    ///
    /// Where another instance holds it, waits a moment for what that one makes; but not if that was in
    /// vain a moment ago.
    pub async fn lock_or_fetch<T: Body>(
        &self,
        level: Level,
        key: &Key,
        current: &Stamps,
    ) -> Turn<T> {
        let Ok(name) = self.name::<T>(key) else { return Turn::Alone };
        let lock = Lock::new(self.store.clone(), format!("{name}{LOCK}"));
        match lock.take().await {
            Ok(true) => return Turn::Lead(lock),
            Ok(false) => lock.forget(),
            Err(_) => {
                lock.forget();
                return Turn::Alone;
            }
        }
        if self.contended.has(&name) {
            return Turn::Alone;
        }
        for _ in 0..LOOKS {
            tokio::time::sleep(INTERVAL).await;
            match self.fetch(level, key, current).await {
                Ok(found) => return Turn::Found(found),
                Err(Nothing::Outage(_)) => return Turn::Alone,
                Err(Nothing::Unreadable(why)) => return Turn::Unreadable(why),
                Err(Nothing::Absent) => {}
            }
        }
        self.contended.remember(name);
        Turn::Alone
    }

    /// Keeps an entry, behind the caller's back, unless `versions` say that its key was deleted; then
    /// frees the lock.
    pub fn keep<T: Body>(
        &self,
        key: &Key,
        body: Arc<T>,
        entry: &Entry,
        lock: Option<Lock>,
        versions: Arc<dyn StampSource>,
    ) {
        let header = Header {
            stamps: entry.stamps().to_vec(),
            epoch: entry.epoch(),
            born: unix_millis(SystemTime::now() - entry.age()),
            expires: unix_millis(SystemTime::now() + entry.remaining()),
            queries: entry.cost().queries,
            took: u64::try_from(entry.cost().took.as_micros()).unwrap_or(u64::MAX),
        };
        let Ok(name) = self.name::<T>(key) else { return };
        let (store, limiter) = (self.store.clone(), self.limiter.clone());
        let guard = self.guard.clone();
        let remaining = entry.remaining();
        let work = async move {
            // An entry that cannot be sealed is kept in this process only.
            let sealed = seal(Slot::new(&guard, &name), &header, &*body);
            let (Ok(bytes), Some(lifetime)) = (sealed, Lifetime::of(remaining)) else {
                return;
            };
            // The entry is not needed there; only the log wants to know.
            if let Err(error) = store.set(Item::new(&name, &bytes, lifetime)).await {
                limiter.about(store.name(), &error);
            }
            // After the write: a deletion moves its tag before it empties the store. Either it has
            // found what was just written there, or its tag is in this current.
            let current = versions.current().get().await;
            if current
                .is_ok_and(|current| header.epoch.is_deleted_in(header.epoch.now(current.epochs())))
            {
                // Where that fails the entry takes up room; no reader takes it.
                let _ = store.delete_if(&name, &bytes).await;
            }
            drop(lock);
        };
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(budget::apart(work));
        }
    }

    /// Forgets the entry under `key`; whether there was one.
    pub async fn delete<T: Body>(&self, key: &Key) -> Result<bool, StoreError> {
        match self.name::<T>(key) {
            Ok(name) => self.store.delete(&name).await,
            // What cannot be sealed was never kept.
            Err(_) => Ok(false),
        }
    }

    /// Forgets the entries of every build and every setting; how many there were.
    pub async fn clear(&self) -> Result<u64, StoreError> {
        self.store.clear(FRONT).await
    }

    /// Overwrites every entry with what is none.
    #[cfg(test)]
    pub async fn garble(&self) {
        let page = self.store.scan(FRONT, None).await.unwrap();
        for key in page.keys {
            let garbage = Bytes::from_static(b"LDR\x02 but nothing that was sealed here");
            self.store.set(Item::new(&key, &garbage, Lifetime::FOREVER)).await.unwrap();
        }
    }

    fn slot<'s>(&'s self, name: &'s str) -> Slot<'s> {
        Slot::new(&self.guard, name)
    }

    fn name<T: Body>(&self, key: &Key) -> Result<String, CodecError> {
        let fingerprint = Fingerprint::of::<T>()?.number();
        Ok(format!("{}:{:08x}:{key}", self.front, fingerprint as u32))
    }
}

/// What an instance does that found nothing in the store.
pub(crate) enum Turn<T> {
    /// Make it; the others wait.
    Lead(Lock),
    /// Another instance has just made it.
    Found((Arc<T>, Entry)),
    /// Make it: what lies in the store meanwhile cannot be read, why.
    Unreadable(&'static str),
    /// Make it: the lock is not to be had.
    Alone,
}

/// A lock on a key, freed when dropped.
pub(crate) struct Lock {
    store: Arc<dyn Store>,
    name: String,
    token: Bytes,
    is_held: bool,
}

impl Lock {
    fn new(store: Arc<dyn Store>, name: String) -> Self {
        let token = Bytes::from(format!("{:016x}{:016x}", random::u64(), random::u64()));
        Self { store, name, token, is_held: true }
    }

    async fn take(&self) -> Result<bool, StoreError> {
        let Some(lease) = Lifetime::of(LEASE) else { return Ok(false) };
        self.store.lock(&self.name, &self.token, lease).await
    }

    /// It is somebody else's.
    fn forget(mut self) {
        self.is_held = false;
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        if self.is_held {
            let (store, name) = (self.store.clone(), std::mem::take(&mut self.name));
            let token = self.token.clone();
            runtime.spawn(budget::apart(async move {
                // Where that fails the lease ends it.
                let _ = store.unlock(&name, &token).await;
            }));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_in_a_name_is_what_follows_the_fingerprint() {
        let name = r#"larder:entry:0.1.0-0123456789abcdef:size=25:1f2e3d4c:page:path="/:x":lock"#;
        let parsed = ParsedKey::of(name).unwrap();
        assert_eq!(parsed.fingerprint, 0x1f2e_3d4c);
        assert_eq!((parsed.key, parsed.is_lock), (r#"page:path="/:x""#, true));
        for other in ["larder:entry:", "larder:entry:a:b", "larder-values:1:00000000:x", ""] {
            assert_eq!(ParsedKey::of(other), None, "{other}");
        }
    }
}
