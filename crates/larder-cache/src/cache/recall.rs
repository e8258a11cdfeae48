//! Looks up entries in the shared tier.

use super::*;
use crate::tier::sealed::Nothing;

impl Cache {
    /// Returns the valid body under `key` in the shared tier, or the turn to build it.
    ///
    /// Instances take turns one after the other.
    pub(crate) async fn recall<T: Body>(
        &self,
        level: Level,
        key: &Key,
        policy: &Policy,
        current: &Stamps,
    ) -> Recalled<T> {
        let Some(shared) = self.shared_for(policy) else { return Recalled::Nothing(None) };
        if tracking::rebuilding_for().is_some() {
            return Recalled::Nothing(None);
        }
        let started = Instant::now();
        let (body, entry) = match shared.fetch::<T>(level, key, current).await {
            Ok(found) => found,
            Err(Nothing::Outage(trouble)) => {
                self.report_outcome(level, key, Outcome::Outage(trouble), started);
                return Recalled::Nothing(None);
            }
            Err(nothing) => {
                if let Nothing::Unreadable(why) = nothing {
                    self.report_outcome(level, key, Outcome::Unreadable(why), started);
                }
                match shared.lock_or_fetch(level, key, current).await {
                    shared::Turn::Unreadable(why) => {
                        self.report_outcome(level, key, Outcome::Unreadable(why), started);
                        return Recalled::Nothing(None);
                    }
                    shared::Turn::Lead(lock) => return Recalled::Nothing(Some(lock)),
                    shared::Turn::Alone => return Recalled::Nothing(None),
                    shared::Turn::Found(found) => found,
                }
            }
        };
        let entry = Arc::new(entry);
        self.shared.local.insert(key.clone(), entry.clone());
        self.report_entry(level, key, Outcome::SharedHit, started, &entry);
        Recalled::Found(body, entry)
    }

    /// Returns the shared tier, unless the policy keeps entries in this process.
    pub(crate) fn shared_for(&self, policy: &Policy) -> Option<&SharedTier> {
        self.shared.shared.as_ref().filter(|_| !policy.is_local())
    }

    /// Returns the valid bodies under `keys` in the shared tier, in one round trip.
    ///
    /// None of the keys may have a policy that keeps entries in this process.
    pub(crate) async fn recall_many<T: Body>(
        &self,
        level: Level,
        keys: &[&Key],
        current: &Stamps,
        caller: &'static Location<'static>,
    ) -> Vec<Option<(Arc<T>, Arc<Entry>)>> {
        let is_asked = !keys.is_empty() && tracking::rebuilding_for().is_none();
        let shared = self.shared.shared.as_ref().filter(|_| is_asked);
        let Some(shared) = shared else { return keys.iter().map(|_| None).collect() };
        let started = Instant::now();
        let fetched = match shared.fetch_many::<T>(level, keys, current).await {
            Ok(fetched) => fetched,
            Err(trouble) => {
                keys.iter().for_each(|key| {
                    let event = Event::new(level, key, Outcome::Outage(trouble), started.elapsed());
                    self.report(event.asked_at(Some(caller)));
                });
                return keys.iter().map(|_| None).collect();
            }
        };
        let kept = fetched.into_iter().zip(keys).map(|(found, key)| {
            let (body, entry) = match found {
                Ok(found) => found,
                Err(Nothing::Unreadable(why)) => {
                    let outcome = Outcome::Unreadable(why);
                    let event = Event::new(level, key, outcome, started.elapsed());
                    self.report(event.asked_at(Some(caller)));
                    return None;
                }
                Err(_) => return None,
            };
            let entry = Arc::new(entry);
            self.shared.local.insert((*key).clone(), entry.clone());
            let event = Event::new(level, key, Outcome::SharedHit, started.elapsed());
            self.report(event.of(&entry).asked_at(Some(caller)));
            Some((body, entry))
        });
        kept.collect()
    }

    /// Returns a number that distinguishes this cache's keys from those of others.
    pub(crate) fn flights_place(&self) -> usize {
        self.shared.flights.place()
    }
}
