//! Write access to Redis is neither staff access nor a way to show visitors another page.

use std::sync::Arc;

use crate::support::{
    Database, Exposition, PASSWORD, Program, Redis, TestDatabase, TestSite, larder,
    on_both_databases, until,
};

on_both_databases! {
    identities_are_not_in_redis,
    pages_copied_over_one_another_are_made_anew_and_counted,
    a_rotated_secret_is_noticed_by_shops_that_run,
    two_shops_that_start_at_once_share_a_secret;
    by_hand: a_secret_that_is_gone_shares_nothing_until_there_is_another,
}

/// The names of entries in Redis that end so, once there are any.
fn names(redis: &Redis, end: &str) -> Vec<String> {
    let found = || -> Vec<String> {
        let keys = redis.keys();
        let entries = keys.lines().filter(|key| key.starts_with("larder:entry:"));
        entries.filter(|key| key.ends_with(end)).map(str::to_owned).collect()
    };
    until(&format!("an entry ends in {end}"), || !found().is_empty());
    found()
}

fn rotate(database: &TestDatabase) -> String {
    let ended = Program::start(larder(&["secret", "rotate", "--database", &database.url()])).ends();
    assert!(ended.status.success(), "{ended:?}");
    ended.out
}

/// What Redis holds under this name, in print.
fn held(redis: &Redis, name: &str) -> String {
    redis.command(&["--no-raw", "GET", name])
}

fn identities_are_not_in_redis(on: Database) {
    let Some(redis) = Redis::start() else { return };
    let flags = ["--redis", &redis.url()];
    let site = TestSite::with_staff(on, &["Mina"], &flags);
    let mut mina = site.visitor();
    mina.submit("/login", &[("name", "Mina"), ("password", PASSWORD)]).assert_sees("Mina");
    for _ in 0..3 {
        mina.get("/staff").assert_sees("Mina");
    }
    site.get("/");
    names(&redis, "");
    let keys = redis.keys();
    let tells = |key: &&str| key.contains("accounts") || key.contains("session:");
    assert_eq!(keys.lines().find(tells), None);
}

fn pages_copied_over_one_another_are_made_anew_and_counted(on: Database) {
    let Some(redis) = Redis::start() else { return };
    // The name is part of a page's key, as the port of an address would be.
    let flags = ["--redis", &redis.url(), "--host", "shop.test"];
    let get =
        |site: &TestSite, path: &str| site.ask("GET", path).header("Host", "shop.test").send();
    let here = TestSite::start_with(on, &flags);
    let tea = here.has_product("Tea");
    let path = format!("/products/{tea}");
    for path in ["/cookbook", path.as_str()] {
        get(&here, path).assert_status(200);
    }
    let [recipes] = &names(&redis, "path=\"/cookbook\":query=none")[..] else { panic!("one page") };
    let [product] = &names(&redis, &format!("path=\"{path}\":query=none"))[..] else {
        panic!("one page")
    };
    for moves in [&["COPY", recipes, product, "REPLACE"][..], &["RENAME", recipes, product]] {
        get(&here, &path);
        redis.command(moves);
        let there = here.another_instance_with(&flags);
        get(&there, &path).assert_status(200).assert_sees("Tea");
        let figures = Exposition::of(&there.get("/metrics"));
        let parts = ["outcome=\"unreadable\"", "reason=\"wrong seal\""];
        let wrong = figures.sum("larder_cache_operations_total", &parts);
        assert!(wrong >= 1.0, "{moves:?}");
        until("it is shared anew", || held(&redis, product) != held(&redis, recipes));
    }
}

fn a_rotated_secret_is_noticed_by_shops_that_run(on: Database) {
    let Some(redis) = Redis::start() else { return };
    let flags = ["--redis", &redis.url()];
    let here = TestSite::start_with(on, &flags);
    here.has_product("Tea");
    here.get("/").assert_status(200);
    let [home] = &names(&redis, "path=\"/\":query=none")[..] else { panic!("one page") };
    let before = held(&redis, home);
    let said = rotate(&here.database);
    assert!(!said.contains(char::is_numeric), "{said}");
    // The very next request goes by it: what was in memory may have come from the shared store.
    here.get("/").assert_cache("miss").assert_sees("Tea");
    until("the page is sealed anew", || held(&redis, home) != before);
    // Two that have noticed share again; what was sealed before is not taken from its place.
    let there = here.another_observed(&flags);
    there.get("/").assert_sees("Tea");
    redis.command(&["FLUSHALL"]);
    here.get("/cookbook").assert_status(200);
    names(&redis, "path=\"/cookbook\":query=none");
    let found = there.get("/cookbook");
    assert_eq!(found.timing().sql_queries(), 0, "{:?}", found.timing());
}

fn two_shops_that_start_at_once_share_a_secret(on: Database) {
    let Some(redis) = Redis::start() else { return };
    let flags = ["--redis", &redis.url()];
    let database = Arc::new(TestDatabase::create(on));
    let (here, there) = std::thread::scope(|scope| {
        let start = || {
            let database = database.clone();
            scope.spawn(move || {
                TestSite::open(database, &[&flags[..], &["--toolbar", "auto"]].concat())
            })
        };
        let (one, other) = (start(), start());
        (one.join().unwrap(), other.join().unwrap())
    });
    assert_eq!(database.sql("SELECT count(*) FROM cache_secret").trim(), "1");
    here.get("/cookbook").assert_status(200);
    names(&redis, "path=\"/cookbook\":query=none");
    let found = there.get("/cookbook");
    assert_eq!(found.timing().sql_queries(), 0, "{:?}", found.timing());
}

fn a_secret_that_is_gone_shares_nothing_until_there_is_another(on: Database) {
    let Some(redis) = Redis::start() else { return };
    let flags = ["--redis", &redis.url()];
    let here = TestSite::start_with(on, &flags);
    here.has_product("Tea");
    here.database.sql("DELETE FROM cache_secret");
    here.get("/").assert_status(200).assert_sees("Tea");
    here.wait_for_log("has no secret");
    // The next instance that starts makes one; the running one goes by it.
    let there = here.another_observed(&flags);
    assert_eq!(here.database.sql("SELECT count(*) FROM cache_secret").trim(), "1");
    redis.command(&["FLUSHALL"]);
    here.get("/cookbook").assert_status(200);
    names(&redis, "path=\"/cookbook\":query=none");
    let found = there.get("/cookbook");
    assert_eq!(found.timing().sql_queries(), 0, "{:?}", found.timing());
}
