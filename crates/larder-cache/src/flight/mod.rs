//! Single flight: one load of a key at a time; the others wait for it.
//!
//! - The first to ask leads; the others wait and are told what came of it.
//! - A leader can be dropped at any `.await`: its waiters are let go and one of them leads.
//! - A leader whose client has left ([`super::presence`]), or that has been loading for ten seconds, is
//!   replaced by the next caller, or by the first of those who wait. The replaced one goes on: the first
//!   leader of a flight that brings something lands for all, and what comes later lands nowhere.
//! - A caller does not wait for a load that began before its key was deleted ([`super::removal`]): it begins
//!   another flight, which those who waited for the other one join.
//! - `MOST_REPLACED` replaced leaders go on at most. One more, and the last of them is given up.
//! - No caller waits for itself (`lineage`): a load that asks for its own key is told so, and one
//!   that would wait for a load that waits for it loads by itself.
//! - A waiter takes only what is at least as new as its own view; that is for the caller to judge.
//! - Only so many wait for one key: who comes then is told at once.
//! - What cannot be shared lands as nothing: then each waiter helps itself, at the same time.

use std::borrow::Borrow;
use std::collections::HashMap;
use std::hash::Hash;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::{Either, select};
use tokio::sync::watch;
use tokio::time::Instant;

use super::entry::Entry;
use super::key::Key;
use super::lineage::{self, Circle, Load, Waiting};
use super::presence::Client;
use super::removal::Epoch;
use super::scope;
use super::sync::{self, Mutex, Signal};

/// A leader that has been loading for so long is replaced: longer than any page may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// So many may wait for one key: more than a server of this kind has connections for at a time, and an
/// end all the same.
const MOST: usize = 1 << 15;

/// So many leaders that were replaced may still be loading, beside the one that leads: a slow load whose
/// impatient client asks again and again comes to its end, and one that hangs is not repeated without end.
const MOST_REPLACED: usize = 3;

/// What came of a flight.
#[derive(Debug, Clone)]
pub enum Landing<L = Arc<Entry>> {
    /// An entry for everybody whose view it satisfies.
    Entry(L),
    /// Nothing that could be shared: help yourself.
    Nothing,
    /// The load failed: take something old if you may, else help yourself.
    Failed,
    /// The leader was lost, or is to be replaced: take another turn.
    Lost,
}

/// The loads that are under way. Clones share them.
#[derive(Debug)]
pub struct Flights<K = Key, L = Arc<Entry>> {
    airborne: Arc<Mutex<HashMap<K, Flight<L>>>>,
    most: usize,
}

impl<K, L> Clone for Flights<K, L> {
    fn clone(&self) -> Self {
        Self { airborne: self.airborne.clone(), most: self.most }
    }
}

impl<K, L> Default for Flights<K, L> {
    fn default() -> Self {
        Self::seating(MOST)
    }
}

/// A load that is under way.
#[derive(Debug)]
struct Flight<L> {
    /// Tells the waiters what came of it; each of them holds a receiver.
    landing: watch::Sender<Option<Landing<L>>>,
    /// Those who load it. The last leads, the others were replaced; there is always one.
    leads: Vec<Lead>,
    /// In which epoch of the key it began.
    since: Epoch,
    /// Whether what was brought is just being kept, and later callers look for it there.
    is_landing: bool,
}

/// One who loads, as the flight knows it.
#[derive(Debug, Clone)]
struct Lead {
    load: Arc<Load>,
    client: Client,
    since: Instant,
    /// Set where too many were replaced.
    given_up: Signal,
    /// The request on whose behalf it is under way; 0 for none.
    by: u64,
}

impl Lead {
    fn is_to_be_replaced(&self) -> bool {
        self.patience().is_zero() || self.client.has_left()
    }

    /// How long it is still waited for.
    fn patience(&self) -> Duration {
        PATIENCE.saturating_sub(self.since.elapsed())
    }
}

/// What the next to ask for a key does.
pub enum Turn<K: Eq + Hash = Key, L = Arc<Entry>> {
    /// Load it, and tell the others.
    Lead(Leader<K, L>),
    /// Another caller is loading it.
    Wait(Ticket<L>),
    /// Another caller is loading it, and more are waiting than may.
    Full,
    /// The one that is loading it waits for this caller: load it without the others.
    Alone,
    /// This very caller is loading it: that would never end.
    Circle(Circle),
}

impl<K, L> Flights<K, L> {
    /// None is under way; `most` may wait for each.
    pub fn seating(most: usize) -> Self {
        Self { airborne: Arc::default(), most }
    }

    /// Tells these flights' keys from the keys of others.
    pub(super) fn place(&self) -> usize {
        Arc::as_ptr(&self.airborne).addr()
    }
}

impl<K: Eq + Hash, L> Flights<K, L> {
    /// Lets later callers begin another flight for this key; those who wait for the one there is do so, too.
    pub(super) fn close<Q: Eq + Hash + ?Sized>(&self, key: &Q)
    where
        K: Borrow<Q>,
    {
        self.airborne.lock().unwrap().remove(key);
    }

    /// The same for all keys.
    pub(super) fn close_all(&self) {
        self.airborne.lock().unwrap().clear();
    }
}

impl<K: Clone + Eq + Hash + AsRef<str>, L> Flights<K, L> {
    /// Leads, on behalf of `client`, or waits for who does; `since` is the epoch of the key in the caller's
    /// view.
    pub fn take_turn(&self, key: &K, client: Client, since: Epoch) -> Turn<K, L> {
        if let Some(circle) = lineage::circle(self.place(), key.as_ref()) {
            return Turn::Circle(circle);
        }
        let mut airborne = self.airborne.lock().unwrap();
        if airborne.get(key).is_some_and(|flight| !flight.since.is_at_least(since)) {
            // Its waiters are told that it is lost.
            airborne.remove(key);
        }
        let Some(flight) = airborne.get_mut(key) else {
            let lead = self.lead(key, client);
            let (landing, leads) = (watch::Sender::new(None), vec![lead.clone()]);
            let flight = Flight { landing, leads, since, is_landing: false };
            airborne.insert(key.clone(), flight);
            return Turn::Lead(self.leader(key, lead));
        };
        let Some(lead) = flight.leads.last().filter(|lead| !lead.is_to_be_replaced()) else {
            let lead = self.lead(key, client);
            flight.replace(lead.clone());
            return Turn::Lead(self.leader(key, lead));
        };
        if flight.landing.receiver_count() >= self.most {
            return Turn::Full;
        }
        match lineage::wait_for(&lead.load) {
            None => Turn::Alone,
            Some(waiting) => {
                let (landing, lead) = (flight.landing.subscribe(), lead.clone());
                let is_late = flight.is_landing;
                Turn::Wait(Ticket { landing, lead, is_late, _waiting: waiting })
            }
        }
    }

    fn lead(&self, key: &K, client: Client) -> Lead {
        Lead {
            load: Load::new(self.place(), [key.as_ref()]),
            client,
            since: Instant::now(),
            given_up: Signal::default(),
            by: scope::maker(),
        }
    }

    fn leader(&self, key: &K, lead: Lead) -> Leader<K, L> {
        Leader { flights: self.clone(), key: key.clone(), lead, is_airborne: true }
    }
}

impl<L> Flight<L> {
    /// Lets `lead` lead. Those before it go on, as far as not too many do.
    fn replace(&mut self, lead: Lead) {
        // The last of them: the longer one has been loading, the sooner it may be done.
        if self.leads.len() > MOST_REPLACED
            && let Some(excess) = self.leads.pop()
        {
            excess.given_up.set();
        }
        self.leads.push(lead);
    }
}

/// Who loads a key for all.
pub struct Leader<K: Eq + Hash = Key, L = Arc<Entry>> {
    flights: Flights<K, L>,
    key: K,
    lead: Lead,
    is_airborne: bool,
}

impl<K: Eq + Hash, L> Leader<K, L> {
    /// The load, for what runs within it.
    pub(super) fn load(&self) -> &Arc<Load> {
        &self.lead.load
    }

    /// Comes when the load is to be dropped: it was replaced, as were others before it.
    pub(super) fn given_up(&self) -> impl Future<Output = ()> + use<K, L> {
        let given_up = self.lead.given_up.clone();
        async move { given_up.wait().await }
    }

    /// Says that what was brought is about to be kept: callers who come now look for it there, and wait
    /// until it is.
    pub(super) fn approach(&self) {
        let mut airborne = self.flights.airborne.lock().unwrap();
        if let Some(flight) = airborne.get_mut(&self.key) {
            flight.is_landing = true;
        }
    }

    /// Tells the waiters what came of it.
    pub fn land(mut self, landing: Landing<L>) {
        self.leave(landing);
    }

    /// Lands once: with what was brought, or as the last one to lead. What a replaced leader has not
    /// brought is for the one that replaced it to bring.
    fn leave(&mut self, landing: Landing<L>) {
        if !std::mem::take(&mut self.is_airborne) {
            return;
        }
        let mut airborne = self.flights.airborne.lock().unwrap();
        let Some(flight) = airborne.get_mut(&self.key) else { return };
        let is_ours = |lead: &Lead| Arc::ptr_eq(&lead.load, &self.lead.load);
        // The flight may have landed, and be another one by now.
        let Some(place) = flight.leads.iter().position(is_ours) else { return };
        let is_last = place + 1 == flight.leads.len();
        if !is_last && !matches!(landing, Landing::Entry(_)) {
            flight.leads.remove(place);
            return;
        }
        // First: a waiter that takes another turn must not meet this flight again.
        let flight = airborne.remove(&self.key);
        drop(airborne);
        if let Some(flight) = flight {
            flight.landing.send_replace(Some(landing));
        }
    }
}

impl<K: Eq + Hash, L> Drop for Leader<K, L> {
    /// Lets the waiters go without an answer, if there was none; they take another turn.
    fn drop(&mut self) {
        self.leave(Landing::Lost);
    }
}

/// Tells those who wait, where others may.
pub(super) fn land<K: Eq + Hash, L>(leader: Option<Leader<K, L>>, landing: Landing<L>) {
    if let Some(leader) = leader {
        leader.land(landing);
    }
}

/// Who waits for a key.
pub struct Ticket<L = Arc<Entry>> {
    landing: watch::Receiver<Option<Landing<L>>>,
    lead: Lead,
    /// Whether it was taken when the flight was landing.
    is_late: bool,
    _waiting: Waiting,
}

impl<L: Clone> Ticket<L> {
    /// On whose behalf the flight is under way, by the name that [`scope::on_behalf_of`] was given; 0 for
    /// nobody's.
    pub fn behind(&self) -> u64 {
        self.lead.by
    }

    /// What came of the flight: that its leader is lost as soon as the leader's client has left, or when it
    /// has been loading for ten seconds.
    pub async fn arrive(mut self) -> Landing<L> {
        let landed = std::pin::pin!(self.landing.wait_for(Option::is_some));
        let left = std::pin::pin!(self.lead.client.left());
        match sync::timeout(self.lead.patience(), select(landed, left)).await {
            Some(Either::Left((Ok(landing), _))) if !self.is_late => {
                landing.clone().unwrap_or(Landing::Lost)
            }
            Some(_) | None => Landing::Lost,
        }
    }
}

#[cfg(test)]
mod tests;
