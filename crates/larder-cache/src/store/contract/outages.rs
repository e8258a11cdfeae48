//! Tests with a Redis that is down, frozen, restarted or late. Each test has a server of its own.

use std::time::Instant;

use deadpool_redis::redis::{InfoDict, cmd};

use super::{
    faults::{eventually, start, start_within},
    *,
};
use crate::store::{Budget, Store, StoreError, redis::RedisStore};

/// The default timeout.
const TIMEOUT: Duration = Duration::from_millis(80);

/// Makes three calls that fail as `expected`, and a fourth that the breaker refuses.
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
    let Some((server, store, values)) = start_within(TIMEOUT, &[]).await else {
        return;
    };
    server.freeze();
    let start = Instant::now();
    three_fail(&store, |error| matches!(error, StoreError::Timeout { .. })).await;
    // Each call waited for the timeout, and none for an answer, which never comes.
    assert!(start.elapsed() >= 3 * TIMEOUT, "{:?}", start.elapsed());
    server.thaw();
    eventually("the store answers", async || store.get("a").await.is_ok()).await;
    assert_eq!(values.get("a").await.unwrap(), Some(1));
}

/// Counts the connections that a timed-out call to a frozen Redis and the calls after it open.
async fn connections_opened(timeout: Duration, budget: Duration) -> Option<u64> {
    let (server, store, _) = start_within(timeout, &[]).await?;
    let opened = || {
        let info = server.run::<InfoDict>(cmd("INFO").arg("stats"));
        info.get::<u64>("total_connections_received").unwrap()
    };
    let before = opened();
    server.freeze();
    let late = Budget::new(budget).scope(store.get("a")).await;
    assert!(matches!(late, Err(StoreError::Timeout { .. })), "{late:?}");
    server.thaw();
    eventually("the store answers", async || store.get("a").await.is_ok()).await;
    // The count itself opens one connection.
    Some(opened() - before - 1)
}

/// The other end of a connection that does not answer may be gone.
#[tokio::test]
async fn a_connection_that_timed_out_is_replaced() {
    let opened = connections_opened(TIMEOUT, TIMEOUT * 3 / 4).await;
    assert!(opened.is_none_or(|opened| opened > 0));
}

/// Otherwise one slow page would close the connection for all other requests.
#[tokio::test]
async fn a_request_short_of_time_does_not_cost_the_connection() {
    let opened = connections_opened(10 * SECOND, Duration::from_millis(1)).await;
    assert!(opened.is_none_or(|opened| opened == 0));
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
    let store = server.store();
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
    let Some((server, store, _)) = start_within(TIMEOUT, &[]).await else {
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
