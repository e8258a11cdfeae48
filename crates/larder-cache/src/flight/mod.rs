//! Single flight: one load of a key at a time; the other callers wait for it.
//!
//! - The first caller leads; later callers wait and get its result.
//! - A leader can be dropped at any `.await`: its waiters are released and one of them leads.
//! - A leader whose client has left ([`super::presence`]), or that has been loading for ten
//!   seconds, is replaced by the next caller or by the first waiter. The replaced load continues.
//!   The first leader of a flight with a result lands for all waiters; a later result lands
//!   nowhere.
//! - A caller does not wait for a load that began before its key was deleted ([`super::removal`]):
//!   it begins another flight, and the waiters of the old one join that.
//! - At most `MOST_REPLACED` replaced leaders continue. Beyond that, the most recent of them is
//!   given up if its client has left; while the client is there, the others wait for it.
//! - No caller waits for itself (`lineage`): a load that asks for its own key gets an error, and
//!   one that would wait for a load that waits for it loads by itself.
//! - A waiter takes only an entry at least as new as its own stamps; the caller has to check that.
//! - The number of waiters per key is limited: a caller beyond it is refused at once.
//! - A result that cannot be shared lands as nothing: then all waiters load for themselves, in
//!   parallel.

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
use super::sync::{self, Mutex, Signal};
use super::tracking;

/// A leader that has been loading for this long is replaced; longer than any page may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// Most waiters for one key: more than a server of this kind has connections, but a limit.
const MOST: usize = 1 << 15;

/// Most replaced leaders that may still be loading, beside the current one.
///
/// A slow load whose impatient client retries again and again still finishes, and one that hangs is
/// not repeated without limit.
const MOST_REPLACED: usize = 3;

/// The result of a flight, as its waiters get it.
#[derive(Debug, Clone)]
pub(crate) enum Landing<L = Arc<Entry>> {
    /// An entry for every waiter whose stamps it satisfies.
    Entry(L),
    /// No result that could be shared: each waiter loads for itself.
    Nothing,
    /// The load failed: the waiter serves an old value if it may, else loads for itself.
    Failed,
    /// The leader was lost, or is to be replaced: the waiter takes another turn.
    Lost,
}

/// The loads that are under way. Clones share them.
#[derive(Debug)]
pub(crate) struct Flights<K = Key, L = Arc<Entry>> {
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
    /// Sends the result to the waiters; each of them holds a receiver.
    landing: watch::Sender<Option<Landing<L>>>,
    /// The loads of this flight, never empty: the last one leads, the others were replaced.
    leads: Vec<Lead>,
    /// The epoch of the key in which it began.
    since: Epoch,
    /// Whether the result is being stored; later callers then look it up instead of taking it here.
    is_landing: bool,
}

/// One load of a flight.
#[derive(Debug, Clone)]
struct Lead {
    load: Arc<Load>,
    client: Client,
    since: Instant,
    /// Set when this load is given up, because too many were replaced.
    given_up: Signal,
    /// The request on whose behalf it is under way; 0 for none.
    by: u64,
}

impl Lead {
    /// Returns how much longer waiters wait for it.
    fn patience(&self) -> Duration {
        PATIENCE.saturating_sub(self.since.elapsed())
    }
}

/// What a caller that asks for a key has to do.
pub(crate) enum Turn<K: Eq + Hash = Key, L = Arc<Entry>> {
    /// Load it, and land the result for the others.
    Lead(Leader<K, L>),
    /// Wait: another caller is loading it.
    Wait(Ticket<L>),
    /// Load it or fail: another caller is loading it, and the limit of waiters is reached.
    Full,
    /// Load it alone: the caller that is loading it waits for this one.
    Alone,
    /// Fail: this very caller is loading it, and would wait for itself.
    Circle(Circle),
}

impl<K, L> Flights<K, L> {
    /// Returns an empty set of flights, with at most `most` waiters for each.
    pub(crate) fn seating(most: usize) -> Self {
        Self { airborne: Arc::default(), most }
    }

    /// Returns a number that distinguishes these flights' keys from those of other caches.
    pub(super) fn place(&self) -> usize {
        Arc::as_ptr(&self.airborne).addr()
    }
}

impl<K: Eq + Hash, L> Flights<K, L> {
    /// Ends the flight of `key`: later callers begin another one, and its waiters join that.
    pub(super) fn close<Q: Eq + Hash + ?Sized>(&self, key: &Q)
    where
        K: Borrow<Q>,
    {
        self.airborne.lock().unwrap().remove(key);
    }

    /// Does the same for all keys.
    pub(super) fn close_all(&self) {
        self.airborne.lock().unwrap().clear();
    }
}

impl<K: Clone + Eq + Hash + AsRef<str>, L> Flights<K, L> {
    /// Leads on behalf of `client`, or returns a ticket to wait for the current leader.
    ///
    /// `since` is the epoch of the key in the caller's stamps.
    pub(crate) fn take_turn(&self, key: &K, client: Client, since: Epoch) -> Turn<K, L> {
        if let Some(circle) = lineage::circle(self.place(), key.as_ref()) {
            return Turn::Circle(circle);
        }
        let mut airborne = self.airborne.lock().unwrap();
        if airborne.get(key).is_some_and(|flight| !flight.since.is_at_least(since)) {
            // Dropping the sender makes its waiters take another turn.
            airborne.remove(key);
        }
        let Some(flight) = airborne.get_mut(key) else {
            let lead = self.lead(key, client);
            let (landing, leads) = (watch::Sender::new(None), vec![lead.clone()]);
            let flight = Flight { landing, leads, since, is_landing: false };
            airborne.insert(key.clone(), flight);
            return Turn::Lead(self.leader(key, lead));
        };
        let Some(lead) = flight.lead() else {
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
                let (is_last, is_late) = (flight.is_full(), flight.is_landing);
                Turn::Wait(Ticket { landing, lead, is_last, is_late, _waiting: waiting })
            }
        }
    }

    fn lead(&self, key: &K, client: Client) -> Lead {
        Lead {
            load: Load::new(self.place(), [key.as_ref()]),
            client,
            since: Instant::now(),
            given_up: Signal::default(),
            by: tracking::maker(),
        }
    }

    fn leader(&self, key: &K, lead: Lead) -> Leader<K, L> {
        Leader { flights: self.clone(), key: key.clone(), lead, is_airborne: true }
    }
}

impl<L> Flight<L> {
    /// Returns the current leader, unless it is to be replaced.
    fn lead(&self) -> Option<&Lead> {
        let lead = self.leads.last()?;
        let is_slow = !self.is_full() && lead.patience().is_zero();
        (!is_slow && !lead.client.has_left()).then_some(lead)
    }

    /// Whether another leader ends the load of the current one.
    fn is_full(&self) -> bool {
        self.leads.len() > MOST_REPLACED
    }

    /// Makes `lead` the leader. Earlier loads continue, within the limit.
    fn replace(&mut self, lead: Lead) {
        // The most recent one is given up: a load that has run longer may finish sooner.
        if self.is_full()
            && let Some(excess) = self.leads.pop()
        {
            excess.given_up.set();
        }
        self.leads.push(lead);
    }
}

/// The right and the duty to load a key for all waiters.
pub(crate) struct Leader<K: Eq + Hash = Key, L = Arc<Entry>> {
    flights: Flights<K, L>,
    key: K,
    lead: Lead,
    is_airborne: bool,
}

impl<K: Eq + Hash, L> Leader<K, L> {
    /// Returns the load, in which nested work runs.
    pub(super) fn load(&self) -> &Arc<Load> {
        &self.lead.load
    }

    /// Completes when the load is to be dropped, because too many leaders were replaced.
    pub(super) fn given_up(&self) -> impl Future<Output = ()> + use<K, L> {
        let given_up = self.lead.given_up.clone();
        async move { given_up.wait().await }
    }

    /// Announces that the result is about to be stored.
    ///
    /// Callers that come from now on wait until it is stored, and look it up then.
    pub(super) fn approach(&self) {
        let mut airborne = self.flights.airborne.lock().unwrap();
        if let Some(flight) = airborne.get_mut(&self.key) {
            flight.is_landing = true;
        }
    }

    /// Sends the result to the waiters.
    pub(crate) fn land(mut self, landing: Landing<L>) {
        self.leave(landing);
    }

    /// Lands once: with an entry, or as the current leader.
    ///
    /// A replaced leader without an entry lands nothing: its successor still may.
    fn leave(&mut self, landing: Landing<L>) {
        if !std::mem::take(&mut self.is_airborne) {
            return;
        }
        let mut airborne = self.flights.airborne.lock().unwrap();
        let Some(flight) = airborne.get_mut(&self.key) else { return };
        let is_ours = |lead: &Lead| Arc::ptr_eq(&lead.load, &self.lead.load);
        // The flight may have landed already, and the key may have another flight by now.
        let Some(place) = flight.leads.iter().position(is_ours) else { return };
        let is_last = place + 1 == flight.leads.len();
        if !is_last && !matches!(landing, Landing::Entry(_)) {
            flight.leads.remove(place);
            return;
        }
        // Removed before sending: a waiter that takes another turn must not meet this flight again.
        let flight = airborne.remove(&self.key);
        drop(airborne);
        if let Some(flight) = flight {
            flight.landing.send_replace(Some(landing));
        }
    }
}

impl<K: Eq + Hash, L> Drop for Leader<K, L> {
    /// Releases the waiters without a result if there was none; they take another turn.
    fn drop(&mut self) {
        self.leave(Landing::Lost);
    }
}

/// Lands the result for the waiters, if this load leads a flight.
pub(super) fn land<K: Eq + Hash, L>(leader: Option<Leader<K, L>>, landing: Landing<L>) {
    if let Some(leader) = leader {
        leader.land(landing);
    }
}

/// A place among the waiters for a key.
pub(crate) struct Ticket<L = Arc<Entry>> {
    landing: watch::Receiver<Option<Landing<L>>>,
    lead: Lead,
    /// Whether the leader is replaced only when its client leaves.
    is_last: bool,
    /// Whether it was issued while the result was being stored.
    is_late: bool,
    _waiting: Waiting,
}

impl<L: Clone> Ticket<L> {
    /// Returns the request on whose behalf the flight is under way, or 0 for none.
    ///
    /// The number is the one that was given to [`tracking::on_behalf_of`].
    pub(crate) fn behind(&self) -> u64 {
        self.lead.by
    }

    /// Waits for the result of the flight.
    ///
    /// Returns [`Landing::Lost`] as soon as the leader's client has left, or when the leader has
    /// been loading for ten seconds and may be replaced.
    pub(crate) async fn arrive(mut self) -> Landing<L> {
        let landed = std::pin::pin!(self.landing.wait_for(Option::is_some));
        let left = std::pin::pin!(self.lead.client.left());
        let patience = if self.is_last { Duration::MAX } else { self.lead.patience() };
        match sync::timeout(patience, select(landed, left)).await {
            Some(Either::Left((Ok(landing), _))) if !self.is_late => {
                landing.clone().unwrap_or(Landing::Lost)
            }
            Some(_) | None => Landing::Lost,
        }
    }
}

#[cfg(test)]
mod tests;
