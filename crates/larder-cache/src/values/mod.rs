//! Django's low-level API: a cache that remembers what it is told.
//!
//! - *value*: what somebody set under a key, of any type that serde knows. It stays until its
//!   timeout is over, until it is deleted, or until the store needs the room.
//! - *version*: a number that is part of every name; another version is another cache.
//! - *prefix*: what all names of a cache begin with; caches with different prefixes never meet.
//! - Nobody vouches for a value: what is *derived* from the database belongs into an entry instead.
//! - Bytes that are not the type asked for (an older build's, another application's) are a miss.
//! - On a store to which others can write, values are sealed under a [`Secret`] for their own name: what
//!   was copied, renamed, changed or made there is a miss, and told as *unreadable*. Without a secret nothing
//!   is sealed and nothing read.
//! - What a seal cannot do: whole numbers have none, since the store counts on them, so an attacker who can
//!   write to the store can write any number; and an older value that is put back under its own name is taken, since
//!   a value has no stamps. What must not be forged belongs into the database.
//! - A key that another cache would refuse (longer than 250 bytes, or with white space) is taken,
//!   with a warning in the log.
//! - A cached `None` is a value: `get::<Option<T>>` answers `Some(None)`.
//!
//! | Django | Here | Different |
//! |---|---|---|
//! | `get(key, default)` | [`get`](Values::get), [`get_or`](Values::get_or) | |
//! | `set`, `add`, `touch`, `delete`, `has_key` | the same | |
//! | `get_many`, `set_many`, `delete_many` | the same | one round trip each; `delete_many` counts |
//! | `get_or_set(key, function)` | [`get_or_set`](Values::get_or_set), [`get_or_try_set`](Values::get_or_try_set) | async; computed once per process |
//! | `incr`, `decr` | the same | one atomic step |
//! | `incr_version`, `decr_version` | the same | of several callers one moves it; the timeout stays |
//! | `clear` | [`clear`](Values::clear) | only what is ours |
//! | `version=2` | [`version(2)`](Values::version) | a handle, not an argument of every method |
//! | django-redis: `ttl`, `persist`, `expire_at`, `iter_keys`, `delete_pattern`, `lock` | the same | |
//!
//! ```
//! # use std::{sync::Arc, time::Duration};
//! use larder_cache::{store::memory::MemoryStore, values::{Settings, Timeout, Values}};
//!
//! # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
//! let values = Values::new(Arc::new(MemoryStore::default()), Settings::new("larder"));
//! values.set("motd", "Fresh bread", Duration::from_secs(60)).await?;
//! assert_eq!(values.get::<String>("motd").await?.as_deref(), Some("Fresh bread"));
//!
//! values.add("visits", &0, Timeout::Never).await?;
//! assert_eq!(values.incr("visits", 1).await?, 1);
//! # Ok::<(), larder_cache::Error>(())
//! # }).unwrap();
//! ```
//!
//! Each call is told to those who listen to the cache ([`told`]).
//!
//! Not here: entries (`super::handle`), bytes in a store (`super::store`).

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use serde::{Serialize, de::DeserializeOwned};

use super::{
    Error, Versions,
    codec::{CodecError, Guard, Slot},
    flight::Flights,
    secret::Secret,
    store::{Lifetime, Store, StoreError},
};

mod basic;
mod count;
mod derive;
pub(super) mod glob;
mod list;
mod lock;
mod many;
mod name;
pub(super) mod plain;
mod seal;
mod time;
mod timeout;
pub mod told;

pub use lock::Lock;
pub use timeout::Timeout;

/// Django's default: five minutes.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(300);

/// What can be read back from a cache: owned and known to serde. Nothing needs to be implemented.
pub trait Readable: DeserializeOwned + 'static {}

impl<T: DeserializeOwned + 'static> Readable for T {}

/// What can be kept in a cache: known to serde, and with an owned form to read it back as.
///
/// `str` is read back as `String`, `[T]` as `Vec<T>`, everything that is `Clone` as itself. Nothing
/// needs to be implemented.
pub trait Writable: Serialize + ToOwned<Owned: Readable> {}

impl<V: Serialize + ToOwned<Owned: Readable> + ?Sized> Writable for V {}

/// How a cache names and times its values.
#[derive(Debug, Clone)]
pub struct Settings {
    /// What all names begin with; Django's `KEY_PREFIX`.
    pub prefix: String,
    /// The version where none is asked for; Django's `VERSION`. 1 by default.
    pub version: i64,
    /// What [`Timeout::Default`] means; Django's `TIMEOUT`. 300 seconds by default.
    pub timeout: Timeout,
    /// How a key reads in its name; as it is by default. Django's `KEY_FUNCTION`, except that
    /// prefix and version stay in front: `clear` must find what is ours.
    pub key_function: fn(&str) -> String,
    /// Under what values are sealed on a store to which others can write ([`Store::is_shared`]); none by
    /// default. Without one such a store refuses all values but whole numbers.
    pub secret: Option<Secret>,
}

impl Settings {
    /// Django's defaults under this prefix: version 1, 300 seconds, keys as they are.
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
#[derive(Debug, Clone)]
pub struct Values {
    shared: Arc<Shared>,
    version: i64,
}

#[derive(Debug)]
struct Shared {
    store: Arc<dyn Store>,
    /// What all names begin with.
    front: String,
    timeout: Timeout,
    key_function: fn(&str) -> String,
    flights: Flights<String, Bytes>,
    listeners: told::Listeners,
    guard: Guard,
    rotation: seal::Rotation,
}

impl Values {
    /// A cache on this store. Caches with equal settings on one store are one cache.
    pub fn new(store: Arc<dyn Store>, settings: Settings) -> Self {
        Self::told_to(store, settings, told::Listeners::default(), None)
    }

    /// The same, whose calls these are told of, and whose secret these notice to be replaced.
    pub(super) fn told_to(
        store: Arc<dyn Store>,
        settings: Settings,
        listeners: told::Listeners,
        versions: Option<Arc<dyn Versions>>,
    ) -> Self {
        let Settings { prefix, version, timeout, key_function, secret } = settings;
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
            front: name::of_cache(&prefix),
            timeout,
            key_function,
            flights: Flights::default(),
            listeners,
        };
        Self { shared: Arc::new(shared), version }
    }

    /// The same cache at another version: its values are others.
    pub fn version(&self, version: i64) -> Self {
        Self { shared: self.shared.clone(), version }
    }

    /// Lets go of the store's connections, if it has any: later calls fail.
    ///
    /// Source: Django `close`.
    pub async fn close(&self) -> Result<(), Error> {
        self.store().close().await.map_err(|e| self.failed(e))
    }

    /// Where they are kept.
    pub(super) fn store(&self) -> &dyn Store {
        &*self.shared.store
    }

    /// The place of this complete name.
    pub(super) fn slot<'s>(&'s self, name: &'s str) -> Slot<'s> {
        Slot::new(&self.shared.guard, name)
    }

    /// What the names of all values begin with, whatever their version.
    pub(super) fn cache_front(&self) -> &str {
        &self.shared.front
    }

    /// What the names of this version begin with.
    pub(super) fn front(&self) -> String {
        format!("{}{}:", self.shared.front, self.version)
    }

    /// The complete name of a key, of bounded length; warns where another cache would refuse it.
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

    /// How long to keep something; `None` if it is over before it begins.
    fn lifetime(&self, timeout: Timeout) -> Option<Lifetime> {
        match (timeout, self.shared.timeout) {
            (Timeout::Never, _) | (Timeout::Default, Timeout::Never) => Some(Lifetime::FOREVER),
            (Timeout::After(time), _) | (Timeout::Default, Timeout::After(time)) => {
                Lifetime::of(time)
            }
            // A cache whose default is the default has Django's.
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
