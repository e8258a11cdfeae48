//! The shared tier: entries in a store that instances share.
//!
//! - It is optional: an entry that is not there, or cannot be read, is built.
//! - An entry is sealed for its name under a MAC, with its stamps in a header, which are compared
//!   before the body is decoded. Bytes that were not sealed for this name are a miss and an event.
//!   An old entry that an attacker puts back under its own name is validated by its stamps and its
//!   end, like any other.
//! - Keys begin with the application's namespace, which names the build and its settings, and contain
//!   the fingerprint of the type. So applications and builds share a store without reading each
//!   other's entries ([`crate::namespace`]).
//! - Beside stamps that other processes cannot see, entries are shared by their lifetimes alone, and
//!   only those that depend on no tag: see [`Validation`].
//! - One instance builds an entry at a time, under a short lock. An instance that does not get the
//!   lock polls for the entry for 100 ms, then builds it anyway. It does not wait again for the
//!   same lock while the lock's holder may be gone.
//! - No caller waits for a write: it happens behind the answer. If the key was deleted meanwhile,
//!   the written entry is removed again ([`crate::removal`]).

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use tokio::time::Instant;

use crate::codec::{CodecError, Fingerprint, Guard, Slot};
use crate::entry::{Body, Entry};
use crate::key::Key;
use crate::level::Level;
use crate::namespace::Namespace;
use crate::random;
use crate::secret::Secret;
use crate::stamps::{StampSource, Stamps};
use crate::store::{Item, Lifetime, Store, StoreError, Trouble, budget};
use crate::tag::Tag;
use crate::tier::sealed::{Header, Nothing, Validation, seal, unix_millis, unseal};

/// The suffix of the names of locks.
const LOCK: &str = ":lock";

/// The time after which a lock expires that its holder does not release, as after a crash.
const LEASE: Duration = Duration::from_secs(2);

/// How often and at which interval an instance without the lock polls: 100 ms in total.
const POLLS: u32 = 5;
const INTERVAL: Duration = Duration::from_millis(20);

/// The shared store as the cache uses it.
#[derive(Debug, Clone)]
pub(crate) struct SharedTier {
    store: Arc<dyn Store>,
    /// The beginning of the names of all entries of the application.
    all: Arc<str>,
    /// The beginning of the names of its own entries.
    front: Arc<str>,
    validation: Validation,
    guard: Arc<Guard>,
    limiter: Arc<LogLimiter>,
    contended: Arc<ContendedLocks>,
}

/// When an outage of the store was last logged.
#[derive(Debug, Default)]
struct LogLimiter(Mutex<Option<Instant>>);

impl LogLimiter {
    /// Logs an error of the store, at most once a second.
    fn log(&self, store: &'static str, error: &StoreError) {
        let mut last = self.0.lock().unwrap();
        if last.is_none_or(|last| last.elapsed() >= Duration::from_secs(1)) {
            *last = Some(Instant::now());
            let cause = std::error::Error::source(error).map(tracing::field::display);
            tracing::warn!(cache.store = store, %error, cause, "the shared store failed");
        }
    }
}

/// Locks that were awaited without success, and when.
///
/// Their holders may be gone: killed, or disconnected before they released the lock.
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

/// The parts of a complete name in the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ParsedKey<'n> {
    /// The low half of the fingerprint of the body's type.
    pub fingerprint: u32,
    /// The entry's key.
    pub key: &'n str,
    /// Whether it is the lock of that key, and not an entry.
    pub is_lock: bool,
}

impl<'n> ParsedKey<'n> {
    /// Parses the name of an entry or a lock that begins with `front`; returns `None` for other names.
    pub(crate) fn of(front: &str, name: &'n str) -> Option<Self> {
        let mut rest = name.strip_prefix(front)?;
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

/// Reports whether this is eight hexadecimal digits, as [`SharedTier::name`] writes them.
fn is_fingerprint(part: &str) -> bool {
    part.len() == 8 && part.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

impl SharedTier {
    /// Creates the tier of one namespace in `store`, sealed under `secret`.
    pub(crate) fn new(
        store: Arc<dyn Store>,
        namespace: &Namespace,
        secret: Secret,
        validation: Validation,
    ) -> Self {
        let (all, front) = (namespace.entries().into(), namespace.entries_of_build().into());
        let guard = Arc::new(Guard::Shared(secret));
        let (limiter, contended) = Default::default();
        Self { store, all, front, validation, guard, limiter, contended }
    }

    /// Returns the entry under `key`, if it is valid at the stamps `current`.
    pub(crate) async fn fetch<T: Body>(
        &self,
        level: Level,
        key: &Key,
        current: &Stamps,
    ) -> Result<(Arc<T>, Entry), Nothing> {
        let name = self.name::<T>(key)?;
        match self.store.get(&name).await {
            Err(error) => {
                self.limiter.log(self.store.name(), &error);
                Err(Nothing::Outage(Trouble::from(&error)))
            }
            Ok(None) => Err(Nothing::Absent),
            Ok(Some(bytes)) => unseal(level, self.slot(&name), &bytes, (current, self.validation)),
        }
    }

    /// Returns the entries under `keys` that are valid at the stamps `current`, in one round trip.
    pub(crate) async fn fetch_many<T: Body>(
        &self,
        level: Level,
        keys: &[&Key],
        current: &Stamps,
    ) -> Result<Vec<Result<(Arc<T>, Entry), Nothing>>, Trouble> {
        let names: Result<Vec<String>, _> = keys.iter().map(|key| self.name::<T>(key)).collect();
        // Entries of a type that cannot be sealed are never stored.
        let Ok(names) = names else {
            return Ok(keys.iter().map(|_| Err(Nothing::Absent)).collect());
        };
        let borrowed: Vec<&str> = names.iter().map(String::as_str).collect();
        let found = self.store.get_many(&borrowed).await.map_err(|error| {
            self.limiter.log(self.store.name(), &error);
            Trouble::from(&error)
        })?;
        let found = found.into_iter().zip(&names).map(|(bytes, name)| {
            let bytes = bytes.ok_or(Nothing::Absent)?;
            unseal(level, self.slot(name), &bytes, (current, self.validation))
        });
        Ok(found.collect())
    }

    /// Takes the lock of `key`, so that other instances wait.
    ///
    /// If another instance holds it, polls for the entry that it builds, unless that was in vain a
    /// moment ago.
    pub(crate) async fn lock_or_fetch<T: Body>(
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
        for _ in 0..POLLS {
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

    /// Stores an entry behind the answer, unless its key was deleted; then releases the lock.
    pub(crate) fn store<T: Body>(
        &self,
        key: &Key,
        body: Arc<T>,
        entry: &Entry,
        lock: Option<Lock>,
        versions: Arc<dyn StampSource>,
    ) {
        let depends = entry.tags().any(|tag| *tag != Tag::EVERYTHING);
        if depends && self.validation == Validation::ByLifetime {
            return;
        }
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
            // An entry that cannot be sealed stays in this process only.
            let sealed = seal(Slot::new(&guard, &name), &header, &*body);
            let (Ok(bytes), Some(lifetime)) = (sealed, Lifetime::of(remaining)) else {
                return;
            };
            // No caller needs the entry there, so a failure is only logged.
            if let Err(error) = store.set(Item::new(&name, &bytes, lifetime)).await {
                limiter.log(store.name(), &error);
            }
            // After the write: a deletion changes its tag before it empties the store. So either it
            // has found what was just written, or its tag is in these stamps.
            let current = versions.current().get().await;
            if current
                .is_ok_and(|current| header.epoch.is_deleted_in(header.epoch.now(current.epochs())))
            {
                // If that fails, the entry takes up room, but no reader accepts it.
                let _ = store.delete_if(&name, &bytes).await;
            }
            drop(lock);
        };
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(budget::without_budget(work));
        }
    }

    /// Deletes the entry under `key`; reports whether there was one.
    pub(crate) async fn delete<T: Body>(&self, key: &Key) -> Result<bool, StoreError> {
        match self.name::<T>(key) {
            Ok(name) => self.store.delete(&name).await,
            // What cannot be sealed was never stored.
            Err(_) => Ok(false),
        }
    }

    /// Deletes the application's entries of every build and every setting; returns how many there were.
    pub(crate) async fn clear(&self) -> Result<u64, StoreError> {
        self.store.clear(&self.all).await
    }

    /// Overwrites every entry with bytes that are not an entry.
    #[cfg(test)]
    pub(crate) async fn garble(&self) {
        let page = self.store.scan(&self.all, None).await.unwrap();
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

/// What an instance does after a miss in the shared tier.
pub(crate) enum Turn<T> {
    /// Build the entry; other instances wait.
    Lead(Lock),
    /// Serve the entry that another instance has just built.
    Found((Arc<T>, Entry)),
    /// Build the entry: the one in the store cannot be read, for this reason.
    Unreadable(&'static str),
    /// Build the entry without the lock.
    Alone,
}

/// A lock on a key, released when dropped.
pub(crate) struct Lock {
    store: Arc<dyn Store>,
    name: String,
    token: Bytes,
    is_held: bool,
}

impl Lock {
    fn new(store: Arc<dyn Store>, name: String) -> Self {
        Self { store, name, token: random::token(), is_held: true }
    }

    async fn take(&self) -> Result<bool, StoreError> {
        let Some(lease) = Lifetime::of(LEASE) else { return Ok(false) };
        self.store.lock(&self.name, &self.token, lease).await
    }

    /// Drops the handle without a release: another instance holds the lock.
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
            runtime.spawn(budget::without_budget(async move {
                // If that fails, the lease ends the lock.
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
        let of = |name| ParsedKey::of("blog:entry:", name);
        let name = r#"blog:entry:0.1.0-0123456789abcdef:size=25:1f2e3d4c:page:path="/:x":lock"#;
        let parsed = of(name).unwrap();
        assert_eq!(parsed.fingerprint, 0x1f2e_3d4c);
        assert_eq!((parsed.key, parsed.is_lock), (r#"page:path="/:x""#, true));
        for other in ["blog:entry:", "blog:entry:a:b", "blog:values:1:00000000:x", ""] {
            assert_eq!(of(other), None, "{other}");
        }
    }
}
