//! Redis shares work between instances, and harms nothing when it is down or corrupt.

use std::time::Instant;

use crate::support::{
    DEFAULT_REDIS_TIMEOUT, Database, Redis, TestSite, address_of_its_own, free_port,
    on_both_databases, until,
};

on_both_databases! {
    a_second_instance_finds_what_the_first_has_stored,
    an_edit_shows_at_once_with_redis_too,
    the_shop_goes_on_when_redis_dies,
    the_shop_starts_without_redis,
    foreign_bytes_in_redis_are_never_served,
    a_redis_that_hangs_blocks_no_request,
    an_emptied_redis_costs_misses_only,
    keys_can_be_read_and_foreign_keys_are_left_alone,
}

fn a_second_instance_finds_what_the_first_has_stored(on: Database) {
    let Some(redis) = Redis::start() else { return };
    let here = TestSite::observed(on, &["--redis", &redis.url()]);
    here.has_product("Tea");
    here.get("/?q=tea").assert_cache("stored");
    // Entries are written to Redis after the response, so this polls.
    until("the list is shared", || redis.keys().contains("products.list"));

    let there = here.another_observed(&["--redis", &redis.url()]);
    // Another page, of the same list.
    let first_view = there.get("/?q=tea+tea");
    first_view.assert_status(200).assert_sees("Tea");
    assert_eq!(first_view.timing().sql_queries(), 0, "{:?}", first_view.timing());
    first_view.timing().assert_says("query", "products.list hit");
}

fn an_edit_shows_at_once_with_redis_too(on: Database) {
    let Some(redis) = Redis::start() else { return };
    let here = TestSite::start_with(on, &["--redis", &redis.url()]);
    let tea = here.has_product("Tea");
    let there = here.another_instance_with(&["--redis", &redis.url()]);
    for title in ["Green tea", "Black tea", "White tea"] {
        for site in [&here, &there] {
            site.get("/");
        }
        here.edits(tea, &[("title", title)]).assert_sends_to("/");
        for site in [&there, &here] {
            site.get("/").assert_sees(title);
            site.get(&format!("/products/{tea}")).assert_sees(title);
        }
    }
}

fn the_shop_goes_on_when_redis_dies(on: Database) {
    let Some(redis) = Redis::start() else { return };
    let site = TestSite::start_with(on, &["--redis", &redis.url()]);
    let tea = site.has_product("Tea");
    site.get("/");
    drop(redis);
    for round in 0..20 {
        let title = format!("Tea {round}.");
        site.edits(tea, &[("title", &title)]).assert_sends_to("/");
        site.get("/").assert_status(200).assert_sees(&title);
        site.get("/").assert_cache("hit");
    }
}

fn the_shop_starts_without_redis(on: Database) {
    let url = format!("redis://127.0.0.1:{}", free_port());
    let site = TestSite::start_with(on, &["--redis", &url]);
    site.has_product("Tea");
    site.get("/").assert_sees("Tea");
    site.get("/").assert_cache("hit");
}

fn foreign_bytes_in_redis_are_never_served(on: Database) {
    let Some(redis) = Redis::start() else { return };
    let here = TestSite::start_with(on, &["--redis", &redis.url()]);
    here.has_product("Tea");
    for path in ["/", "/?page=1", "/?q=tea"] {
        here.get(path).assert_status(200);
    }
    for junk in ["", "junk", "<html>junk</html>"] {
        for key in redis.keys().lines() {
            redis.command(&["SET", key, junk]);
        }
        let fresh = here.another_instance_with(&["--redis", &redis.url()]);
        for path in ["/", "/?page=1", "/?q=tea"] {
            fresh.get(path).assert_status(200).assert_sees("Tea").assert_sees_not("junk");
        }
    }
}

fn a_redis_that_hangs_blocks_no_request(on: Database) {
    let Some(redis) = Redis::start() else { return };
    let site = TestSite::start_with(
        on,
        &["--redis", &redis.url(), "--redis-timeout", DEFAULT_REDIS_TIMEOUT],
    );
    let tea = site.has_product("Tea");
    redis.signal("STOP");
    let (before, began) = (site.figures(), Instant::now());
    for page in 0..40 {
        site.get(&address_of_its_own(page)).assert_status(200).assert_sees("Tea");
    }
    site.edits(tea, &[("title", "Green tea")]).assert_sends_to("/");
    site.get("/").assert_sees("Green tea");
    // A few calls time out, and one probe a second; the circuit breaker refuses all others.
    let after = site.figures();
    let waited = after.waits_for_the_store() - before.waits_for_the_store();
    let probes = began.elapsed().as_secs_f64().ceil();
    assert!((1.0..=5.0 + probes).contains(&waited), "{waited} calls waited for it, {probes} s");

    redis.signal("CONT");
    site.edits(tea, &[("title", "Black tea")]).assert_sends_to("/");
    site.get("/").assert_sees("Black tea");
}

fn an_emptied_redis_costs_misses_only(on: Database) {
    let Some(redis) = Redis::start() else { return };
    let here = TestSite::start_with(on, &["--redis", &redis.url()]);
    let there = here.another_instance_with(&["--redis", &redis.url()]);
    let tea = here.has_product("Tea");
    for round in 0..30 {
        let title = format!("Tea {round}.");
        here.edits(tea, &[("title", &title)]).assert_sends_to("/");
        redis.command(&["FLUSHALL"]);
        for site in [&there, &here] {
            site.get("/").assert_sees(&title);
            site.get(&format!("/products/{tea}")).assert_sees(&title);
        }
    }
}

fn keys_can_be_read_and_foreign_keys_are_left_alone(on: Database) {
    let Some(redis) = Redis::start() else { return };
    redis.command(&["SET", "neighbour", "mine"]);
    let site = TestSite::start_with(on, &["--redis", &redis.url()]);
    site.has_product("Tea");
    site.get("/");
    until("the list is shared", || redis.keys().contains("products.list"));
    let keys = redis.keys();
    for key in keys.lines().filter(|key| *key != "neighbour") {
        assert!(key.starts_with("larder:") && key.is_ascii(), "{key}");
        let lifetime: i64 = redis.command(&["PTTL", key]).parse().unwrap();
        // -1 is "no end"; -2 is a lock that has been released meanwhile.
        assert!(lifetime != -1, "{key} has no end");
    }
    drop(site);
    let cleared = TestSite::start_with(on, &["--redis", &redis.url(), "--clear-cache"]);
    assert_eq!(redis.command(&["GET", "neighbour"]), "mine");
    cleared.get("/").assert_status(200);
}
