//! Faults of a cluster, and slots that move. Each test has a cluster of its own.

use std::sync::Arc;

use bytes::Bytes;
use deadpool_redis::redis::cmd;

use super::{faults::eventually, nodes::Cluster, *};
use crate::{
    secret::Secret,
    store::{Item, Leased, Lifetime, Store, StoreError, redis::names},
};

fn open(cluster: &Cluster, timeout: Duration) -> RedisStore {
    RedisStore::open(&RedisConfig { timeout, ..RedisConfig::new(cluster.url()) }).unwrap()
}

fn item<'a>(key: &'a str, bytes: &'a Bytes) -> Item<'a> {
    Item::new(key, bytes, Lifetime::FOREVER)
}

/// Writes and reads keys of all servers in turn, until each succeeds after the fault is over.
///
/// Each read that is answered finds what was written last, or nothing. Returns how many failed.
async fn use_keys(store: &RedisStore, is_over: impl Fn() -> bool) -> usize {
    let (mut failed, mut in_a_row) = (0, 0);
    for turn in 0.. {
        let (key, bytes) = (format!("key {}", turn % 100), Bytes::from(format!("value {turn}")));
        let was_over = is_over();
        let done = async {
            store.set(item(&key, &bytes)).await?;
            let found = store.get(&key).await?;
            assert!(found.is_none_or(|found| found == bytes), "{key}");
            Ok::<_, StoreError>(())
        };
        if let Err(error) = done.await {
            assert!(error.is_outage(), "{error:?}");
            (failed, in_a_row) = (failed + 1, 0);
        }
        in_a_row += usize::from(was_over);
        if in_a_row > 200 {
            break;
        }
        tokio::task::yield_now().await;
    }
    failed
}

/// Uses keys during a fault, and returns how many times that failed.
async fn fails_during(store: &RedisStore, fault: impl FnOnce() + Send + 'static) -> usize {
    let fault = tokio::task::spawn_blocking(fault);
    let failed = use_keys(store, || fault.is_finished()).await;
    fault.await.unwrap();
    failed
}

/// Commands on one key follow their slots: not even a miss.
#[tokio::test]
async fn slots_move_between_servers_while_they_are_used() {
    let Some(cluster) = Cluster::start() else { return };
    let (store, cluster) = (open(&cluster, 10 * SECOND), Arc::new(cluster));
    let moving = cluster.clone();
    let failed = fails_during(&store, move || {
        moving.reshard(0, 1, 300);
        moving.reshard(1, 2, 300);
    });
    assert_eq!(failed.await, 0);
}

#[tokio::test]
async fn a_replica_takes_over_from_a_killed_primary() {
    let Some(cluster) = Cluster::start() else { return };
    let (store, cluster) = (open(&cluster, SECOND), Arc::new(cluster));
    let killed = cluster.clone();
    let failed = fails_during(&store, move || killed.nodes[1].kill());
    assert!(failed.await > 0);
}

/// The breaker of a server refuses its own keys only.
#[tokio::test]
async fn a_frozen_primary_costs_its_own_keys_only() {
    let Some(cluster) = Cluster::start() else { return };
    let store = open(&cluster, Duration::from_millis(400));
    let keys: Vec<String> = (0..20).map(|number| format!("key {number}")).collect();
    let bytes = Bytes::from_static(b"a");
    for key in &keys {
        eventually("the key is stored", async || store.set(item(key, &bytes)).await.is_ok()).await;
    }
    let frozen = cluster.owner_of("key 0");
    cluster.nodes[frozen].freeze();
    let (here, others): (Vec<_>, Vec<_>) =
        keys.iter().partition(|key| cluster.owner_of(key) == frozen);
    eventually("its keys are refused at once", async || {
        matches!(store.get(here[0]).await, Err(StoreError::Paused { .. }))
    })
    .await;
    assert!(store.is_paused());
    for key in others {
        eventually("another's key is found", async || {
            store.get(key).await.is_ok_and(|found| found.is_some())
        })
        .await;
    }
    cluster.nodes[frozen].thaw();
}

/// Half of the keys of a slot are on either server, and more move while the pages are read.
#[tokio::test]
async fn keys_of_a_slot_that_is_being_moved_are_found_and_cleared() {
    let Some(cluster) = Cluster::start() else { return };
    let store = open(&cluster, 10 * SECOND);
    // From the server that is scanned last to the one that is scanned first.
    let (to, from) = (cluster.first_scanned(), cluster.last_scanned());
    // All in one slot: of so many keys, those with one tag.
    let all = (0..2_000_000).map(|number| format!("shop:{number}"));
    let mut all = all.skip_while(|key| cluster.owner_of(key) != from).peekable();
    let first = names::tagged(all.peek().unwrap());
    let keys: Vec<String> = all.filter(|key| names::tagged(key).starts_with(&first[..6])).collect();
    let bytes = Bytes::from_static(b"x");
    let items: Vec<Item<'_>> = keys.iter().map(|key| item(key, &bytes)).collect();
    assert!(store.set_many(&items).await.unwrap().iter().all(Result::is_ok));

    cluster.begin_to_move(names::slot(&first), from, to);
    let move_on = |keys: &[String]| {
        keys.iter().for_each(|key| cluster.migrate(&names::tagged(key), from, to));
    };
    let (moved, others) = keys.split_at(keys.len() / 3);
    let (moving, _) = others.split_at(others.len() / 2);
    move_on(moved);
    let (mut found, mut next, mut moving) = (BTreeSet::new(), None, moving.chunks(2));
    loop {
        let page = store.scan("shop:", next).await.unwrap();
        found.extend(page.keys);
        move_on(moving.next().unwrap_or_default());
        next = page.next;
        if next.is_none() {
            break;
        }
    }
    assert_eq!(found.len(), keys.len());
    let all: Vec<&str> = keys.iter().map(String::as_str).collect();
    assert!(store.get_many(&all).await.unwrap().iter().all(Option::is_some));
    assert_eq!(store.clear("shop:").await.unwrap(), keys.len() as u64);
    assert!(store.get_many(&all).await.unwrap().iter().all(Option::is_none));
}

/// A script uses the value and the lease, which may be on two servers then. What it loses is a store.
#[tokio::test]
async fn values_are_computed_while_their_slot_is_being_moved() {
    let Some(cluster) = Cluster::start() else { return };
    let settings = Settings { secret: Some(Secret::random()), ..Settings::new("blog") };
    let values = Values::new(Arc::new(open(&cluster, 10 * SECOND)), settings);
    let key = values.name("a");
    let from = cluster.owner_of(&key);
    let to = (from + 1) % 3;
    cluster.begin_to_move(names::slot(&names::tagged(&key)), from, to);
    assert_eq!(values.get_or_set("a", DEFAULT, async || 1).await, 1);
    values.set("a", &2, DEFAULT).await.unwrap();
    assert_eq!(values.incr("a", 1).await.unwrap(), 3);
    assert_eq!(values.get_or_set("a", DEFAULT, async || 4).await, 3);
    assert_eq!(values.incr_version("a", 1).await.unwrap(), 2);
    assert!(!values.delete("a").await.unwrap());
}

/// The lease has the tag of its key, so `delete_pattern` ends it, and the load is not stored.
#[tokio::test]
async fn a_load_that_delete_pattern_overtook_is_not_stored() {
    let Some(bench) = Bench::cluster() else { return };
    let (values, name) = (&bench.values, bench.values.name("a"));
    let token = Bytes::from_static(b"token");
    let leased = bench.store.get_or_lease(&name, &token, Lifetime::FOREVER).await.unwrap();
    assert_eq!(leased, Leased::Lease(token.clone()));
    values.delete_pattern("*").await.unwrap();
    let bytes = Bytes::from_static(b"old");
    assert!(!bench.store.add_leased(item(&name, &bytes), &token).await.unwrap());
}

#[tokio::test]
async fn the_figures_are_those_of_all_servers() {
    let Some(cluster) = Cluster::start() else { return };
    let store = open(&cluster, 10 * SECOND);
    let bytes = Bytes::from_static(b"x");
    for number in 0..30 {
        store.set(item(&format!("key {number}"), &bytes)).await.unwrap();
    }
    assert_eq!(store.stats().await.unwrap().entries, Some(30));
    for node in &cluster.nodes[..3] {
        let size: u64 = node.run(&mut cmd("DBSIZE"));
        assert!((1..30).contains(&size), "{size}");
    }
}

#[tokio::test]
async fn a_wrong_address_of_a_cluster_is_said_at_once_and_no_password_is_shown() {
    let open = |url: &str| RedisStore::open(&RedisConfig::new(url));
    for rest in ["a:x", "", "a/1", "ann:secret@a,"] {
        let refusal = open(&format!("redis-cluster://{rest}")).unwrap_err();
        assert_eq!(
            refusal,
            "no address of a Redis Cluster; use redis-cluster://HOST:PORT,HOST:PORT"
        );
    }
    let store = open("redis+cluster://:secret@127.0.0.1:1").unwrap();
    let lost = store.get("a").await;
    assert!(matches!(lost, Err(StoreError::Unavailable(_))), "{lost:?}");
    assert!(!format!("{store:?} {lost:?}").contains("secret"));
}
