//! Django's low-level cache API: values stored under keys.
//!
//! - *value*: what the caller stored under a key, of any serde type. It stays until its timeout
//!   ends, until it is deleted, or until the store evicts it.
//! - *version*: a number that is part of every name; another version is another cache.
//! - *prefix*: the beginning of every name of a cache; caches with different prefixes never meet.
//! - A value has no freshness check: data *derived* from the database belongs in an entry instead.
//! - Bytes that are not of the requested type (an older build's, another application's) are a miss.
//! - On a store to which other processes can write, each value is sealed under a [`Secret`] for its
//!   own name. Bytes that were copied, renamed, changed or forged there are a miss, reported as
//!   *unreadable*. Without a secret, such a store holds whole numbers only.
//! - A seal does not protect whole numbers: the store counts on them, so they have no seal, and an
//!   attacker who can write to the store can write any number. It does not prevent replay either:
//!   an older value put back under its own name is accepted, since a value has no stamps. Data
//!   that must not be forged belongs in the database.
//! - A key that another cache would refuse (longer than 250 bytes, or with white space) is
//!   accepted, with a warning in the log.
//! - Every type that serde reads back as owned can be stored: `str` is read back as `String`, `[T]` as
//!   `Vec<T>`, and every `Clone` type as itself.
//! - A cached `None` is a value: `get::<Option<T>>` returns `Some(None)`.
//!
//! | Django | Here | Different |
//! |---|---|---|
//! | `get(key, default)` | [`get`](Values::get), [`get_or`](Values::get_or) | |
//! | `set`, `add`, `touch`, `delete`, `has_key` | the same | |
//! | `get_many`, `set_many`, `delete_many` | the same | one round trip each; `delete_many` returns a count |
//! | `get_or_set(key, function)` | [`get_or_set`](Values::get_or_set), [`get_or_try_set`](Values::get_or_try_set) | async; computed once per process |
//! | `incr`, `decr` | the same | one atomic step |
//! | `incr_version`, `decr_version` | the same | only one of several callers moves the value; the timeout stays |
//! | `clear` | [`clear`](Values::clear) | deletes only this cache's keys |
//! | `version=2` | [`version(2)`](Values::version) | a handle, not an argument of every method |
//! | django-redis: `ttl`, `persist`, `expire_at`, `iter_keys`, `delete_pattern`, `lock` | the same | |
//!
//! ```
//! # use std::{sync::Arc, time::Duration};
//! use larder_cache::{store::MemoryStore, values::{Settings, Timeout, Values}};
//!
//! # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
//! let values = Values::new(Arc::new(MemoryStore::default()), Settings::new("blog"));
//! values.set("motd", "Fresh bread", Duration::from_secs(60)).await?;
//! assert_eq!(values.get::<String>("motd").await?.as_deref(), Some("Fresh bread"));
//!
//! values.add("visits", &0, Timeout::Never).await?;
//! assert_eq!(values.incr("visits", 1).await?, 1);
//! # Ok::<(), larder_cache::Error>(())
//! # }).unwrap();
//! ```
//!
//! Each call is reported to the cache's listeners ([`call`]).
//!
//! Not here: entries (`super::cache`), bytes in a store (`super::store`).

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use serde::de::DeserializeOwned;

use super::{
    Error, StampSource,
    codec::{CodecError, Guard, Slot},
    flight::Flights,
    key::Part,
    listeners::Listeners,
    secret::Secret,
    store::{Lifetime, Store, StoreError},
};

mod basic;
pub mod call;
mod count;
mod derive;
mod list;
mod lock;
mod many;
mod name;
pub(super) mod pattern;
pub(super) mod plain;
mod report;
mod seal;
mod time;
mod timeout;

pub use lock::Lock;
pub use timeout::Timeout;

/// Django's default: five minutes.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(300);

/// A type that can be read back: owned, and known to serde.
pub(crate) trait Readable: DeserializeOwned + 'static {}

impl<T: DeserializeOwned + 'static> Readable for T {}

/// The settings of a cache of values.
///
/// ```
/// # use std::{sync::Arc, time::Duration};
/// use larder_cache::store::MemoryStore;
/// use larder_cache::values::{Settings, Timeout, Values};
///
/// let settings = Settings { timeout: Timeout::Never, version: 2, ..Settings::new("blog") };
/// let values = Values::new(Arc::new(MemoryStore::default()), settings);
/// ```
#[derive(Debug, Clone)]
pub struct Settings {
    /// The beginning of all names; Django's `KEY_PREFIX`.
    pub prefix: String,
    /// The version of a new handle; Django's `VERSION`. 1 by default.
    pub version: i64,
    /// The meaning of [`Timeout::Default`]; Django's `TIMEOUT`. 300 seconds by default.
    pub timeout: Timeout,
    /// Turns a key into the last part of its name; by default the key is unchanged.
    ///
    /// Django's `KEY_FUNCTION`, except that prefix and version stay in front, so that `clear`
    /// finds this cache's names.
    pub key_function: fn(&str) -> String,
    /// Seals values on a store to which other processes can write ([`Store::is_shared`]).
    ///
    /// `None` by default: then such a store refuses all values except whole numbers.
    pub secret: Option<Secret>,
}

impl Settings {
    /// Returns Django's defaults for a prefix: version 1, 300 seconds, unchanged keys.
    pub fn new(prefix: impl Into<String>) -> Self {
        Self {
            prefix: prefix.into(),
            version: 1,
            timeout: Timeout::After(DEFAULT_TIMEOUT),
            key_function: str::to_owned,
            secret: None,
        }
    }
}

/// A handle on a cache of values, at one version. Clones are cheap and share everything.
///
/// ```
/// # use std::{sync::Arc, time::Duration};
/// # use larder_cache::{Builder, InProcess};
/// # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
/// # let cache = Builder::default().open(Arc::new(InProcess::new()));
/// let values = cache.values();
/// values.set("motd", "Fresh bread", Duration::from_secs(60)).await?;
/// let motd: Option<String> = values.get("motd").await?;
/// let token = values.get_or_set("token", Duration::from_secs(60), async || 7).await;
/// assert_eq!((motd.as_deref(), token), (Some("Fresh bread"), 7));
/// # Ok::<(), larder_cache::Error>(())
/// # }).unwrap();
/// ```
#[derive(Debug, Clone)]
pub struct Values {
    shared: Arc<Shared>,
    /// The beginning of all names.
    front: Arc<str>,
    version: i64,
}

#[derive(Debug)]
struct Shared {
    store: Arc<dyn Store>,
    timeout: Timeout,
    key_function: fn(&str) -> String,
    flights: Flights<String, Bytes>,
    listeners: Listeners,
    guard: Guard,
    rotation: seal::Rotation,
}

impl Values {
    /// Creates a cache on a store. Caches with equal settings on one store are one cache.
    pub fn new(store: Arc<dyn Store>, settings: Settings) -> Self {
        let front = name::of_cache(&settings.prefix);
        Self::reporting_to(store, (front, settings), Listeners::default(), None)
    }

    /// Creates a cache that reports to `listeners` and learns of a new secret from `versions`.
    ///
    /// All names begin with `front`, and the prefix of the settings does not count.
    pub(super) fn reporting_to(
        store: Arc<dyn Store>,
        (front, settings): (String, Settings),
        listeners: Listeners,
        versions: Option<Arc<dyn StampSource>>,
    ) -> Self {
        let Settings { prefix: _, version, timeout, key_function, secret } = settings;
        let guard = match secret {
            Some(secret) => Guard::Shared(secret),
            None if store.is_shared() => Guard::Blind,
            None => Guard::Process,
        };
        let versions = versions.filter(|_| matches!(guard, Guard::Shared(_)));
        let shared = Shared {
            rotation: seal::Rotation::noticed_by(versions),
            guard,
            store,
            timeout,
            key_function,
            flights: Flights::default(),
            listeners,
        };
        Self { shared: Arc::new(shared), front: front.into(), version }
    }

    /// Returns a handle on the same cache at another version, which has its own values.
    pub fn version(&self, version: i64) -> Self {
        Self { version, ..self.clone() }
    }

    /// Returns a handle on the values of a scope, whose name is quoted: no version begins with a quote.
    pub(super) fn scoped(&self, scope: &str) -> Self {
        let mut front = self.front.to_string();
        scope.print(&mut front);
        Self { front: front.into(), ..self.clone() }
    }

    /// Closes the store's connections, if it has any; later calls fail.
    ///
    /// Source: Django `close`.
    pub async fn close(&self) -> Result<(), Error> {
        self.store().close().await.map_err(|e| self.failed(e))
    }

    pub(super) fn store(&self) -> &dyn Store {
        &*self.shared.store
    }

    /// Returns the slot for which the value of this complete name is sealed.
    pub(super) fn slot<'s>(&'s self, name: &'s str) -> Slot<'s> {
        Slot::new(&self.shared.guard, name)
    }

    /// Returns the beginning of all names, whatever their version.
    pub(super) fn cache_front(&self) -> &str {
        &self.front
    }

    /// Returns the beginning of all names of this version.
    pub(super) fn front(&self) -> String {
        format!("{}{}:", self.front, self.version)
    }

    /// Returns the complete, bounded name of a key; warns if another cache would refuse it.
    pub(crate) fn name(&self, key: &str) -> String {
        let name = self.spell(key);
        if let Some(fault) = self.store().key_fault(&name) {
            tracing::warn!(cache.key = ?name, "this key would not work with every cache: {fault}");
        }
        name::bounded(name)
    }

    fn spell(&self, key: &str) -> String {
        self.front() + &(self.shared.key_function)(key)
    }

    /// Returns the lifetime for a timeout, or `None` if the timeout is over at once.
    fn lifetime(&self, timeout: Timeout) -> Option<Lifetime> {
        match (timeout, self.shared.timeout) {
            (Timeout::Never, _) | (Timeout::Default, Timeout::Never) => Some(Lifetime::FOREVER),
            (Timeout::After(time), _) | (Timeout::Default, Timeout::After(time)) => {
                Lifetime::of(time)
            }
            // A cache whose default timeout is `Default` has Django's.
            (Timeout::Default, Timeout::Default) => Lifetime::of(DEFAULT_TIMEOUT),
        }
    }

    fn failed(&self, source: StoreError) -> Error {
        let store = self.store().name();
        Error::Store { store, source }
    }
}

fn unwritable(key: &str, source: CodecError) -> Error {
    let key = key.to_owned();
    Error::Codec { key, source }
}
