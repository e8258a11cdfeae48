//! Level three: values derived from data, such as results of queries.
//!
//! - [`super::tracking`] tracks what a load reads; the value becomes invalid when that changes.
//! - At most one load of a key runs at a time; a waiter never takes a load older than its own
//!   stamps.
//! - Absence is a value like any other. Errors are returned to the caller and never stored.
//! - Where the load fails and the policy allows it, the old value is served. It is marked, so that
//!   nothing built from it is stored. A panic is a failure; without an old value it is resumed.
//! - A load that asks for its own key panics: no error type is common to all callers.

mod unshared;

use std::convert::Infallible;
use std::marker::PhantomData;
use std::panic::Location;
use std::sync::Arc;
use std::time::Instant;

use super::Cache;
use super::cache::{Built, Missed, Recalled};
use super::codec;
use super::dependencies::{Dependencies, Staleness};
use super::entry::{Body, Entry};
use super::event::{Event, Outcome};
use super::find::{self, Look};
use super::flight::{Landing, Leader, Turn, land};
use super::key::Key;
use super::level::Level;
use super::lineage::Load;
use super::panics::{self, Panic, caught};
use super::policy::Policy;
use super::stamps::Stamps;
use super::tier::shared;
use super::tracking;

impl Cache {
    /// Returns the value under `key`, from the cache or else from `load`.
    ///
    /// It is stored until data that the load read change, and at most for as long as `policy` says.
    /// The value is shared, not copied; to change it, clone it.
    ///
    /// ```
    /// # use std::{sync::Arc, time::Duration};
    /// # use larder_cache::{Builder, InProcess, Key, Policy, Tag};
    /// # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
    /// # let stamps = Arc::new(InProcess::new());
    /// # let cache = Builder::default().open(stamps.clone());
    /// # const HOUR: Policy = Policy::fresh_for(Duration::from_secs(3600));
    /// let key = Key::named("posts.list").part("page", 1_u64).build();
    /// let load = async || {
    ///     stamps.reads(&[Tag::named("posts")]);
    ///     Ok::<_, std::io::Error>(vec!["Spring".to_owned()])
    /// };
    /// let posts: Arc<Vec<String>> = cache.get_or_set(&key, &HOUR, load).await?;
    /// # Ok::<(), std::io::Error>(())
    /// # }).unwrap();
    /// ```
    ///
    /// # Errors
    /// Those of `load`, unchanged. The cache adds none of its own.
    ///
    /// # Panics
    /// If `load` asks for `key` itself, or for a value that depends on it: that would never end.
    /// Also if `load` panics and there is no old value to serve.
    ///
    /// # Cancellation
    /// If the future is dropped, another caller that waits for the same key loads instead.
    #[track_caller]
    pub fn get_or_set<T: Body, E>(
        &self,
        key: &Key,
        policy: &Policy,
        load: impl AsyncFnOnce() -> Result<T, E>,
    ) -> impl Future<Output = Result<Arc<T>, E>> {
        self.get_or_set_at(key, policy, load, Location::caller())
    }

    async fn get_or_set_at<T: Body, E>(
        &self,
        key: &Key,
        policy: &Policy,
        load: impl AsyncFnOnce() -> Result<T, E>,
        caller: &'static Location<'static>,
    ) -> Result<Arc<T>, E> {
        let key = &*self.own(key);
        let Some(current) = self.stamps_for(Level::Query).await else {
            return self.begin([key]).run(load()).await.map(Arc::new);
        };
        let began = Instant::now();
        let wanted = Wanted { cache: self, key, policy, current, caller, began };
        match wanted.find().await {
            Found::Value(value) => Ok(value),
            Found::Nothing(task) => wanted.load(*task, load).await,
        }
    }

    /// Does the same as [`Cache::get_or_set`], with a load that cannot fail.
    ///
    /// # Panics
    /// As [`Cache::get_or_set`].
    #[track_caller]
    pub fn get_or_load<T: Body>(
        &self,
        key: &Key,
        policy: &Policy,
        load: impl AsyncFnOnce() -> T,
    ) -> impl Future<Output = Arc<T>> {
        let loaded = self.get_or_set(key, policy, async || Ok::<_, Infallible>(load().await));
        async move {
            let Ok(value) = loaded.await;
            value
        }
    }

    /// [`Cache::get_or_set`] for several items at once: missing values are loaded in one load.
    ///
    /// `key` returns the key of an item; `load` is given the items that are missing and returns a
    /// value for each, in their order. Each value depends on all that the load read. The result is
    /// in the order of `items`.
    ///
    /// Callers of the same key do not wait for each other here.
    ///
    /// # Errors
    /// Those of `load`, unchanged.
    ///
    /// # Panics
    /// If `load` returns fewer or more values than it was asked for, or asks for one of its own
    /// keys.
    #[track_caller]
    pub fn get_or_set_many<I, T: Body, E>(
        &self,
        items: &[I],
        key: impl Fn(&I) -> Key,
        policy: &Policy,
        load: impl AsyncFnOnce(Vec<&I>) -> Result<Vec<T>, E>,
    ) -> impl Future<Output = Result<Vec<Arc<T>>, E>> {
        self.many(items, key, policy, load, Location::caller())
    }

    async fn many<I, T: Body, E>(
        &self,
        items: &[I],
        key: impl Fn(&I) -> Key,
        policy: &Policy,
        load: impl AsyncFnOnce(Vec<&I>) -> Result<Vec<T>, E>,
        caller: &'static Location<'static>,
    ) -> Result<Vec<Arc<T>>, E> {
        let keys: Vec<Key> = items.iter().map(|item| self.own(&key(item)).into_owned()).collect();
        let Some(current) = self.stamps_for(Level::Query).await else {
            let loaded = self.begin(&keys).run(load(items.iter().collect())).await?;
            assert_eq!(loaded.len(), items.len(), "a load answers a value for each item");
            return Ok(loaded.into_iter().map(Arc::new).collect());
        };
        let mut values = self.lookup_many::<T>(&keys, policy, &current, caller).await;
        let missing: Vec<usize> =
            (0..items.len()).filter(|place| values[*place].is_none()).collect();
        if !missing.is_empty() {
            let started = Instant::now();
            let wanted = missing.iter().map(|place| &items[*place]).collect();
            let within = self.begin(missing.iter().map(|place| &keys[*place]));
            let (loaded, dependencies) =
                tracking::track(current.clone(), within.run(load(wanted))).await;
            let loaded = loaded?;
            assert_eq!(loaded.len(), missing.len(), "a load answers a value for each item");
            for (place, value) in missing.into_iter().zip(loaded) {
                let body = Arc::new(value);
                let size = codec::footprint(&*body);
                let (dependencies, current) = (dependencies.clone(), current.clone());
                let made = Built { body: body.clone(), dependencies, size, started, current };
                self.store(Level::Query, &keys[place], policy, made, None);
                values[place] = Some(body);
            }
        }
        Ok(values.into_iter().flatten().collect())
    }

    /// Returns the valid values under `keys`, from memory or, in one call, from the shared store.
    async fn lookup_many<T: Body>(
        &self,
        keys: &[Key],
        policy: &Policy,
        current: &Stamps,
        caller: &'static Location<'static>,
    ) -> Vec<Option<Arc<T>>> {
        let mut values: Vec<Option<Arc<T>>> = Vec::with_capacity(keys.len());
        let mut missing = Vec::new();
        for key in keys {
            let found = self.lookup::<T>(Level::Query, key, current, Some(caller));
            values.push(found.map(|(value, entry)| take(value, &entry)).ok());
            if values.last().is_some_and(Option::is_none) {
                missing.push(values.len() - 1);
            }
        }
        missing.retain(|_| !policy.is_local());
        let wanted: Vec<&Key> = missing.iter().map(|place| &keys[*place]).collect();
        let recalled = self.recall_many::<T>(Level::Query, &wanted, current, caller).await;
        for (place, found) in missing.into_iter().zip(recalled) {
            values[place] = found.map(|(value, entry)| take(value, &entry));
        }
        values
    }
}

impl Cache {
    /// Begins a load of these keys without a flight.
    ///
    /// # Panics
    /// If the current load is loading one of them already.
    pub(super) fn begin<'k>(
        &self,
        keys: impl IntoIterator<Item = &'k Key, IntoIter: Clone>,
    ) -> Arc<Load> {
        let keys = keys.into_iter().map(Key::as_str);
        Load::begin(self.flights_place(), keys).unwrap_or_else(|circle| panic!("{circle}"))
    }
}

/// Records that the value being built depends on this entry, and returns the entry's value.
pub(super) fn take<T>(value: Arc<T>, entry: &Entry) -> Arc<T> {
    tracking::record(entry.dependencies());
    value
}

/// One call of [`Cache::get_or_set`].
struct Wanted<'w> {
    cache: &'w Cache,
    key: &'w Key,
    policy: &'w Policy,
    current: Arc<Stamps>,
    caller: &'static Location<'static>,
    began: Instant,
}

/// The result of a lookup.
enum Found<T> {
    Value(Arc<T>),
    Nothing(Box<Task>),
}

/// A value that has to be loaded.
struct Task {
    missed: Missed,
    /// The flight that it leads, for which other callers of this process may wait.
    leader: Option<Leader>,
    /// The lock in the shared store, for which other instances may wait.
    lock: Option<shared::Lock>,
}

impl<T: Body> find::Wanted for (&Wanted<'_>, PhantomData<T>) {
    type Key = Key;
    type Load = Arc<Entry>;
    type Answer = Arc<T>;
    type Missed = Missed;

    async fn look(&self) -> Look<Arc<T>, Missed> {
        let Wanted { cache, key, current, caller, .. } = self.0;
        match cache.lookup::<T>(Level::Query, key, current, Some(*caller)) {
            Ok((value, entry)) => Look::There(take(value, &entry)),
            Err(missed) => Look::Missing(missed),
        }
    }

    fn turn(&self, _: &Missed) -> Turn {
        self.0.cache.take_turn(self.0.key, &self.0.current)
    }

    fn is_outdated(&self, missed: &Missed) -> bool {
        missed.is_outdated(self.0.cache, self.0.key)
    }

    async fn landed(&self, _: &Missed, entry: Arc<Entry>, behind: u64) -> Option<Arc<T>> {
        self.0.collapsed(&entry, behind)
    }

    async fn failed(&self, missed: &Missed) -> Option<Arc<T>> {
        self.0.old_on_error(missed)
    }
}

impl Wanted<'_> {
    /// Looks the value up, and waits for the caller that loads it.
    async fn find<T: Body>(&self) -> Found<T> {
        let (missed, leader) = match find::find(&(self, PhantomData::<T>)).await {
            find::Found::Answer(value) => return Found::Value(value),
            find::Found::Build(missed, leader) => (missed, leader),
            // This call has no error of its own, so it loads; the source has to limit its own load.
            find::Found::Full(missed) => (missed, None),
            find::Found::Circle(circle, _) => {
                panic!("{circle}; it was asked for at {}", self.caller)
            }
        };
        self.recall(missed, leader).await
    }

    /// Looks in the shared store before the value is loaded.
    async fn recall<T: Body>(&self, missed: Missed, leader: Option<Leader>) -> Found<T> {
        match self.cache.recall::<T>(Level::Query, self.key, self.policy, &self.current).await {
            Recalled::Nothing(lock) => Found::Nothing(Box::new(Task { missed, leader, lock })),
            Recalled::Found(value, entry) => {
                let value = take(value, &entry);
                land(leader, Landing::Entry(entry));
                Found::Value(value)
            }
        }
    }

    /// Returns the value that another caller has just loaded, unless it is older than our stamps.
    fn collapsed<T: Body>(&self, entry: &Entry, behind: u64) -> Option<Arc<T>> {
        let value = entry.is_at_least(&self.current).then(|| entry.body())??;
        let event = Event::new(Level::Query, self.key, Outcome::Collapsed, self.began.elapsed());
        self.cache.report(event.of(entry).behind(behind).asked_at(Some(self.caller)));
        Some(take(value, entry))
    }

    /// Loads the value, stores it, and lands it for the waiters.
    async fn load<T: Body, E>(
        &self,
        task: Task,
        load: impl AsyncFnOnce() -> Result<T, E>,
    ) -> Result<Arc<T>, E> {
        let Task { missed, leader, lock } = task;
        let miss = Outcome::Miss(missed.miss.clone());
        let event = Event::new(Level::Query, self.key, miss, self.began.elapsed());
        self.cache.report(event.asked_at(Some(self.caller)));
        let started = Instant::now();
        let within = match &leader {
            Some(leader) => leader.load().clone(),
            None => self.cache.begin([self.key]),
        };
        // Encoding runs code of the value's type, which may panic as well as the load.
        let work = within.run(caught(async {
            let value = load().await?;
            Ok::<_, E>((codec::footprint(&value), value))
        }));
        let (loaded, dependencies) =
            tracking::track_for(self.key, self.current.clone(), work).await;
        let (size, body) = match loaded {
            Ok(Ok((size, value))) => (size, Arc::new(value)),
            Ok(Err(error)) => {
                land(leader, Landing::Failed);
                return self.old_on_error(&missed).ok_or(error);
            }
            Err(panic) => {
                land(leader, Landing::Failed);
                return Ok(self.old_on_panic(&missed, panic, started));
            }
        };
        let current = self.current.clone();
        let made = Built { body: body.clone(), dependencies, size, started, current };
        let entry = self.cache.store(Level::Query, self.key, self.policy, made, lock);
        land(leader, entry.map_or(Landing::Nothing, Landing::Entry));
        Ok(body)
    }

    /// Returns the old value if the policy serves it on errors, else resumes the panic.
    fn old_on_panic<T: Body>(&self, missed: &Missed, panic: Panic, started: Instant) -> Arc<T> {
        self.cache.report_outcome(
            Level::Query,
            self.key,
            Outcome::NotStored(panics::RULE),
            started,
        );
        match self.old_on_error(missed) {
            Some(old) => {
                panic.log(self.key);
                old
            }
            None => panic.resume(),
        }
    }

    /// Returns the old value if the policy serves it on errors.
    fn old_on_error<T: Body>(&self, missed: &Missed) -> Option<Arc<T>> {
        let old = missed.old.as_ref()?;
        let value = old.is_useful(self.policy.grace_on_error()).then(|| old.body())??;
        Some(self.cache.serve_old(Level::Query, self.key, value, Staleness::Error))
    }
}

impl Cache {
    /// Serves an old value: reports it, and marks what is built from it as not to be stored.
    pub(super) fn serve_old<T>(
        &self,
        level: Level,
        key: &Key,
        old: Arc<T>,
        why: Staleness,
    ) -> Arc<T> {
        self.report_outcome(level, key, Outcome::Stale(why), Instant::now());
        let mut dependencies = Dependencies::default();
        dependencies.mark_stale(why);
        tracking::record(&dependencies);
        old
    }
}

#[cfg(test)]
mod tests;
