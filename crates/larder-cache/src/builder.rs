//! How a cache is opened: which levels, how much memory, who listens.

use std::sync::Arc;
use std::time::Duration;

use super::cache::{self, Cache};
use super::event::Listener;
use super::flight::Flights;
use super::fragment::Html;
use super::inspect::{BodyReader, Inspection};
use super::level::Levels;
use super::page::stored::Stored;
use super::secret::Secret;
use super::stamps::StampSource;
use super::store::Store;
use super::store::memory::MemoryStore;
use super::store::redis::{RedisConfig, RedisStore};
use super::tier::local::LocalTier;
use super::tier::shared::SharedTier;
use super::values::report::Listeners;
use super::values::{Settings, Values};
use super::write_epochs::WriteEpochs;

/// What the names of all values begin with; entries begin otherwise, so that clearing one half leaves
/// the other.
const VALUES: &str = "larder-values";

/// Show the bodies of the cache's own types to people.
const READERS: &[BodyReader] = &[BodyReader::of::<Stored>(), BodyReader::of::<Html>()];

/// What instances share.
struct Shared {
    store: Arc<dyn Store>,
    namespace: String,
    secret: Secret,
}

/// How to open a cache.
pub struct Builder {
    levels: Levels,
    memory_bytes: u64,
    shared: Option<Shared>,
    listeners: Vec<Arc<dyn Listener>>,
    flights: Flights,
    store_budget: Duration,
}

impl Default for Builder {
    /// All levels, 64 MiB in this process, nothing shared, nobody listens.
    fn default() -> Self {
        Self {
            levels: Levels::ALL,
            memory_bytes: 64 << 20,
            shared: None,
            listeners: Vec::new(),
            flights: Flights::default(),
            store_budget: Duration::from_millis(80),
        }
    }
}

impl Builder {
    /// Only these levels.
    pub fn levels(mut self, levels: Levels) -> Self {
        self.levels = levels;
        self
    }

    /// Entries take at most so many bytes of this process.
    pub fn memory(mut self, bytes: u64) -> Self {
        self.memory_bytes = bytes;
        self
    }

    /// Instances share entries and values through `store`.
    ///
    /// - `namespace` — names what else decides what a page looks like, such as settings: instances with
    ///   another one do not read each other's entries.
    /// - `secret` — seals all that is shared, so that who can write to the store cannot forge it. All
    ///   instances have the same one, from a place that those who can write to the store cannot read.
    ///   It may be replaced while the cache is open, by `versions` before they answer a current.
    pub fn shared(
        mut self,
        store: Arc<dyn Store>,
        namespace: impl Into<String>,
        secret: &Secret,
    ) -> Self {
        let (namespace, secret) = (namespace.into(), secret.clone());
        self.shared = Some(Shared { store, namespace, secret });
        self
    }

    /// Sets the time that a request waits for the shared store in all; 80 ms by default.
    pub fn store_budget(mut self, time: Duration) -> Self {
        self.store_budget = time;
        self
    }

    /// At most so many requests wait for one page, or callers for one value, while it is made; 32,768 by
    /// default. Whoever comes then is answered 503 where it is a page, and loads a value alone.
    pub fn waiting(mut self, most: usize) -> Self {
        self.flights = Flights::seating(most);
        self
    }

    /// Somebody who is told what happens.
    pub fn listener(mut self, listener: Arc<dyn Listener>) -> Self {
        self.listeners.push(listener);
        self
    }

    /// The cache, judging by what `versions` says is current.
    pub fn open(self, versions: Arc<dyn StampSource>) -> Cache {
        let shared = self.shared.as_ref().map(|shared| {
            SharedTier::new(shared.store.clone(), &shared.namespace, shared.secret.clone())
        });
        let secret = self.shared.as_ref().map(|shared| shared.secret.clone());
        let settings = Settings { secret, ..Settings::new(VALUES) };
        let store = self.shared.map(|shared| shared.store);
        let store = store.unwrap_or_else(|| Arc::new(MemoryStore::default()));
        let told = Listeners(self.listeners.clone());
        Cache::new(cache::Shared {
            values: Values::reporting_to(store, settings, told, Some(versions.clone())),
            versions,
            levels: self.levels,
            local: LocalTier::with_capacity(self.memory_bytes),
            shared,
            flights: self.flights,
            write_epochs: WriteEpochs::default(),
            listeners: self.listeners,
            store_budget: self.store_budget,
            readers: READERS,
        })
    }
}

/// What caches keep in the store that they share, opened under `secret` and judged by `versions`, if there
/// are any.
///
/// Without the secret there are names, sizes and times to be seen, and things can be deleted; what is
/// shared is not opened, and only whole numbers can be set.
pub fn inspect(
    store: Arc<dyn Store>,
    secret: Option<Secret>,
    versions: Option<Arc<dyn StampSource>>,
) -> Inspection {
    let settings = Settings { secret, ..Settings::new(VALUES) };
    Inspection::new(READERS, None, Values::new(store, settings), versions)
}

/// Returns a store in the Redis server at `url`, whose calls take at most `timeout`.
///
/// The server need not be up: without it everything is built here.
///
/// # Errors
/// One sentence, if `url` is none.
pub fn redis(url: &str, timeout: Duration) -> Result<Arc<dyn Store>, String> {
    open_redis(&RedisConfig { timeout, ..RedisConfig::new(url) })
}

/// The same store for somebody who waits: each call takes as long as `patience`.
///
/// # Errors
/// As [`redis`].
pub fn patient_redis(url: &str, patience: Duration) -> Result<Arc<dyn Store>, String> {
    open_redis(&RedisConfig { timeout: patience, connections: 1, ..RedisConfig::new(url) })
}

fn open_redis(config: &RedisConfig) -> Result<Arc<dyn Store>, String> {
    match RedisStore::open(config) {
        Ok(store) => Ok(Arc::new(store)),
        // The cause would print the address, and with it a password.
        Err(_) => Err("no address of a Redis server; use redis://HOST:PORT/DATABASE".into()),
    }
}
