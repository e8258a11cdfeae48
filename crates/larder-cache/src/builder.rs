//! Opens caches: a builder of their levels, memory, shared store and listeners.

use std::sync::Arc;
use std::time::Duration;

use super::cache::{self, Cache};
use super::event::Listener;
use super::flight::Flights;
#[cfg(feature = "inspect")]
use super::fragment::Html;
#[cfg(feature = "actix")]
use super::front::Front;
use super::in_process::InProcess;
#[cfg(feature = "inspect")]
use super::inspect::{BodyReader, Inspection};
use super::level::Levels;
use super::listeners::Listeners;
use super::namespace::{self, Namespace};
#[cfg(all(feature = "actix", feature = "inspect"))]
use super::page::stored::Stored;
use super::secret::Secret;
use super::stamps::StampSource;
use super::store::Store;
use super::store::memory::MemoryStore;
use super::store::metered::Metered;
use super::tier::local::LocalTier;
use super::tier::sealed::Validation;
use super::tier::shared::SharedTier;
use super::values::{Settings, Values};
#[cfg(feature = "actix")]
use super::write_epochs::WriteEpochs;

/// The readers that show bodies of the cache's own types to people.
#[cfg(feature = "inspect")]
const READERS: &[BodyReader] = &[
    #[cfg(feature = "actix")]
    BodyReader::of::<Stored>(),
    BodyReader::of::<Html>(),
];

/// What instances share.
struct Shared {
    store: Arc<dyn Store>,
    secret: Secret,
}

/// The options of a cache that is about to be opened.
///
/// ```
/// # use std::sync::Arc;
/// use larder_cache::{Builder, InProcess};
///
/// let builder = Builder::default().name("blog").memory(16 << 20);
/// let cache = builder.open(Arc::new(InProcess::new()));
/// assert_eq!(cache.name(), "blog");
/// ```
pub struct Builder {
    namespace: Namespace,
    levels: Levels,
    memory_bytes: u64,
    shared: Option<Shared>,
    validation: Validation,
    listeners: Vec<Arc<dyn Listener>>,
    flights: Flights,
    store_budget: Duration,
    #[cfg(feature = "actix")]
    front: Option<Front>,
}

impl Default for Builder {
    /// The name `larder-cache`, all levels, 64 MiB of memory, no shared store, no listeners.
    fn default() -> Self {
        Self {
            namespace: Namespace::default(),
            levels: Levels::ALL,
            memory_bytes: 64 << 20,
            shared: None,
            validation: Validation::ByStamps,
            listeners: Vec::new(),
            flights: Flights::default(),
            store_budget: Duration::from_millis(80),
            #[cfg(feature = "actix")]
            front: None,
        }
    }
}

impl Builder {
    /// Sets the name of the application: in `Cache-Status`, and in front of all that it stores.
    ///
    /// Two applications with different names share a store without meeting in it, neither in entries
    /// nor in values and locks, and clearing one leaves the other.
    ///
    /// # Panics
    /// If it is not a letter followed by letters, digits, `.`, `_` and `-`, at most 64 in all.
    pub fn name(mut self, name: &str) -> Self {
        self.namespace.set_name(name);
        self
    }

    /// Sets the id of the build, by default [`Builder::program`]: builds share values, but no entries.
    pub fn build_id(mut self, id: impl Into<String>) -> Self {
        self.namespace.set_build(id.into());
        self
    }

    /// Names the settings that determine how a page looks beside the data, such as `size=25`.
    ///
    /// Instances with different settings share values, but no entries.
    pub fn namespace(mut self, settings: impl Into<String>) -> Self {
        self.namespace.set_settings(settings.into());
        self
    }

    /// Returns an id of the running program: the hash of its file, or a random id if it cannot be read.
    pub fn program() -> &'static str {
        namespace::program()
    }

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
    /// - `secret` — seals everything that is shared, so that an attacker who can write to the store
    ///   cannot forge it. All instances have the same secret, from a place that such an attacker
    ///   cannot read. It may be replaced while the cache is open: by `versions`, before it returns
    ///   the stamps.
    pub fn shared(mut self, store: Arc<dyn Store>, secret: &Secret) -> Self {
        self.shared = Some(Shared { store, secret: secret.clone() });
        self
    }

    /// Shares entries by their lifetimes alone, beside stamps that other processes cannot see.
    ///
    /// By this the owner says that nothing shared depends on stamps. Entries that depend on a tag stay
    /// in this process. A deletion reaches this process and the store; others may serve what they have in
    /// memory until its lifetime ends.
    pub fn share_by_lifetime(mut self) -> Self {
        self.validation = Validation::ByLifetime;
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

    /// Lets a cache in front of the site store the pages that are the same for all ([`front`](super::front)).
    ///
    /// The layer [`front::send`](super::front::send) around the app writes the headers. What is stored there has to be
    /// purged when stamps change.
    #[cfg(feature = "front")]
    pub fn front(mut self, kind: Front) -> Self {
        self.front = Some(kind);
        self
    }

    /// Opens the cache, whose entries are validated by the stamps of `versions`.
    ///
    /// # Panics
    /// If the entries are to be shared with processes that cannot see these stamps
    /// ([`StampSource::is_shared`]): after a write in one process, the others would serve stale entries.
    pub fn open(self, versions: Arc<dyn StampSource>) -> Cache {
        let Self { namespace, validation, .. } = self;
        let reaches_others = self.shared.as_ref().is_some_and(|shared| shared.store.is_shared());
        assert!(
            !reaches_others || versions.is_shared() || validation == Validation::ByLifetime,
            "the stamps are in the memory of this process, so other processes that share the store would \
             serve stale entries: use stamps of a database, leave the store out, or call \
             `Builder::share_by_lifetime` if nothing in it depends on stamps"
        );
        let listeners = Listeners::of(self.listeners);
        let metered = |Shared { store, secret }: Shared| {
            let listeners = listeners.clone();
            let report = move |call| listeners.iter().for_each(|listener| listener.on_store(&call));
            (Arc::new(Metered::new(store, report)) as Arc<dyn Store>, secret)
        };
        let (store, secret) = self.shared.map(metered).unzip();
        let shared = store
            .clone()
            .zip(secret.clone())
            .map(|(store, secret)| SharedTier::new(store, &namespace, secret, validation));
        let settings = (namespace.values(), Settings { secret, ..Settings::new("") });
        let store = store.unwrap_or_else(|| Arc::new(MemoryStore::default()));
        Cache::new(cache::Shared {
            name: namespace.name().to_owned(),
            entries: namespace.entries(),
            values: Values::reporting_to(
                store,
                settings,
                listeners.clone(),
                Some(versions.clone()),
            ),
            versions,
            levels: self.levels,
            local: LocalTier::with_capacity(self.memory_bytes),
            shared,
            flights: self.flights,
            #[cfg(feature = "actix")]
            write_epochs: WriteEpochs::default(),
            #[cfg(feature = "actix")]
            front: self.front,
            listeners,
            store_budget: self.store_budget,
            #[cfg(feature = "inspect")]
            readers: READERS,
        })
    }

    /// Returns a view of what caches of this name store in `store`, for people.
    ///
    /// Shared entries are opened under `secret` and validated by `versions`, if they are given. Without
    /// the secret, names, sizes and times can be seen and keys can be deleted, but nothing shared is
    /// opened, and only whole numbers can be set.
    #[cfg(feature = "inspect")]
    pub fn inspect(
        &self,
        store: Arc<dyn Store>,
        secret: Option<Secret>,
        versions: Option<Arc<dyn StampSource>>,
    ) -> Inspection {
        let settings = (self.namespace.values(), Settings { secret, ..Settings::new("") });
        let values = Values::reporting_to(store, settings, Listeners::default(), None);
        Inspection::new(READERS, None, (&self.namespace.entries(), values), versions)
    }
}

impl Cache {
    /// Opens a cache for one process: entries in 64 MiB of memory, and stamps in memory.
    ///
    /// ```
    /// # use std::time::Duration;
    /// use larder_cache::{Cache, Key, Policy, Tag};
    ///
    /// const TEAS: Tag = Tag::named("teas");
    /// const HOUR: Policy = Policy::fresh_for(Duration::from_secs(3600));
    ///
    /// # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
    /// let cache = Cache::in_memory();
    /// let key = Key::named("teas.count").build();
    /// let count = async |teas: &[&str]| {
    ///     let load = async || {
    ///         cache.reads(&[TEAS]);
    ///         teas.len()
    ///     };
    ///     *cache.get_or_load(&key, &HOUR, load).await
    /// };
    /// assert_eq!(count(&["Assam"]).await, 1);
    /// assert_eq!(count(&["Assam", "Ceylon"]).await, 1, "nothing was reported to have changed");
    /// cache.changed(&[TEAS]).await?;
    /// assert_eq!(count(&["Assam", "Ceylon"]).await, 2);
    /// # Ok::<(), larder_cache::Error>(())
    /// # }).unwrap();
    /// ```
    pub fn in_memory() -> Self {
        Builder::default().open(Arc::new(InProcess::new()))
    }
}
