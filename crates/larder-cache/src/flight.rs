//! Single flight: one load of a key at a time; the others wait for it.
//!
//! - The first to ask leads; the others wait and are told what came of it.
//! - A leader can be dropped at any `.await`: its waiters are let go and one of them leads.
//! - A waiter takes only what is at least as new as its own view; that is for the caller to judge.
//! - Only so many wait for one key: who comes then is told at once.
//! - What cannot be shared lands as nothing: then each waiter helps itself, at the same time.

use std::collections::HashMap;
use std::collections::hash_map::Entry as Slot;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use super::entry::Entry;
use super::key::Key;
use super::scope;
use super::sync::{self, Mutex};

/// Waiters lose patience after this and help themselves: longer than any page may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// So many may wait for one key: more than a server of this kind has connections for at a time, and an
/// end all the same.
const MOST: usize = 1 << 15;

/// What came of a flight.
#[derive(Debug, Clone)]
pub enum Landing {
    /// An entry for everybody whose view it satisfies.
    Entry(Arc<Entry>),
    /// Nothing that could be shared, or not in time: help yourself.
    Nothing,
    /// The load failed: take something old if you may, else help yourself.
    Failed,
    /// The leader was lost: take another turn.
    Lost,
}

/// The loads that are under way. Clones share them.
#[derive(Debug, Clone)]
pub struct Flights {
    airborne: Arc<Mutex<HashMap<Key, Flight>>>,
    most: usize,
}

/// A load that is under way.
#[derive(Debug)]
struct Flight {
    landing: watch::Receiver<Option<Landing>>,
    /// Each who waits holds one of these.
    seats: Arc<()>,
    /// On whose behalf it is under way; 0 for nobody's.
    by: u64,
}

impl Default for Flights {
    fn default() -> Self {
        Self::seating(MOST)
    }
}

/// What the next to ask for a key does.
pub enum Turn {
    /// Load it, and tell the others.
    Lead(Leader),
    /// Somebody is loading it.
    Wait(Ticket),
    /// Somebody is loading it, and more are waiting than may.
    Full,
}

impl Flights {
    /// None is under way; `most` may wait for each.
    pub fn seating(most: usize) -> Self {
        Self { airborne: Arc::default(), most }
    }

    /// Leads, or waits for who does.
    pub fn take_turn(&self, key: &Key) -> Turn {
        match self.airborne.lock().unwrap().entry(key.clone()) {
            Slot::Occupied(flight) if Arc::strong_count(&flight.get().seats) > self.most => {
                Turn::Full
            }
            Slot::Occupied(flight) => {
                let Flight { landing, seats, by } = flight.get();
                let (landing, seat) = (landing.clone(), seats.clone());
                Turn::Wait(Ticket { landing, _seat: seat, behind: *by })
            }
            Slot::Vacant(slot) => {
                let (landing, watchers) = watch::channel(None);
                slot.insert(Flight {
                    landing: watchers,
                    seats: Arc::default(),
                    by: scope::maker(),
                });
                let (flights, key) = (self.clone(), key.clone());
                Turn::Lead(Leader { flights, key, landing, is_airborne: true })
            }
        }
    }
}

/// Who loads a key for all.
pub struct Leader {
    flights: Flights,
    key: Key,
    landing: watch::Sender<Option<Landing>>,
    is_airborne: bool,
}

impl Leader {
    /// Tells the waiters what came of it.
    pub fn land(mut self, landing: Landing) {
        // First: a waiter that takes another turn must not meet this one again.
        self.leave();
        self.landing.send_replace(Some(landing));
    }

    fn leave(&mut self) {
        if std::mem::take(&mut self.is_airborne) {
            self.flights.airborne.lock().unwrap().remove(&self.key);
        }
    }
}

impl Drop for Leader {
    /// Lets the waiters go without an answer, if there was none; they take another turn.
    fn drop(&mut self) {
        self.leave();
    }
}

/// Who waits for a key.
pub struct Ticket {
    landing: watch::Receiver<Option<Landing>>,
    _seat: Arc<()>,
    behind: u64,
}

impl Ticket {
    /// On whose behalf the flight is under way, by the name that [`scope::on_behalf_of`] was given; 0 for
    /// nobody's.
    pub fn behind(&self) -> u64 {
        self.behind
    }

    /// What came of the flight; never later than the patience of ten seconds.
    pub async fn arrive(mut self) -> Landing {
        let landed = self.landing.wait_for(Option::is_some);
        match sync::timeout(PATIENCE, landed).await {
            Some(Ok(landing)) => landing.clone().unwrap_or(Landing::Lost),
            Some(Err(_)) => Landing::Lost,
            None => Landing::Nothing,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::Policy;
    use crate::scope::Dependencies;

    fn key() -> Key {
        Key::named("test").build()
    }

    fn entry() -> Arc<Entry> {
        let policy = Policy::fresh_for(Duration::from_secs(1));
        Arc::new(Entry::new(Arc::new(7), Dependencies::default(), &policy, 1))
    }

    fn wait(flights: &Flights) -> Ticket {
        match flights.take_turn(&key()) {
            Turn::Wait(ticket) => ticket,
            Turn::Lead(_) | Turn::Full => panic!("somebody leads, and there is room"),
        }
    }

    fn lead(flights: &Flights) -> Leader {
        match flights.take_turn(&key()) {
            Turn::Lead(leader) => leader,
            Turn::Wait(_) | Turn::Full => panic!("nobody leads yet"),
        }
    }

    #[tokio::test]
    async fn the_first_leads_and_the_others_get_what_it_lands() {
        let flights = Flights::default();
        let leader = lead(&flights);
        let waiters = [wait(&flights), wait(&flights)];
        assert_eq!(waiters[0].behind(), 0, "nobody's");
        leader.land(Landing::Entry(entry()));
        for waiter in waiters {
            assert!(matches!(waiter.arrive().await, Landing::Entry(_)));
        }
        lead(&flights);
    }

    #[tokio::test]
    async fn who_waits_knows_behind_whom() {
        let flights = Flights::default();
        let _leader = scope::on_behalf_of(7, async { lead(&flights) }).await;
        let waiter = scope::on_behalf_of(8, async { wait(&flights) }).await;
        assert_eq!(waiter.behind(), 7);
    }

    #[tokio::test]
    async fn a_lost_leader_lets_its_waiters_take_another_turn() {
        let flights = Flights::default();
        let leader = lead(&flights);
        let waiter = wait(&flights);
        drop(leader);
        assert!(matches!(waiter.arrive().await, Landing::Lost));
        lead(&flights);
    }

    #[tokio::test]
    async fn only_so_many_wait_for_one_key() {
        let flights = Flights::seating(2);
        let _leader = lead(&flights);
        let (first, _second) = (wait(&flights), wait(&flights));
        assert!(matches!(flights.take_turn(&key()), Turn::Full));
        drop(first);
        wait(&flights);
    }

    #[tokio::test(start_paused = true)]
    async fn a_waiter_helps_itself_when_the_leader_hangs() {
        let flights = Flights::default();
        let _leader = lead(&flights);
        assert!(matches!(wait(&flights).arrive().await, Landing::Nothing));
    }
}
