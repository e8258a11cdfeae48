//! Opens caches: a builder of their levels, memory, shared store and listeners.

use std::sync::Arc;
use std::time::Duration;

use super::cache::{self, Cache};
use super::event::Listener;
use super::flight::Flights;
use super::fragment::Html;
use super::inspect::{BodyReader, Inspection};
use super::level::Levels;
#[cfg(feature = "actix")]
use super::page::stored::Stored;
use super::secret::Secret;
use super::stamps::StampSource;
use super::store::Store;
use super::store::memory::MemoryStore;
use super::tier::local::LocalTier;
use super::tier::shared::SharedTier;
use super::values::report::Listeners;
use super::values::{Settings, Values};
#[cfg(feature = "actix")]
use super::write_epochs::WriteEpochs;

/// The prefix of the names of all values.
///
/// Entries have another one, so that clearing one half leaves the other.
const VALUES: &str = "larder-values";

/// The readers that show bodies of the cache's own types to people.
const READERS: &[BodyReader] = &[
    #[cfg(feature = "actix")]
    BodyReader::of::<Stored>(),
    BodyReader::of::<Html>(),
];

/// What instances share.
struct Shared {
    store: Arc<dyn Store>,
    namespace: String,
    secret: Secret,
}

/// The options of a cache that is about to be opened.
pub struct Builder {
    levels: Levels,
    memory_bytes: u64,
    shared: Option<Shared>,
    listeners: Vec<Arc<dyn Listener>>,
    flights: Flights,
    store_budget: Duration,
}

impl Default for Builder {
    /// All levels, 64 MiB of memory, no shared store, no listeners.
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
    /// Sets the levels that are on.
    pub fn levels(mut self, levels: Levels) -> Self {
        self.levels = levels;
        self
    }

    /// Sets how many bytes of memory the entries of this process take at most.
    pub fn memory(mut self, bytes: u64) -> Self {
        self.memory_bytes = bytes;
        self
    }

    /// Shares entries and values with other instances through `store`.
    ///
    /// - `namespace` — names what else determines how a page looks, such as settings. Instances
    ///   with different namespaces do not read each other's entries.
    /// - `secret` — seals everything that is shared, so that an attacker who can write to the store
    ///   cannot forge it. All instances have the same secret, from a place that such an attacker
    ///   cannot read. It may be replaced while the cache is open: by `versions`, before it returns
    ///   the stamps.
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

    /// Sets how long a request waits for the shared store in total; 80 ms by default.
    pub fn store_budget(mut self, time: Duration) -> Self {
        self.store_budget = time;
        self
    }

    /// Limits how many requests wait for one page, or callers for one value, while it is built.
    ///
    /// The default is 32,768. Beyond the limit, a request for a page is answered 503, and a caller
    /// loads its value itself.
    pub fn waiting(mut self, most: usize) -> Self {
        self.flights = Flights::seating(most);
        self
    }

    /// Adds a listener, to which every event is reported.
    pub fn listener(mut self, listener: Arc<dyn Listener>) -> Self {
        self.listeners.push(listener);
        self
    }

    /// Opens the cache, whose entries are validated by the stamps of `versions`.
    pub fn open(self, versions: Arc<dyn StampSource>) -> Cache {
        let shared = self.shared.as_ref().map(|shared| {
            SharedTier::new(shared.store.clone(), &shared.namespace, shared.secret.clone())
        });
        let secret = self.shared.as_ref().map(|shared| shared.secret.clone());
        let settings = Settings { secret, ..Settings::new(VALUES) };
        let store = self.shared.map(|shared| shared.store);
        let store = store.unwrap_or_else(|| Arc::new(MemoryStore::default()));
        let listeners = Listeners(self.listeners.clone());
        Cache::new(cache::Shared {
            values: Values::reporting_to(store, settings, listeners, Some(versions.clone())),
            versions,
            levels: self.levels,
            local: LocalTier::with_capacity(self.memory_bytes),
            shared,
            flights: self.flights,
            #[cfg(feature = "actix")]
            write_epochs: WriteEpochs::default(),
            listeners: self.listeners,
            store_budget: self.store_budget,
            readers: READERS,
        })
    }

    /// Returns a view of what caches store in `store`, for people.
    ///
    /// Shared entries are opened under `secret` and validated by `versions`, if they are given. Without
    /// the secret, names, sizes and times can be seen and keys can be deleted, but nothing shared is
    /// opened, and only whole numbers can be set.
    pub fn inspect(
        store: Arc<dyn Store>,
        secret: Option<Secret>,
        versions: Option<Arc<dyn StampSource>>,
    ) -> Inspection {
        let settings = Settings { secret, ..Settings::new(VALUES) };
        Inspection::new(READERS, None, Values::new(store, settings), versions)
    }
}
