//! The handle: what applications hold.
//!
//! - A look-up answers what was made from the present state of the data, or makes it.
//! - A broken cache is a slow site: nothing here can fail a request.
//! - At most one load of a key runs at a time; a load older than a waiter's view is not for it.
//! - Errors are handed to who asked and never kept.

use std::any::Any;
use std::sync::Arc;
use std::time::Instant;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::codec;
use super::entry::{Entry, Verdict};
use super::event::{Event, Level, Listener, Miss, Outcome};
use super::flight::{Flights, Landing, Leader, Turn};
use super::key::Key;
use super::near::Near;
use super::open::Levels;
use super::policy::Policy;
use super::scope::{self, Dependencies};
use super::view::{Versions, View};

/// The cache of an application. Cloning is cheap; all clones are the same cache.
#[derive(Clone)]
pub struct Cache(Arc<Shared>);

/// What all handles share.
struct Shared {
    versions: Arc<dyn Versions>,
    levels: Levels,
    near: Near,
    flights: Flights,
    listeners: Vec<Arc<dyn Listener>>,
}

impl Cache {
    /// See [`super::open::Options::open`].
    pub(super) fn new(
        versions: Arc<dyn Versions>,
        levels: Levels,
        near: Near,
        listeners: Vec<Arc<dyn Listener>>,
    ) -> Self {
        Self(Arc::new(Shared { versions, levels, near, flights: Flights::default(), listeners }))
    }

    /// What `load` answers, kept under `key` for as long as it is true, at most as long as
    /// `policy` says.
    ///
    /// What `load` reads is collected by [`scope`]; the value goes when that changes. The value is
    /// shared, not copied; to change it, clone it.
    ///
    /// # Errors
    /// Those of `load`, unchanged; they are not kept. The cache adds none of its own.
    ///
    /// # Cancellation
    /// Dropping it lets another caller that waits for the same key load instead.
    pub async fn get_or_set<T, E>(
        &self,
        key: &Key,
        policy: &Policy,
        load: impl AsyncFnOnce() -> Result<T, E>,
    ) -> Result<Arc<T>, E>
    where
        T: Serialize + DeserializeOwned + Send + Sync + 'static,
    {
        let Some(view) = self.view_for(Level::Query).await else {
            return load().await.map(Arc::new);
        };
        loop {
            let miss = match self.look_up::<T>(Level::Query, key, &view) {
                Ok((value, entry)) => {
                    scope::record(&entry.dependencies());
                    return Ok(value);
                }
                Err(miss) => miss,
            };
            let leader = match self.take_turn(key) {
                Turn::Lead(leader) => Some(leader),
                Turn::Wait(ticket) => match ticket.arrive().await {
                    Landing::Nothing => None,
                    Landing::Lost => continue,
                    Landing::Entry(entry) => match self.take::<T>(key, &entry, &view) {
                        Some(value) => return Ok(value),
                        None => continue,
                    },
                },
            };
            self.tell(Level::Query, key, Outcome::Miss(miss), Instant::now());
            return self.load(key, policy, view, leader, load).await;
        }
    }

    /// Loads a value, keeps it, and tells those who wait for it.
    async fn load<T, E>(
        &self,
        key: &Key,
        policy: &Policy,
        view: Arc<View>,
        leader: Option<Leader<'_>>,
        load: impl AsyncFnOnce() -> Result<T, E>,
    ) -> Result<Arc<T>, E>
    where
        T: Serialize + DeserializeOwned + Send + Sync + 'static,
    {
        let started = Instant::now();
        let (loaded, dependencies) = scope::collect(view, load()).await;
        let value = Arc::new(loaded?);
        let size = codec::encoded_len(&*value);
        let made = Made { body: value.clone(), dependencies, size, started };
        let entry = self.keep(Level::Query, key, policy, made);
        if let Some(leader) = leader {
            leader.land(entry.map_or(Landing::Nothing, Landing::Entry));
        }
        Ok(value)
    }

    /// The value that another caller has just loaded, unless it is older than `view`.
    fn take<T: Any + Send + Sync>(&self, key: &Key, entry: &Entry, view: &View) -> Option<Arc<T>> {
        let started = Instant::now();
        let value = entry.is_at_least(view).then(|| entry.body())??;
        self.tell(Level::Query, key, Outcome::Collapsed, started);
        scope::record(&entry.dependencies());
        Some(value)
    }

    /// The view to judge by, where this level is on and somebody vouches for what is kept.
    ///
    /// Within a request it is asked for once: all look-ups judge by the same moment.
    pub(super) async fn view_for(&self, level: Level) -> Option<Arc<View>> {
        if !self.0.levels.has(level) {
            return None;
        }
        if let Some(pinned) = scope::pinned() {
            return Some(pinned);
        }
        self.0.versions.fresh().get().await.ok()
    }

    /// The valid body under `key`, and the entry that holds it.
    pub(super) fn look_up<T: Any + Send + Sync>(
        &self,
        level: Level,
        key: &Key,
        view: &View,
    ) -> Result<(Arc<T>, Arc<Entry>), Miss> {
        let started = Instant::now();
        let entry = self.0.near.get(key).ok_or(Miss::Absent)?;
        match entry.judge(view) {
            Verdict::Expired => return Err(Miss::Expired),
            Verdict::Invalidated(tag) => return Err(Miss::Invalidated(tag)),
            Verdict::Fresh => {}
        }
        // A body of another type under the same key is as good as none.
        let body = entry.body().ok_or(Miss::Absent)?;
        self.tell(level, key, Outcome::Hit, started);
        Ok((body, entry))
    }

    /// Leads the load of `key`, or waits for who does.
    pub(super) fn take_turn(&self, key: &Key) -> Turn<'_> {
        self.0.flights.take_turn(key)
    }

    /// Keeps what was made, unless it mixes two states of the data.
    pub(super) fn keep<T: Any + Send + Sync>(
        &self,
        level: Level,
        key: &Key,
        policy: &Policy,
        made: Made<T>,
    ) -> Option<Arc<Entry>> {
        if made.dependencies.is_torn() {
            self.tell(level, key, Outcome::NotStored("mixes two states"), made.started);
            return None;
        }
        let entry = Arc::new(Entry::new(made.body, made.dependencies, policy, made.size));
        self.0.near.insert(key.clone(), entry.clone());
        self.tell(level, key, Outcome::Stored(entry.size()), made.started);
        Some(entry)
    }

    /// Reports to the listeners.
    pub(super) fn tell(&self, level: Level, key: &Key, outcome: Outcome, started: Instant) {
        let event = Event { level, key, outcome, took: started.elapsed() };
        self.0.listeners.iter().for_each(|listener| listener.on(&event));
    }
}

/// Something made for keeping.
pub(super) struct Made<T> {
    /// What.
    pub body: Arc<T>,
    /// What it was made from.
    pub dependencies: Dependencies,
    /// Its bytes, about.
    pub size: usize,
    /// When its making began.
    pub started: Instant,
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::convert::Infallible;
    use std::time::Duration;

    use super::*;
    use crate::cache::open::Options;
    use crate::cache::tag::Tag;
    use crate::cache::view::{Fresh, InProcess, Unvouched};

    const MINUTE: Policy = Policy::fresh_for(Duration::from_secs(60));
    const TEA: Tag = Tag::named("tea");

    fn key() -> Key {
        Key::named("test").build()
    }

    /// Reads `tea` as a database does: the stamp first, then the data.
    async fn read_tea(versions: &InProcess, loads: &Cell<u32>) -> Result<u32, Infallible> {
        let view = versions.fresh().get().await.expect("in process is vouched for");
        let mut dependencies = Dependencies::default();
        dependencies.add(TEA, view.stamp(&TEA));
        scope::record(&dependencies);
        tokio::task::yield_now().await;
        loads.set(loads.get() + 1);
        Ok(loads.get())
    }

    /// Tea through the cache.
    async fn get_tea(
        cache: &Cache,
        versions: &InProcess,
        loads: &Cell<u32>,
    ) -> Result<Arc<u32>, Infallible> {
        cache.get_or_set(&key(), &MINUTE, async || read_tea(versions, loads).await).await
    }

    fn open() -> (Arc<InProcess>, Cache) {
        let versions = Arc::new(InProcess::new());
        (versions.clone(), Options::default().open(versions))
    }

    #[tokio::test]
    async fn a_value_is_loaded_once_until_what_it_was_made_from_changes() {
        let (versions, cache) = open();
        let loads = Cell::new(0);
        let get = || get_tea(&cache, &versions, &loads);
        assert_eq!(*get().await.unwrap(), 1);
        assert_eq!(*get().await.unwrap(), 1);
        versions.bump(&[Tag::named("milk")]);
        assert_eq!(*get().await.unwrap(), 1);
        versions.bump(&[TEA]);
        assert_eq!(*get().await.unwrap(), 2);
    }

    #[tokio::test]
    async fn a_hundred_callers_make_one_load() {
        let (versions, cache) = open();
        let loads = Cell::new(0);
        let get = || get_tea(&cache, &versions, &loads);
        let all = futures_util::future::join_all((0..100).map(|_| get())).await;
        assert!(all.into_iter().all(|value| *value.unwrap() == 1));
        assert_eq!(loads.get(), 1);
    }

    #[tokio::test]
    async fn a_waiter_never_accepts_a_load_older_than_its_own_view() {
        let (versions, cache) = open();
        let loads = Cell::new(0);
        let get = || get_tea(&cache, &versions, &loads);
        let first = get();
        let second = async {
            versions.bump(&[TEA]);
            get().await
        };
        let (first, second) = tokio::join!(biased; first, second);
        assert_eq!((*first.unwrap(), *second.unwrap()), (1, 2));
    }

    #[tokio::test]
    async fn errors_are_never_kept() {
        let (_, cache) = open();
        let failed = cache.get_or_set(&key(), &MINUTE, async || Err::<u32, _>("broken")).await;
        assert_eq!(failed.unwrap_err(), "broken");
        let loaded = cache.get_or_set(&key(), &MINUTE, async || Ok::<_, &str>(7)).await;
        assert_eq!(*loaded.unwrap(), 7);
    }

    #[tokio::test]
    async fn absence_is_kept_like_any_value() {
        let (_, cache) = open();
        let none = cache.get_or_set(&key(), &MINUTE, async || Ok::<_, &str>(None::<u32>)).await;
        assert_eq!(*none.unwrap(), None);
        let again =
            cache.get_or_set(&key(), &MINUTE, async || Err::<Option<u32>, _>("asked")).await;
        assert_eq!(*again.unwrap(), None);
    }

    #[tokio::test]
    async fn what_nobody_vouches_for_is_loaded_each_time() {
        struct Nobody;
        impl Versions for Nobody {
            fn fresh(&self) -> Fresh {
                Fresh::Now(Err(Unvouched("a trigger is missing".into())))
            }
        }
        let cache = Options::default().open(Arc::new(Nobody));
        let loads = Cell::new(0);
        for _ in 0..2 {
            let load = async || {
                loads.set(loads.get() + 1);
                Ok::<_, Infallible>(0)
            };
            cache.get_or_set(&key(), &MINUTE, load).await.unwrap();
        }
        assert_eq!(loads.get(), 2);
    }
}
