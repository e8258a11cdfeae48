//! `larder compare`: every mode is measured, and no data is changed.

use serde_json::Value;

use crate::support::{
    Database, Ended, Program, Redis, TestDatabase, TestSite, larder, on_both_databases,
};

on_both_databases! {
    a_given_database_is_measured_and_not_written_to,
    a_database_that_is_not_ready_is_refused_and_left_as_it_is,
}

#[test]
fn every_mode_has_a_row_and_the_cache_saves_the_queries() {
    let ended = run(&["compare", "--requests", "30"]);
    assert!(ended.status.success(), "{ended:?}");
    for mode in ["off", "queries", "fragments", "pages", "all"] {
        let row = ended.out.lines().find(|line| line.starts_with(&format!("{mode} ")));
        assert!(row.is_some_and(|row| row.contains('×')), "{mode}: {}", ended.out);
    }
    assert!(ended.out.contains("SQL queries instead of 2"), "{}", ended.out);
    assert!(!ended.out.contains("Redis"), "{}", ended.out);
}

#[test]
fn redis_saves_the_next_instance_its_queries() {
    let Some(redis) = Redis::start() else { return };
    let redis = redis.url();
    let comparison = document(&run(&["compare", "--requests", "30", "--redis", &redis, "--json"]));
    let shared = mode(&comparison, "all, with Redis");
    assert_eq!(shared["first_sql"], 0, "{shared}");
    assert_eq!(mode(&comparison, "all")["first_sql"], 2, "{comparison}");
}

#[test]
fn an_unreachable_redis_is_an_error() {
    let absent = format!("redis://127.0.0.1:{}", crate::support::free_port());
    let ended = run(&["compare", "--redis", &absent]);
    assert_eq!(ended.status.code(), Some(1));
    assert!(ended.err.contains("Redis is unavailable"), "{ended:?}");
}

fn a_given_database_is_measured_and_not_written_to(on: Database) {
    let site = TestSite::start(on);
    site.has_products(30);
    let page = site.get("/");
    let stamps = site.get("/cache/keys?like=page:*").html();
    let url = site.database.url();
    let comparison = document(&run(&["compare", "--requests", "30", "--database", &url, "--json"]));
    assert_eq!(comparison["modes"].as_array().map(Vec::len), Some(5));
    let observed = |name: &str| {
        let mode = mode(&comparison, name);
        let of =
            |what: &Value| what.as_u64().unwrap() / mode["observed_requests"].as_u64().unwrap();
        let observed = &mode["observed"];
        let hits = |level: &str| of(&observed[level]["hits"]);
        (of(&observed["sql"]), hits("page"), hits("fragment"), hits("query"))
    };
    assert_eq!(observed("off"), (2, 0, 0, 0));
    assert_eq!(observed("queries"), (0, 0, 0, 1));
    assert_eq!(observed("fragments"), (2, 0, 2, 0));
    assert_eq!(observed("pages"), (0, 1, 0, 0));
    assert_eq!(observed("all"), (0, 1, 0, 0));
    // Any write to the table would have made the page stale.
    let again = site.get("/");
    again.assert_cache("hit");
    assert_eq!(again.html(), page.html());
    assert_eq!(site.get("/cache/keys?like=page:*").html(), stamps);
}

fn a_database_that_is_not_ready_is_refused_and_left_as_it_is(on: Database) {
    let database = TestDatabase::create(on);
    let ended = run(&["compare", "--database", &database.url()]);
    assert_eq!(ended.status.code(), Some(1), "{ended:?}");
    assert!(ended.err.contains("larder migrate"), "{ended:?}");
    match on {
        Database::Sqlite => assert!(!database.file().exists(), "nothing was made"),
        Database::Postgres => {
            let tables = "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'";
            assert!(database.sql_as_administrator(tables).contains('0'));
        }
    }
}

#[track_caller]
fn run(arguments: &[&str]) -> Ended {
    Program::start(larder(arguments)).ends()
}

#[track_caller]
fn document(ended: &Ended) -> Value {
    assert!(ended.status.success(), "{ended:?}");
    serde_json::from_str(&ended.out).unwrap_or_else(|error| panic!("{error}: {ended:?}"))
}

#[track_caller]
fn mode<'c>(comparison: &'c Value, name: &str) -> &'c Value {
    let modes = comparison["modes"].as_array().expect("modes");
    let mode = modes.iter().find(|mode| mode["mode"] == name);
    mode.unwrap_or_else(|| panic!("no {name} in {comparison}"))
}
