//! The toolbar's counts equal those of the database and Redis, and requests are not mixed up.

use std::thread;

use super::queries;
use crate::support::{Database, Redis, TestDatabase, TestSite, on_both_databases};

on_both_databases! {
    a_miss_reports_its_queries_and_a_hit_what_it_saved,
    concurrent_requests_are_not_mixed_up,
}

fn a_miss_reports_its_queries_and_a_hit_what_it_saved(on: Database) {
    let site = TestSite::observed(on, &[]);
    site.has_products(30);
    let miss = site.get("/?page=2");
    let told = site.told(&miss);
    assert_eq!(queries(&told).len(), miss.timing().sql_queries());
    let page = &told["cache"][0];
    assert_eq!((&page["level"], &page["outcome"]["Miss"]), (&"Page".into(), &"Never".into()));
    let list = &page["children"][0];
    assert_eq!(list["name"], "products.list");
    assert!(list["caller"].as_str().unwrap().starts_with("src/products/service.rs:"));
    for sql in queries(&told) {
        assert_eq!(sql["for_key"], list["raw_key"]);
        assert!(sql["caller"].as_str().unwrap().starts_with("src/products/service.rs:"), "{sql}");
        assert_eq!(sql["connection"], "reader");
    }
    let parts = page["children"].as_array().unwrap();
    for part in parts.iter().filter(|node| node["level"] == "Fragment") {
        assert!(part["caller"].as_str().unwrap().starts_with("src/products/pages.rs:"), "{part}");
    }
    let fragments = &told["templates"][0]["fragments"];
    assert_eq!(told["templates"][0]["name"], "products::pages::IndexPage");
    assert_eq!(*fragments, serde_json::json!([["site.header", false], ["site.footer", false]]));

    let hit = site.told(&site.get("/?page=2"));
    assert_eq!(hit["verdict"]["outcome"], "Hit");
    let saved = &hit["verdict"]["saved"];
    assert_eq!(saved["queries"], queries(&told).len());
    assert_eq!(saved["by"], miss.id().as_str());
    assert_eq!(hit["cache"][0]["saved"], *saved);
    assert_eq!(queries(&hit).len(), 0);
    // A page that is built from a hit does not report the cost again.
    let other = site.told(&site.get("/?page=2&q="));
    assert_eq!(other["verdict"]["outcome"], "Hit");
    let nothing = site.get("/products/99999");
    assert_eq!(site.told(&nothing)["verdict"]["outcome"], "Uncacheable");
    let again = site.told(&site.get("/products/99999"));
    assert_eq!(again["cache"][0]["children"][0]["outcome"], "HitNothing");
    assert_eq!(again["cache"][0]["children"][0]["saved"]["queries"], 1);
}

fn concurrent_requests_are_not_mixed_up(on: Database) {
    let site = TestSite::observed(on, &[]);
    site.has_products(12);
    let ids = site.get("/").listed();
    assert_eq!(ids.len(), 12);
    site.invalidates("everything").assert_status(303);
    thread::scope(|scope| {
        for id in &ids {
            let site = &site;
            scope.spawn(move || {
                let path = format!("/products/{id}");
                let told = site.told(site.get(&path).assert_cache("stored"));
                assert_eq!(told["request"]["path"], path.as_str());
                let key = format!("products.show:id={id}");
                let nodes = told["cache"].as_array().unwrap();
                assert_eq!(nodes.len(), 1, "{told}");
                assert!(nodes[0]["raw_key"].as_str().unwrap().contains(&path));
                assert_eq!(nodes[0]["children"][0]["raw_key"], key.as_str());
                let asked = queries(&told);
                assert_eq!(asked.len(), 1, "{told}");
                assert_eq!(asked[0]["for_key"], key.as_str());
                assert!(asked[0]["binds"].to_string().contains(&id.to_string()));
            });
        }
    });
}

/// Compares the toolbar's statements with those that Postgres logs.
#[test]
fn statements_are_those_that_the_server_logs() {
    if !Database::Postgres.is_here(true) {
        return;
    }
    let database = std::sync::Arc::new(TestDatabase::create(Database::Postgres));
    database.logged_statements();
    let site = TestSite::open(database, &["--toolbar", "auto"]);
    let tea = site.has_product("Tea");
    site.invalidates("everything").assert_status(303);
    let about_products = || -> Vec<String> {
        let logged = site.database.logged_statements();
        let marks = ["FROM \"product", "UPDATE \"product", "FROM product"];
        let is_ours = |sql: &&String| marks.iter().any(|mark| sql.contains(mark));
        logged.iter().filter(is_ours).cloned().collect()
    };
    let mut seen = about_products().len();
    for path in ["/".to_owned(), "/".to_owned(), format!("/products/{tea}"), "/?q=tea".to_owned()] {
        let told = site.told(&site.get(&path));
        let logged = about_products();
        let told: Vec<_> =
            queries(&told).iter().map(|sql| sql["sql"].as_str().unwrap().to_owned()).collect();
        assert_eq!(told, logged[seen..], "{path}");
        seen = logged.len();
    }
    assert_checks_are_shown(&site);
}

/// Compares the internal statements of hits with those that Postgres logs.
fn assert_checks_are_shown(site: &TestSite) {
    let reads_stamps = |sql: &&str| sql.contains("FROM cache_versions");
    for _ in 0..3 {
        let before = site.database.logged_statements().len();
        let hit = site.get("/");
        let logged = site.database.logged_statements();
        let logged = logged[before..].iter().map(String::as_str).filter(reads_stamps);
        let record = site.told(hit.assert_cache("hit"));
        let shown = record["sql"].as_array().unwrap().iter().filter(|sql| sql["kind"] == "Stamps");
        let shown = shown.map(|sql| sql["sql"].as_str().unwrap()).filter(reads_stamps);
        let shown: Vec<_> = shown.collect();
        assert!(!shown.is_empty(), "a hit asks once: {record}");
        assert_eq!(shown, logged.collect::<Vec<_>>());
        assert_eq!(record["time"]["sql"], 0.0, "their time is that of the freshness check");
        let panels = site.get(&format!("/toolbar/requests/{}", hit.id())).text();
        assert!(panels.contains("internal statement"), "they are counted: {panels}");
    }
}

/// Compares the toolbar's round trips with the commands that Redis receives.
#[test]
fn round_trips_are_those_that_redis_sees() {
    let Some(redis) = Redis::start() else { return };
    let flags = ["--redis", &redis.url()];
    let site = TestSite::observed(Database::Sqlite, &flags);
    site.has_product("Tea");
    site.invalidates("everything").assert_status(303);
    let there = site.another_observed(&flags);
    for (site, expected) in [(&site, "Never"), (&there, "Shared")] {
        let monitor = redis.watches();
        // All callers send the same host, so that instances share their pages.
        let told = site.told(&site.caller().get("/"));
        redis.command(&["ECHO", "the end"]);
        let seen = monitor.wait_for(|out, _| out.contains("the end").then(|| out.to_owned()));
        // Stores and lock releases are sent after the response, so it does not wait for them.
        let waited_for = |line: &&str| {
            let line = line.to_lowercase();
            // A command inside a script is no round trip.
            !line.contains(" lua]")
                && ["\"get\"", "\"mget\"", "\"nx\""].iter().any(|word| line.contains(word))
        };
        let seen = seen.expect("Redis tells what it sees");
        let asked = seen.lines().filter(waited_for).count();
        assert_eq!(told["time"]["round_trips"], asked, "{seen}");
        assert!(told["time"]["store"].as_f64().unwrap() > 0.0);
        let page = &told["cache"][0];
        let says = if expected == "Never" { &page["outcome"]["Miss"] } else { &page["store"] };
        assert_eq!(says, expected);
        if expected == "Shared" {
            assert!(told["time"]["codec"].as_f64().unwrap() > 0.0);
            assert!(page["saved"]["queries"].as_u64().unwrap() > 0, "{page}");
            assert!(page["saved"]["by"].is_null(), "another process made it");
        }
    }
}
