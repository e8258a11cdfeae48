//! The letter of RFC 9111: ages of upstreams, `no-cache`, and dates in place of `Last-Modified`.

use std::future::pending;
use std::time::Duration;

use actix_web::http::header::{AGE, CACHE_CONTROL, ETAG, IF_NONE_MATCH};
use actix_web::{HttpRequest, HttpResponse, web};
use larder_cache::page::{self, Rules};
use tokio::time::timeout;

use super::plain::{Calls, Plain};
use super::reply::{Gate, Reply};
use super::site::{Plan, until};

/// RFC 9111 §4.2.3: the age on arrival, and how long the response was on its way.
#[test]
fn the_age_of_an_upstream_and_the_delay_of_its_response_count() {
    let site = Plain::open(|config| {
        let slow = async || {
            // As a handler does that asks an upstream.
            let _ = timeout(Duration::from_millis(1100), pending::<()>()).await;
            let said = (CACHE_CONTROL, "max-age=60");
            HttpResponse::Ok().insert_header(said).insert_header((AGE, "10")).body("page")
        };
        let cached = page::cached(Rules::respecting());
        config.service(web::resource("/").wrap(cached).get(slow));
    });
    let built = site.get("/");
    assert!(built.is_stored() && built.all("age").collect::<Vec<_>>() == ["10"], "{built:?}");
    let hit = site.get("/");
    assert!(hit.is_hit() && hit.age().unwrap() >= 11, "{hit:?}");
    assert_eq!(hit.all("age").count(), 1);
}

/// RFC 9111 §5.2.2.4.
#[test]
fn what_says_no_cache_is_stored_and_validated_each_time() {
    for said in ["no-cache", "max-age=60, no-cache", "max-age=0, must-revalidate"] {
        let site = Plain::open(move |config| {
            let handler = move |request: HttpRequest, calls: web::Data<Calls>| async move {
                calls.note(&request);
                if request.headers().contains_key(IF_NONE_MATCH) {
                    return HttpResponse::NotModified().finish();
                }
                let mut response = HttpResponse::Ok();
                response.insert_header((CACHE_CONTROL, said)).insert_header((ETAG, "\"v1\""));
                response.body("page")
            };
            let cached = page::cached(Rules::respecting());
            config.service(web::resource("/").wrap(cached).get(handler));
        });
        assert!(site.get("/").is_stored(), "{said}");
        for nth in 2..5 {
            let answer = site.get("/");
            assert_eq!(answer.fate(), "larder-cache; fwd=stale; fwd-status=304; stored", "{said}");
            assert_eq!((answer.status, answer.text().as_str()), (200, "page"));
            assert_eq!(answer.header("cache-control"), Some(said));
            assert_eq!(site.calls("/"), nth);
            assert_eq!(site.seen("/")[nth - 1].get(IF_NONE_MATCH).unwrap(), "\"v1\"");
        }
        assert_eq!(site.ask("GET", "/", &["If-None-Match: \"v1\""]).status, 304);
        assert_eq!(site.calls("/"), 5);
    }
}

/// Each request is validated for itself, so none has to wait for another.
#[test]
fn validations_of_a_page_run_concurrently() {
    let gate = Gate::closed();
    let known = gate.clone();
    let site = Plan::of(Rules::respecting())
        .replies(move |asked| match asked.nth {
            1 => Reply::ok("page").with("Cache-Control", "no-cache").with("ETag", "\"v\""),
            _ => Reply::ok("").status(304).behind(&known),
        })
        .open();
    assert!(site.get("/").is_stored());
    let answers = std::thread::scope(|scope| {
        let asked: Vec<_> = (0..10).map(|_| scope.spawn(|| site.get("/"))).collect();
        until("all are at the handler", || (site.calls("/") == 11).then_some(()));
        gate.open();
        asked.into_iter().map(|answer| answer.join().unwrap()).collect::<Vec<_>>()
    });
    assert!(answers.iter().all(|answer| answer.text() == "page"), "{answers:?}");
}

/// A page that is validated each time is not served when its handler fails.
#[test]
fn a_failure_replaces_a_page_that_must_be_validated() {
    let site = Plan::of(Rules::respecting())
        .replies(|asked| match asked.nth {
            1 => Reply::ok("page").with("Cache-Control", "no-cache, stale-if-error=60"),
            _ => Reply::error(),
        })
        .open();
    site.get("/");
    assert_eq!(site.get("/").status, 500);
}

/// RFC 9111 §4.3.2.
#[test]
fn a_page_without_last_modified_is_compared_by_its_date() {
    let site = Plan::of(Rules::respecting()).replies(|_| Reply::fresh("page")).open();
    let date = site.get("/").header("date").unwrap().to_owned();
    for (since, status) in [(date.as_str(), 304), ("Fri, 01 Jan 2010 00:00:00 GMT", 200)] {
        let answer = site.ask("GET", "/", &[&format!("If-Modified-Since: {since}")]);
        assert!(answer.is_hit() && answer.status == status, "{answer:?}");
    }
}
