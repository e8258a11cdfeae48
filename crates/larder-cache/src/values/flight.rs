//! Single flight: one load per key and process, however many ask.
//!
//! - The first to ask *leads*; the others wait for what it brings.
//! - A leader that fails or is dropped brings nothing: one of those who waited leads.
//! - What was brought is handed to those who waited for it, and to nobody later: who comes
//!   afterwards asks the store, where a delete may have happened.
//!
//! Not here: entries, whose flights know views (`super::super::flight`).

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

use bytes::Bytes;

/// What the leader brought; locked while somebody leads.
pub(super) type Flight = tokio::sync::Mutex<Option<Bytes>>;

/// The loads that are under way, by name.
#[derive(Debug, Default)]
pub(super) struct Flights(Mutex<HashMap<String, Arc<Flight>>>);

impl Flights {
    /// A place on the flight for this name.
    pub(super) fn join(&self, name: &str) -> Ticket<'_> {
        let mut flights = self.0.lock().unwrap();
        let flight = flights.entry(name.to_owned()).or_default().clone();
        Ticket { flights: self, name: name.to_owned(), flight }
    }
}

/// A place on a flight.
#[derive(Debug)]
pub(super) struct Ticket<'a> {
    flights: &'a Flights,
    name: String,
    pub(super) flight: Arc<Flight>,
}

impl Ticket<'_> {
    /// Closes the doors: who comes now starts another flight.
    pub(super) fn land(&self) {
        self.remove_if(|_| true);
    }

    fn remove_if(&self, is_done: impl FnOnce(&Arc<Flight>) -> bool) {
        let mut flights = self.flights.0.lock().unwrap();
        let current = flights.get(&self.name);
        if current.is_some_and(|flight| Arc::ptr_eq(flight, &self.flight) && is_done(flight)) {
            flights.remove(&self.name);
        }
    }
}

impl Drop for Ticket<'_> {
    /// The last one out, of a flight that brought nothing, leaves no trace of it.
    fn drop(&mut self) {
        self.remove_if(|flight| Arc::strong_count(flight) == 2);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn under_way(flights: &Flights) -> usize {
        flights.0.lock().unwrap().len()
    }

    #[tokio::test]
    async fn a_flight_leaves_no_trace_however_it_ends() {
        let flights = Flights::default();
        drop(flights.join("dropped"));
        let landed = flights.join("landed");
        landed.land();
        assert_eq!(under_way(&flights), 0);
    }

    #[tokio::test]
    async fn who_comes_after_the_landing_is_on_another_flight() {
        let flights = Flights::default();
        let (leader, waiter) = (flights.join("a"), flights.join("a"));
        leader.land();
        let late = flights.join("a");
        assert!(Arc::ptr_eq(&leader.flight, &waiter.flight));
        assert!(!Arc::ptr_eq(&leader.flight, &late.flight));
        drop((leader, waiter));
        assert_eq!(under_way(&flights), 1, "the late one's");
    }

    #[tokio::test]
    async fn a_flight_lasts_while_somebody_waits() {
        let flights = Flights::default();
        let (leader, waiter) = (flights.join("a"), flights.join("a"));
        drop(leader);
        assert!(Arc::ptr_eq(&waiter.flight, &flights.join("a").flight));
    }
}
