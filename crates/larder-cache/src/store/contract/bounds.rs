//! The limits of the memory store: section c.5, A33 and A34 of `docs/DJANGO-PARITY.md`.

use std::cell::RefCell;

use futures_util::FutureExt;
use serde::{Deserialize, Serialize, Serializer};

use super::*;
use crate::store::{
    Stats, StoreError,
    memory::{MemoryStore, OVERHEAD_BYTES},
};

/// Makes a store limited to nine entries that holds the keys 0 to 8.
async fn nine() -> Bench {
    let bench = Bench::bounded(9, 1 << 20);
    for key in 0..9 {
        set(&bench, key).await;
    }
    bench
}

async fn set(bench: &Bench, key: i64) {
    let name = key.to_string();
    bench.values.set(&name, &key, Timeout::Never).await.unwrap();
}

/// Returns those of the keys 0 to 11 that exist.
async fn present(bench: &Bench) -> Vec<i64> {
    let mut found = Vec::new();
    for key in 0..12 {
        if bench.values.has_key(&key.to_string()).await.unwrap() {
            found.push(key);
        }
    }
    found
}

/// C01.
#[test]
fn djangos_300_entries_are_a_setting_and_ours_are_the_default() {
    assert_eq!(MemoryStore::DJANGOS_ENTRIES, 300);
    assert_eq!(MemoryStore::ENTRIES, 10_000);
}

/// C02: Django culls a third of the keys at a time.
#[tokio::test]
async fn beyond_the_limit_each_new_key_evicts_one() {
    let bench = Bench::bounded(30, 1 << 20);
    for key in 0..49 {
        set(&bench, key).await;
    }
    let stats = bench.store.stats().await.unwrap();
    assert_eq!((stats.entries, stats.evicted), (Some(30), Some(19)));
}

/// C04.
#[tokio::test]
async fn the_key_just_written_stays_whatever_the_limit() {
    let bench = Bench::bounded(0, 1 << 20);
    for key in [1, 2, 2, 3] {
        set(&bench, key).await;
        assert_eq!(present(&bench).await, [key]);
    }
}

/// C04: also if every other key is protected.
#[tokio::test]
async fn the_key_just_written_stays_among_protected_keys() {
    for limit in 1..9 {
        let bench = Bench::bounded(limit, 1 << 20);
        for key in 0..9 {
            set(&bench, key).await;
            assert_eq!(bench.number(&key.to_string()).await, Some(key), "limit {limit}");
            bench.values.incr(&key.to_string(), 0).await.unwrap();
        }
        assert_eq!(present(&bench).await.len(), limit);
    }
}

/// C05.
#[tokio::test]
async fn get_refreshes_recency() {
    let bench = nine().await;
    for key in 0..6 {
        assert_eq!(bench.number(&key.to_string()).await, Some(key));
    }
    for key in 9..12 {
        set(&bench, key).await;
    }
    assert_eq!(present(&bench).await, [0, 1, 2, 3, 4, 5, 9, 10, 11]);
}

/// C05.
#[tokio::test]
async fn set_refreshes_recency() {
    let bench = nine().await;
    for key in (3..9).chain(9..12) {
        set(&bench, key).await;
    }
    assert_eq!(present(&bench).await, [3, 4, 5, 6, 7, 8, 9, 10, 11]);
}

/// C05.
#[tokio::test]
async fn incr_refreshes_recency() {
    let bench = nine().await;
    for key in 0..6 {
        bench.values.incr(&key.to_string(), 1).await.unwrap();
    }
    for key in 9..12 {
        set(&bench, key).await;
    }
    assert_eq!(present(&bench).await, [0, 1, 2, 3, 4, 5, 9, 10, 11]);
}

/// C06: keys that were used twice survive a crawler that visits everything once.
#[tokio::test]
async fn a_crawl_does_not_evict_keys_used_twice() {
    let bench = nine().await;
    for key in [2, 5] {
        bench.number(&key.to_string()).await;
    }
    for key in 1_000..2_000 {
        set(&bench, key).await;
    }
    assert_eq!(present(&bench).await, [2, 5]);
}

/// C06.
#[tokio::test]
async fn bytes_are_bounded_too() {
    let limit = 10 * (OVERHEAD_BYTES + 1_000);
    let bench = Bench::bounded(usize::MAX, limit);
    for key in 0..100_u32 {
        let value = "x".repeat(900);
        bench.values.set(&key.to_string(), &value, DEFAULT).await.unwrap();
    }
    let Stats { entries, bytes, limit_bytes, .. } = bench.store.stats().await.unwrap();
    assert!(bytes <= limit_bytes, "{bytes:?}");
    assert_eq!((entries, limit_bytes), (Some(10), Some(limit as u64)));
    bench.values.clear().await.unwrap();
    assert_eq!(bench.store.stats().await.unwrap().bytes, Some(0));
}

/// C07.
#[tokio::test(start_paused = true)]
async fn what_is_expired_goes_before_what_is_not() {
    let bench = nine().await;
    bench.values.set("0", &0, SECOND).await.unwrap();
    bench.values.set("8", &8, SECOND).await.unwrap();
    tokio::time::advance(SECOND).await;
    set(&bench, 9).await;
    set(&bench, 10).await;
    assert_eq!(present(&bench).await, [1, 2, 3, 4, 5, 6, 7, 9, 10]);
    let stats = bench.store.stats().await.unwrap();
    assert_eq!((stats.expired, stats.evicted), (Some(2), Some(0)));
}

/// A19, A33: a value that is too large is an error, and the old value is removed.
#[tokio::test]
async fn a_value_that_is_too_large_leaves_no_old_value() {
    let bench = Bench::bounded(9, 5_000).with(&[("a", 1), ("b", 2), ("c", 3)]).await;
    let large = "x".repeat(5_000);
    let error = bench.values.set("a", &large, DEFAULT).await.unwrap_err();
    assert!(matches!(error, Error::Store { source: StoreError::TooLarge { .. }, .. }));
    let small = "small".to_owned();
    let values = [("b", &large), ("d", &small)];
    assert_eq!(bench.values.set_many(values, DEFAULT).await.unwrap(), ["b"]);
    assert_eq!(bench.number("a").await, None);
    assert_eq!(bench.number("b").await, None);
    assert_eq!(bench.number("c").await, Some(3));
    assert_eq!(bench.values.get("d").await.unwrap(), Some(small));
}

/// A34: a value may call the cache while it is encoded.
#[tokio::test]
async fn values_are_encoded_outside_of_the_lock() {
    thread_local! {
        static BENCH: RefCell<Option<crate::values::Values>> = const { RefCell::new(None) };
    }

    #[derive(Clone, Deserialize)]
    struct Curious;

    impl Serialize for Curious {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            let values = BENCH.with_borrow(|values| values.clone().unwrap());
            let answer = values.get_or("a", 0_i64).now_or_never();
            assert!(matches!(answer, Some(Ok(1))));
            serializer.serialize_unit_struct("Curious")
        }
    }

    let bench = Bench::memory().with(&[("a", 1)]).await;
    BENCH.set(Some(bench.values.clone()));
    bench.values.set("curious", &Curious, DEFAULT).await.unwrap();
}
