//! Write access to Redis gives neither staff access nor control over the pages of visitors.

use std::sync::Arc;

use crate::support::{
    Database, Exposition, PASSWORD, Program, Redis, TestDatabase, TestSite, larder,
    on_both_databases, until,
};

on_both_databases! {
    identities_are_not_in_redis,
    numbers_written_to_redis_allow_no_guessing,
    a_success_resets_the_count_of_every_instance,
    pages_copied_over_one_another_are_rebuilt_and_counted,
    running_shops_notice_a_rotated_secret,
    two_shops_that_start_at_once_share_a_secret;
    by_hand: without_a_secret_nothing_is_shared_until_there_is_a_new_one,
}

/// Waits for entries in Redis whose names end with `end`, and returns the names.
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

/// Returns the value under this name in Redis, in printable form.
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

fn numbers_written_to_redis_allow_no_guessing(on: Database) {
    let Some(redis) = Redis::start() else { return };
    let site = TestSite::with_staff(on, &["Mina"], &["--redis", &redis.url()]);
    let wrong = [("name", "mina"), ("password", "wrong pass")];
    let statuses: Vec<u16> = (0..11)
        .map(|_| {
            let status = site.submit("/login", &wrong).status;
            for key in redis.keys().lines().filter(|key| key.contains("sign-in.")) {
                redis.command(&["SET", key, "-1000000"]);
            }
            status
        })
        .collect();
    assert_eq!(statuses, [vec![422; 10], vec![429]].concat());
}

fn a_success_resets_the_count_of_every_instance(on: Database) {
    let Some(redis) = Redis::start() else { return };
    let flags = ["--access", "staff", "--redis", &redis.url()];
    let here = TestSite::with_staff(on, &["Mina"], &["--redis", &redis.url()]);
    let there = here.another_instance_with(&flags);
    let tries = |site: &TestSite, password: &str| {
        site.submit("/login", &[("name", "Mina"), ("password", password)]).status
    };
    let wrong: Vec<u16> = (0..9).map(|_| tries(&here, "wrong pass")).collect();
    assert_eq!(wrong, [422; 9]);
    assert_eq!(tries(&there, PASSWORD), 303);
    assert_eq!(tries(&here, "wrong pass"), 422);
    assert_eq!(tries(&here, PASSWORD), 303);
}

fn pages_copied_over_one_another_are_rebuilt_and_counted(on: Database) {
    let Some(redis) = Redis::start() else { return };
    // The host is part of a page's key, and the ports of the instances differ.
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
        let wrong = figures.sum("larder_cache_errors_total", &parts);
        assert!(wrong >= 1.0, "{moves:?}");
        until("it is shared anew", || held(&redis, product) != held(&redis, recipes));
    }
}

fn running_shops_notice_a_rotated_secret(on: Database) {
    let Some(redis) = Redis::start() else { return };
    let flags = ["--redis", &redis.url()];
    let here = TestSite::start_with(on, &flags);
    here.has_product("Tea");
    here.get("/").assert_status(200);
    let [home] = &names(&redis, "path=\"/\":query=none")[..] else { panic!("one page") };
    let before = held(&redis, home);
    let said = rotate(&here.database);
    assert!(!said.contains(char::is_numeric), "{said}");
    // The next request uses the new secret: the local tier may hold values from the shared tier.
    here.get("/").assert_cache("miss").assert_sees("Tea");
    until("the page is sealed anew", || held(&redis, home) != before);
    // Both instances use the new secret and share again; values with the old seal are refused.
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

fn without_a_secret_nothing_is_shared_until_there_is_a_new_one(on: Database) {
    let Some(redis) = Redis::start() else { return };
    let flags = ["--redis", &redis.url()];
    let here = TestSite::start_with(on, &flags);
    here.has_product("Tea");
    here.database.sql("DELETE FROM cache_secret");
    here.get("/").assert_status(200).assert_sees("Tea");
    here.wait_for_log("has no secret");
    // The next instance that starts creates a secret, and the running one uses it.
    let there = here.another_observed(&flags);
    assert_eq!(here.database.sql("SELECT count(*) FROM cache_secret").trim(), "1");
    redis.command(&["FLUSHALL"]);
    here.get("/cookbook").assert_status(200);
    names(&redis, "path=\"/cookbook\":query=none");
    let found = there.get("/cookbook");
    assert_eq!(found.timing().sql_queries(), 0, "{:?}", found.timing());
}
