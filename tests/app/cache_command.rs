//! `larder cache`: inspects and changes the cache from a terminal, through the shop and in Redis.

use serde_json::Value;

use crate::support::{
    Database, Ended, Program, Redis, TestSite, free_port, larder, on_both_databases, until,
};

on_both_databases! {
    the_shop_lists_its_entries_and_whether_they_are_valid,
    a_value_is_set_shown_and_deleted,
    the_command_reads_and_writes_redis_itself,
    entries_in_redis_are_validated_by_the_database,
    clearing_leaves_foreign_keys_alone,
    a_tag_is_invalidated_by_the_shop_or_in_the_database,
    a_public_shop_is_not_changed,
    strangers_are_refused,
    invalid_requests_are_problem_documents,
    an_unreachable_server_is_named,
}

const LIST: &str = r#"products.list:page=1:size=25:search="""#;

fn the_shop_lists_its_entries_and_whether_they_are_valid(on: Database) {
    let site = TestSite::start(on);
    let tea = site.has_product("Tea");
    for _ in 0..3 {
        site.get("/");
    }
    let keys = asks(&site, &["keys"]).out;
    for words in ["page", "fragment", "query", LIST, "site.header", r#"path="/""#] {
        assert!(keys.contains(words), "{words}: {keys}");
    }
    assert!(!asks(&site, &["keys", "page:*"]).out.contains(LIST));
    let first = asks(&site, &["keys", "--limit", "1"]).out;
    assert!(first.contains("more"), "says that there are more: {first}");

    let list = asks(&site, &["get", LIST]).out;
    for words in ["query, in memory", "fresh    yes", "products", "age", "left     5"] {
        assert!(list.contains(words), "{words}: {list}");
    }
    site.edits(tea, &[("title", "Green tea")]).assert_sends_to("/");
    let list = asks(&site, &["get", LIST]).out;
    assert!(list.contains("no: products has changed"), "{list}");

    let page = found(&asks(&site, &["keys", "page:*", "--json"]))["keys"][0]["key"].clone();
    let page = asks(&site, &["get", page.as_str().unwrap()]).out;
    for words in ["status   200", "content-type: text/html", "<!doctype html>"] {
        assert!(page.contains(words), "{words}: {page}");
    }
    let stats = found(&asks(&site, &["stats", "--json"]));
    let pages = &stats["look_ups"][0];
    assert_eq!((&pages["level"], &pages["hits"]), (&"page".into(), &2.into()), "{stats}");
    assert!(stats["memory"]["pages"].as_u64().is_some_and(|pages| pages >= 1), "{stats}");
    assert!(asks(&site, &["stats"]).out.contains("fragment"));
}

fn a_value_is_set_shown_and_deleted(on: Database) {
    let site = TestSite::start(on);
    assert!(asks(&site, &["set", "motd", "Fresh bread & butter"]).status.success());
    let motd = asks(&site, &["get", "motd"]).out;
    assert!(motd.contains("\"Fresh bread & butter\"") && motd.contains("value"), "{motd}");
    assert!(asks(&site, &["keys"]).out.contains("motd"));

    assert!(asks(&site, &["set", "visits", "41", "--timeout", "never"]).status.success());
    let visits = found(&asks(&site, &["get", "visits", "--json"]));
    assert_eq!(visits[0]["body"]["number"], 41);
    assert_eq!(asks(&site, &["ttl", "visits"]).out, "no expiry (in memory)\n");
    let ttl = found(&asks(&site, &["ttl", "motd", "--json"]));
    assert!(ttl[0]["seconds"].as_f64().is_some_and(|s| s > 200.0 && s <= 300.0), "{ttl}");

    assert!(asks(&site, &["delete", "motd"]).status.success());
    for verb in ["get", "ttl", "delete"] {
        assert_refused(&asks(&site, &[verb, "motd"]), "Nothing is stored");
    }
    assert_refused(&asks(&site, &["set", "x", "y", "--timeout", "soon"]), "never");
}

fn the_command_reads_and_writes_redis_itself(on: Database) {
    let Some(redis) = Redis::start() else { return };
    let site = TestSite::start_with(on, &["--redis", &redis.url()]);
    site.has_product("Tea");
    site.get("/");
    wait_for_shared(&redis);
    let keys = of(&redis, &["keys"]).out;
    assert!(keys.contains(LIST) && !keys.contains("memory"), "{keys}");
    // The complete name, as redis-cli shows it, is a key as well.
    let shown = redis.command(&["KEYS", "larder:*"]);
    let name = shown.lines().find(|name| name.ends_with(LIST)).unwrap();
    for key in [name, LIST] {
        let found = found(&of(&redis, &["get", key, "--json"]));
        assert_eq!(found[0]["name"], name);
        assert_eq!(found[0]["kind"], "query");
    }
    // The shop stores its values in the same place and seals them, which needs the database's
    // secret.
    assert_refused(&of(&redis, &["set", "motd", "Fresh bread"]), "--database");
    let database = site.database.url();
    let set = of(&redis, &["set", "motd", "Fresh bread", "--database", &database]);
    assert!(set.status.success(), "{set:?}");
    assert!(asks(&site, &["get", "motd"]).out.contains("Fresh bread"));
    assert!(asks(&site, &["set", "visits", "7"]).status.success());
    assert_eq!(redis.command(&["INCR", "larder:values:1:visits"]), "8");
    assert!(of(&redis, &["get", "visits"]).out.contains("value    8"));
    let stats = found(&of(&redis, &["stats", "--json"]));
    assert_eq!(stats["store"]["values"], 2, "{stats}");
    assert!(of(&redis, &["stats"]).out.contains("redis: "));
    assert_refused(&of(&redis, &["get", "nothing"]), "\"nothing\"");
}

fn entries_in_redis_are_validated_by_the_database(on: Database) {
    let Some(redis) = Redis::start() else { return };
    let site = TestSite::start_with(on, &["--redis", &redis.url()]);
    let tea = site.has_product("Tea");
    site.get("/");
    wait_for_shared(&redis);
    assert!(of(&redis, &["get", LIST]).out.contains("unknown: "));
    let database = site.database.url();
    let judged = ["get", LIST, "--database", &database];
    assert!(of(&redis, &judged).out.contains("fresh    yes"));
    site.edits(tea, &[("title", "Green tea")]).assert_sends_to("/");
    let list = of(&redis, &judged).out;
    assert!(list.contains("no: products has changed"), "{list}");
}

fn clearing_leaves_foreign_keys_alone(on: Database) {
    let Some(redis) = Redis::start() else { return };
    redis.command(&["SET", "neighbour", "mine"]);
    let site = TestSite::start_with(on, &["--redis", &redis.url()]);
    site.has_product("Tea");
    site.get("/");
    wait_for_shared(&redis);
    of(&redis, &["set", "motd", "Fresh bread"]);
    assert!(of(&redis, &["clear"]).status.success());
    assert_eq!(redis.keys(), "neighbour");
    // The shop's local tier is still filled; clearing through the shop empties it, too.
    site.get("/").assert_cache("hit");
    assert!(asks(&site, &["clear"]).status.success());
    site.get("/").assert_cache("stored");
    assert_eq!(redis.command(&["GET", "neighbour"]), "mine");
}

fn a_tag_is_invalidated_by_the_shop_or_in_the_database(on: Database) {
    let site = TestSite::start(on);
    site.has_product("Tea");
    let database = site.database.url();
    let ways = [["--site", &site.address()], ["--database", &database]];
    for way in ways {
        for tag in ["products", "everything"] {
            site.get("/");
            site.get("/").assert_cache("hit");
            let ended = run(&[&["cache", "invalidate", tag], &way[..]].concat());
            assert!(ended.status.success(), "{way:?}: {ended:?}");
            site.get("/").assert_cache("stored");
        }
        assert_refused(&run(&[&["cache", "invalidate", "teas"], &way[..]].concat()), "tag");
    }
}

fn a_public_shop_is_not_changed(on: Database) {
    let site = TestSite::start_with(on, &["--bind", "0.0.0.0:0"]);
    assert!(asks(&site, &["keys"]).status.success());
    for verb in [&["set", "motd", "x"][..], &["delete", "motd"], &["clear"], &["invalidate"]] {
        assert_refused(&asks(&site, verb), "not changed");
    }
    assert_refused(&asks(&site, &["get", "motd"]), "Nothing is stored");
}

fn strangers_are_refused(on: Database) {
    let site = TestSite::start(on);
    site.has_product("Tea");
    site.get("/");
    for path in ["/cache/keys", "/cache/key?key=motd", "/cache/stats"] {
        let page = site.ask("GET", path).header("Via", "1.1 proxy").send();
        page.assert_status(403).assert_sees_not("products.list");
        assert_eq!(page.header("content-type").as_deref(), Some("application/problem+json"));
        assert_eq!(page.header("cache-control").as_deref(), Some("no-store"));
    }
    let keys = site.get("/cache/keys");
    keys.assert_status(200);
    assert_eq!(keys.header("cache-control").as_deref(), Some("no-store"));
    for path in ["/cache/key", "/cache/key/delete", "/cache/clear"] {
        let form = [("key", "motd"), ("value", "x")];
        let foreign = site.ask("POST", path).header("Origin", "http://evil.test").form(&form);
        foreign.send().assert_status(403);
    }
    assert_refused(&asks(&site, &["get", "motd"]), "Nothing is stored");
}

fn invalid_requests_are_problem_documents(on: Database) {
    let site = TestSite::start(on);
    let questions = [
        ("/cache/keys?limit=0", 422),
        ("/cache/keys?limit=many", 422),
        ("/cache/key", 422),
        ("/cache/key?key=nothing", 404),
        ("/cache/key?key=a&key=b", 400),
    ];
    for (path, status) in questions {
        let page = site.get(path);
        page.assert_status(status);
        let problem: Value = serde_json::from_slice(&page.body).expect("JSON");
        assert_eq!(problem["status"], status, "{path}");
        assert!(problem["detail"].as_str().is_some_and(|detail| detail.ends_with('.')), "{path}");
    }
    for fields in [&[("key", ""), ("value", "x")][..], &[("key", "x"), ("timeout", "soon")]] {
        site.submit("/cache/key", fields).assert_status(422);
    }
    site.ask("GET", "/nothing").header("Accept", "application/json").send().assert_status(404);
}

fn an_unreachable_server_is_named(on: Database) {
    let absent = format!("http://127.0.0.1:{}", free_port());
    assert_refused(&run(&["cache", "keys", "--site", &absent]), &absent);
    let absent = format!("redis://127.0.0.1:{}", free_port());
    assert_refused(&run(&["cache", "keys", "--redis", &absent]), "redis");
    assert_refused(&run(&["cache", "keys", "--redis", "here"]), "redis://");
    let missing = ["cache", "invalidate", "--database", "sqlite:///nowhere/shop.sqlite3"];
    assert_refused(&run(&missing), "/nowhere/shop.sqlite3");
    // A server that is not a shop is refused.
    let site = TestSite::start(on);
    let elsewhere = format!("{}/static", site.address());
    assert_refused(&run(&["cache", "keys", "--site", &elsewhere]), "");
}

/// Runs `larder cache …` against the shop.
#[track_caller]
fn asks(site: &TestSite, arguments: &[&str]) -> Ended {
    run(&[&["cache", "--site", &site.address()], arguments].concat())
}

/// Runs `larder cache …` against Redis.
#[track_caller]
fn of(redis: &Redis, arguments: &[&str]) -> Ended {
    run(&[&["cache", "--redis", &redis.url()], arguments].concat())
}

#[track_caller]
fn run(arguments: &[&str]) -> Ended {
    Program::start(larder(arguments)).ends()
}

/// Returns the one JSON document that was printed.
#[track_caller]
fn found(ended: &Ended) -> Value {
    assert!(ended.status.success(), "{ended:?}");
    serde_json::from_str(&ended.out).unwrap_or_else(|error| panic!("{error}: {ended:?}"))
}

/// Asserts exit code 1, no output, and one sentence on standard error that contains `word`.
#[track_caller]
fn assert_refused(ended: &Ended, word: &str) {
    assert_eq!(ended.status.code(), Some(1), "{ended:?}");
    assert_eq!((ended.out.as_str(), ended.err.lines().count()), ("", 1), "{ended:?}");
    assert!(ended.err.contains(word), "no “{word}” in {ended:?}");
}

/// Waits until the list is in Redis, where it is written after the response.
#[track_caller]
fn wait_for_shared(redis: &Redis) {
    let is_list = |key: &str| key.ends_with(LIST);
    until("the list is shared", || redis.keys().lines().any(is_list));
}
