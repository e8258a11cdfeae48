//! Counts requests as they are answered.
//!
//! - Each answered request is counted once, whichever layer answered it; one whose client hung up
//!   is not.
//! - The duration is that until the head of the answer: bodies are sent afterwards.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use actix_web::http::{Method, StatusCode};

use crate::cache::page::{CacheStatus, Outcome};

use super::tally::{Counter, Histogram, Sharded, Snapshot, Table};
use super::words::place;

/// The methods that are counted separately.
pub const METHODS: [&str; 5] = ["GET", "HEAD", "POST", "OPTIONS", "other"];

/// The status classes.
pub const CLASSES: [&str; 5] = ["1xx", "2xx", "3xx", "4xx", "5xx"];

/// The part of the page cache in an answer, by which durations are counted separately.
pub const PARTS: [&str; 3] = ["hit", "miss", "none"];

#[derive(Debug, Default)]
struct Shard {
    answers: [[Counter; CLASSES.len()]; METHODS.len()],
    took: [Histogram; PARTS.len()],
    pages: Table<{ Outcome::ALL.len() }>,
    /// Less than 0 where a request ended on another thread than it began on.
    in_flight: AtomicI64,
}

/// The counters of requests.
#[derive(Debug, Default)]
pub struct Requests(Sharded<Shard>);

impl Requests {
    /// Returns the number of requests whose answer has not begun.
    pub fn in_flight(&self) -> u64 {
        let all: i64 = self.0.all().map(|shard| shard.in_flight.load(Ordering::Relaxed)).sum();
        u64::try_from(all).unwrap_or_default()
    }

    /// Returns how many requests by a method had an answer of a class, by their indices.
    pub fn answered(&self, method: usize, class: usize) -> u64 {
        self.0.sum(|shard| shard.answers[method][class].read())
    }

    /// Returns how long requests took in which the page cache had this part.
    pub fn took(&self, part: usize) -> Snapshot {
        Snapshot::of(self.0.all().map(|shard| &shard.took[part]))
    }

    /// Returns how often the page cache had this outcome for this reason, by their indices.
    pub fn pages(&self, outcome: usize, word: usize) -> u64 {
        self.0.sum(|shard| shard.pages.at(outcome, word).read())
    }
}

impl Requests {
    /// Changes the number of requests whose answer has not begun.
    pub fn add_in_flight(&self, change: i64) {
        self.0.mine().in_flight.fetch_add(change, Ordering::Relaxed);
    }

    /// Counts a request that was answered.
    pub fn count(
        &self,
        method: &Method,
        status: StatusCode,
        cache: Option<CacheStatus>,
        took: Duration,
    ) {
        let shard = self.0.mine();
        let class = usize::from(status.as_u16() / 100).clamp(1, CLASSES.len()) - 1;
        shard.answers[place_of(method)][class].count();
        if let Some(cache) = cache {
            shard.pages.at(cache.outcome() as usize, place(cache.reason())).count();
        }
        shard.took[part(cache)].observe(took);
    }
}

fn place_of(method: &Method) -> usize {
    match *method {
        Method::GET => 0,
        Method::HEAD => 1,
        Method::POST => 2,
        Method::OPTIONS => 3,
        _ => 4,
    }
}

fn part(cache: Option<CacheStatus>) -> usize {
    match cache.map(CacheStatus::outcome) {
        Some(Outcome::Hit | Outcome::Stale) => 0,
        Some(Outcome::Collapsed | Outcome::Revalidated | Outcome::Stored | Outcome::NotStored) => 1,
        Some(Outcome::Bypass | Outcome::Method) | None => 2,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_answer_is_counted_once() {
        let requests = Requests::default();
        let purge = Method::from_bytes(b"PURGE").unwrap();
        let beyond = StatusCode::from_u16(999).unwrap();
        let hit = Some(CacheStatus::Hit { ttl: 1 });
        for (method, status, cache) in [
            (&Method::GET, StatusCode::OK, hit),
            (&Method::GET, StatusCode::NOT_FOUND, None),
            (&purge, beyond, None),
        ] {
            requests.count(method, status, cache, Duration::from_millis(1));
        }
        assert_eq!([requests.answered(0, 1), requests.answered(0, 3)], [1, 1]);
        assert_eq!(requests.answered(4, 4), 1, "what is above all classes is in the last");
        assert_eq!(requests.pages(Outcome::Hit as usize, 0), 1);
        assert_eq!([requests.took(0).count(), requests.took(2).count()], [1, 2]);
    }

    #[test]
    fn methods_are_found_at_their_places() {
        for (place, name) in METHODS[..4].iter().enumerate() {
            assert_eq!(place_of(&Method::from_bytes(name.as_bytes()).unwrap()), place);
        }
    }
}
