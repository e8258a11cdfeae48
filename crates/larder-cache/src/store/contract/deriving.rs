//! `get_or_set`: sections c.1 and c.9 of `docs/DJANGO-PARITY.md`.

use std::cell::Cell;

use futures_util::{FutureExt, future::join_all};
use tokio::sync::Notify;

use super::*;
use crate::panics::caught;
use crate::presence::Client;

/// A25, S02.
pub(super) async fn get_or_set_calls_its_function_only_on_a_miss(bench: Bench) {
    let calls = Cell::new(0);
    for _ in 0..3 {
        let load = async || {
            calls.set(calls.get() + 1);
            tokio::task::yield_now().await;
            7
        };
        assert_eq!(bench.values.get_or_set("a", DEFAULT, load).await, 7);
    }
    assert_eq!(calls.get(), 1);
    assert_eq!(bench.number("a").await, Some(7));
}

/// A25: the timeout applies to the computed value.
pub(super) async fn get_or_set_gives_what_it_makes_the_timeout(bench: Bench) {
    bench.values.get_or_set("a", 1000 * SECOND, async || 7).await;
    assert!(bench.has_left("a", 1000 * SECOND).await);
    assert_eq!(bench.values.get_or_set("b", Duration::ZERO, async || 7).await, 7);
    assert_eq!(bench.number("b").await, None);
}

/// A26.
pub(super) async fn get_or_set_remembers_none(bench: Bench) {
    let made = bench.values.get_or_set("none", DEFAULT, async || None::<i64>).await;
    assert_eq!(made, None);
    assert_eq!(bench.values.get_or("none", Some(7_i64)).await.unwrap(), None);
}

/// A27: another process stores its value first.
pub(super) async fn get_or_set_that_loses_the_race_answers_the_winner(bench: Bench) {
    let elsewhere = bench.cache(|_| ());
    let load = async || {
        elsewhere.set("a", &1, DEFAULT).await.unwrap();
        2
    };
    assert_eq!(bench.values.get_or_set("a", DEFAULT, load).await, 1);
    assert_eq!(bench.number("a").await, Some(1));
}

/// A28, S04.
pub(super) async fn get_or_set_computes_once_for_a_hundred_callers(bench: Bench) {
    let calls = Cell::new(0);
    let callers = (0..100).map(|_| {
        bench.values.get_or_set("a", DEFAULT, async || {
            calls.set(calls.get() + 1);
            tokio::task::yield_now().await;
            calls.get()
        })
    });
    assert_eq!(join_all(callers).await, vec![1; 100]);
    assert_eq!(calls.get(), 1);
}

/// S04.
pub(super) async fn a_caller_that_leaves_hands_its_load_over(bench: Bench) {
    let Bench { values, .. } = bench;
    let mut leader =
        Box::pin(values.get_or_set("a", DEFAULT, async || std::future::pending().await));
    // Polls the leader until it is in its load, which never ends.
    for _ in 0..1000 {
        assert_eq!((&mut leader).now_or_never(), None::<i64>);
        tokio::task::yield_now().await;
    }
    let mut waiter = Box::pin(values.get_or_set("a", DEFAULT, async || 2));
    assert_eq!((&mut waiter).now_or_never(), None);
    drop(leader);
    assert_eq!(waiter.await, 2);
}

/// No caller waits for a load whose client has left.
pub(super) async fn a_load_whose_client_has_left_is_replaced(bench: Bench) {
    let Bench { values, .. } = bench;
    let client = Client::default();
    let load = values.get_or_set("a", DEFAULT, async || std::future::pending::<i64>().await);
    let mut leader = Box::pin(client.scope(load));
    for _ in 0..1000 {
        assert_eq!((&mut leader).now_or_never(), None::<i64>);
        tokio::task::yield_now().await;
    }
    client.leave();
    assert_eq!(values.get_or_set("a", DEFAULT, async || 2).await, 2);
}

/// The waiters for a load that fails or panics all try at once, not one after the other.
pub(super) async fn waiters_for_a_failed_load_try_at_once(bench: Bench) {
    for panics in [false, true] {
        let (running, most) = (Cell::new(0), Cell::new(0));
        let get = || {
            let load = async || {
                running.set(running.get() + 1);
                most.set(most.get().max(running.get()));
                for _ in 0..1000 {
                    tokio::task::yield_now().await;
                }
                running.set(running.get() - 1);
                if panics {
                    std::panic::resume_unwind(Box::new("as the test asks"))
                }
                Err::<i64, _>("down")
            };
            caught(bench.values.get_or_try_set("a", DEFAULT, load))
        };
        let all = join_all((0..5).map(|_| get())).await;
        assert!(all.iter().all(|got| got.as_ref().map_or(true, |got| *got == Err("down"))));
        assert!(most.get() > 1, "one after the other");
    }
}

/// A value whose encoding panics is a load that panicked: its waiters all try at once.
pub(super) async fn a_value_that_cannot_be_encoded_is_a_failed_load(bench: Bench) {
    #[derive(Debug, serde::Deserialize)]
    struct Odd;
    impl serde::Serialize for Odd {
        fn serialize<S: serde::Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
            std::panic::resume_unwind(Box::new("as the test asks"))
        }
    }
    let (running, most) = (Cell::new(0), Cell::new(0));
    let get = || {
        let load = async || {
            running.set(running.get() + 1);
            most.set(most.get().max(running.get()));
            for _ in 0..1000 {
                tokio::task::yield_now().await;
            }
            running.set(running.get() - 1);
            Odd
        };
        caught(bench.values.get_or_set("a", DEFAULT, load))
    };
    let all = join_all((0..5).map(|_| get())).await;
    assert!(all.iter().all(Result::is_err));
    assert!(most.get() > 1, "one after the other");
    assert_eq!(bench.values.get_or_set("a", DEFAULT, async || 2).await, 2);
}

/// A25: the error of a load is not stored.
pub(super) async fn a_failed_load_is_tried_again_by_the_next(bench: Bench) {
    let Bench { values, .. } = bench;
    let failed = values.get_or_try_set("a", DEFAULT, async || Err::<i64, _>("down")).await;
    assert_eq!(failed, Err("down"));
    let made = values.get_or_try_set("a", DEFAULT, async || Ok::<_, &str>(1)).await;
    assert_eq!(made, Ok(1));
}

/// A caller that comes after a deletion computes a new value.
pub(super) async fn a_caller_after_a_delete_computes_again(bench: Bench) {
    let Bench { values, .. } = bench;
    assert_eq!(values.get_or_set("a", DEFAULT, async || 1).await, 1);
    values.delete("a").await.unwrap();
    assert_eq!(values.get_or_set("a", DEFAULT, async || 2).await, 2);
}

/// The call that deletes a key.
#[derive(Debug, Clone, Copy)]
enum Way {
    Delete,
    DeleteMany,
    DeletePattern,
    Clear,
    Touch,
    SetForNoTime,
    /// Stores a value, then moves it to another version.
    IncrVersion,
    /// Stores a value, then deletes it.
    Set,
}

impl Way {
    const ALL: [Self; 8] = [
        Self::Delete,
        Self::DeleteMany,
        Self::DeletePattern,
        Self::Clear,
        Self::Touch,
        Self::SetForNoTime,
        Self::IncrVersion,
        Self::Set,
    ];

    async fn forget(self, values: &Values, key: &str) {
        match self {
            Self::Delete => drop(values.delete(key).await.unwrap()),
            Self::DeleteMany => drop(values.delete_many(["x", key]).await.unwrap()),
            Self::DeletePattern => drop(values.delete_pattern("a*").await.unwrap()),
            Self::Clear => drop(values.clear().await.unwrap()),
            Self::Touch => drop(values.touch(key, Duration::ZERO).await.unwrap()),
            Self::SetForNoTime => values.set(key, &9, Duration::ZERO).await.unwrap(),
            Self::IncrVersion => {
                values.set(key, &9, DEFAULT).await.unwrap();
                values.incr_version(key, 1).await.unwrap();
            }
            Self::Set => {
                values.set(key, &9, DEFAULT).await.unwrap();
                values.delete(key).await.unwrap();
            }
        }
    }
}

/// If this or another process deletes a key during a load, the loaded value is not stored, and is
/// not returned to callers that came after the deletion.
pub(super) async fn a_load_from_before_a_deletion_is_neither_stored_nor_shared(bench: Bench) {
    let (here, there) = (&bench.values, bench.cache(|_| ()));
    // A key this long is shortened.
    let long = "a".repeat(400);
    for (way, key) in Way::ALL.into_iter().flat_map(|way| [(way, "a"), (way, long.as_str())]) {
        for by in [here, &there] {
            let (began, go) = (Notify::new(), Notify::new());
            let load = async || {
                began.notify_one();
                go.notified().await;
                1
            };
            let first = here.get_or_set(key, DEFAULT, load);
            let rest = async {
                began.notified().await;
                way.forget(by, key).await;
                let late = here.get_or_set(key, Duration::ZERO, async || 2);
                let ((), late) = tokio::join!(biased; async { go.notify_one() }, late);
                late
            };
            let (first, late) = tokio::join!(first, rest);
            assert_eq!((first, late), (1, 2), "{way:?}");
            assert_eq!(here.get::<i64>(key).await.unwrap(), None, "{way:?}");
            assert_eq!(here.get_or_set(key, DEFAULT, async || 3).await, 3, "{way:?}");
            here.delete(key).await.unwrap();
        }
    }
}

/// A caller that comes after a deletion in the same process does not wait for the old load.
pub(super) async fn a_caller_after_a_deletion_does_not_wait(bench: Bench) {
    let here = &bench.values;
    for way in Way::ALL {
        let (began, go) = (Notify::new(), Notify::new());
        let load = async || {
            began.notify_one();
            go.notified().await;
            1
        };
        let rest = async {
            began.notified().await;
            way.forget(here, "a").await;
            let late = here.get_or_set("a", DEFAULT, async || 2).await;
            go.notify_one();
            late
        };
        let (first, late) = tokio::join!(here.get_or_set("a", DEFAULT, load), rest);
        // The first caller lost its lease, and gets the value that is stored by now.
        assert_eq!((first, late), (2, 2), "{way:?}");
        here.delete("a").await.unwrap();
    }
}

/// Neither a load that failed nor one whose lease was lost keeps the next load from storing.
pub(super) async fn a_lease_is_shared_and_its_loss_costs_a_load(bench: Bench) {
    use crate::store::{Leased, Lifetime};
    let Bench { values, store, .. } = &bench;
    let failed = values.get_or_try_set("a", DEFAULT, async || Err::<i64, _>("down")).await;
    assert_eq!(failed, Err("down"));
    let lease = Leased::key_of(&values.name("a"));
    assert!(
        store.has(&lease).await.unwrap() && store.expire(&lease, Lifetime::FOREVER).await.unwrap()
    );
    let load = async || store.delete(&lease).await.map_or(0, i64::from);
    assert_eq!(values.get_or_set("a", DEFAULT, load).await, 1);
    assert_eq!(bench.number("a").await, None);
    assert_eq!(values.get_or_set("a", DEFAULT, async || 2).await, 2);
    assert!(!store.has(&lease).await.unwrap(), "it ends with what it was taken for");
    assert_eq!(bench.number("a").await, Some(2));
}
