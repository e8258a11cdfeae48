//! Every kind of Redis fault while people read and edit: no errors, no stale pages.
//!
//! One second after a fault, requests are as fast as before.

mod load;

use std::time::{Duration, Instant};

use load::Shop;

use crate::support::{
    Bell, DEFAULT_REDIS_TIMEOUT, Database, Line, Redis, TestSite, Trouble, until,
};

/// Generates a test on SQLite from each function; after `on_postgres_too:` also one on Postgres.
macro_rules! faults {
    ($($story:ident),+; on_postgres_too: $($both:ident),+ $(,)?) => {
        mod sqlite {
            faults!(@tests Sqlite, $($story,)+ $($both,)+);
        }
        mod postgres {
            faults!(@tests Postgres, $($both,)+);
        }
    };
    (@tests $database:ident, $($story:ident,)+) => {$(
        #[test]
        fn $story() {
            let database = $crate::support::Database::$database;
            let redis = $crate::support::Redis::start();
            if let Some(redis) = redis.filter(|_| database.is_here(false)) {
                super::$story(database, redis);
            }
        }
    )+};
}

faults! {
    redis_in_a_restart_loop,
    redis_restarted_on_an_old_snapshot,
    redis_with_one_megabyte_under_each_policy,
    redis_behind_a_slow_line,
    redis_whose_writes_arrive_late_and_reordered,
    redis_that_garbles_bytes,
    redis_with_a_neighbours_keys;
    on_postgres_too:
    redis_killed_with_sigkill,
    redis_frozen_for_five_seconds,
    redis_flushed_every_100_ms,
}

/// How long a fault lasts that does not end by itself.
const LASTING: Duration = Duration::from_millis(2_500);

fn redis_killed_with_sigkill(on: Database, mut redis: Redis) {
    let shop = Shop::open(on, &redis.url());
    shop.lives_through(|_| redis.dies());
}

fn redis_frozen_for_five_seconds(on: Database, redis: Redis) {
    let shop = Shop::open(on, &redis.url());
    shop.lives_through(|evening| {
        redis.signal("STOP");
        evening.rings_within(Duration::from_secs(5));
        redis.signal("CONT");
    });
}

fn redis_in_a_restart_loop(on: Database, mut redis: Redis) {
    let shop = Shop::open(on, &redis.url());
    shop.lives_through(|evening| {
        for pause in [100, 700, 200, 500, 0, 300, 100, 400] {
            redis.dies();
            evening.rings_within(Duration::from_millis(pause / 2));
            redis.returns();
            evening.rings_within(Duration::from_millis(pause));
        }
    });
}

fn redis_flushed_every_100_ms(on: Database, redis: Redis) {
    let shop = Shop::open(on, &redis.url());
    shop.lives_through(|evening| {
        repeat(evening, LASTING, Duration::from_millis(100), || {
            redis.command(&["FLUSHALL"]);
        });
    });
}

fn redis_restarted_on_an_old_snapshot(on: Database, mut redis: Redis) {
    let shop = Shop::open(on, &redis.url());
    reads_once(&shop, &shop.here);
    until("the list is shared", || redis.keys().contains("products.list"));
    redis.command(&["SAVE"]);
    for item in 0..shop.shelf.len() {
        shop.shelf.edit(&shop.here, item).unwrap();
    }
    redis.returns();
    assert!(redis.keys().contains("products.list"), "the old entries are back");
    // Its local tier is empty: whatever it shows without a query comes from the old snapshot.
    let fresh = shop.here.another_instance_with(&[
        "--redis",
        &redis.url(),
        "--redis-timeout",
        DEFAULT_REDIS_TIMEOUT,
    ]);
    reads_once(&shop, &fresh);

    shop.lives_through(|_| {
        redis.command(&["SAVE"]);
        let changes = shop.shelf.changes();
        until("twenty edits are done", || shop.shelf.changes() > changes + 20);
        redis.returns();
    });
}

fn redis_with_one_megabyte_under_each_policy(on: Database, redis: Redis) {
    let shop = Shop::open(on, &redis.url());
    let policies = [
        "noeviction",
        "allkeys-lru",
        "allkeys-lfu",
        "allkeys-random",
        "volatile-lru",
        "volatile-lfu",
        "volatile-random",
        "volatile-ttl",
    ];
    shop.lives_through(|evening| {
        for policy in policies {
            redis.command(&["CONFIG", "SET", "maxmemory", "1mb", "maxmemory-policy", policy]);
            evening.rings_within(Duration::from_millis(400));
        }
    });
    assert!(redis.tells("evicted_keys") > 0, "nothing was evicted");
    assert!(redis.tells("errorstat_OOM") > 0, "nothing was refused");
}

fn redis_behind_a_slow_line(on: Database, redis: Redis) {
    let line = Line::to(redis.port());
    let shop = Shop::open(on, &line.url());
    shop.lives_through(|evening| {
        line.gives(Trouble::Slow(Duration::from_millis(200)));
        evening.rings_within(LASTING);
        line.gives(Trouble::None);
    });
    assert!(line.troubled() > 0, "no answer was slow");
}

fn redis_whose_writes_arrive_late_and_reordered(on: Database, redis: Redis) {
    let line = Line::to(redis.port());
    let shop = Shop::open(on, &line.url());
    shop.lives_through(|evening| {
        line.gives(Trouble::LateWrites);
        evening.rings_within(LASTING);
    });
    assert!(line.troubled() > 20, "{} writes came late", line.troubled());
}

fn redis_that_garbles_bytes(on: Database, redis: Redis) {
    let line = Line::to(redis.port());
    let shop = Shop::open(on, &line.url());
    shop.lives_through(|evening| {
        line.gives(Trouble::Garbled);
        repeat(evening, LASTING, Duration::from_millis(300), || {
            let fresh = shop.here.another_instance_with(&[
                "--redis",
                &line.url(),
                "--redis-timeout",
                DEFAULT_REDIS_TIMEOUT,
            ]);
            reads_once(&shop, &fresh);
        });
    });
    assert!(line.troubled() > 20, "{} values were garbled", line.troubled());
}

fn redis_with_a_neighbours_keys(on: Database, redis: Redis) {
    let neighbours: [&[&str]; 7] = [
        &["SET", "session:1", "mine"],
        &["SET", "larder", "mine"],
        &["SET", "larder-of-another", "mine"],
        &["SET", "larder:recipes:1", "mine"],
        &["HSET", "basket", "larder:entry:", "mine"],
        &["RPUSH", "queue", "larder:entry:", "mine"],
        &["ZADD", "ranking", "1", "larder:entry:"],
    ];
    for command in neighbours {
        redis.command(command);
    }
    let shop = Shop::open(on, &redis.url());
    let mut orders = 0;
    shop.lives_through(|evening| {
        repeat(evening, LASTING, Duration::from_millis(50), || {
            orders += 1;
            redis.command(&["SET", &format!("order:{orders}"), "mine"]);
            redis.command(&["EVAL", "return redis.call('INCR', 'orders')", "0"]);
        });
    });

    redis.command(&["SET", "larder:entry:of an old build", "ours"]);
    shop.here.another_instance_with(&[
        "--redis",
        &redis.url(),
        "--redis-timeout",
        DEFAULT_REDIS_TIMEOUT,
        "--clear-cache",
    ]);
    let keys = redis.keys();
    assert!(!keys.contains("of an old build"), "nothing was cleared: {keys}");
    for command in neighbours {
        assert!(keys.lines().any(|key| key == command[1]), "{} is gone: {keys}", command[1]);
    }
    let number = |front: &str| keys.lines().filter(|key| key.starts_with(front)).count();
    assert_eq!(number("order:"), orders);
    assert_eq!(redis.command(&["GET", "orders"]), orders.to_string());
}

/// Asserts that this instance shows every product as it is, on all pages.
#[track_caller]
fn reads_once(shop: &Shop, site: &TestSite) {
    let mut caller = site.caller();
    shop.looks_at_list(&mut caller, "/").unwrap();
    for item in 0..shop.shelf.len() {
        shop.shelf.look_at_one(&mut caller, item).unwrap();
    }
}

/// Repeats `work` for a while, with a pause after each time.
fn repeat(evening: &Bell, time: Duration, every: Duration, mut work: impl FnMut()) {
    let end = Instant::now() + time;
    while Instant::now() < end {
        work();
        evening.rings_within(every);
    }
}
