//! Entries in the store that instances share.
//!
//! - Optional in every way: what it does not have, or has in a form that cannot be read, is made.
//! - An entry is sealed with its stamps in front, which are compared before its body is decoded.
//! - Keys begin with a namespace, which names the build and its settings, and a type's fingerprint is
//!   part of each: old and new builds share a store without reading each other.
//! - One instance makes an entry at a time: a short lock says who. Who does not get it looks again for a
//!   moment, then makes it all the same; and does not wait for that lock again while its holder may be
//!   gone.
//! - Nobody waits for a write: it happens behind the answer.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use super::codec::{self, CodecError, Fingerprint};
use super::entry::{Body, Entry};
use super::event::Trouble;
use super::key::Key;
use super::meter;
use super::scope::Dependencies;
use super::store::{Item, Lifetime, Store, StoreError, budget};
use super::tag::{Stamp, Tag};
use super::view::View;

/// What the keys of all entries begin with.
pub(super) const FRONT: &str = "larder:entry:";

/// What the names of locks end with.
const LOCK: &str = ":lock";

/// A lock that its holder does not release, as after a crash, ends by itself.
const LEASE: Duration = Duration::from_secs(2);

/// How often, and at which intervals, who did not get the lock looks again: 100 ms in all.
const LOOKS: u32 = 5;
const INTERVAL: Duration = Duration::from_millis(20);

/// A shared store, as entries see it.
#[derive(Debug, Clone)]
pub(super) struct Far {
    store: Arc<dyn Store>,
    /// What all keys begin with.
    front: Arc<str>,
    complaint: Arc<Complaint>,
    vain: Arc<Vain>,
}

/// When the store's trouble was last written into the log.
#[derive(Debug, Default)]
struct Complaint(Mutex<Option<Instant>>);

impl Complaint {
    /// Writes it, at most once a second.
    fn about(&self, store: &'static str, error: &StoreError) {
        let mut last = self.0.lock().unwrap();
        if last.is_none_or(|last| last.elapsed() >= Duration::from_secs(1)) {
            *last = Some(Instant::now());
            tracing::warn!(cache.store = store, %error, "the shared store is in trouble");
        }
    }
}

/// Locks that were waited for in vain, and when. Their holders may be gone: killed, or cut off before
/// they could say that they let go.
#[derive(Debug, Default)]
struct Vain(Mutex<HashMap<String, Instant>>);

impl Vain {
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

/// What stands in front of a sealed body.
#[derive(Serialize, Deserialize)]
pub(super) struct Header {
    pub stamps: Vec<(Tag, Stamp)>,
    /// Milliseconds since 1970.
    pub born: u64,
    /// Milliseconds since 1970.
    pub expires: u64,
    /// Queries that ran for it.
    pub queries: u32,
    /// Microseconds that its making took.
    pub took: u64,
}

/// What a complete name says to readers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Spelling<'n> {
    /// The low half of the body's type's fingerprint.
    pub fingerprint: u32,
    /// The entry's key, which its program knows it by.
    pub key: &'n str,
    /// Whether it is the lock of that key, and no entry.
    pub is_lock: bool,
}

impl<'n> Spelling<'n> {
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

/// Eight hexadecimal digits, as [`Far::name`] writes them.
fn is_fingerprint(part: &str) -> bool {
    part.len() == 8 && part.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// Why there is nothing to take.
pub(super) enum Nothing {
    /// Not there, or not true any more.
    Absent,
    /// There, but not readable.
    Unreadable,
    /// The store is in trouble.
    Outage(Trouble),
}

impl Far {
    /// Entries of one namespace, in `store`.
    pub fn new(store: Arc<dyn Store>, namespace: &str) -> Self {
        let front = format!("{FRONT}{namespace}").into();
        Self { store, front, complaint: Arc::default(), vain: Arc::default() }
    }

    /// The entry under `key`, if it is true in `view`.
    pub async fn fetch<T: Body>(&self, key: &Key, view: &View) -> Result<(Arc<T>, Entry), Nothing> {
        let name = self.name::<T>(key).map_err(|_| Nothing::Unreadable)?;
        match self.store.get(&name).await {
            Err(error) => {
                self.complaint.about(self.store.name(), &error);
                Err(Nothing::Outage(Trouble::from(&error)))
            }
            Ok(None) => Err(Nothing::Absent),
            Ok(Some(bytes)) => unseal(&bytes, view),
        }
    }

    /// The entries under `keys` that are true in `view`; in one question.
    pub async fn fetch_many<T: Body>(
        &self,
        keys: &[&Key],
        view: &View,
    ) -> Result<Vec<Option<(Arc<T>, Entry)>>, Trouble> {
        let names: Result<Vec<String>, _> = keys.iter().map(|key| self.name::<T>(key)).collect();
        let names = names.unwrap_or_default();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let mut found = self.store.get_many(&names).await.map_err(|error| {
            self.complaint.about(self.store.name(), &error);
            Trouble::from(&error)
        })?;
        // There is nothing of a type that cannot be sealed.
        found.resize(keys.len(), None);
        Ok(found.into_iter().map(|bytes| unseal(&bytes?, view).ok()).collect())
    }

    /// Takes the lock of `key`, so that other instances wait.
    ///
    /// Where another instance holds it, waits a moment for what that one makes; but not if that was in
    /// vain a moment ago.
    pub async fn lock_or_fetch<T: Body>(&self, key: &Key, view: &View) -> Turn<T> {
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
        if self.vain.has(&name) {
            return Turn::Alone;
        }
        for _ in 0..LOOKS {
            tokio::time::sleep(INTERVAL).await;
            match self.fetch(key, view).await {
                Ok(found) => return Turn::Found(found),
                Err(Nothing::Outage(_)) => return Turn::Alone,
                Err(_) => {}
            }
        }
        self.vain.remember(name);
        Turn::Alone
    }

    /// Keeps an entry, behind the caller's back; then frees the lock.
    pub fn keep<T: Body>(&self, key: &Key, body: Arc<T>, entry: &Entry, lock: Option<Lock>) {
        let header = Header {
            stamps: entry.stamps().to_vec(),
            born: unix_millis(SystemTime::now() - entry.age()),
            expires: unix_millis(SystemTime::now() + entry.remaining()),
            queries: entry.cost().queries,
            took: u64::try_from(entry.cost().took.as_micros()).unwrap_or(u64::MAX),
        };
        let Ok(name) = self.name::<T>(key) else { return };
        let (store, complaint) = (self.store.clone(), self.complaint.clone());
        let remaining = entry.remaining();
        let work = async move {
            // An entry that cannot be sealed is kept in this process only.
            let (Ok(bytes), Some(lifetime)) = (seal(&header, &*body), Lifetime::of(remaining))
            else {
                return;
            };
            // The entry is not needed there; only the log wants to know.
            if let Err(error) = store.set(Item::new(&name, &bytes, lifetime)).await {
                complaint.about(store.name(), &error);
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
            let garbage = Bytes::from_static(b"LDR\x01 but nothing that was sealed here");
            self.store.set(Item::new(&key, &garbage, Lifetime::FOREVER)).await.unwrap();
        }
    }

    fn name<T: Body>(&self, key: &Key) -> Result<String, CodecError> {
        let fingerprint = Fingerprint::of::<T>()?.number();
        Ok(format!("{}:{:08x}:{key}", self.front, fingerprint as u32))
    }
}

/// What an instance does that found nothing in the store.
pub(super) enum Turn<T> {
    /// Make it; the others wait.
    Lead(Lock),
    /// Another instance has just made it.
    Found((Arc<T>, Entry)),
    /// Make it: the lock is not to be had.
    Alone,
}

/// A lock on a key, freed when dropped.
pub(super) struct Lock {
    store: Arc<dyn Store>,
    name: String,
    token: Bytes,
    is_held: bool,
}

impl Lock {
    fn new(store: Arc<dyn Store>, name: String) -> Self {
        use std::hash::{BuildHasher, Hasher, RandomState};
        let random = || RandomState::new().build_hasher().finish();
        let token = Bytes::from(format!("{:016x}{:016x}", random(), random()));
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

fn seal<T: Body>(header: &Header, body: &T) -> Result<Bytes, CodecError> {
    codec::seal(Fingerprint::of::<T>()?, &codec::header(header)?, body)
}

/// The entry in `bytes`; its body is decoded only if its stamps are those of `view`.
fn unseal<T: Body>(bytes: &Bytes, view: &View) -> Result<(Arc<T>, Entry), Nothing> {
    meter::coding(|| decode(bytes, view))
}

fn decode<T: Body>(bytes: &Bytes, view: &View) -> Result<(Arc<T>, Entry), Nothing> {
    let sealed = codec::open(bytes).map_err(|_| Nothing::Unreadable)?;
    let header: Header = sealed.header_as().map_err(|_| Nothing::Unreadable)?;
    let mut dependencies = Dependencies::default();
    header.stamps.into_iter().for_each(|(tag, stamp)| dependencies.add(tag, stamp));
    if dependencies.stamps().iter().all(|(tag, _)| *tag != Tag::EVERYTHING) {
        // Every entry depends on the generation; what says otherwise was not written by us.
        return Err(Nothing::Unreadable);
    }
    let now = unix_millis(SystemTime::now());
    if dependencies.first_moved(view).is_some() || header.expires <= now {
        return Err(Nothing::Absent);
    }
    let fingerprint = Fingerprint::of::<T>().map_err(|_| Nothing::Unreadable)?;
    let body = Arc::new(sealed.value::<T>(fingerprint).map_err(|_| Nothing::Unreadable)?);
    let age = Duration::from_millis(now.saturating_sub(header.born));
    let expires = Instant::now() + Duration::from_millis(header.expires - now);
    let born = Instant::now().checked_sub(age).unwrap_or_else(Instant::now);
    let (plain, _) = sealed.payload_bytes();
    dependencies.asked(header.queries);
    let entry = Entry::restored(body.clone(), dependencies, born, expires, plain)
        .made_in(Duration::from_micros(header.took), 0)
        .holding_nothing(codec::is_nothing(&*body));
    Ok((body, entry))
}

pub(super) fn unix_millis(time: SystemTime) -> u64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_in_a_name_is_what_follows_the_fingerprint() {
        let name = r#"larder:entry:0.1.0-0123456789abcdef:size=25:1f2e3d4c:page:path="/:x":lock"#;
        let spelling = Spelling::of(name).unwrap();
        assert_eq!(spelling.fingerprint, 0x1f2e_3d4c);
        assert_eq!((spelling.key, spelling.is_lock), (r#"page:path="/:x""#, true));
        for other in ["larder:entry:", "larder:entry:a:b", "larder-values:1:00000000:x", ""] {
            assert_eq!(Spelling::of(other), None, "{other}");
        }
    }
}
