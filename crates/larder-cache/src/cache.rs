//! The cache as applications use it: [`Cache`].
//!
//! - A broken cache makes the site slow: no failure here fails a request.
//! - A lookup reads the local tier first, then the shared tier if there is one. In both, the stamps
//!   of an entry decide whether it is served.
//! - A result that is inconsistent or contains old data is never stored.
//! - A deletion changes a stamp like any other ([`super::removal`]); afterwards memory and store
//!   are emptied.
//!
//! Not here: how a value is loaded (`derive`, [`super::refresh`]), pages, fragments.

mod changes;
mod checks;
mod deletion;
#[cfg(feature = "inspect")]
mod observed;
mod recall;
mod scoped;

use std::any::Any;
use std::panic::Location;
use std::sync::Arc;
use std::time::{Duration, Instant};

pub(super) use super::built::{Built, refusal};
use super::codec;
use super::dependencies::Dependencies;
use super::entry::{Body, Entry, Validity};
use super::event::{Event, Miss, Outcome};
use super::flight::{Flights, Turn};
#[cfg(feature = "actix")]
use super::front::Front;
#[cfg(feature = "inspect")]
use super::inspect::BodyReader;
use super::key::Key;
use super::level::{Level, Levels};
use super::listeners::Listeners;
use super::policy::Policy;
use super::presence::Client;
use super::scope::Scope;
use super::stamps::{StampSource, Stamps};
use super::tier::local::LocalTier;
use super::tier::shared::{self, SharedTier};
use super::tracking;
use super::values::Values;
#[cfg(feature = "actix")]
use super::write_epochs::WriteEpochs;

/// The cache of an application. Cloning is cheap, and all clones are the same cache.
///
/// ```
/// # use std::sync::Arc;
/// # use std::time::Duration;
/// use larder_cache::{Builder, InProcess, Key, Policy};
///
/// # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
/// let cache = Builder::default().name("blog").open(Arc::new(InProcess::new()));
/// let minute = Policy::fresh_for(Duration::from_secs(60));
/// let key = Key::named("rates").part("currency", "EUR").build();
/// for _ in 0..2 {
///     // Loaded once; the second time it is there.
///     let rate = cache.get_or_set(&key, &minute, async || Ok::<_, std::io::Error>(1.09)).await?;
///     assert_eq!(*rate, 1.09);
/// }
/// assert!(cache.delete::<f64>(&key).await.unwrap());
/// # Ok::<(), std::io::Error>(())
/// # }).unwrap();
/// ```
#[derive(Clone)]
pub struct Cache {
    pub(super) shared: Arc<Shared>,
    /// The part of the cache that this handle is for; `None` is the whole.
    pub(super) scope: Option<Arc<Scope>>,
}

/// What all clones share.
pub(super) struct Shared {
    pub name: String,
    /// The beginning of the names of all entries in a store.
    pub entries: String,
    pub versions: Arc<dyn StampSource>,
    pub levels: Levels,
    pub local: LocalTier,
    pub shared: Option<SharedTier>,
    pub values: Values,
    pub flights: Flights,
    #[cfg(feature = "actix")]
    pub write_epochs: WriteEpochs,
    /// The cache in front of the site.
    #[cfg(feature = "actix")]
    pub front: Option<Front>,
    pub listeners: Listeners,
    pub store_budget: Duration,
    /// Show the bodies of entries to people.
    #[cfg(feature = "inspect")]
    pub readers: &'static [BodyReader],
}

/// A lookup that found nothing to serve.
#[derive(Debug)]
pub(super) struct Missed {
    /// Why.
    pub miss: Miss,
    /// The invalid entry that was found, for a policy that may serve it anyway.
    pub old: Option<Arc<Entry>>,
}

impl Missed {
    /// Reports whether the stored entry has changed since the lookup, so that another is
    /// worthwhile.
    pub(crate) fn is_outdated(&self, cache: &Cache, key: &Key) -> bool {
        let now = cache.shared.local.get(key).filter(|entry| !is_bypassed(entry));
        match (&self.old, &now) {
            (Some(old), Some(now)) => !Arc::ptr_eq(old, now),
            (None, now) => now.is_some(),
            (Some(_), None) => false,
        }
    }
}

/// Reports whether the caller rebuilds everything, and the entry is from before it began.
fn is_bypassed(entry: &Entry) -> bool {
    tracking::rebuilding_for().is_some_and(|time| entry.age() > time)
}

impl From<Miss> for Missed {
    fn from(miss: Miss) -> Self {
        Self { miss, old: None }
    }
}

/// The result of a lookup in the shared tier.
pub(super) enum Recalled<T> {
    /// An entry, which is now in the local tier as well.
    Found(Arc<T>, Arc<Entry>),
    /// No entry; with the lock that makes other instances wait, if it was free.
    Nothing(Option<shared::Lock>),
}

impl Cache {
    /// Creates the cache of [`super::builder::Builder::open`].
    pub(super) fn new(shared: Shared) -> Self {
        Self { shared: Arc::new(shared), scope: None }
    }

    /// Returns the name of the application ([`Builder::name`](super::Builder::name)).
    pub fn name(&self) -> &str {
        &self.shared.name
    }

    /// Returns the low-level API of values, which callers set as in Django's cache.
    ///
    /// Values have no freshness check: what is derived from data belongs in an entry.
    pub fn values(&self) -> &Values {
        self.scope.as_ref().map_or(&self.shared.values, |scope| &scope.values)
    }

    /// Returns the time that a request may wait for the shared store in all; `None` without one.
    ///
    /// In addition a request waits at most 100 ms for each entry that another instance is building.
    pub fn store_budget(&self) -> Option<Duration> {
        self.shared.shared.as_ref().map(|_| self.shared.store_budget)
    }

    /// Reports whether instances share their entries through a store.
    pub fn is_shared(&self) -> bool {
        self.shared.shared.is_some()
    }

    /// Tells the source of the stamps if what was built by them has read newer data.
    pub(super) fn compare_with_source(&self, dependencies: &Dependencies, current: &Stamps) {
        // Of two stamps of a tag, dependencies hold the one that was recorded first.
        if dependencies.is_inconsistent() || dependencies.are_newer_than(current) {
            self.shared.versions.outdated(current);
        }
    }

    /// Returns the valid body under `key` in the local tier, and its entry; reports the hit.
    pub(super) fn lookup<T: Any + Send + Sync>(
        &self,
        level: Level,
        key: &Key,
        current: &Stamps,
        caller: Option<&'static Location<'static>>,
    ) -> Result<(Arc<T>, Arc<Entry>), Missed> {
        // Reading the clock takes as long as comparing stamps: only if there are listeners.
        let started = (!self.shared.listeners.is_empty()).then(tokio::time::Instant::now);
        let (body, entry, now) = self.peek(key, current)?;
        if let Some(started) = started {
            let event = Event::new(level, key, Outcome::Hit, now - started);
            self.report(event.of(&entry).asked_at(caller));
        }
        Ok((body, entry))
    }

    /// Returns the same as [`Cache::lookup`] without reporting an event, and when the entry was valid.
    ///
    /// That is the only reading of the clock for an entry that was found: what is said of its age is of this moment.
    pub(super) fn peek<T: Any + Send + Sync>(
        &self,
        key: &Key,
        current: &Stamps,
    ) -> Result<(Arc<T>, Arc<Entry>, tokio::time::Instant), Missed> {
        self.peek_at(key, current, tokio::time::Instant::now())
    }

    /// Does the same as [`Cache::peek`], where the clock was just read.
    pub(super) fn peek_at<T: Any + Send + Sync>(
        &self,
        key: &Key,
        current: &Stamps,
        now: tokio::time::Instant,
    ) -> Result<(Arc<T>, Arc<Entry>, tokio::time::Instant), Missed> {
        let entry = self.shared.local.get(key).ok_or(Miss::Absent)?;
        if is_bypassed(&entry) {
            return Err(Miss::Bypassed.into());
        }
        let miss = match entry.validate_at(current, now) {
            Validity::Expired => Miss::Expired,
            Validity::Deleted => {
                // Another instance deleted the entry: it must not even be served on errors.
                self.shared.local.remove(key);
                return Err(Miss::Absent.into());
            }
            Validity::Invalidated(tag) => Miss::Invalidated(tag),
            // A body of another type under the same key counts as absent.
            Validity::Fresh => return Ok((entry.body().ok_or(Miss::Absent)?, entry, now)),
        };
        Err(Missed { miss, old: Some(entry) })
    }

    /// Stores a note of `size` bytes about a key, and returns it; it is not built, and no event is reported.
    pub(super) fn mark<T: Body>(
        &self,
        level: Level,
        key: &Key,
        policy: &Policy,
        note: T,
        size: usize,
        current: &Stamps,
    ) -> Arc<Entry> {
        let note = Arc::new(note);
        let mut dependencies = Dependencies::on_everything(current);
        self.add_scope(&mut dependencies, current);
        let entry = Entry::new(level, note.clone(), dependencies, policy, size);
        let entry = Arc::new(entry.since(self.epoch(key, current)));
        self.shared.local.insert(key.clone(), entry.clone());
        if let Some(shared) = self.shared_for(policy) {
            shared.store(key, note, &entry, None, self.shared.versions.clone());
        }
        entry
    }

    /// Evicts an entry of this process; in the shared tier it stays.
    pub(super) fn evict(&self, key: &Key) {
        self.shared.local.evict(key);
    }

    /// Returns the write epochs of this process, by which a write invalidates the pages of its URL.
    #[cfg(feature = "actix")]
    pub(super) fn write_epochs(&self) -> &WriteEpochs {
        &self.shared.write_epochs
    }

    /// Takes the turn to build `key`, or a ticket to wait for the caller that is building it.
    pub(super) fn take_turn(&self, key: &Key, current: &Stamps) -> Turn {
        self.shared.flights.take_turn(key, Client::current(), self.epoch(key, current))
    }

    /// Takes a turn for a build in the background, which no client's leaving affects.
    pub(super) fn take_turn_behind(&self, key: &Key, current: &Stamps) -> Turn {
        self.shared.flights.take_turn(key, Client::default(), self.epoch(key, current))
    }

    /// Stores a result in the local tier, and in the shared tier if there is one.
    pub(super) fn store<T: Body>(
        &self,
        level: Level,
        key: &Key,
        policy: &Policy,
        made: Built<T>,
        lock: Option<shared::Lock>,
    ) -> Option<Arc<Entry>> {
        let body = made.body.clone();
        let entry = self.store_here(level, key, policy, made)?;
        let shared =
            self.shared_for(policy).filter(|_| !self.shared.local.has_superseded(key, &entry));
        if let Some(shared) = shared {
            shared.store(key, body, &entry, lock, self.shared.versions.clone());
        }
        Some(entry)
    }

    /// Stores a result in the local tier only.
    pub(super) fn store_here<T: Body>(
        &self,
        level: Level,
        key: &Key,
        policy: &Policy,
        mut made: Built<T>,
    ) -> Option<Arc<Entry>> {
        self.compare_with_source(&made.dependencies, &made.current);
        self.add_scope(&mut made.dependencies, &made.current);
        if let Some(reason) = refusal(&made.dependencies) {
            self.report_outcome(level, key, Outcome::NotStored(reason), made.started);
            return None;
        }
        let policy = policy.jittered();
        let holds_nothing = codec::is_nothing(&*made.body);
        let entry = Entry::new(level, made.body, made.dependencies, &policy, made.size)
            .since(self.epoch(key, &made.current))
            .built_in(made.started.elapsed(), tracking::maker())
            .holding_nothing(holds_nothing);
        let entry = Arc::new(entry);
        let outcome = match self.shared.local.insert(key.clone(), entry.clone()) {
            true => Outcome::Stored(entry.size()),
            false => Outcome::NotStored("deleted meanwhile"),
        };
        self.report_entry(level, key, outcome, made.started, &entry);
        Some(entry)
    }

    /// Overwrites every shared entry with bytes that are not an entry.
    #[cfg(test)]
    pub(super) async fn garble_shared(&self) {
        if let Some(shared) = &self.shared.shared {
            shared.garble().await;
        }
    }

    /// Reports an outcome to the listeners.
    pub(super) fn report_outcome(
        &self,
        level: Level,
        key: &Key,
        outcome: Outcome,
        started: Instant,
    ) {
        self.report(Event::new(level, key, outcome, started.elapsed()));
    }

    /// Reports an outcome for an entry.
    pub(super) fn report_entry(
        &self,
        level: Level,
        key: &Key,
        outcome: Outcome,
        started: Instant,
        entry: &Entry,
    ) {
        self.report(Event::new(level, key, outcome, started.elapsed()).of(entry));
    }

    /// Reports an event.
    pub(super) fn report(&self, mut event: Event<'_>) {
        match (&event.outcome, event.entry) {
            (Outcome::Hit, Some(entry)) => entry.count_hit(),
            (Outcome::Miss(Miss::Absent), _) => {
                event.removal_cause = self.shared.local.removal_cause_of(event.key);
            }
            _ => {}
        }
        self.shared.listeners.iter().for_each(|listener| listener.on(&event));
    }
}
