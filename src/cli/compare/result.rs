//! What came out of it.

use std::time::Duration;

use serde::Serialize;

use super::contestant::Contestant;
use super::report::Report;

/// The modes beside each other.
#[derive(Debug, Serialize)]
pub struct Comparison {
    /// What was measured with.
    pub database: String,
    /// Requests for each mode.
    pub requests: u32,
    /// Whether the program was built without optimisation.
    pub is_debug_build: bool,
    /// In the order of the table; the first has no cache.
    pub modes: Vec<Outcome>,
    /// The same of the API, where it was measured.
    pub api: Option<Api>,
}

/// What the API does.
#[derive(Debug, Serialize)]
pub struct Api {
    /// Its list of 1,000 events.
    pub events: Box<Comparison>,
    /// What 1,000 guests with their events take in one query.
    pub guests_in_one_us: f64,
    /// What they take in one query for each.
    pub guests_one_by_one_us: f64,
}

/// What one mode did. Times are microseconds.
#[derive(Debug, Serialize)]
pub struct Outcome {
    /// Its name.
    pub mode: &'static str,
    /// What the first view of the homepage took.
    pub first_us: f64,
    /// SQL queries of the first view.
    pub first_sql: u64,
    /// What the middle one of the warm requests took.
    pub median_us: f64,
    /// What all but the slowest hundredth took at most.
    pub p99_us: f64,
    /// Processor time of the shop for each request.
    pub cpu_us: f64,
    /// Of all warm requests that were observed.
    pub observed: Report,
    /// How many were observed.
    pub observed_requests: usize,
    /// So many times as quick as without a cache, by the median.
    pub times_as_quick: f64,
}

impl Comparison {
    /// Of these, the first of which has no cache.
    pub fn of(database: String, requests: u32, contestants: &[Contestant]) -> Self {
        let mut modes: Vec<Outcome> = contestants.iter().map(Outcome::of).collect();
        let off = modes.first().map_or(0.0, |off| off.median_us);
        modes.iter_mut().for_each(|mode| mode.times_as_quick = off / mode.median_us);
        Self { database, requests, is_debug_build: cfg!(debug_assertions), modes, api: None }
    }

    /// The mode of this name.
    pub fn mode(&self, name: &str) -> Option<&Outcome> {
        self.modes.iter().find(|mode| mode.mode == name)
    }
}

impl Outcome {
    fn of(contestant: &Contestant) -> Self {
        let mut times = contestant.sample.times.clone();
        times.sort_unstable();
        let (first, report) = contestant.first;
        Self {
            mode: contestant.mode.name,
            first_us: micros(first),
            first_sql: report.sql,
            median_us: micros(at(&times, 0.5)),
            p99_us: micros(at(&times, 0.99)),
            cpu_us: micros(contestant.sample.cpu) / times.len().max(1) as f64,
            observed: contestant.observed,
            observed_requests: Contestant::observed_requests(),
            times_as_quick: 1.0,
        }
    }
}

/// The smallest time that so large a part of all of them does not exceed.
pub fn at(sorted: &[Duration], part: f64) -> Duration {
    let rank = (sorted.len() as f64 * part).ceil() as usize;
    sorted.get(rank.saturating_sub(1)).copied().unwrap_or_default()
}

/// In microseconds.
pub fn micros(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e6
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_and_the_hundredth_are_times_that_were_measured() {
        let times: Vec<_> = (1..=200).map(Duration::from_micros).collect();
        assert_eq!(at(&times, 0.5), Duration::from_micros(100));
        assert_eq!(at(&times, 0.99), Duration::from_micros(198));
        assert_eq!(at(&times[..1], 0.99), Duration::from_micros(1));
        assert_eq!(at(&[], 0.5), Duration::ZERO);
    }
}
