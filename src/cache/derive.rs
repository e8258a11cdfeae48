//! Level three: values derived from data.
//!
//! - What a load reads is collected by [`super::scope`]; the value goes when that changes.
//! - At most one load of a key runs at a time; a load older than a waiter's view is not for it.
//! - Absence is a value like any other. Errors are handed to who asked and never kept.
//! - Where the load fails and the policy allows it, the old value is served, and marked so that nothing
//!   made from it is kept.

use std::sync::Arc;
use std::time::Instant;

use super::Cache;
use super::codec;
use super::entry::{Body, Entry};
use super::event::{Level, Outcome, Staleness};
use super::far;
use super::flight::{Landing, Leader, Turn};
use super::handle::{Made, Missed, Recalled};
use super::key::Key;
use super::policy::Policy;
use super::scope;
use super::view::View;

impl Cache {
    /// What `load` answers, kept under `key` for as long as it is true, at most as long as `policy`
    /// says.
    ///
    /// The value is shared, not copied; to change it, clone it.
    ///
    /// # Errors
    /// Those of `load`, unchanged. The cache adds none of its own.
    ///
    /// # Cancellation
    /// Dropping it lets another caller that waits for the same key load instead.
    pub async fn get_or_set<T: Body, E>(
        &self,
        key: &Key,
        policy: &Policy,
        load: impl AsyncFnOnce() -> Result<T, E>,
    ) -> Result<Arc<T>, E> {
        let Some(view) = self.view_for(Level::Query).await else {
            return load().await.map(Arc::new);
        };
        let wanted = Wanted { cache: self, key, policy, view };
        match wanted.find().await {
            Found::Value(value) => Ok(value),
            Found::Nothing(task) => wanted.load(task, load).await,
        }
    }

    /// [`Cache::get_or_set`] for several at once: what is missing is loaded in one load.
    ///
    /// `key` names the key of an item; `load` is given the items that are missing and answers a value
    /// for each, in their order. Each value depends on all that the load read. The answer is in the
    /// order of `items`.
    ///
    /// # Errors
    /// Those of `load`, unchanged.
    pub async fn get_or_set_many<I, T: Body, E>(
        &self,
        items: &[I],
        key: impl Fn(&I) -> Key,
        policy: &Policy,
        load: impl AsyncFnOnce(Vec<&I>) -> Result<Vec<T>, E>,
    ) -> Result<Vec<Arc<T>>, E> {
        let Some(view) = self.view_for(Level::Query).await else {
            let loaded = load(items.iter().collect()).await?;
            return Ok(loaded.into_iter().map(Arc::new).collect());
        };
        let keys: Vec<Key> = items.iter().map(key).collect();
        let mut values = self.look_up_many::<T>(&keys, &view).await;
        let missing: Vec<usize> =
            (0..items.len()).filter(|place| values[*place].is_none()).collect();
        if !missing.is_empty() {
            let started = Instant::now();
            let wanted = missing.iter().map(|place| &items[*place]).collect();
            let (loaded, dependencies) = scope::collect(view, load(wanted)).await;
            for (place, value) in missing.into_iter().zip(loaded?) {
                let body = Arc::new(value);
                let size = codec::encoded_len(&*body);
                let dependencies = dependencies.clone();
                let made = Made { body: body.clone(), dependencies, size, started };
                self.keep(Level::Query, &keys[place], policy, made, None);
                values[place] = Some(body);
            }
        }
        Ok(values.into_iter().flatten().collect())
    }

    /// The valid values under `keys`, here or, in one question, in the shared store.
    async fn look_up_many<T: Body>(&self, keys: &[Key], view: &View) -> Vec<Option<Arc<T>>> {
        let mut values: Vec<Option<Arc<T>>> = Vec::with_capacity(keys.len());
        let mut missing = Vec::new();
        for key in keys {
            let found = self.look_up::<T>(Level::Query, key, view);
            values.push(found.map(|(value, entry)| take(value, &entry)).ok());
            if values.last().is_some_and(Option::is_none) {
                missing.push(values.len() - 1);
            }
        }
        let wanted: Vec<&Key> = missing.iter().map(|place| &keys[*place]).collect();
        let recalled = self.recall_many::<T>(Level::Query, &wanted, view).await;
        for (place, found) in missing.into_iter().zip(recalled) {
            values[place] = found.map(|(value, entry)| take(value, &entry));
        }
        values
    }
}

/// The value of an entry that what is being made depends on.
fn take<T>(value: Arc<T>, entry: &Entry) -> Arc<T> {
    scope::record(&entry.dependencies());
    value
}

/// A value that somebody asks for.
struct Wanted<'w> {
    cache: &'w Cache,
    key: &'w Key,
    policy: &'w Policy,
    view: Arc<View>,
}

/// What there is of it.
enum Found<T> {
    Value(Arc<T>),
    Nothing(Task),
}

/// A value that is to be loaded.
struct Task {
    missed: Missed,
    /// Where others of this process may wait for it.
    leader: Option<Leader>,
    /// Where other instances may.
    lock: Option<far::Lock>,
}

impl Wanted<'_> {
    /// Looks the value up, and waits for who loads it.
    async fn find<T: Body>(&self) -> Found<T> {
        loop {
            let missed = match self.cache.look_up::<T>(Level::Query, self.key, &self.view) {
                Ok((value, entry)) => return Found::Value(take(value, &entry)),
                Err(missed) => missed,
            };
            let leader = match self.cache.take_turn(self.key) {
                Turn::Lead(leader) => Some(leader),
                Turn::Wait(ticket) => match ticket.arrive().await {
                    Landing::Lost => continue,
                    Landing::Nothing => None,
                    Landing::Failed => match self.old_on_error::<T>(&missed) {
                        Some(old) => return Found::Value(old),
                        None => None,
                    },
                    Landing::Entry(entry) => match self.collapsed(&entry) {
                        Some(value) => return Found::Value(value),
                        None => continue,
                    },
                },
            };
            return self.recall(missed, leader).await;
        }
    }

    /// Asks the shared store before it is loaded.
    async fn recall<T: Body>(&self, missed: Missed, leader: Option<Leader>) -> Found<T> {
        match self.cache.recall::<T>(Level::Query, self.key, &self.view).await {
            Recalled::Nothing(lock) => Found::Nothing(Task { missed, leader, lock }),
            Recalled::Found(value, entry) => {
                let value = take(value, &entry);
                land(leader, Landing::Entry(entry));
                Found::Value(value)
            }
        }
    }

    /// The value that another caller has just loaded, unless it is older than our view.
    fn collapsed<T: Body>(&self, entry: &Entry) -> Option<Arc<T>> {
        let value = entry.is_at_least(&self.view).then(|| entry.body())??;
        self.cache.tell(Level::Query, self.key, Outcome::Collapsed, Instant::now());
        Some(take(value, entry))
    }

    /// Loads the value, keeps it, and tells those who wait for it.
    async fn load<T: Body, E>(
        &self,
        task: Task,
        load: impl AsyncFnOnce() -> Result<T, E>,
    ) -> Result<Arc<T>, E> {
        let Task { missed, leader, lock } = task;
        let started = Instant::now();
        let miss = Outcome::Miss(missed.miss.clone());
        self.cache.tell(Level::Query, self.key, miss, started);
        let (loaded, dependencies) = scope::collect(self.view.clone(), load()).await;
        let body = match loaded {
            Ok(value) => Arc::new(value),
            Err(error) => {
                land(leader, Landing::Failed);
                return self.old_on_error(&missed).ok_or(error);
            }
        };
        let size = codec::encoded_len(&*body);
        let made = Made { body: body.clone(), dependencies, size, started };
        let entry = self.cache.keep(Level::Query, self.key, self.policy, made, lock);
        land(leader, entry.map_or(Landing::Nothing, Landing::Entry));
        Ok(body)
    }

    /// The old value, where the policy serves it instead of an error.
    fn old_on_error<T: Body>(&self, missed: &Missed) -> Option<Arc<T>> {
        let old = missed.old.as_ref()?;
        let value = old.is_useful(self.policy.grace_on_error()).then(|| old.body())??;
        Some(self.cache.serve_old(Level::Query, self.key, value, Staleness::Error))
    }
}

impl Cache {
    /// Serves something old: it is told, and nothing made from it is kept.
    pub(super) fn serve_old<T>(
        &self,
        level: Level,
        key: &Key,
        old: Arc<T>,
        why: Staleness,
    ) -> Arc<T> {
        self.tell(level, key, Outcome::Stale(why), Instant::now());
        let mut dependencies = scope::Dependencies::default();
        dependencies.mark_stale();
        scope::record(&dependencies);
        old
    }
}

/// Tells those who wait, if somebody may.
pub(super) fn land(leader: Option<Leader>, landing: Landing) {
    if let Some(leader) = leader {
        leader.land(landing);
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::convert::Infallible;
    use std::time::Duration;

    use super::*;
    use crate::cache::open::Options;
    use crate::cache::scope::Dependencies;
    use crate::cache::store::Store;
    use crate::cache::store::memory::MemoryStore;
    use crate::cache::tag::Tag;
    use crate::cache::view::{Fresh, InProcess, Unvouched, Versions};

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

    /// Two instances that share a store, and the stamps that both go by.
    fn open_two() -> (Arc<InProcess>, Cache, Cache) {
        let versions = Arc::new(InProcess::new());
        let store: Arc<dyn Store> = Arc::new(MemoryStore::default());
        let open = || Options::default().shared(store.clone(), "test").open(versions.clone());
        (versions.clone(), open(), open())
    }

    /// Lets what was spawned run: writes to the shared store happen behind the answer.
    async fn settle() {
        for _ in 0..10 {
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test]
    async fn what_one_instance_made_another_takes_until_it_changes() {
        let (versions, one, other) = open_two();
        let loads = Cell::new(0);
        assert_eq!(*get_tea(&one, &versions, &loads).await.unwrap(), 1);
        settle().await;
        assert_eq!(*get_tea(&other, &versions, &loads).await.unwrap(), 1);
        versions.bump(&[TEA]);
        assert_eq!(*get_tea(&other, &versions, &loads).await.unwrap(), 2);
        settle().await;
        assert_eq!(*get_tea(&one, &versions, &loads).await.unwrap(), 2);
    }

    #[tokio::test]
    async fn another_build_or_setting_does_not_read_our_entries() {
        let versions = Arc::new(InProcess::new());
        let store: Arc<dyn Store> = Arc::new(MemoryStore::default());
        let loads = Cell::new(0);
        for (setting, expected) in [("a", 1), ("b", 2), ("a", 1)] {
            let cache = Options::default().shared(store.clone(), setting).open(versions.clone());
            assert_eq!(*get_tea(&cache, &versions, &loads).await.unwrap(), expected);
            settle().await;
        }
    }

    #[tokio::test]
    async fn garbage_in_the_shared_store_is_a_miss() {
        let (versions, one, other) = open_two();
        let loads = Cell::new(0);
        get_tea(&one, &versions, &loads).await.unwrap();
        settle().await;
        other.garble_shared().await;
        assert_eq!(*get_tea(&other, &versions, &loads).await.unwrap(), 2);
    }

    #[tokio::test]
    async fn many_are_loaded_in_one_load_and_only_those_that_are_missing() {
        let (_, cache) = open();
        let asked = std::cell::RefCell::new(Vec::new());
        let get = async |items: &[u64]| {
            let load = async |missing: Vec<&u64>| {
                asked.borrow_mut().push(missing.iter().map(|item| **item).collect::<Vec<_>>());
                Ok::<_, Infallible>(missing.iter().map(|item| **item * 10).collect())
            };
            let key = |item: &u64| Key::named("test").part("item", *item).build();
            let values = cache.get_or_set_many(items, key, &MINUTE, load).await.unwrap();
            values.iter().map(|value| **value).collect::<Vec<_>>()
        };
        assert_eq!(get(&[1, 2]).await, [10, 20]);
        assert_eq!(get(&[3, 2, 1]).await, [30, 20, 10]);
        assert_eq!(get(&[]).await, [0; 0]);
        assert_eq!(*asked.borrow(), [vec![1, 2], vec![3]]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_failing_load_is_replaced_by_the_old_value_where_the_policy_says_so() {
        let (_, cache) = open();
        let policy = MINUTE.stale_if_error(Duration::from_secs(60));
        let get = async |policy: &Policy, value| {
            cache.get_or_set(&key(), policy, async || value).await.map(|value| *value)
        };
        assert_eq!(get(&policy, Ok::<u32, &str>(1)).await, Ok(1));
        tokio::time::advance(Duration::from_secs(61)).await;
        assert_eq!(get(&MINUTE, Err("down")).await, Err("down"));
        assert_eq!(get(&policy, Err("down")).await, Ok(1));
        tokio::time::advance(Duration::from_secs(60)).await;
        assert_eq!(get(&policy, Err("down")).await, Err("down"));
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_made_from_something_old_is_not_kept() {
        let (_, cache) = open();
        let policy = MINUTE.stale_if_error(Duration::from_secs(60));
        let inner = Key::named("inner").build();
        let get = async |value: Result<u32, &'static str>| {
            let load = async || {
                let inner = cache.get_or_set(&inner, &policy, async || value).await?;
                Ok::<_, &str>(*inner)
            };
            cache.get_or_set(&key(), &MINUTE, load).await.map(|value| *value)
        };
        assert_eq!(get(Ok(1)).await, Ok(1));
        tokio::time::advance(Duration::from_secs(61)).await;
        assert_eq!(get(Err("down")).await, Ok(1));
        assert_eq!(get(Ok(2)).await, Ok(2), "the outer value made from an old one was not kept");
    }
}
