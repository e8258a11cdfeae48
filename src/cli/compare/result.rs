//! The results of the comparison.

use std::time::Duration;

use serde::Serialize;

use super::contestant::Contestant;
use super::report::Report;

/// The results of all modes.
#[derive(Debug, Serialize)]
pub struct Comparison {
    /// The description of the database.
    pub database: String,
    /// Requests for each mode.
    pub requests: u32,
    /// Whether the program was built without optimisation.
    pub is_debug_build: bool,
    /// The modes in the order of the table; the first has no cache.
    pub modes: Vec<Outcome>,
    /// The results for the API, if it was measured.
    pub api: Option<Api>,
}

/// The results for the API.
#[derive(Debug, Serialize)]
pub struct Api {
    /// The comparison for its list of 1,000 events.
    pub events: Box<Comparison>,
    /// Time to read 1,000 guests with their events in one query, in µs.
    pub guests_in_one_us: f64,
    /// Time to read them in one query each, in µs.
    pub guests_one_by_one_us: f64,
}

/// The results of one mode. Times are in µs.
#[derive(Debug, Serialize)]
pub struct Outcome {
    /// The mode's name.
    pub mode: &'static str,
    /// Time of the first request of the page.
    pub first_us: f64,
    /// SQL queries of the first request.
    pub first_sql: u64,
    /// Median time of the warm requests.
    pub median_us: f64,
    /// 99th percentile of their times (p99).
    pub p99_us: f64,
    /// Processor time of the shop per request.
    pub cpu_us: f64,
    /// The sum of the reports of all observed warm requests.
    pub observed: Report,
    /// How many requests were observed.
    pub observed_requests: usize,
    /// The median without a cache divided by this median.
    pub times_as_quick: f64,
}

impl Comparison {
    /// Compares these shops, the first of which has no cache.
    pub fn of(database: String, requests: u32, contestants: &[Contestant]) -> Self {
        let mut modes: Vec<Outcome> = contestants.iter().map(Outcome::of).collect();
        let off = modes.first().map_or(0.0, |off| off.median_us);
        modes.iter_mut().for_each(|mode| mode.times_as_quick = off / mode.median_us);
        Self { database, requests, is_debug_build: cfg!(debug_assertions), modes, api: None }
    }

    /// Returns the results of the mode with this name.
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

/// Returns a percentile by nearest rank: the smallest time that `part` of all times do not exceed.
pub fn at(sorted: &[Duration], part: f64) -> Duration {
    let rank = (sorted.len() as f64 * part).ceil() as usize;
    sorted.get(rank.saturating_sub(1)).copied().unwrap_or_default()
}

/// Converts to microseconds.
pub fn micros(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e6
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_times_that_were_measured() {
        let times: Vec<_> = (1..=200).map(Duration::from_micros).collect();
        assert_eq!(at(&times, 0.5), Duration::from_micros(100));
        assert_eq!(at(&times, 0.99), Duration::from_micros(198));
        assert_eq!(at(&times[..1], 0.99), Duration::from_micros(1));
        assert_eq!(at(&[], 0.5), Duration::ZERO);
    }
}
