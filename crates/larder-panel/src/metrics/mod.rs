//! Metrics for Prometheus: counts, durations and sizes since the process began.
//!
//! | URL | |
//! |---|---|
//! | `GET /metrics` | [`pages::show`]: all metrics, as text |
//!
//! - Frequent events are counted where they happen, without a lock and without allocating; the rest
//!   is computed when the metrics are read ([`families`]).
//! - Names are stable and documented; metrics hold no key and nothing about a visitor.
//! - Units are seconds and bytes; names of counters end in `_total`.
//!
//! `prometheus-client` writes them, and counts calls to the shared store. What a hit counts, our own counters do: those
//! of the crate take a lock for each observation of a histogram, and look labels up for each event.

mod checks;
mod exposition;
pub mod families;
mod operations;
pub mod pages;
mod process;
mod requests;
mod store;
mod tally;
mod values;
mod words;

use std::time::{Duration, SystemTime};

use crate::cache::Level;
use checks::Checks;
use operations::Operations;
use requests::Requests;
use store::Calls;

/// All counters of one process.
#[derive(Debug)]
pub struct Metrics {
    pub requests: Requests,
    pub operations: Operations,
    /// Calls to the shared store.
    pub calls: Calls,
    /// Freshness checks.
    pub checks: Checks,
    began: SystemTime,
}

impl Default for Metrics {
    fn default() -> Self {
        Self {
            requests: Requests::default(),
            operations: Operations::default(),
            calls: Calls::default(),
            checks: Checks::default(),
            began: SystemTime::now(),
        }
    }
}

/// The loads of one level since the process began.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Loads {
    /// The number of loads, whether their results were stored or not.
    pub count: u64,
    /// The mean duration of a load; zero without loads.
    pub mean: Duration,
    /// The p95 duration, by the bounds of the histogram; `None` if it is above them all.
    pub p95: Option<Duration>,
}

impl Metrics {
    /// Returns the loads of this level.
    pub fn loads_of(&self, level: Level) -> Loads {
        let loads = self.operations.loads(level as usize);
        let mean = loads.nanos.checked_div(loads.count()).unwrap_or_default();
        Loads { count: loads.count(), mean: Duration::from_nanos(mean), p95: loads.at_most(95) }
    }
}
