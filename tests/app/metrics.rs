//! `/metrics`: the numbers match what was done, and the format is the documented one.

use std::collections::BTreeSet;
use std::time::Instant;

use crate::support::{
    Database, Exposition, Page, Redis, TestSite, address_of_its_own, on_both_databases, until,
};

on_both_databases! {
    the_metrics_match_what_was_done,
    the_outage_of_redis_and_its_end_are_measured,
    every_metric_is_well_formed_and_documented,
    the_documents_name_no_metric_that_does_not_exist,
    the_process_reports_what_it_uses,
    only_local_clients_read_the_metrics_unless_they_are_public,
    the_metrics_hold_nothing_that_visitors_wrote;
    by_hand:
    the_age_of_the_stamps_grows_without_requests,
}

/// The source whose module doc documents the families.
const FAMILIES: &str = include_str!("../../crates/larder-panel/src/metrics/families.rs");

/// The documents that name metrics.
const DOCUMENTS: [&str; 2] =
    [include_str!("../../docs/OPERATIONS.md"), include_str!("../../docs/shop/databases.md")];

fn the_metrics_match_what_was_done(on: Database) {
    let site = TestSite::observed(on, &[]);
    let tea = site.has_product("Tea");
    let before = site.figures();

    let mut pages: Vec<Page> = (0..4).map(|_| site.get("/")).collect();
    let form = site.get(&format!("/products/{tea}/edit"));
    let mut filled = form.form(&format!("/products/{tea}"));
    filled.fill("title", "Green tea");
    pages.extend([form, site.sends(&filled), site.get("/"), site.get("/nothing")]);
    let asked: usize = pages.iter().map(|page| page.timing().sql_queries()).sum();
    let queried = site.figures();
    site.invalidates("everything").assert_sends_to("/");
    site.get("/").assert_cache("stored");
    let after = site.figures();

    let grown = |series: &str| after.grown(&before, series);
    for (series, expected) in [
        // Two of them are requests for the metrics, each of which is counted after its response.
        (r#"larder_http_requests_total{method="GET",status="2xx"}"#, 4 + 1 + 2 + 2),
        (r#"larder_http_requests_total{method="GET",status="4xx"}"#, 1),
        (r#"larder_http_requests_total{method="POST",status="3xx"}"#, 2),
        (r#"larder_http_request_duration_seconds_count{cache="hit"}"#, 3),
        (r#"larder_http_request_duration_seconds_count{cache="miss"}"#, 3),
        (r#"larder_http_request_duration_seconds_count{cache="none"}"#, 6),
        (r#"larder_page_outcomes_total{outcome="hit",reason=""}"#, 3),
        (r#"larder_page_outcomes_total{outcome="stored",reason="uri-miss"}"#, 1),
        (r#"larder_page_outcomes_total{outcome="stored",reason="stale"}"#, 2),
        (r#"larder_page_outcomes_total{outcome="method",reason=""}"#, 2),
        (r#"larder_page_outcomes_total{outcome="bypass",reason="route"}"#, 4),
        (r#"larder_cache_requests_total{level="page",outcome="hit",reason=""}"#, 3),
        (r#"larder_cache_requests_total{level="page",outcome="miss",reason="absent"}"#, 1),
        (r#"larder_cache_requests_total{level="page",outcome="miss",reason="expired"}"#, 0),
        (r#"larder_cache_requests_total{level="page",outcome="miss",reason="invalidated"}"#, 2),
        (r#"larder_cache_builds_total{level="page",outcome="stored",reason=""}"#, 3),
        (r#"larder_build_seconds_count{level="page"}"#, 3),
        (r#"larder_invalidations_total"#, 1),
        (r#"larder_cache_memory_evictions_total"#, 0),
        (r#"larder_sql_statements_total{kind="query",result="error"}"#, 0),
    ] {
        assert_eq!(grown(series), f64::from(expected), "{series}");
    }
    let statements = |kind| format!(r#"larder_sql_statements_total{{kind="{kind}",result="ok"}}"#);
    let ran = ["query", "write"].map(|kind| queried.grown(&before, &statements(kind)));
    assert_eq!(ran.iter().sum::<f64>(), asked as f64, "what Server-Timing told of these pages");
    assert_eq!(ran[1], 1.0, "one update");
    assert!(grown(&statements("transaction")) >= 6.0 && grown(&statements("stamps")) > 0.0);
    assert!(grown(r#"larder_sql_seconds_total{kind="query",result="ok"}"#) > 0.0);
    assert!(grown(r#"larder_cache_stored_bytes_total{level="page"}"#) > 1_000.0);
    let pages_kept = after.get(r#"larder_cache_memory_entries{level="page"}"#);
    assert_eq!(pages_kept, Some(2.0), "the homepage, and the look for the product");
    assert!(after.get("larder_cache_memory_bytes") <= after.get("larder_cache_memory_limit_bytes"));
}

fn the_outage_of_redis_and_its_end_are_measured(on: Database) {
    let Some(mut redis) = Redis::start() else { return };
    let site = TestSite::start_with(on, &["--redis", &redis.url()]);
    site.has_product("Tea");
    let alive = site.figures();
    assert_eq!(alive.get("larder_store_breaker_open"), Some(0.0));
    let calls =
        |figures: &Exposition, parts: &[&str]| figures.sum("larder_store_calls_total", parts);
    assert!(calls(&alive, &[r#"operation="get""#, r#"result="ok""#]) > 0.0);

    redis.dies();
    for address in 10..20 {
        site.get(&address_of_its_own(address)).assert_status(200).assert_sees("Tea");
    }
    let dead = site.figures();
    assert_eq!(dead.get("larder_store_breaker_open"), Some(1.0));
    let not_done = |parts: &[&str]| {
        let not_ok = |figures: &Exposition| {
            let ok: Vec<&str> = parts.iter().copied().chain([r#"result="ok""#]).collect();
            calls(figures, parts) - calls(figures, &ok)
        };
        not_ok(&dead) - not_ok(&alive)
    };
    assert!(not_done(&[r#"result="breaker open""#]) > 0.0);
    let outages = |figures: &Exposition, level| {
        let parts = [format!(r#"level="{level}""#), r#"outcome="outage""#.to_owned()];
        figures.sum("larder_cache_errors_total", &parts.each_ref().map(String::as_str))
    };
    let told = |level| outages(&dead, level) - outages(&alive, level);
    assert_eq!(told("page") + told("query"), not_done(&[r#"operation="get""#]));
    assert!(told("page") >= 10.0, "each of the ten pages was asked for in vain");
    site.get("/health/ready").assert_status(200);

    redis.returns();
    let mut addresses = 100..;
    until("the breaker is closed", || {
        let address = addresses.next().expect("there is always one more");
        site.get(&address_of_its_own(address)).assert_status(200);
        site.figures().get("larder_store_breaker_open") == Some(0.0)
    });
}

fn every_metric_is_well_formed_and_documented(on: Database) {
    let Some(redis) = Redis::start() else { return };
    let site = TestSite::start_with(on, &["--redis", &redis.url()]);
    site.has_product("Tea");
    for path in ["/", "/", "/products/1", "/products/new", "/nothing"] {
        site.get(path);
    }
    let figures = site.figures();
    let documented: BTreeSet<&str> = FAMILIES
        .lines()
        .filter_map(|line| line.strip_prefix("//! | `")?.split_once('`'))
        .map(|(name, _)| name)
        .collect();
    assert_eq!(figures.names(), documented);
    let version = env!("CARGO_PKG_VERSION");
    let database = format!("{on:?}").to_lowercase();
    let parts = [format!(r#"version="{version}""#), format!(r#"database="{database}""#)];
    let info = figures.sum("larder_build_info", &parts.each_ref().map(String::as_str));
    assert_eq!(info, 1.0);
    assert!(figures.get("process_start_time_seconds") > Some(1.7e9));
}

fn the_documents_name_no_metric_that_does_not_exist(on: Database) {
    let Some(redis) = Redis::start() else { return };
    let figures = TestSite::start_with(on, &["--redis", &redis.url()]).figures();
    let known = figures.names();
    let is_part = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
    for document in DOCUMENTS {
        let words = document.split(|letter| !is_part(letter)).filter(|word| {
            ["larder_", "process_"].iter().any(|start| word.starts_with(start))
                && ["_total", "_seconds", "_bytes", "_open", "_info", "_fds", "_flight"]
                    .iter()
                    .any(|end| word.ends_with(end))
        });
        let unknown: Vec<&str> = words.filter(|word| !known.contains(word)).collect();
        assert!(unknown.is_empty(), "{unknown:?}");
    }
}

fn the_process_reports_what_it_uses(on: Database) {
    let site = TestSite::start(on);
    let before = site.figures();
    (0..20).for_each(|n| drop(site.get(&address_of_its_own(n))));
    let after = site.figures();
    let now = |name: &str| after.get(name).unwrap_or_else(|| panic!("no {name}"));
    assert_eq!(now("larder_http_requests_in_flight"), 1.0, "the request for the metrics itself");
    assert!(after.grown(&before, "process_cpu_seconds_total") > 0.0);
    let [resident, size] =
        ["resident", "virtual"].map(|of| now(&format!("process_{of}_memory_bytes")));
    assert!(1e6 < resident && resident < size, "{resident} of {size}");
    assert!(3.0 < now("process_open_fds") && now("process_open_fds") < now("process_max_fds"));
    assert!(now("process_threads") >= 2.0);
}

fn only_local_clients_read_the_metrics_unless_they_are_public(on: Database) {
    let site = TestSite::start(on);
    site.get("/metrics").assert_status(200).assert_header("cache-control", "no-store");
    site.head("/metrics").assert_status(200);
    let forwarded =
        |site: &TestSite| site.ask("GET", "/metrics").header("X-Forwarded-For", "192.0.2.1").send();
    let refused = forwarded(&site);
    refused.assert_status(403).assert_is_in_the_shops_dress().assert_sees_not("larder_");
    site.submit("/metrics", &[]).assert_status(405);
    let public = site.another_instance_with(&["--metrics", "public"]);
    Exposition::of(&forwarded(&public));
}

fn the_metrics_hold_nothing_that_visitors_wrote(on: Database) {
    let site = TestSite::start(on);
    site.has_product("Secret tea");
    for path in ["/?q=secret", "/secret", "/products/1?secret"] {
        site.get(path);
    }
    let odd = "SECRET / HTTP/1.1\r\nHost: localhost\r\nCookie: secret=secret\r\n\
               Connection: close\r\n\r\n";
    site.raw(odd.as_bytes()).assert_status(405);
    let text = site.get("/metrics").html().to_lowercase();
    assert!(!text.contains("secret") && !text.contains("products"), "{text}");
}

fn the_age_of_the_stamps_grows_without_requests(on: Database) {
    let site = TestSite::start(on);
    let questions = |figures: &Exposition, result| {
        figures.get(&format!(r#"larder_freshness_checks_total{{result="{result}"}}"#)).unwrap()
    };
    let began = Instant::now();
    site.get("/");
    let first = site.figures();
    let second = site.figures();
    let [young, old] = [&first, &second].map(|f| f.get("larder_freshness_age_seconds").unwrap());
    assert!(0.0 < young && young < old && old < began.elapsed().as_secs_f64(), "{young} {old}");
    assert_eq!(questions(&first, "ok"), questions(&second, "ok"), "figures ask for no view");
    let asked = questions(&second, "ok");
    site.get("/").assert_cache("hit");
    assert_eq!(questions(&site.figures(), "ok") - asked, 1.0, "a hit asks once");

    site.database.sql_of_each(
        "DROP TRIGGER products_cache_update",
        "ALTER TABLE products DISABLE TRIGGER products_cache_update",
    );
    // A restarted shop checks its triggers.
    let blind = site.another_instance();
    blind.get("/").assert_status(200).assert_cache("passed");
    let figures = blind.figures();
    assert!(questions(&figures, "unavailable") > 0.0);
    assert_eq!(figures.get("larder_freshness_age_seconds"), None, "no stamps were read yet");
}
