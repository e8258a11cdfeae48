//! Faults that only Redis has while it is up. Each test has a server of its own.

use std::{sync::Arc, time::Instant};

use bytes::Bytes;
use deadpool_redis::redis::{InfoDict, cmd};
use futures_util::{FutureExt, future::join_all};

use super::{server::Server, *};
use crate::{
    secret::Secret,
    store::{
        Item, Lifetime, Store, StoreError,
        redis::{RedisConfig, RedisStore},
    },
    values::Values,
};

/// Starts a server with a store and one key; its timeout is not reached on a busy computer.
pub(super) async fn start(options: &[&str]) -> Option<(Server, Arc<RedisStore>, Values)> {
    start_within(10 * SECOND, options).await
}

/// Starts a server with a store and one key; the store has this timeout.
pub(super) async fn start_within(
    timeout: Duration,
    options: &[&str],
) -> Option<(Server, Arc<RedisStore>, Values)> {
    let server = Server::start(options)?;
    let store = Arc::new(server.store_within(timeout));
    let settings = Settings { secret: Some(Secret::random()), ..Settings::new("blog") };
    let values = Values::new(store.clone(), settings);
    eventually("the first key is set", async || values.set("a", &1, DEFAULT).await.is_ok()).await;
    Some((server, store, values))
}

/// Polls a condition until it holds, for at most two minutes, so that a busy machine does not fail it.
pub(super) async fn eventually(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    let start = Instant::now();
    let mut pace = tokio::time::interval(Duration::from_millis(5));
    while !is_so().await {
        assert!(start.elapsed() < 120 * SECOND, "not so: {what}");
        pace.tick().await;
    }
}

#[tokio::test]
async fn values_of_another_kind_under_our_keys_are_a_miss() {
    let Some((server, store, values)) = start(&[]).await else {
        return;
    };
    let name = values.name("list");
    let put_a_list = || server.run::<i64>(cmd("RPUSH").arg(&name).arg("x"));
    put_a_list();
    assert_eq!(values.get::<i64>("list").await.unwrap(), None);
    assert!(values.get_many::<i64, _>(["list"]).await.unwrap().is_empty());
    assert!(matches!(values.incr("list", 1).await, Err(Error::NotInteger { .. })));
    assert!(!store.delete_if(&name, b"x").await.unwrap());
    assert!(!values.add("list", &1, DEFAULT).await.unwrap());
    values.set("list", &2, DEFAULT).await.unwrap();
    assert_eq!(values.get("list").await.unwrap(), Some(2));
    assert!(values.delete("list").await.unwrap());
    put_a_list();
    assert!(values.delete("list").await.unwrap());
}

/// A24.
#[tokio::test]
async fn clear_leaves_what_other_applications_keep() {
    let Some((server, store, values)) = start(&[]).await else {
        return;
    };
    let foreign: [&[u8]; 5] = [b"sessions:1", b"blog", b"blog2:1:a", b"xblog:1:a", b"\xff"];
    for key in foreign {
        let _: () = server.run(cmd("SET").arg(key).arg("theirs"));
    }
    // Under this cache's prefix, but not text and so not a key of the cache: it stays.
    let _: () = server.run(cmd("SET").arg(b"blog:\xff").arg("odd"));
    assert_eq!(values.clear().await.unwrap(), 1);
    let left: i64 = server.run(&mut cmd("DBSIZE"));
    assert_eq!(left, 6);
    assert_eq!(store.stats().await.unwrap().entries, Some(6));
}

/// Starts a server and fills it to the last 4 kB; some keys are older than that.
async fn start_full() -> Option<(Server, Arc<RedisStore>, Values)> {
    let options = ["--maxmemory", "3mb", "--maxmemory-policy", "noeviction"];
    let (server, store, values) = start(&options).await?;
    for key in ["old", "many", "small"] {
        values.set(key, "small", DEFAULT).await.unwrap();
    }
    let filler = "x".repeat(4_000);
    let mut names = (0..10_000).map(|number| format!("filler {number}"));
    while values.set(&names.next().unwrap(), &filler, DEFAULT).await.is_ok() {}
    Some((server, store, values))
}

fn is_full<T: std::fmt::Debug>(result: Result<T, Error>) -> bool {
    matches!(result, Err(Error::Store { source, .. }) if matches!(source, StoreError::Full))
}

/// A19, A33.
#[tokio::test]
async fn a_full_redis_refuses_and_keeps_no_old_value() {
    let Some((_server, _, values)) = start_full().await else {
        return;
    };
    assert!(is_full(values.set("old", "new", DEFAULT).await));
    assert_eq!(values.get::<String>("old").await.unwrap(), None);
    let failed = values.set_many([("many", "new")], DEFAULT).await.unwrap();
    assert_eq!(failed, ["many"]);
    assert_eq!(values.get::<String>("many").await.unwrap(), None);
    assert!(is_full(values.add("new", &1, DEFAULT).await));
    assert!(is_full(values.incr("a", 1).await));
}

/// Full is not down: the breaker stays closed.
#[tokio::test]
async fn a_full_redis_is_still_read() {
    let Some((_server, store, values)) = start_full().await else {
        return;
    };
    for _ in 0..5 {
        assert!(is_full(values.set("old", "new", DEFAULT).await));
    }
    assert_eq!(values.get_or("small", String::new()).await.unwrap(), "small");
    assert_eq!(store.stats().await.unwrap().limit_bytes, Some(3 << 20));
}

#[tokio::test]
async fn scripts_that_redis_forgot_are_sent_again() {
    let Some((server, _, values)) = start(&[]).await else {
        return;
    };
    assert_eq!(values.incr("a", 1).await.unwrap(), 2);
    let _: () = server.run(cmd("SCRIPT").arg("FLUSH"));
    assert_eq!(values.incr("a", 1).await.unwrap(), 3);
}

/// A39: no connection leaks. deadpool's ping at every checkout is avoided, too.
#[tokio::test]
async fn a_thousand_calls_share_a_connection_and_never_ping() {
    let Some((server, store, values)) = start(&[]).await else {
        return;
    };
    // Each `INFO` opens a connection of its own.
    let info = |section: &str| server.run::<InfoDict>(cmd("INFO").arg(section));
    let connections = || info("stats").get::<u64>("total_connections_received");
    let pings = || info("commandstats").get::<String>("cmdstat_ping");
    let (pings_before, connections_before) = (pings(), connections().unwrap());
    let calls = join_all((0..1000).map(|_| values.get::<i64>("a"))).await;
    assert!(calls.into_iter().all(|value| value.unwrap() == Some(1)));
    assert_eq!(connections(), Some(connections_before + 1));
    assert_eq!(pings(), pings_before);
    store.close().await.unwrap();
    let clients = || info("clients").get::<u32>("connected_clients");
    eventually("only who asks is connected", async || clients() == Some(1)).await;
    assert!(matches!(store.get("a").await, Err(StoreError::Closed)));
}

#[tokio::test]
async fn calls_that_are_dropped_do_not_mix_up_answers() {
    let Some((_server, store, _)) = start(&[]).await else {
        return;
    };
    let names: Vec<String> = (0..100).map(|number| format!("n{number}")).collect();
    for name in &names {
        let bytes = Bytes::from(name.clone());
        store.set(Item::new(name, &bytes, Lifetime::FOREVER)).await.unwrap();
    }
    for (turn, name) in names.iter().cycle().take(1000).enumerate() {
        if turn % 3 == 0 {
            let _ = store.get(&names[turn % 7]).now_or_never();
        }
        assert_eq!(store.get(name).await.unwrap().unwrap(), name.as_bytes());
    }
}

#[tokio::test]
async fn a_wrong_address_is_said_at_once_and_no_password_is_shown() {
    let open = |url: &str| RedisStore::open(&RedisConfig::new(url));
    let refusal = open("http://example.com").unwrap_err();
    assert_eq!(refusal, "no address of a Redis server; use redis://HOST:PORT/DATABASE");
    let config = RedisConfig::new("redis://:secret@127.0.0.1:1");
    let store = RedisStore::open(&config).unwrap();
    let shown = format!("{config:?} {store:?} {:?}", store.get("a").await);
    assert!(!shown.contains("secret"), "{shown}");
}
