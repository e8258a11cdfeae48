//! Helpers for the tests of applications (feature `testing`).
//!
//! These are the three tests that one writes first.
//!
//! # A page is cached until its data change
//!
//! ```
//! # use std::time::Duration;
//! use actix_web::test::{TestRequest, call_service, init_service};
//! use actix_web::{App, HttpResponse, web};
//! use larder_cache::page::{self, Outcome};
//! use larder_cache::testing::assert_outcome;
//! use larder_cache::{Cache, Policy, Tag};
//!
//! const TEAS: Tag = Tag::named("teas");
//! # const HOUR: Policy = Policy::fresh_for(Duration::from_secs(3600));
//!
//! async fn index(cache: web::Data<Cache>) -> &'static str {
//!     cache.reads(&[TEAS]);
//!     "Assam"
//! }
//!
//! async fn add(cache: web::Data<Cache>) -> HttpResponse {
//!     cache.changed(&[TEAS]).await.unwrap();
//!     HttpResponse::SeeOther().finish()
//! }
//!
//! # actix_web::rt::System::new().block_on(async {
//! let page = web::resource("/").wrap(page::cached(HOUR)).get(index).post(add);
//! let app = App::new().app_data(web::Data::new(Cache::in_memory())).service(page);
//! let app = init_service(app).await;
//! let get = async || call_service(&app, TestRequest::get().uri("/").to_request()).await;
//! assert_outcome(&get().await, Outcome::Stored);
//! assert_outcome(&get().await, Outcome::Hit);
//! call_service(&app, TestRequest::post().uri("/").to_request()).await;
//! assert_outcome(&get().await, Outcome::Stored);
//! # });
//! ```
//!
//! # A page is fresh for as long as its policy says
//!
//! ```
//! # use std::time::Duration;
//! # use actix_web::test::{TestRequest, call_service, init_service};
//! # use actix_web::{App, web};
//! # use larder_cache::page::{self, Outcome};
//! # use larder_cache::{Cache, Policy};
//! use larder_cache::testing::{Clock, assert_outcome};
//!
//! # actix_web::rt::System::new().block_on(async {
//! let minute = Policy::fresh_for(Duration::from_secs(60));
//! let page = web::resource("/").wrap(page::cached(minute)).get(|| async { "Assam" });
//! # let app = App::new().app_data(web::Data::new(Cache::in_memory())).service(page);
//! # let app = init_service(app).await;
//! # let get = async || call_service(&app, TestRequest::get().uri("/").to_request()).await;
//! let clock = Clock::stop();
//! assert_outcome(&get().await, Outcome::Stored);
//! clock.advance(Duration::from_secs(50)).await;
//! assert_outcome(&get().await, Outcome::Hit);
//! clock.advance(Duration::from_secs(11)).await;
//! assert_outcome(&get().await, Outcome::Stored);
//! # });
//! ```
//!
//! # Each request reaches its handler, in tests that are not about the cache
//!
//! ```
//! # use std::time::Duration;
//! # use actix_web::test::{TestRequest, call_service, init_service};
//! # use actix_web::{App, web};
//! # use larder_cache::page::{self, Outcome};
//! # use larder_cache::{Key, Policy};
//! use larder_cache::testing::{assert_outcome, storing_nothing};
//!
//! # const HOUR: Policy = Policy::fresh_for(Duration::from_secs(3600));
//! # actix_web::rt::System::new().block_on(async {
//! let cache = storing_nothing();
//! let page = web::resource("/").wrap(page::cached(HOUR)).get(|| async { "Assam" });
//! let app = App::new().app_data(web::Data::new(cache.clone())).service(page);
//! # let app = init_service(app).await;
//! # let get = async || call_service(&app, TestRequest::get().uri("/").to_request()).await;
//! for _ in 0..2 {
//!     assert_outcome(&get().await, Outcome::Bypass);
//! }
//! for number in 0..2 {
//!     let loaded = cache.get_or_load(&Key::named("number").build(), &HOUR, async || number).await;
//!     assert_eq!(*loaded, number);
//! }
//! # });
//! ```

use std::sync::Arc;
use std::time::Duration;

#[cfg(feature = "actix")]
use actix_web::dev::ServiceResponse;

#[cfg(feature = "actix")]
use crate::page::{CACHE_STATUS, CacheStatus, Outcome};
use crate::store::NullStore;
use crate::{Builder, Cache, InProcess, Levels, Secret};

/// Returns a cache that stores nothing: no page, no fragment, no result of a query and no value.
pub fn storing_nothing() -> Cache {
    let builder = Builder::default().levels(Levels::OFF);
    builder.shared(Arc::new(NullStore), &Secret::random()).open(Arc::new(InProcess::new()))
}

/// The clock by which lifetimes go, stopped. It is tokio's, so a test moves its timeouts, too.
#[derive(Debug)]
pub struct Clock(());

impl Clock {
    /// Stops the clock of this runtime, which has to be of one thread, as those of tests are.
    pub fn stop() -> Self {
        tokio::time::pause();
        Self(())
    }

    /// Moves the clock.
    pub async fn advance(&self, time: Duration) {
        tokio::time::advance(time).await;
    }
}

/// Asserts what the page cache did with a request.
///
/// # Panics
/// If it did something else. The message has the request and its `Cache-Status`.
#[cfg(feature = "actix")]
#[track_caller]
pub fn assert_outcome<B>(response: &ServiceResponse<B>, expected: Outcome) {
    let found = CacheStatus::of(response.response()).map(CacheStatus::outcome);
    let header = response.headers().get(CACHE_STATUS).map(|header| header.to_str());
    let header =
        header.and_then(Result::ok).unwrap_or("missing, since no page cache saw the request");
    let (method, uri) = (response.request().method(), response.request().uri());
    assert_eq!(found, Some(expected), "{method} {uri}: its Cache-Status is {header}");
}

#[cfg(all(test, feature = "actix"))]
mod tests {
    use actix_web::HttpResponse;
    use actix_web::test::TestRequest;

    use super::*;

    #[actix_web::test]
    #[should_panic(expected = "GET /teas: its Cache-Status is blog; hit; ttl=7")]
    async fn an_assertion_that_fails_shows_the_header() {
        let mut response = HttpResponse::Ok().finish();
        CacheStatus::Hit { ttl: 7 }.write("blog", &mut response);
        let response = TestRequest::get().uri("/teas").to_srv_response(response);
        assert_outcome(&response, Outcome::Hit);
        assert_outcome(&response, Outcome::Stored);
    }

    #[actix_web::test]
    #[should_panic(expected = "no page cache saw the request")]
    async fn an_answer_past_the_cache_is_told_apart() {
        let response = TestRequest::get().to_srv_response(HttpResponse::Ok().finish());
        assert_outcome(&response, Outcome::Bypass);
    }

    #[tokio::test]
    async fn a_cache_that_stores_nothing_stores_no_values_either() {
        let cache = storing_nothing();
        cache
            .values()
            .set("colour", &"red".to_owned(), crate::values::Timeout::Never)
            .await
            .unwrap();
        assert_eq!(cache.values().get::<String>("colour").await.unwrap(), None);
    }
}
