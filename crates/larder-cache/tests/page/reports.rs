//! `Cache-Status`: what a cache behind this one has written, failures, and answers that are not stored.

use std::sync::Arc;
use std::time::Duration;

use actix_web::http::header::CACHE_CONTROL;
use actix_web::test::{TestRequest, call_service, init_service};
use actix_web::{App, HttpResponse, web};
use larder_cache::page::{self, Rules};
use larder_cache::{Builder, InProcess};

use super::reply::{Gate, Reply};
use super::site::{Plan, request, until};

/// RFC 9211 §2.
#[test]
fn what_an_upstream_says_is_kept_before_the_caches_own() {
    let site = Plan::of(Rules::respecting())
        .replies(|asked| {
            let said = if asked.query == "stored" { "max-age=60" } else { "no-store" };
            Reply::ok("page")
                .with("Cache-Control", said)
                .with("ETag", "\"v\"")
                .with("Cache-Status", "origin; hit; ttl=5")
                .with("Cache-Status", "\"a, larder\"; fwd=miss")
        })
        .open();
    let before = "origin; hit; ttl=5, \"a, larder\"; fwd=miss, larder-cache; ";
    let own = |target, line: &str| {
        let answer = site.ask("GET", target, &[line]);
        assert_eq!(answer.all("cache-status").count(), 1, "{answer:?}");
        let own = answer.fate().strip_prefix(before).unwrap_or_else(|| panic!("{answer:?}"));
        (answer.status, own.to_owned())
    };
    assert_eq!(own("/?stored", "X-A: 1"), (200, "fwd=uri-miss; stored".to_owned()));
    for (line, status) in
        [("X-A: 1", 200), ("If-None-Match: \"v\"", 304), ("Range: bytes=0-0", 206)]
    {
        let (answered, own) = own("/?stored", line);
        assert!(answered == status && own.starts_with("hit; ttl="), "{line}: {answered} {own}");
    }
    let refused = (200, "fwd=uri-miss; detail=\"no-store\"".to_owned());
    assert_eq!(own("/", "X-A: 1"), refused);
}

const OLD: &str = "max-age=60, stale-if-error=600";

#[test]
fn a_stale_page_after_a_failure_is_no_hit() {
    for (failure, status) in
        [(Reply::ok("down").status(503), 503), (Reply::error(), 500), (Reply::panic(), 500)]
    {
        let gate = Gate::closed();
        let known = gate.clone();
        let site = Plan::of(Rules::respecting())
            .replies(move |asked| match asked.nth {
                1 => Reply::ok("old").with("Cache-Control", OLD).with("Age", "120"),
                _ => failure.clone().behind(&known),
            })
            .open();
        site.get("/");
        std::thread::scope(|scope| {
            let leader = scope.spawn(|| site.get("/"));
            until("it has begun", || (site.calls("/") == 2).then_some(()));
            let mut waiting = site.line();
            waiting.say(request("GET", "/", &[]));
            // A client that connects now is served after that request.
            site.ask("OPTIONS", "/other", &[]);
            gate.open();
            let led = leader.join().unwrap();
            let (start, end) = led.fate().split_once("ttl=-6").unwrap();
            assert_eq!(start, format!("larder-cache; fwd=stale; fwd-status={status}; "), "{led:?}");
            assert!(end.ends_with("; detail=\"stale-if-error\"") && led.text() == "old", "{led:?}");
            let waited = waiting.hear().unwrap();
            let start = waited.fate().split_once("ttl=-6").unwrap().0;
            assert_eq!(
                (start, waited.text().as_str()),
                ("larder-cache; fwd=stale; collapsed; ", "old")
            );
        });
        assert_eq!(site.calls("/"), 2);
    }
}

/// After an answer that could not be stored, a note of that is stored for a while. It is no page.
#[actix_web::test]
async fn the_note_of_an_uncacheable_answer_is_not_stale() {
    tokio::time::pause();
    let cache = web::Data::new(Builder::default().open(Arc::new(InProcess::new())));
    let handler =
        || async { HttpResponse::Ok().insert_header((CACHE_CONTROL, "no-store")).body("page") };
    let resource = web::resource("/").wrap(page::cached(Rules::respecting()));
    let app = init_service(App::new().app_data(cache).service(resource.get(handler))).await;
    for _ in 0..3 {
        let answer = call_service(&app, TestRequest::get().uri("/").to_request()).await;
        let status = answer.headers().get("cache-status").unwrap();
        assert_eq!(status, "larder-cache; fwd=uri-miss; detail=\"no-store\"");
        tokio::time::advance(Duration::from_secs(11)).await;
    }
}
