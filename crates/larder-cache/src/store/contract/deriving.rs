//! DJANGO-PARITY c.1 and c.9: `get_or_set`.

use std::cell::Cell;

use futures_util::{FutureExt, future::join_all};

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

/// A25: the timeout is that of what is made.
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

/// A27: another process was quicker.
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
    // As far as its load, which never ends.
    for _ in 0..1000 {
        assert_eq!((&mut leader).now_or_never(), None::<i64>);
        tokio::task::yield_now().await;
    }
    let mut waiter = Box::pin(values.get_or_set("a", DEFAULT, async || 2));
    assert_eq!((&mut waiter).now_or_never(), None);
    drop(leader);
    assert_eq!(waiter.await, 2);
}

/// A load whose client has left is not waited for.
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

/// Those who wait for a load that fails or panics try all at once, not one after the other.
pub(super) async fn who_waits_for_a_load_that_fails_is_told_once(bench: Bench) {
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

/// A25: a load that fails is not remembered.
pub(super) async fn a_failed_load_is_tried_again_by_the_next(bench: Bench) {
    let Bench { values, .. } = bench;
    let failed = values.get_or_try_set("a", DEFAULT, async || Err::<i64, _>("down")).await;
    assert_eq!(failed, Err("down"));
    let made = values.get_or_try_set("a", DEFAULT, async || Ok::<_, &str>(1)).await;
    assert_eq!(made, Ok(1));
}

/// What is deleted during a load's landing is not handed to those who come later.
pub(super) async fn who_comes_after_a_delete_computes_anew(bench: Bench) {
    let Bench { values, .. } = bench;
    assert_eq!(values.get_or_set("a", DEFAULT, async || 1).await, 1);
    values.delete("a").await.unwrap();
    assert_eq!(values.get_or_set("a", DEFAULT, async || 2).await, 2);
}
