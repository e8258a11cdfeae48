//! The handle: what applications hold.
//!
//! - A broken cache is a slow site: nothing here can fail a request.
//! - Entries are looked up in this process first, then in the store that instances share, if there is
//!   one; wherever they come from, their stamps decide.
//! - What mixes two states of the data, or holds something old, is never kept.
//! - Deleting is a stamp like any other ([`super::removal`]); memory and store are emptied after it.
//!
//! Not here: how a value is derived (`derive`, [`super::refresh`]), pages, fragments.

mod recall;

use std::any::Any;
use std::panic::Location;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::future::OptionFuture;

pub(super) use super::built::{Built, refusal};
use super::codec;
use super::dependencies::Dependencies;
use super::entry::{Body, Entry, Validity};
use super::error::Error;
use super::event::{Event, Listener, Miss, Outcome};
use super::flight::{Flights, Turn};
use super::inspect::{BodyReader, Inspection};
use super::key::Key;
use super::level::Level;
use super::level::Levels;
use super::policy::Policy;
use super::presence::{self, Client};
use super::removal::{Epoch, Removal};
use super::stamps::{StampSource, Stamps};
use super::tier::local::LocalTier;
use super::tier::shared::{self, SharedTier};
use super::tracking;
use super::values::Values;
use super::write_epochs::WriteEpochs;

/// The cache of an application. Cloning is cheap; all clones are the same cache.
#[derive(Clone)]
pub struct Cache(Arc<Shared>);

/// What all handles share.
pub(super) struct Shared {
    pub versions: Arc<dyn StampSource>,
    pub levels: Levels,
    pub local: LocalTier,
    pub shared: Option<SharedTier>,
    pub values: Values,
    pub flights: Flights,
    pub write_epochs: WriteEpochs,
    pub listeners: Vec<Arc<dyn Listener>>,
    pub store_budget: Duration,
    /// Show what is stored to people.
    pub readers: &'static [BodyReader],
}

/// A look-up that found nothing to serve.
#[derive(Debug)]
pub(super) struct Missed {
    /// Why.
    pub miss: Miss,
    /// What was there, for who may serve it all the same.
    pub old: Option<Arc<Entry>>,
}

impl Missed {
    /// Whether something else is kept by now: look again.
    pub fn is_outdated(&self, cache: &Cache, key: &Key) -> bool {
        let now = cache.0.local.get(key);
        match (&self.old, &now) {
            (Some(old), Some(now)) => !Arc::ptr_eq(old, now),
            (None, now) => now.is_some(),
            (Some(_), None) => false,
        }
    }
}

impl From<Miss> for Missed {
    fn from(miss: Miss) -> Self {
        Self { miss, old: None }
    }
}

/// What the shared store had.
pub(super) enum Recalled<T> {
    /// An entry, which is kept here now.
    Found(Arc<T>, Arc<Entry>),
    /// Nothing; with the lock that makes other instances wait, if it was to be had.
    Nothing(Option<shared::Lock>),
}

impl Cache {
    /// See [`super::builder::Builder::open`].
    pub(super) fn new(shared: Shared) -> Self {
        Self(Arc::new(shared))
    }

    /// The other half: values that are kept because somebody said so, as Django's cache keeps them.
    ///
    /// Nobody vouches for them: what is derived from data belongs in an entry.
    pub fn values(&self) -> &Values {
        &self.0.values
    }

    /// What is kept, for people who want to see it.
    pub fn inspect(&self) -> Inspection {
        let shared = &self.0;
        let versions = Some(shared.versions.clone());
        Inspection::new(shared.readers, Some(shared.local.clone()), shared.values.clone(), versions)
    }

    /// Returns the time that a request may wait for the shared store in all; `None` without one.
    ///
    /// In addition a request waits at most 100 ms for each entry that another instance is building.
    pub fn store_budget(&self) -> Option<Duration> {
        self.0.shared.as_ref().map(|_| self.0.store_budget)
    }

    /// Whether instances share their entries through a store.
    pub fn is_shared(&self) -> bool {
        self.0.shared.is_some()
    }

    /// Forgets every entry and value, as far as [`Cache::delete`] reaches; keys of others stay.
    ///
    /// # Errors
    /// As there; where the store does not answer values may stay.
    pub async fn clear(&self) -> Result<(), Error> {
        self.0.versions.invalidate(vec![Removal::Deleted.of_all()]).await?;
        let values = self.0.values.clear().await.map(drop);
        let cleared = OptionFuture::from(self.0.shared.as_ref().map(SharedTier::clear)).await;
        self.0.local.clear();
        let failed = |source| Error::Store { store: "shared", source };
        values.and(cleared.transpose().map(drop).map_err(failed))
    }

    /// Forgets the entry under `key`, whose body is a `T`; whether there was one in the shared store or
    /// here.
    ///
    /// It is forgotten by all that share this cache's [`StampSource`]: with those of a database by every
    /// instance. A load of it that has begun before is not stored, nor handed to later callers. What
    /// was made from it stays: to make data stale, move its tag.
    ///
    /// # Errors
    /// When the versions cannot be moved: then nothing is forgotten. When the shared store does not
    /// answer: then the entry is forgotten, but may still take up room in it.
    pub async fn delete<T: Body>(&self, key: &Key) -> Result<bool, Error> {
        self.0.versions.invalidate(vec![Removal::Deleted.of_key(key.as_str())]).await?;
        let shared = self.0.shared.as_ref();
        let was_there = OptionFuture::from(shared.map(|shared| shared.delete::<T>(key))).await;
        let was_here = self.0.local.remove(key);
        let failed = |source| Error::Store { store: "shared", source };
        Ok(was_there.transpose().map_err(failed)?.unwrap_or_default() || was_here)
    }

    /// The current to judge by, where this level is on and somebody vouches for what is kept.
    ///
    /// Within a scope it is asked for once: all look-ups of a page judge by the same moment.
    pub(super) async fn stamps_for(&self, level: Level) -> Option<Arc<Stamps>> {
        if !self.0.levels.has(level) {
            return None;
        }
        if let Some(pinned) = tracking::pinned() {
            return Some(pinned);
        }
        self.0.versions.current().get().await.ok()
    }

    /// The valid body under `key` in this process, and the entry that holds it.
    pub(super) fn lookup<T: Any + Send + Sync>(
        &self,
        level: Level,
        key: &Key,
        current: &Stamps,
        caller: Option<&'static Location<'static>>,
    ) -> Result<(Arc<T>, Arc<Entry>), Missed> {
        // Asking the clock takes as long as comparing stamps: only for those who listen.
        let started = (!self.0.listeners.is_empty()).then(Instant::now);
        let found = self.peek(key, current)?;
        if let Some(started) = started {
            let event = Event::new(level, key, Outcome::Hit, started.elapsed());
            self.report(event.of(&found.1).asked_at(caller));
        }
        Ok(found)
    }

    /// The same, which nobody is told of.
    pub(super) fn peek<T: Any + Send + Sync>(
        &self,
        key: &Key,
        current: &Stamps,
    ) -> Result<(Arc<T>, Arc<Entry>), Missed> {
        let entry = self.0.local.get(key).ok_or(Miss::Absent)?;
        let miss = match entry.validate(current) {
            Validity::Expired => Miss::Expired,
            Validity::Deleted => {
                // What another instance deleted is not here either, not even to stand in for an error.
                self.0.local.remove(key);
                return Err(Miss::Absent.into());
            }
            Validity::Invalidated(tag) => Miss::Invalidated(tag),
            // A body of another type under the same key is as good as none.
            Validity::Fresh => return Ok((entry.body().ok_or(Miss::Absent)?, entry)),
        };
        Err(Missed { miss, old: Some(entry) })
    }

    /// Keeps a note of `size` bytes about a key: something that is not made, and that nobody is told of.
    pub(super) fn mark<T: Body>(
        &self,
        level: Level,
        key: &Key,
        policy: &Policy,
        note: T,
        size: usize,
        current: &Stamps,
    ) {
        let note = Arc::new(note);
        let dependencies = Dependencies::on_everything(current);
        let entry = Entry::new(level, note.clone(), dependencies, policy, size);
        let entry = Arc::new(entry.since(Epoch::of(key, current.epochs())));
        self.0.local.insert(key.clone(), entry.clone());
        if let Some(shared) = self.shared_for(policy) {
            shared.keep(key, note, &entry, None, self.0.versions.clone());
        }
    }

    /// Drops an entry of this process to make room for another; where instances share it, it stays.
    pub(super) fn evict(&self, key: &Key) {
        self.0.local.evict(key);
    }

    /// How written addresses make their pages stale, in this process; also those that are being made.
    pub(super) fn write_epochs(&self) -> &WriteEpochs {
        &self.0.write_epochs
    }

    /// Leads the making of `key`, or waits for who does.
    pub(super) fn take_turn(&self, key: &Key, current: &Stamps) -> Turn {
        self.0.flights.take_turn(key, presence::current(), Epoch::of(key, current.epochs()))
    }

    /// The same for what is made in the background, whichever client leaves.
    pub(super) fn take_turn_behind(&self, key: &Key, current: &Stamps) -> Turn {
        self.0.flights.take_turn(key, Client::default(), Epoch::of(key, current.epochs()))
    }

    /// Keeps what was made: here, and where instances share it.
    pub(super) fn keep<T: Body>(
        &self,
        level: Level,
        key: &Key,
        policy: &Policy,
        made: Built<T>,
        lock: Option<shared::Lock>,
    ) -> Option<Arc<Entry>> {
        let body = made.body.clone();
        let entry = self.keep_here(level, key, policy, made)?;
        let shared = self.shared_for(policy).filter(|_| !self.0.local.has_superseded(key, &entry));
        if let Some(shared) = shared {
            shared.keep(key, body, &entry, lock, self.0.versions.clone());
        }
        Some(entry)
    }

    /// Keeps what was made in this process only.
    pub(super) fn keep_here<T: Body>(
        &self,
        level: Level,
        key: &Key,
        policy: &Policy,
        made: Built<T>,
    ) -> Option<Arc<Entry>> {
        if let Some(reason) = refusal(&made.dependencies) {
            self.report_outcome(level, key, Outcome::NotStored(reason), made.started);
            return None;
        }
        let policy = policy.jittered();
        let holds_nothing = codec::is_nothing(&*made.body);
        let entry = Entry::new(level, made.body, made.dependencies, &policy, made.size)
            .since(Epoch::of(key, made.current.epochs()))
            .built_in(made.started.elapsed(), tracking::maker())
            .holding_nothing(holds_nothing);
        let entry = Arc::new(entry);
        let outcome = match self.0.local.insert(key.clone(), entry.clone()) {
            true => Outcome::Stored(entry.size()),
            false => Outcome::NotStored("deleted meanwhile"),
        };
        self.report_entry(level, key, outcome, made.started, &entry);
        Some(entry)
    }

    /// Overwrites every shared entry with what is none.
    #[cfg(test)]
    pub(super) async fn garble_shared(&self) {
        if let Some(shared) = &self.0.shared {
            shared.garble().await;
        }
    }

    /// Reports to the listeners.
    pub(super) fn report_outcome(
        &self,
        level: Level,
        key: &Key,
        outcome: Outcome,
        started: Instant,
    ) {
        self.report(Event::new(level, key, outcome, started.elapsed()));
    }

    /// Reports what happened to an entry.
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

    /// The same of an event that is known already.
    pub(super) fn report(&self, mut event: Event<'_>) {
        match (&event.outcome, event.entry) {
            (Outcome::Hit, Some(entry)) => entry.count_hit(),
            (Outcome::Miss(Miss::Absent), _) => {
                event.removal_cause = self.0.local.removal_cause_of(event.key);
            }
            _ => {}
        }
        self.0.listeners.iter().for_each(|listener| listener.on(&event));
    }
}
