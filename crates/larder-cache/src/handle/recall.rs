//! Looking for entries in the store that instances share.

use super::*;
use crate::sealed::Nothing;

impl Cache {
    /// The valid body under `key` in the shared store; or the turn to make it, which instances take
    /// one after the other.
    pub(crate) async fn recall<T: Body>(
        &self,
        level: Level,
        key: &Key,
        policy: &Policy,
        view: &View,
    ) -> Recalled<T> {
        let Some(far) = self.far_for(policy) else { return Recalled::Nothing(None) };
        let started = Instant::now();
        let (body, entry) = match far.fetch::<T>(level, key, view).await {
            Ok(found) => found,
            Err(Nothing::Outage(trouble)) => {
                self.tell(level, key, Outcome::Outage(trouble), started);
                return Recalled::Nothing(None);
            }
            Err(nothing) => {
                if let Nothing::Unreadable(why) = nothing {
                    self.tell(level, key, Outcome::Unreadable(why), started);
                }
                match far.lock_or_fetch(level, key, view).await {
                    far::Turn::Unreadable(why) => {
                        self.tell(level, key, Outcome::Unreadable(why), started);
                        return Recalled::Nothing(None);
                    }
                    far::Turn::Lead(lock) => return Recalled::Nothing(Some(lock)),
                    far::Turn::Alone => return Recalled::Nothing(None),
                    far::Turn::Found(found) => found,
                }
            }
        };
        let entry = Arc::new(entry);
        self.0.near.insert(key.clone(), entry.clone());
        self.tell_of(level, key, Outcome::FarHit, started, &entry);
        Recalled::Found(body, entry)
    }

    /// The shared store, where this policy has anything to do with it.
    pub(crate) fn far_for(&self, policy: &Policy) -> Option<&Far> {
        self.0.far.as_ref().filter(|_| !policy.is_local())
    }

    /// The valid bodies under `keys` in the shared store, in one question. None of them is of a policy
    /// that keeps to this process.
    pub(crate) async fn recall_many<T: Body>(
        &self,
        level: Level,
        keys: &[&Key],
        view: &View,
        caller: &'static Location<'static>,
    ) -> Vec<Option<(Arc<T>, Arc<Entry>)>> {
        let far = self.0.far.as_ref().filter(|_| !keys.is_empty());
        let Some(far) = far else { return keys.iter().map(|_| None).collect() };
        let started = Instant::now();
        let fetched = match far.fetch_many::<T>(level, keys, view).await {
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
            self.0.near.insert((*key).clone(), entry.clone());
            let event = Event::new(level, key, Outcome::FarHit, started.elapsed());
            self.report(event.of(&entry).asked_at(Some(caller)));
            Some((body, entry))
        });
        kept.collect()
    }

    /// Tells this cache's keys from those of others.
    pub(crate) fn flights_place(&self) -> usize {
        self.0.flights.place()
    }
}
