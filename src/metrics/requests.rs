//! Requests, counted as they are answered.
//!
//! - Each request that is answered is counted once, whoever answered it; one whose client hung up is not.
//! - How long it took is until the head of the answer: bodies are sent behind it.

use std::rc::Rc;
use std::time::Instant;

use actix_web::Error;
use actix_web::dev::{Service, ServiceRequest, ServiceResponse};
use actix_web::http::header::HeaderMap;
use actix_web::http::{Method, StatusCode};
use actix_web::web;

use crate::cache::page::told::{Outcome, Told};

use super::Metrics;
use super::tally::{Counter, Histogram, Sharded, Snapshot, Table};
use super::words::place;

/// Methods that are told apart.
pub const METHODS: [&str; 5] = ["GET", "HEAD", "POST", "OPTIONS", "other"];

/// Classes of statuses.
pub const CLASSES: [&str; 5] = ["1xx", "2xx", "3xx", "4xx", "5xx"];

/// What the page cache had to do with an answer, in the few words that times are told apart by.
pub const PARTS: [&str; 3] = ["hit", "miss", "none"];

#[derive(Debug, Default)]
struct Shard {
    answers: [[Counter; CLASSES.len()]; METHODS.len()],
    took: [Histogram; PARTS.len()],
    pages: Table<{ Outcome::ALL.len() }>,
}

/// What was counted of requests.
#[derive(Debug, Default)]
pub struct Requests(Sharded<Shard>);

impl Requests {
    /// How many requests by a method had an answer of a class, by their places.
    pub fn answered(&self, method: usize, class: usize) -> u64 {
        self.0.sum(|shard| shard.answers[method][class].read())
    }

    /// How long requests took in which the page cache had this part.
    pub fn took(&self, part: usize) -> Snapshot {
        Snapshot::of(self.0.all().map(|shard| &shard.took[part]))
    }

    /// How often the page cache had this outcome for this reason, by their places.
    pub fn pages(&self, outcome: usize, word: usize) -> u64 {
        self.0.sum(|shard| shard.pages.at(outcome, word).read())
    }

    fn count(
        &self,
        method: usize,
        status: StatusCode,
        headers: Option<&HeaderMap>,
        began: Instant,
    ) {
        let shard = self.0.mine();
        let class = usize::from(status.as_u16() / 100).clamp(1, CLASSES.len()) - 1;
        shard.answers[method][class].count();
        let told = headers.and_then(Told::of);
        if let Some(Told { outcome, reason }) = told {
            shard.pages.at(outcome as usize, place(reason)).count();
        }
        shard.took[part(told)].observe(began.elapsed());
    }
}

/// Counts a request and its answer, for the whole app. Each worker has a handle of its own, which is cloned
/// without asking the other workers' processors.
pub fn count<S, B>(
    metrics: Rc<web::Data<Metrics>>,
    request: ServiceRequest,
    service: &S,
) -> impl Future<Output = Result<ServiceResponse<B>, Error>> + use<S, B>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error>,
{
    let began = Instant::now();
    let method = place_of(request.method());
    let response = service.call(request);
    async move {
        let answer = response.await;
        let (status, headers) = match &answer {
            Ok(response) => (response.status(), Some(response.headers())),
            Err(error) => (error.as_response_error().status_code(), None),
        };
        metrics.requests.count(method, status, headers, began);
        answer
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

fn part(told: Option<Told<'_>>) -> usize {
    match told.map(|told| told.outcome) {
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
        use crate::cache::page::status::CacheStatus;
        let requests = Requests::default();
        let mut hit = HeaderMap::new();
        CacheStatus::Hit { ttl: 9 }.write(&mut hit);
        let get = place_of(&Method::GET);
        requests.count(get, StatusCode::OK, Some(&hit), Instant::now());
        requests.count(get, StatusCode::NOT_FOUND, None, Instant::now());
        let purge = place_of(&Method::from_bytes(b"PURGE").unwrap());
        requests.count(purge, StatusCode::from_u16(999).unwrap(), None, Instant::now());
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
