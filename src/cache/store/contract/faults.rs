//! What only Redis can do to us. Each test has a server of its own.

use std::{sync::Arc, time::Instant};

use bytes::Bytes;
use deadpool_redis::redis::{InfoDict, cmd};
use futures_util::{FutureExt, future::join_all};

use super::{server::Server, *};
use crate::cache::{
    store::{Budget, Item, Lifetime, Store, StoreError, redis::RedisStore},
    values::Values,
};

/// The timeout that the site has.
const TIMEOUT: Duration = Duration::from_millis(80);

/// A server with a store on it, and one key.
async fn start(options: &[&str]) -> Option<(Server, Arc<RedisStore>, Values)> {
    let server = Server::start(options)?;
    let store = Arc::new(server.store_within(TIMEOUT));
    let values = Values::new(store.clone(), Settings::new("larder"));
    eventually("the first key is set", async || values.set("a", &1, DEFAULT).await.is_ok()).await;
    Some((server, store, values))
}

/// Asks again and again, up to ten seconds.
async fn eventually(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    let start = Instant::now();
    let mut pace = tokio::time::interval(Duration::from_millis(5));
    while !is_so().await {
        assert!(start.elapsed() < 10 * SECOND, "not so: {what}");
        pace.tick().await;
    }
}

/// Three calls that fail as `expected`, and a fourth that is not made.
async fn three_fail(store: &RedisStore, expected: fn(&StoreError) -> bool) {
    for _ in 0..3 {
        let error = store.get("a").await.unwrap_err();
        assert!(expected(&error) && error.is_outage(), "{error:?}");
    }
    let error = store.get("a").await.unwrap_err();
    assert!(matches!(error, StoreError::Paused { .. }), "{error:?}");
}

#[tokio::test]
async fn a_killed_redis_fails_three_calls_and_is_not_asked_again() {
    let Some((server, store, _)) = start(&[]).await else {
        return;
    };
    server.kill();
    three_fail(&store, |error| matches!(error, StoreError::Unavailable(_))).await;
}

#[tokio::test]
async fn a_frozen_redis_delays_three_calls_and_is_well_after_it_thaws() {
    let Some((server, store, values)) = start(&[]).await else {
        return;
    };
    server.freeze();
    let start = Instant::now();
    three_fail(&store, |error| matches!(error, StoreError::Timeout { .. })).await;
    // Three timeouts, and room for a busy computer.
    assert!(start.elapsed() < 3 * TIMEOUT + SECOND, "{:?}", start.elapsed());
    server.thaw();
    eventually("the store answers", async || store.get("a").await.is_ok()).await;
    assert_eq!(values.get("a").await.unwrap(), Some(1));
}

#[tokio::test]
async fn a_restarted_redis_is_read_and_written_at_once() {
    let Some((server, _, values)) = start(&[]).await else {
        return;
    };
    let server = server.restart();
    assert_eq!(values.get::<i64>("a").await.unwrap(), None);
    values.set("a", &2, DEFAULT).await.unwrap();
    let server = server.restart();
    values.set("a", &3, DEFAULT).await.unwrap();
    assert_eq!(values.incr("a", 1).await.unwrap(), 4);
    drop(server);
}

#[tokio::test]
async fn a_redis_that_is_not_there_yet_is_found_later() {
    let Some((server, _, _)) = start(&[]).await else {
        return;
    };
    server.kill();
    let store = server.store_within(TIMEOUT);
    let error = store.get("a").await.unwrap_err();
    assert!(matches!(error, StoreError::Unavailable(_)), "{error:?}");
    let _server = server.restart();
    assert_eq!(store.get("a").await.unwrap(), None);
}

#[tokio::test]
async fn a_dead_redis_costs_the_computation_and_not_the_answer() {
    let Some((server, _, values)) = start(&[]).await else {
        return;
    };
    server.kill();
    for number in 0..5 {
        assert_eq!(values.get_or_set("a", DEFAULT, async || number).await, number);
    }
}

#[tokio::test]
async fn a_request_waits_no_longer_than_its_budget() {
    let Some((server, store, _)) = start(&[]).await else {
        return;
    };
    server.freeze();
    let request = async {
        let first = store.get("a").await.unwrap_err();
        assert!(matches!(first, StoreError::Timeout { after } if after <= TIMEOUT / 2));
        store.get("a").await.unwrap_err()
    };
    let second = Budget::new(TIMEOUT / 2).scope(request).await;
    assert!(matches!(second, StoreError::Exhausted), "{second:?}");
}

/// S05.
#[tokio::test(flavor = "current_thread")]
async fn waiting_for_redis_leaves_the_thread_to_others() {
    let Some((server, store, _)) = start(&[]).await else {
        return;
    };
    server.freeze();
    let mut turns = 0_u64;
    let others = async {
        loop {
            turns += 1;
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        answer = store.get("a") => assert!(answer.is_err()),
        () = others => (),
    }
    assert!(turns > 100, "{turns}");
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
    let foreign: [&[u8]; 5] = [b"sessions:1", b"larder", b"larder2:1:a", b"xlarder:1:a", b"\xff"];
    for key in foreign {
        let _: () = server.run(cmd("SET").arg(key).arg("theirs"));
    }
    // Nobody's key of ours, because it is no text, but under our prefix: left where it is.
    let _: () = server.run(cmd("SET").arg(b"larder:\xff").arg("odd"));
    assert_eq!(values.clear().await.unwrap(), 1);
    let left: i64 = server.run(&mut cmd("DBSIZE"));
    assert_eq!(left, 6);
    assert_eq!(store.stats().await.unwrap().entries, Some(6));
}

/// A19, A33.
#[tokio::test]
async fn a_full_redis_refuses_and_keeps_no_old_value() {
    let options = ["--maxmemory", "3mb", "--maxmemory-policy", "noeviction"];
    let Some((server, store, values)) = start(&options).await else {
        return;
    };
    let (small, filler) = (vec![1_u64; 10], "x".repeat(4_000));
    for key in ["old", "many", "small"] {
        values.set(key, &small, DEFAULT).await.unwrap();
    }
    let mut fillers = (0..10_000).map(|number| format!("filler {number}"));
    while values.set(&fillers.next().unwrap(), &filler, DEFAULT).await.is_ok() {}
    let error = values.set("old", &small, DEFAULT).await.unwrap_err();
    assert!(matches!(error, Error::Store { source: StoreError::Full, .. }), "{error:?}");
    assert_eq!(values.get::<Vec<u64>>("old").await.unwrap(), None);
    assert_eq!(values.set_many([("many", &small)], DEFAULT).await.unwrap(), ["many"]);
    assert_eq!(values.get::<Vec<u64>>("many").await.unwrap(), None);
    assert!(matches!(
        values.add("new", &1, DEFAULT).await,
        Err(Error::Store { source: StoreError::Full, .. })
    ));
    assert!(matches!(
        values.incr("a", 1).await,
        Err(Error::Store { source: StoreError::Full, .. })
    ));
    assert_eq!(values.get("small").await.unwrap(), Some(small), "reading goes on");
    assert_eq!(store.stats().await.unwrap().limit_bytes, Some(3 << 20));
    drop(server);
}

#[tokio::test]
async fn scripts_that_redis_forgot_are_told_again() {
    let Some((server, _, values)) = start(&[]).await else {
        return;
    };
    assert_eq!(values.incr("a", 1).await.unwrap(), 2);
    let _: () = server.run(cmd("SCRIPT").arg("FLUSH"));
    assert_eq!(values.incr("a", 1).await.unwrap(), 3);
}

/// A39; and deadpool's ping at every checkout, which nobody pays here.
#[tokio::test]
async fn a_thousand_calls_share_a_connection_and_never_ping() {
    let Some((server, store, values)) = start(&[]).await else {
        return;
    };
    let clients =
        || server.run::<InfoDict>(cmd("INFO").arg("clients")).get::<u32>("connected_clients");
    let pings =
        || server.run::<InfoDict>(cmd("INFO").arg("commandstats")).get::<String>("cmdstat_ping");
    let before = (clients(), pings());
    let calls = join_all((0..1000).map(|_| values.get::<i64>("a"))).await;
    assert!(calls.into_iter().all(|value| value.unwrap() == Some(1)));
    assert_eq!((clients(), pings()), before);
    store.close().await.unwrap();
    eventually("our connection is closed", async || clients() < before.0).await;
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
    let open = |url: &str| RedisStore::open(&crate::cache::store::redis::RedisConfig::new(url));
    assert!(matches!(open("http://example.com"), Err(StoreError::Refused(_))));
    let config = crate::cache::store::redis::RedisConfig::new("redis://:secret@127.0.0.1:1");
    let store = RedisStore::open(&config).unwrap();
    let shown = format!("{config:?} {store:?} {:?}", store.get("a").await);
    assert!(!shown.contains("secret"), "{shown}");
}
