//! Prices from an upstream that is slow, fails, or sends impossible values.

use std::thread;
use std::time::{Duration, Instant};

use crate::support::{Database, Redis, Says, TestSite, Upstream, on_both_databases, until};

on_both_databases! {
    prices_are_fetched_once_and_shown_with_their_time,
    a_hundred_concurrent_visitors_cause_one_call,
    old_prices_are_shown_while_there_are_no_new_ones,
    a_failing_upstream_is_not_called_for_each_visitor,
    an_impossible_response_is_a_failure,
    instances_share_the_prices_that_one_has_fetched,
}

fn tea(price: &'static str) -> Says {
    Says::Prices(vec![("Tea", price), ("Honey <b>", "12.50")])
}

fn start(on: Database, upstream: &Upstream) -> TestSite {
    TestSite::start_with(on, &["--supplier", upstream.url()])
}

fn prices_are_fetched_once_and_shown_with_their_time(on: Database) {
    let upstream = Upstream::start(tea("4.9"));
    let site = start(on, &upstream);
    assert_eq!(upstream.asked(), 0, "no page has been requested yet");
    for _ in 0..3 {
        let page = site.get("/supplier");
        page.assert_status(200).assert_is_in_the_shops_dress();
        page.assert_sees("Hill’s prices").assert_sees("$4.90").assert_sees("Honey <b>");
        page.assert_sees_not("old");
        assert!(!page.tags("time").is_empty());
    }
    assert_eq!(upstream.asked(), 1);
    site.get("/staff?q=honey").assert_sees("Supplier’s prices 1 found").assert_sees("$12.50");
    // The button makes the prices stale, too.
    upstream.says(tea("5"));
    site.invalidates("everything");
    site.get("/supplier").assert_sees("$5.00");
    assert_eq!(upstream.asked(), 2);
}

fn a_hundred_concurrent_visitors_cause_one_call(on: Database) {
    let upstream = Upstream::start(Says::Nothing);
    let site = start(on, &upstream);
    let waiting: Vec<_> = (0..100).map(|_| site.begins("/supplier")).collect();
    upstream.is_asked(1);
    upstream.says(tea("4.99"));
    for pending in waiting {
        pending.answer().assert_status(200).assert_sees("$4.99");
    }
    assert_eq!(upstream.asked(), 1);
}

fn old_prices_are_shown_while_there_are_no_new_ones(on: Database) {
    let upstream = Upstream::start(Says::Head("500 Internal Server Error"));
    let site = TestSite::start_with(on, &["--supplier", upstream.url(), "--supplier-fresh", "1"]);
    // There are no old prices yet.
    let page = site.get("/supplier");
    page.assert_status(503).assert_header("retry-after", "10").assert_is_in_the_shops_dress();
    site.wait_for_log("it responded with status 500");

    upstream.says(tea("4.99"));
    site.get("/supplier").assert_status(200).assert_sees("$4.99");
    let fails = [Says::Head("503 Service Unavailable"), Says::Nothing];
    for says in fails {
        upstream.says(says);
        // The prices become stale while this polls; an upstream that hangs does not hold up the
        // requests.
        let old = loop {
            let page = site.get("/supplier");
            page.assert_status(200).assert_sees("$4.99");
            if page.text().contains("old") {
                break page;
            }
        };
        old.assert_sees("These prices are").assert_sees("second");
    }
    // No request waited until the shop timed out on a silent upstream.
    assert!(!site.log().contains("error=it does not answer"), "{}", site.log());
    // Prices that the button made stale are shown as old, too.
    upstream.says(Says::Head("500 Internal Server Error"));
    site.invalidates("everything");
    site.get("/supplier").assert_sees("These prices are").assert_sees("$4.99");
    upstream.says(tea("6"));
    // The upstream is called again, and its new price is shown.
    let is_shown = || site.get("/supplier").text().contains("$6.00");
    until("the new price is shown", is_shown);
    site.get("/supplier").assert_sees_not("old");
}

fn a_failing_upstream_is_not_called_for_each_visitor(on: Database) {
    let upstream = Upstream::start(tea("4.99"));
    let site = start(on, &upstream);
    site.get("/supplier").assert_sees("$4.99");
    upstream.says(Says::Head("500 Internal Server Error"));
    site.invalidates("everything");
    for _ in 0..20 {
        site.get("/supplier").assert_sees("These prices are").assert_sees("$4.99");
    }
    assert_eq!(upstream.asked(), 2);
}

fn an_impossible_response_is_a_failure(on: Database) {
    let upstream = Upstream::start(Says::Nothing);
    let site = start(on, &upstream);
    let json = "application/json";
    let large = format!("{{\"supplier\":\"{}\"", "x".repeat(2 << 20));
    let negative = "{\"supplier\":\"Hill\",\"currency\":\"USD\",\"prices\":[{\"sku\":\"1\",\"title\":\"Tea\",\"price\":\"-1\"}]}";
    let cases = [
        (Says::Head("302 Found\r\nLocation: /prices.json"), "status 302"),
        (Says::Head("204 No Content"), "status 204"),
        (Says::Head("junk"), "unavailable"),
        (Says::Body("text/html", "<h1>Hill</h1>".into()), "text/html"),
        (Says::Body(json, "{\"supplier\":".into()), "EOF"),
        (Says::Body(json, large), "larger than a megabyte"),
        (Says::Body(json, negative.into()), "price 1"),
    ];
    for (says, reason) in cases {
        upstream.says(says);
        site.get("/supplier").assert_status(503);
        site.wait_for_log(reason);
    }
    upstream.says(tea("4.99"));
    site.get("/supplier").assert_status(200);
    site.get("/").assert_status(200);
}

fn instances_share_the_prices_that_one_has_fetched(on: Database) {
    let Some(redis) = Redis::start() else { return };
    let upstream = Upstream::start(tea("4.99"));
    let flags = ["--supplier", upstream.url(), "--redis", &redis.url()];
    let site = TestSite::start_with(on, &flags);
    let other = site.another_instance_with(&flags);
    site.get("/supplier").assert_sees("$4.99");
    // Entries are written to Redis after the response, so this polls.
    until("the prices are shared", || redis.keys().contains("supplier.prices"));
    upstream.says(Says::Head("500 Internal Server Error"));
    other.get("/supplier").assert_status(200).assert_sees("$4.99");
    assert_eq!(upstream.asked(), 1);
}

/// How long before their end prices of five seconds are fetched again.
const AHEAD: Duration = Duration::from_secs(1);

#[test]
fn prices_are_fetched_again_before_they_are_old() {
    let upstream = Upstream::start(tea("4.99"));
    let flags = ["--supplier", upstream.url(), "--supplier-fresh", "5"];
    let site = TestSite::start_with(Database::Sqlite, &flags);
    let mut last = Instant::now();
    let mut is_asked = |times| {
        let page = site.get("/supplier");
        page.assert_status(200);
        // A machine that stands still for longer misses the time in which prices are fetched ahead.
        if std::mem::replace(&mut last, Instant::now()).elapsed() < AHEAD {
            page.assert_sees_not("old");
        }
        upstream.asked() >= times
    };
    until("it is asked again", || is_asked(3));
    // The refresh runs in the background: a silent upstream delays no request, and prices are still
    // fresh.
    upstream.says(Says::Nothing);
    until("it is asked once more", || is_asked(4));
}

#[test]
fn the_built_in_supplier_has_prices_and_sometimes_fails() {
    let site = TestSite::start(Database::Sqlite);
    let asked = || {
        site.invalidates("everything");
        site.get("/supplier").status
    };
    let page = site.get("/supplier");
    page.assert_status(200).assert_sees("Hill & Daughters").assert_sees("HD-001");
    thread::scope(|scope| {
        scope.spawn(|| (0..4).for_each(|_| assert_eq!(asked(), 200)));
    });
    site.wait_for_log("it responded with status 503");
}
