//! A circuit breaker: a store that is down is not asked again and again.
//!
//! - *closed*: calls go through. So many failures in a row open it.
//! - *open*: calls are refused at once, for a while.
//! - *half-open*: one call, the probe, goes through and decides. The others are still refused.
//! - A call that was dropped tells nothing; if it was the probe, the next call is the probe. A
//!   probe that is not heard of for the length of a pause is given up.
//!
//! Source: Nygard, "Release It!", Circuit Breaker.

use std::{sync::Mutex, time::Duration};

use tokio::time::Instant;

/// Decides which calls reach a store.
#[derive(Debug)]
pub struct Breaker {
    /// Failures in a row that open it.
    threshold: u32,
    /// How long it stays open.
    pause: Duration,
    state: Mutex<State>,
}

#[derive(Debug, Clone, Copy)]
enum State {
    Closed {
        failures: u32,
    },
    /// Half-open is this, too: the probe is whoever came first after `until`, which then moved on.
    Open {
        until: Instant,
    },
}

impl Default for Breaker {
    /// Three failures open it for a second: at most three requests wait for a dead store, and one
    /// request per second thereafter.
    fn default() -> Self {
        Self::new(3, Duration::from_secs(1))
    }
}

impl Breaker {
    /// A closed breaker that so many failures in a row open for so long.
    pub fn new(threshold: u32, pause: Duration) -> Self {
        Self { threshold, pause, state: Mutex::new(State::Closed { failures: 0 }) }
    }

    /// Leave to make one call.
    ///
    /// # Errors
    /// How long to wait before asking again.
    pub fn admit(&self) -> Result<Permit<'_>, Duration> {
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

    /// Whether calls are refused now.
    pub fn is_open(&self) -> bool {
        !matches!(*self.state.lock().unwrap(), State::Closed { .. })
    }

    fn open(&self) -> State {
        State::Open { until: Instant::now() + self.pause }
    }
}

/// Leave to make one call, whose end must be told.
///
/// # Cancellation
/// Dropped without an outcome it changes nothing, except that the next call may be the probe.
#[must_use = "tell how the call went"]
#[derive(Debug)]
pub struct Permit<'a> {
    breaker: &'a Breaker,
    is_probe: bool,
}

impl Permit<'_> {
    /// The store answered, be it with an error.
    pub fn succeeded(mut self) {
        let mut state = self.breaker.state.lock().unwrap();
        // A call from before the breaker opened must not close it: only the probe decides.
        if self.is_probe || matches!(*state, State::Closed { .. }) {
            *state = State::Closed { failures: 0 };
        }
        self.is_probe = false;
    }

    /// The store did not answer.
    pub fn failed(mut self) {
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
