//! Loading, sharing, invalidating and serving values on errors.

use std::cell::Cell;
use std::convert::Infallible;
use std::time::Duration;

use super::*;
use crate::builder::Builder;
use crate::in_process::InProcess;
use crate::presence::Client;
use crate::secret::Secret;
use crate::stamps::{Current, StampSource, StampsUnavailable};
use crate::store::Store;
use crate::store::memory::MemoryStore;
use crate::tag::Tag;

const MINUTE: Policy = Policy::fresh_for(Duration::from_secs(60));
const TEA: Tag = Tag::named("tea");

fn key() -> Key {
    Key::named("test").build()
}

/// Reads `tea` as a database does: the stamp first, then the data.
async fn read_tea(versions: &InProcess, loads: &Cell<u32>) -> Result<u32, Infallible> {
    versions.reads(&[TEA]);
    tokio::task::yield_now().await;
    loads.set(loads.get() + 1);
    Ok(loads.get())
}

/// Reads `tea` through the cache.
async fn get_tea(
    cache: &Cache,
    versions: &InProcess,
    loads: &Cell<u32>,
) -> Result<Arc<u32>, Infallible> {
    cache.get_or_set(&key(), &MINUTE, async || read_tea(versions, loads).await).await
}

fn open() -> (Arc<InProcess>, Cache) {
    let versions = Arc::new(InProcess::new());
    (versions.clone(), Builder::default().open(versions))
}

#[tokio::test]
async fn a_value_is_loaded_once_until_what_it_was_made_from_changes() {
    let (versions, cache) = open();
    let loads = Cell::new(0);
    let get = || get_tea(&cache, &versions, &loads);
    assert_eq!(*get().await.unwrap(), 1);
    assert_eq!(*get().await.unwrap(), 1);
    versions.bump(&[Tag::named("milk")]);
    assert_eq!(*get().await.unwrap(), 1);
    versions.bump(&[TEA]);
    assert_eq!(*get().await.unwrap(), 2);
}

#[tokio::test]
async fn a_hundred_callers_make_one_load() {
    let (versions, cache) = open();
    let loads = Cell::new(0);
    let get = || get_tea(&cache, &versions, &loads);
    let all = futures_util::future::join_all((0..100).map(|_| get())).await;
    assert!(all.into_iter().all(|value| *value.unwrap() == 1));
    assert_eq!(loads.get(), 1);
}

/// The shortest run of the mutant M7, in which a flight is joined by its key alone.
#[tokio::test]
async fn m7_a_waiter_never_accepts_a_load_older_than_its_own_view() {
    let (versions, cache) = open();
    let loads = Cell::new(0);
    let get = || get_tea(&cache, &versions, &loads);
    let first = get();
    let second = async {
        versions.bump(&[TEA]);
        get().await
    };
    let (first, second) = tokio::join!(biased; first, second);
    assert_eq!((*first.unwrap(), *second.unwrap()), (1, 2));
}

/// The shortest run of the mutant M1, in which the stamp is read after the data.
///
/// A value read before a write is then stored as if it were newer.
#[tokio::test]
async fn m1_a_load_that_a_write_overtakes_is_not_served_after_the_write() {
    let (versions, cache) = open();
    let data = Cell::new(1);
    let get = async |overtaken: bool| {
        let load = async || {
            versions.reads(&[TEA]);
            let read = data.get();
            if overtaken {
                data.set(2);
                versions.bump(&[TEA]);
            }
            Ok::<_, Infallible>(read)
        };
        *cache.get_or_set(&key(), &MINUTE, load).await.unwrap()
    };
    assert_eq!(get(true).await, 1, "it began before the write");
    assert_eq!(get(false).await, 2);
}

/// The shortest run of the mutant M10: plain counters and a restored backup.
///
/// As many writes as were lost bring the counter back to its earlier value.
#[tokio::test]
async fn m10_after_a_restored_backup_equal_counters_are_not_equal_stamps() {
    /// A database that can be restored from a backup.
    struct Restored(std::sync::Mutex<Arc<Stamps>>);
    impl StampSource for Restored {
        fn current(&self) -> Current {
            Current::Ready(Ok(self.0.lock().unwrap().clone()))
        }

        fn is_shared(&self) -> bool {
            true
        }
    }
    let current = |count, nonce| {
        let stamp = crate::tag::Stamp { count, nonce };
        Arc::new(Stamps::new([
            (Tag::ANY, stamp),
            (TEA, stamp),
            (Tag::EVERYTHING, Default::default()),
        ]))
    };
    let versions = Arc::new(Restored(std::sync::Mutex::new(current(2, 77))));
    let cache = Builder::default().open(versions.clone());
    let get = async |value: &str| {
        let value = value.to_owned();
        let load = async || {
            let mut read = Dependencies::default();
            read.add(TEA, versions.0.lock().unwrap().stamp(&TEA));
            tracking::record(&read);
            Ok::<_, Infallible>(value)
        };
        (*cache.get_or_set(&key(), &MINUTE, load).await.unwrap()).clone()
    };
    assert_eq!(get("of the lost history").await, "of the lost history");
    *versions.0.lock().unwrap() = current(1, 41);
    *versions.0.lock().unwrap() = current(2, 99);
    assert_eq!(get("of the present").await, "of the present");
}

#[tokio::test]
async fn errors_are_never_kept() {
    let (_, cache) = open();
    let failed = cache.get_or_set(&key(), &MINUTE, async || Err::<u32, _>("broken")).await;
    assert_eq!(failed.unwrap_err(), "broken");
    let loaded = cache.get_or_set(&key(), &MINUTE, async || Ok::<_, &str>(7)).await;
    assert_eq!(*loaded.unwrap(), 7);
}

#[tokio::test]
async fn absence_is_kept_like_any_value() {
    let (_, cache) = open();
    let none = cache.get_or_set(&key(), &MINUTE, async || Ok::<_, &str>(None::<u32>)).await;
    assert_eq!(*none.unwrap(), None);
    let again = cache.get_or_set(&key(), &MINUTE, async || Err::<Option<u32>, _>("asked")).await;
    assert_eq!(*again.unwrap(), None);
}

#[tokio::test]
async fn values_are_loaded_each_time_while_no_stamps_are_available() {
    struct Unavailable;
    impl StampSource for Unavailable {
        fn current(&self) -> Current {
            Current::Ready(Err(StampsUnavailable("a trigger is missing".into())))
        }

        fn is_shared(&self) -> bool {
            true
        }
    }
    let cache = Builder::default().open(Arc::new(Unavailable));
    let loads = Cell::new(0);
    for _ in 0..2 {
        let load = async || {
            loads.set(loads.get() + 1);
            Ok::<_, Infallible>(0)
        };
        cache.get_or_set(&key(), &MINUTE, load).await.unwrap();
    }
    assert_eq!(loads.get(), 2);
}

/// Opens two instances that share a store and the stamps.
fn open_two() -> (Arc<InProcess>, Cache, Cache) {
    let versions = Arc::new(InProcess::new());
    let store: Arc<dyn Store> = Arc::new(MemoryStore::default());
    let secret = Secret::random();
    let open = || Builder::default().shared(store.clone(), &secret).open(versions.clone());
    (versions.clone(), open(), open())
}

/// Lets spawned tasks run: the shared store is written to after the answer.
async fn settle() {
    for _ in 0..10 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn what_one_instance_made_another_takes_until_it_changes() {
    let (versions, one, other) = open_two();
    let loads = Cell::new(0);
    assert_eq!(*get_tea(&one, &versions, &loads).await.unwrap(), 1);
    settle().await;
    assert_eq!(*get_tea(&other, &versions, &loads).await.unwrap(), 1);
    versions.bump(&[TEA]);
    assert_eq!(*get_tea(&other, &versions, &loads).await.unwrap(), 2);
    settle().await;
    assert_eq!(*get_tea(&one, &versions, &loads).await.unwrap(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_caller_that_waited_in_vain_for_another_instance_does_not_wait_again_at_once() {
    let (versions, one, other) = open_two();
    let loads = Cell::new(0);
    let key = key();
    let hanging = one.get_or_set(&key, &MINUTE, async || {
        std::future::pending::<Result<u32, Infallible>>().await
    });
    let waits = async {
        let mut waits = Vec::new();
        for _ in 0..3 {
            let started = tokio::time::Instant::now();
            get_tea(&other, &versions, &loads).await.unwrap();
            waits.push(started.elapsed().as_millis());
            versions.bump(&[TEA]);
        }
        waits
    };
    tokio::select! {
        biased;
        _ = hanging => panic!("it hangs"),
        waits = waits => assert_eq!(waits, [100, 0, 0]),
    }
    assert_eq!(loads.get(), 3);
}

#[tokio::test]
async fn another_build_or_setting_does_not_read_our_entries() {
    let versions = Arc::new(InProcess::new());
    let store: Arc<dyn Store> = Arc::new(MemoryStore::default());
    let (loads, secret) = (Cell::new(0), Secret::random());
    let builds = ["1", "1", "1", "2", "1"];
    for (build, (setting, expected)) in
        builds.into_iter().zip([("a", 1), ("b", 2), ("a", 1), ("a", 3), ("a", 1)])
    {
        let options = Builder::default().build_id(build).namespace(setting);
        let cache = options.shared(store.clone(), &secret).open(versions.clone());
        assert_eq!(*get_tea(&cache, &versions, &loads).await.unwrap(), expected);
        settle().await;
    }
}

#[tokio::test]
async fn garbage_in_the_shared_store_is_a_miss() {
    let (versions, one, other) = open_two();
    let loads = Cell::new(0);
    get_tea(&one, &versions, &loads).await.unwrap();
    settle().await;
    other.garble_shared().await;
    assert_eq!(*get_tea(&other, &versions, &loads).await.unwrap(), 2);
}

#[tokio::test]
async fn many_are_loaded_in_one_load_and_only_those_that_are_missing() {
    let (_, cache) = open();
    let asked = std::cell::RefCell::new(Vec::new());
    let get = async |items: &[u64]| {
        let load = async |missing: Vec<&u64>| {
            asked.borrow_mut().push(missing.iter().map(|item| **item).collect::<Vec<_>>());
            Ok::<_, Infallible>(missing.iter().map(|item| **item * 10).collect())
        };
        let key = |item: &u64| Key::named("test").part("item", *item).build();
        let values = cache.get_or_set_many(items, key, &MINUTE, load).await.unwrap();
        values.iter().map(|value| **value).collect::<Vec<_>>()
    };
    assert_eq!(get(&[1, 2]).await, [10, 20]);
    assert_eq!(get(&[3, 2, 1]).await, [30, 20, 10]);
    assert_eq!(get(&[]).await, [0; 0]);
    assert_eq!(*asked.borrow(), [vec![1, 2], vec![3]]);
}

#[tokio::test(start_paused = true)]
async fn a_failing_load_is_replaced_by_the_old_value_where_the_policy_says_so() {
    let (_, cache) = open();
    let policy = MINUTE.stale_if_error(Duration::from_secs(60));
    let get = async |policy: &Policy, value| {
        cache.get_or_set(&key(), policy, async || value).await.map(|value| *value)
    };
    assert_eq!(get(&policy, Ok::<u32, &str>(1)).await, Ok(1));
    tokio::time::advance(Duration::from_secs(61)).await;
    assert_eq!(get(&MINUTE, Err("down")).await, Err("down"));
    assert_eq!(get(&policy, Err("down")).await, Ok(1));
    tokio::time::advance(Duration::from_secs(60)).await;
    assert_eq!(get(&policy, Err("down")).await, Err("down"));
}

#[tokio::test(start_paused = true)]
async fn what_is_made_from_something_old_is_not_kept() {
    let (_, cache) = open();
    let policy = MINUTE.stale_if_error(Duration::from_secs(60));
    let inner = Key::named("inner").build();
    let get = async |value: Result<u32, &'static str>| {
        let load = async || {
            let inner = cache.get_or_set(&inner, &policy, async || value).await?;
            Ok::<_, &str>(*inner)
        };
        cache.get_or_set(&key(), &MINUTE, load).await.map(|value| *value)
    };
    assert_eq!(get(Ok(1)).await, Ok(1));
    tokio::time::advance(Duration::from_secs(61)).await;
    assert_eq!(get(Err("down")).await, Ok(1));
    assert_eq!(get(Ok(2)).await, Ok(2), "the outer value made from an old one was not kept");
}

/// Panics without a message on stderr: the panic hook is not called.
fn panic_quietly() -> ! {
    std::panic::resume_unwind(Box::new("as the test asks"))
}

#[tokio::test(start_paused = true)]
async fn a_panicking_load_is_replaced_by_the_old_value_where_the_policy_says_so() {
    let (_, cache) = open();
    let policy = MINUTE.stale_if_error(Duration::from_secs(60));
    let get = async |panics: bool| {
        let load = async || if panics { panic_quietly() } else { Ok::<u32, Infallible>(1) };
        caught(cache.get_or_set(&key(), &policy, load)).await.map(|value| *value.unwrap())
    };
    assert_eq!(get(false).await.ok(), Some(1));
    tokio::time::advance(Duration::from_secs(61)).await;
    assert_eq!(get(true).await.ok(), Some(1));
    tokio::time::advance(Duration::from_secs(60)).await;
    let panic = get(true).await.unwrap_err();
    assert_eq!(panic.to_string(), "as the test asks");
    assert_eq!(get(false).await.ok(), Some(1), "nothing is left of it");
}

/// The waiters do not wait for each other in turn, only to panic one after the other.
#[tokio::test]
async fn waiters_of_a_panicking_load_then_load_at_the_same_time() {
    let (_, cache) = open();
    let (key, running, most) = (key(), Cell::new(0), Cell::new(0));
    let get = || {
        let load = async || {
            running.set(running.get() + 1);
            most.set(most.get().max(running.get()));
            tokio::task::yield_now().await;
            tokio::task::yield_now().await;
            running.set(running.get() - 1);
            if true { panic_quietly() } else { Ok::<u32, Infallible>(1) }
        };
        caught(cache.get_or_set(&key, &MINUTE, load))
    };
    let all = futures_util::future::join_all((0..10).map(|_| get())).await;
    assert!(all.iter().all(Result::is_err));
    assert_eq!(most.get(), 9, "all but the first load at the same time");
}

/// No caller waits for the load of a client that has left, here as at the level of pages.
#[tokio::test(start_paused = true)]
async fn a_load_whose_client_has_left_is_replaced_by_the_next_caller() {
    let (_, cache) = open();
    let (client, key) = (Client::default(), key());
    let hanging = client.scope(cache.get_or_set(&key, &MINUTE, async || {
        std::future::pending::<Result<u32, Infallible>>().await
    }));
    let began = tokio::time::Instant::now();
    let next = async {
        client.leave();
        *cache.get_or_set(&key, &MINUTE, async || Ok::<_, Infallible>(2)).await.unwrap()
    };
    tokio::select! {
        biased;
        _ = hanging => panic!("it hangs"),
        next = next => assert_eq!(next, 2),
    }
    assert!(began.elapsed().is_zero());
}
