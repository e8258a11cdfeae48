//! A circuit breaker: it refuses calls to a store that is down.
//!
//! - *closed*: calls go through. A number of failures in a row open the breaker.
//! - *open*: calls are refused at once, for the length of a pause.
//! - *half-open*: one call, the probe, goes through and decides. Other calls are still refused.
//! - A call that was dropped has no outcome. If it was the probe, the next call is the probe. If a
//!   probe has no outcome after another pause, the next call is a probe, too.
//!
//! Source: Nygard, "Release It!", Circuit Breaker.

use std::{sync::Mutex, time::Duration};

use tokio::time::Instant;

/// Decides which calls reach a store.
#[derive(Debug)]
pub(crate) struct Breaker {
    /// The number of failures in a row that open the breaker.
    threshold: u32,
    /// How long the breaker stays open.
    pause: Duration,
    state: Mutex<State>,
}

#[derive(Debug, Clone, Copy)]
enum State {
    Closed {
        failures: u32,
    },
    /// Also half-open: the first call after `until` is the probe, and moves `until` on by a pause.
    Open {
        until: Instant,
    },
}

impl Default for Breaker {
    /// Creates a breaker that three failures open for one second.
    ///
    /// One after another, at most three requests wait for a dead store, and then one per second.
    fn default() -> Self {
        Self::new(3, Duration::from_secs(1))
    }
}

impl Breaker {
    /// Creates a closed breaker that `threshold` failures in a row open for `pause`.
    pub(crate) fn new(threshold: u32, pause: Duration) -> Self {
        Self { threshold, pause, state: Mutex::new(State::Closed { failures: 0 }) }
    }

    /// Admits one call.
    ///
    /// # Errors
    /// The time to wait before the next try, if the breaker is open.
    pub(crate) fn admit(&self) -> Result<Permit<'_>, Duration> {
        let mut state = self.state.lock().unwrap();
        let is_probe = match *state {
            State::Closed { .. } => false,
            State::Open { until } => {
                let left = until.saturating_duration_since(Instant::now());
                if !left.is_zero() {
                    return Err(left);
                }
                *state = self.open();
                true
            }
        };
        Ok(Permit { breaker: self, is_probe })
    }

    /// Reports whether the breaker is open or half-open.
    pub(crate) fn is_open(&self) -> bool {
        !matches!(*self.state.lock().unwrap(), State::Closed { .. })
    }

    fn open(&self) -> State {
        State::Open { until: Instant::now() + self.pause }
    }
}

/// The permission for one call, whose outcome the caller reports.
///
/// # Cancellation
/// A permit dropped without an outcome changes nothing, except that the next call replaces a probe.
#[must_use = "tell how the call went"]
#[derive(Debug)]
pub(crate) struct Permit<'a> {
    breaker: &'a Breaker,
    is_probe: bool,
}

impl Permit<'_> {
    /// Records that the store answered, even if with an error.
    pub(crate) fn succeeded(mut self) {
        let mut state = self.breaker.state.lock().unwrap();
        // A call from before the breaker opened must not close it: only the probe decides.
        if self.is_probe || matches!(*state, State::Closed { .. }) {
            *state = State::Closed { failures: 0 };
        }
        self.is_probe = false;
    }

    /// Records that the store did not answer.
    pub(crate) fn failed(mut self) {
        let mut state = self.breaker.state.lock().unwrap();
        if self.is_probe {
            *state = self.breaker.open();
        } else if let State::Closed { failures } = &mut *state {
            *failures += 1;
            if *failures >= self.breaker.threshold {
                *state = self.breaker.open();
            }
        }
        self.is_probe = false;
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        if !self.is_probe {
            return;
        }
        // The probe has no outcome: the next call becomes the probe.
        if let State::Open { until } = &mut *self.breaker.state.lock().unwrap() {
            *until = Instant::now();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn fail(breaker: &Breaker, times: usize) {
        for _ in 0..times {
            breaker.admit().unwrap().failed();
        }
    }

    #[tokio::test(start_paused = true)]
    async fn three_failures_in_a_row_open_it() {
        let breaker = Breaker::default();
        fail(&breaker, 2);
        breaker.admit().unwrap().succeeded();
        fail(&breaker, 2);
        assert!(!breaker.is_open());
        fail(&breaker, 1);
        assert_eq!(breaker.admit().unwrap_err(), SECOND);
    }

    #[tokio::test(start_paused = true)]
    async fn after_the_pause_one_probe_goes_through_and_closes_it() {
        let breaker = Breaker::default();
        fail(&breaker, 3);
        tokio::time::advance(SECOND).await;
        let probe = breaker.admit().unwrap();
        assert!(breaker.admit().is_err(), "a second probe");
        probe.succeeded();
        assert!(!breaker.is_open());
    }

    #[tokio::test(start_paused = true)]
    async fn a_failed_probe_opens_it_again() {
        let breaker = Breaker::default();
        fail(&breaker, 3);
        tokio::time::advance(SECOND).await;
        fail(&breaker, 1);
        assert_eq!(breaker.admit().unwrap_err(), SECOND);
    }

    #[tokio::test(start_paused = true)]
    async fn a_dropped_probe_makes_room_for_the_next() {
        let breaker = Breaker::default();
        fail(&breaker, 3);
        tokio::time::advance(SECOND).await;
        drop(breaker.admit().unwrap());
        breaker.admit().unwrap().succeeded();
        assert!(!breaker.is_open());
    }

    #[tokio::test(start_paused = true)]
    async fn an_old_call_neither_closes_nor_reopens_it() {
        let breaker = Breaker::default();
        let (old, older) = (breaker.admit().unwrap(), breaker.admit().unwrap());
        fail(&breaker, 3);
        old.succeeded();
        assert!(breaker.is_open());
        tokio::time::advance(SECOND / 2).await;
        older.failed();
        assert_eq!(breaker.admit().unwrap_err(), SECOND / 2);
    }
}
