//! Deletions from the cache reach every instance, or the command reports that they do not.

use crate::support::{
    Database, Ended, Page, Program, Redis, TestSite, larder, on_both_databases, until,
};

on_both_databases! {
    a_deletion_in_one_instance_reaches_the_other,
    a_deletion_reaches_the_other_instance_with_redis_too,
    the_command_reaches_running_shops_by_their_database,
    a_value_is_deleted_for_all_instances,
}

/// The name of both shops: it is part of a page's key, and their ports differ.
const NAMED: [&str; 2] = ["--host", "shop.test"];

fn a_deletion_in_one_instance_reaches_the_other(on: Database) {
    let here = TestSite::observed(on, &NAMED);
    here.has_product("Tea");
    let there = here.another_instance_with(&NAMED);
    each_way_reaches(&here, &there);
}

fn a_deletion_reaches_the_other_instance_with_redis_too(on: Database) {
    let Some(redis) = Redis::start() else { return };
    let (url, [host, name]) = (redis.url(), NAMED);
    let flags = [host, name, "--redis", &url];
    let here = TestSite::observed(on, &flags);
    here.has_product("Tea");
    let there = here.another_instance_with(&flags);
    each_way_reaches(&here, &there);
    assert!(asks(&here, &["clear"]).status.success());
    let is_empty = || !redis.keys().contains("larder:entry");
    until("nothing is written to Redis any more", is_empty);
}

/// Asserts that the homepage is rebuilt in `there` after each way to delete it in `here`.
#[track_caller]
fn each_way_reaches(here: &TestSite, there: &TestSite) {
    let ways: [&dyn Fn(&str); 4] = [
        &|key| {
            let ended = asks(here, &["delete", key]);
            assert!(ended.out.contains("every instance"), "{ended:?}");
        },
        &|_| {
            let ended = asks(here, &["clear"]);
            assert!(ended.out.contains("every instance"), "{ended:?}");
        },
        &|key| {
            let form = [("key", key), ("back", "/cache/entries")];
            here.submit("/cache/entry/delete", &form).assert_sends_to("/cache/entries");
        },
        &|key| {
            let form = [("key", key), ("how", "end"), ("back", "/")];
            here.submit("/toolbar/purge", &form).assert_sends_to("/");
        },
    ];
    for (nth, way) in ways.into_iter().enumerate() {
        for site in [here, there] {
            visit(site);
            visit(site).assert_cache("hit");
        }
        way(&key_of_homepage(here));
        assert!(!is_hit(&visit(there)), "{nth}");
        visit(here).assert_sees("Tea");
    }
}

fn the_command_reaches_running_shops_by_their_database(on: Database) {
    let Some(redis) = Redis::start() else { return };
    let (url, [host, name]) = (redis.url(), NAMED);
    let site = TestSite::start_with(on, &[host, name, "--redis", &url]);
    site.has_product("Tea");
    let database = site.database.url();
    visit(&site);
    let key = key_of_homepage(&site);
    // A key that Redis does not hold may still be held by instances.
    visit(&site);
    until("the page is shared", || redis.keys().contains("shop.test"));
    redis.command(&["FLUSHALL"]);
    let alone = run(&["cache", "--redis", &url, "delete", &key]);
    assert!(alone.err.contains("instances still serve"), "{alone:?}");
    visit(&site).assert_cache("hit");
    site.edits(1, &[("title", "Black tea")]);
    for verb in [&["delete", &key][..], &["clear"]] {
        visit(&site);
        until("the page is shared", || redis.keys().contains("shop.test"));
        let alone = run(&[&["cache", "--redis", &url], verb, &["--json"]].concat());
        assert!(alone.out.contains("instances still serve"), "{alone:?}");
        site.edits(1, &[("title", verb[0])]);
        visit(&site);
        until("the page is shared", || redis.keys().contains("shop.test"));
        let alone = run(&[&["cache", "--redis", &url], verb].concat());
        assert!(alone.out.contains("instances still serve"), "{alone:?}");
        visit(&site).assert_cache("hit");
        let both = run(&[&["cache", "--redis", &url, "--database", &database], verb].concat());
        let said = both.out.clone() + &both.err;
        assert!(said.contains("every instance") || said.contains("have deleted"), "{both:?}");
        assert!(!is_hit(&visit(&site)), "{verb:?}");
    }
}

fn a_value_is_deleted_for_all_instances(on: Database) {
    let Some(redis) = Redis::start() else { return };
    let here = TestSite::start_with(on, &["--redis", &redis.url()]);
    let there = here.another_instance_with(&["--redis", &redis.url()]);
    assert!(asks(&here, &["set", "motd", "Fresh bread"]).status.success());
    assert!(asks(&there, &["delete", "motd"]).status.success());
    assert_eq!(asks(&here, &["get", "motd"]).status.code(), Some(1));
    assert!(!redis.keys().contains("motd"));
}

#[track_caller]
fn visit(site: &TestSite) -> Page {
    site.ask("GET", "/").header("Host", NAMED[1]).send()
}

fn is_hit(page: &Page) -> bool {
    page.header("cache-status").is_some_and(|status| status.contains("; hit"))
}

#[track_caller]
fn key_of_homepage(site: &TestSite) -> String {
    let ended = asks(site, &["keys", r#"page:*shop.test*path="/":*"#, "--json"]);
    let listing: serde_json::Value = serde_json::from_str(&ended.out).unwrap();
    listing["keys"][0]["key"].as_str().unwrap_or_else(|| panic!("no page: {ended:?}")).to_owned()
}

#[track_caller]
fn asks(site: &TestSite, arguments: &[&str]) -> Ended {
    run(&[&["cache", "--site", &site.address()], arguments].concat())
}

#[track_caller]
fn run(arguments: &[&str]) -> Ended {
    Program::start(larder(arguments)).ends()
}
