//! Values from slow and failing sources, whose loads outlive their callers.
//!
//! - The load runs in a task of its own: a caller that leaves does not cancel it, and its result is
//!   stored however late it comes.
//! - Callers wait as long as the policy says. After that they get the old value if it is still
//!   useful, or else a timeout.
//! - Shortly before its end a value is reloaded in the background; after its end it may be served
//!   meanwhile.
//! - One load of a key at a time. After a failure there is no other load for a while, if the policy
//!   says so and there is an old value to serve.

use std::marker::PhantomData;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::task::JoinHandle;

use super::Cache;
use super::cache::{Built, Missed, Recalled};
use super::codec;
use super::dependencies::{Dependencies, Note, Staleness};
use super::derive::take;
use super::entry::{Body, Entry};
use super::event::{Miss, Outcome};
use super::find::{self, Found, Look, Wanted};
use super::flight::{Landing, Leader, Turn, land};
use super::key::Key;
use super::level::Level;
use super::lineage::{Circle, Load};
use super::panics::{self, caught};
use super::policy::Policy;
use super::stamps::Stamps;
use super::tier::shared;
use super::tracking;

/// Why there is no value, not even an old one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Failure<E> {
    /// The load failed.
    #[error(transparent)]
    Load(E),
    /// The load takes longer than callers wait; it continues.
    #[error("it takes too long")]
    TimedOut,
    /// Another caller's load, which this one waited for, has just failed.
    ///
    /// Or the limit of waiters is reached.
    #[error("it has just failed for another caller, or too many wait for it")]
    Elsewhere,
    /// The load panicked; the log has its message.
    #[error("the load panicked")]
    Panicked,
    /// The load asks for the very value that it loads.
    #[error(transparent)]
    Circular(#[from] Circle),
}

impl Cache {
    /// [`Cache::get_or_set`] for a load that outlives its caller.
    ///
    /// It supports all that a [`Policy`] offers: stale-while-revalidate, early refresh, soft and
    /// hard timeouts.
    ///
    /// # Errors
    /// [`Failure`], if there is no old value that the policy lets callers have.
    ///
    /// # Cancellation
    /// The load continues.
    pub async fn get_or_refresh<T, E, F>(
        &self,
        key: &Key,
        policy: &Policy,
        load: impl FnOnce() -> F + Send + 'static,
    ) -> Result<Arc<T>, Failure<E>>
    where
        T: Body,
        E: Send + 'static,
        F: Future<Output = Result<T, E>> + Send + 'static,
    {
        self.get_or_stale(key, policy, load).await.map(|(value, _)| value)
    }

    /// [`Cache::get_or_refresh`] for callers that show whether the value is an old one, and why.
    ///
    /// # Errors
    /// Those of [`Cache::get_or_refresh`].
    ///
    /// # Cancellation
    /// The load continues.
    pub async fn get_or_stale<T, E, F>(
        &self,
        key: &Key,
        policy: &Policy,
        load: impl FnOnce() -> F + Send + 'static,
    ) -> Result<(Arc<T>, Option<Staleness>), Failure<E>>
    where
        T: Body,
        E: Send + 'static,
        F: Future<Output = Result<T, E>> + Send + 'static,
    {
        let key = &*self.own(key);
        let Some(current) = self.stamps_for(Level::Query).await else {
            let within = Load::begin(self.flights_place(), [key.as_str()])?;
            let loaded = within.run(caught(async { load().await })).await.map_err(|panic| {
                panic.log(key);
                Failure::Panicked
            })?;
            return loaded.map(|value| (Arc::new(value), None)).map_err(Failure::Load);
        };
        let (cache, old) = (self.clone(), None);
        let mut wanted = Refreshed { cache, key: key.clone(), policy: *policy, current, old };
        let miss = match self.lookup::<T>(Level::Query, key, &wanted.current, None) {
            Ok((value, entry)) => {
                tracking::record(entry.dependencies());
                if entry.remaining() < policy.head_start() && !entry.is_paused() {
                    tracking::note(Note::RefreshingAhead);
                    wanted.old = Some(entry);
                    wanted.refresh_behind(load);
                }
                return Ok((value, None));
            }
            Err(missed) => {
                wanted.old = missed.old;
                missed.miss
            }
        };
        if let Some(old) = wanted.useful::<T>(policy.grace_while_revalidating()) {
            if !wanted.is_paused() {
                wanted.refresh_behind(load);
            }
            let why = Staleness::Revalidating;
            return Ok((self.serve_old(Level::Query, key, old, why), Some(why)));
        }
        match wanted.useful::<T>(policy.grace_on_error()) {
            Some(old) if wanted.is_paused() => {
                let why = Staleness::Error;
                Ok((self.serve_old(Level::Query, key, old, why), Some(why)))
            }
            on_error => wanted.wait(miss, on_error, load).await,
        }
    }
}

/// A value, and what its callers depend on.
type Loaded<T, E> = Result<(Arc<T>, Dependencies), Failure<E>>;

/// One call of [`Cache::get_or_stale`].
struct Refreshed {
    cache: Cache,
    key: Key,
    policy: Policy,
    current: Arc<Stamps>,
    /// The entry found by the lookup, fresh or not.
    old: Option<Arc<Entry>>,
}

impl<T: Body> Wanted for (&Refreshed, PhantomData<T>) {
    type Key = Key;
    type Load = Arc<Entry>;
    /// No value: the load of another caller failed.
    type Answer = Option<Arc<T>>;
    type Missed = Missed;

    async fn look(&self) -> Look<Option<Arc<T>>, Missed> {
        let Refreshed { cache, key, current, .. } = self.0;
        match cache.lookup::<T>(Level::Query, key, current, None) {
            Ok((value, entry)) => Look::There(Some(take(value, &entry))),
            Err(missed) => Look::Missing(missed),
        }
    }

    fn turn(&self, _: &Missed) -> Turn {
        self.0.cache.take_turn_behind(&self.0.key, &self.0.current)
    }

    fn is_outdated(&self, missed: &Missed) -> bool {
        missed.is_outdated(&self.0.cache, &self.0.key)
    }

    async fn landed(&self, _: &Missed, entry: Arc<Entry>, _: u64) -> Option<Option<Arc<T>>> {
        let value = entry.is_at_least(&self.0.current).then(|| entry.body())??;
        Some(Some(take(value, &entry)))
    }

    async fn failed(&self, _: &Missed) -> Option<Option<Arc<T>>> {
        Some(None)
    }
}

impl Refreshed {
    /// Reports whether a recent failure still forbids another load.
    fn is_paused(&self) -> bool {
        self.old.as_ref().is_some_and(|old| old.is_paused())
    }

    /// Reloads the value in the background, unless another caller does so already.
    fn refresh_behind<T, E, F>(self, load: impl FnOnce() -> F + Send + 'static)
    where
        T: Body,
        E: Send + 'static,
        F: Future<Output = Result<T, E>> + Send + 'static,
    {
        if let Turn::Lead(leader) = self.cache.take_turn_behind(&self.key, &self.current) {
            self.cache.report_outcome(Level::Query, &self.key, Outcome::Refreshing, Instant::now());
            // No lookup in the shared store: it has nothing newer than the value being replaced.
            let within = leader.load().clone();
            tokio::spawn(self.make(Some(leader), within, None, load));
        }
    }

    /// Waits for the value, as long as the policy says.
    async fn wait<T, E, F>(
        self,
        miss: Miss,
        on_error: Option<Arc<T>>,
        load: impl FnOnce() -> F + Send + 'static,
    ) -> Result<(Arc<T>, Option<Staleness>), Failure<E>>
    where
        T: Body,
        E: Send + 'static,
        F: Future<Output = Result<T, E>> + Send + 'static,
    {
        let (cache, key, policy) = (self.cache.clone(), self.key.clone(), self.policy);
        let began = Instant::now();
        cache.report_outcome(Level::Query, &key, Outcome::Miss(miss), began);
        let waiting = self.take_or_load(load);
        let soft = on_error.as_ref().and(policy.patience_for_new());
        let patience = match (soft, policy.patience()) {
            (Some(soft), Some(hard)) => Some(soft.min(hard)),
            (soft, hard) => soft.or(hard),
        };
        let outcome = match patience {
            None => Some(waiting.await),
            Some(patience) => tokio::time::timeout(patience, waiting).await.ok(),
        };
        match (outcome, on_error) {
            (Some(Ok(value)), _) => Ok((value, None)),
            (outcome, Some(old)) => {
                let why = if outcome.is_some() { Staleness::Error } else { Staleness::Timeout };
                Ok((cache.serve_old(Level::Query, &key, old, why), Some(why)))
            }
            (Some(Err(failure)), None) => Err(failure),
            (None, None) => {
                cache.report_outcome(Level::Query, &key, Outcome::TimedOut, began);
                tracking::note(Note::TimedOut);
                Err(Failure::TimedOut)
            }
        }
    }

    /// Waits for another caller's load, or loads in a task of its own.
    async fn take_or_load<T, E, F>(
        self,
        load: impl FnOnce() -> F + Send + 'static,
    ) -> Result<Arc<T>, Failure<E>>
    where
        T: Body,
        E: Send + 'static,
        F: Future<Output = Result<T, E>> + Send + 'static,
    {
        match find::find(&(&self, PhantomData::<T>)).await {
            // The source is failing; a load for each of the waiters would not help it.
            Found::Answer(None) | Found::Full(_) => Err(Failure::Elsewhere),
            Found::Answer(Some(value)) => Ok(value),
            Found::Circle(circle, _) => Err(circle.into()),
            Found::Build(_, Some(leader)) => {
                arrived(tokio::spawn(tracking::carried_on(self.load(leader, load)))).await
            }
            Found::Build(_, None) => {
                // Created here: the new task does not know within which load its caller runs.
                let within = Load::new(self.cache.flights_place(), [self.key.as_str()]);
                arrived(tokio::spawn(tracking::carried_on(self.make(None, within, None, load))))
                    .await
            }
        }
    }

    /// Takes the value from the shared store, or loads it; it finishes without its caller.
    async fn load<T: Body, E, F: Future<Output = Result<T, E>>>(
        self,
        leader: Leader,
        load: impl FnOnce() -> F,
    ) -> Loaded<T, E> {
        let recalled = self.cache.recall::<T>(Level::Query, &self.key, &self.policy, &self.current);
        let lock = match recalled.await {
            Recalled::Nothing(lock) => lock,
            Recalled::Found(value, entry) => {
                let dependencies = entry.dependencies().clone();
                leader.land(Landing::Entry(entry));
                return Ok((value, dependencies));
            }
        };
        let within = leader.load().clone();
        self.make(Some(leader), within, lock, load).await
    }

    /// Loads the value and stores it; without a leader, for one caller only.
    async fn make<T: Body, E, F: Future<Output = Result<T, E>>>(
        self,
        leader: Option<Leader>,
        within: Arc<Load>,
        lock: Option<shared::Lock>,
        load: impl FnOnce() -> F,
    ) -> Loaded<T, E> {
        let started = Instant::now();
        // Encoding runs code of the value's type, which may panic as well as the load.
        let work = within.run(caught(async {
            let value = load().await?;
            Ok::<_, E>((codec::footprint(&value), value))
        }));
        let (loaded, dependencies) =
            tracking::track_for(&self.key, self.current.clone(), work).await;
        let loaded = loaded.map_err(|panic| {
            panic.log(&self.key);
            self.cache.report_outcome(
                Level::Query,
                &self.key,
                Outcome::NotStored(panics::RULE),
                started,
            );
            Failure::Panicked
        });
        let (size, body) = match loaded.and_then(|loaded| loaded.map_err(Failure::Load)) {
            Ok((size, value)) => (size, Arc::new(value)),
            Err(failure) => {
                if let Some(old) = &self.old {
                    old.pause(self.policy.pause());
                }
                land(leader, Landing::Failed);
                return Err(failure);
            }
        };
        let current = self.current.clone();
        let collected = dependencies.clone();
        let made = Built { body: body.clone(), dependencies: collected, size, started, current };
        let entry = self.cache.store(Level::Query, &self.key, &self.policy, made, lock);
        land(leader, entry.map_or(Landing::Nothing, Landing::Entry));
        Ok((body, dependencies))
    }

    /// Returns the old value, if it ended less than `grace` ago.
    fn useful<T: Body>(&self, grace: Duration) -> Option<Arc<T>> {
        let old = self.old.as_ref()?;
        old.is_useful(grace).then(|| old.body())?
    }
}

/// Returns the result of a load's task, and records its dependencies for the caller.
async fn arrived<T, E>(task: JoinHandle<Loaded<T, E>>) -> Result<Arc<T>, Failure<E>> {
    // Panics of the load are caught: the task is lost only when the runtime shuts down.
    let (value, dependencies) = task.await.unwrap_or(Err(Failure::Elsewhere))?;
    tracking::record(&dependencies);
    Ok(value)
}

#[cfg(test)]
mod tests;
