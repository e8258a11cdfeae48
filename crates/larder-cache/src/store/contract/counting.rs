//! `incr` and `decr`: section c.1 of `docs/DJANGO-PARITY.md`.

use bytes::Bytes;
use futures_util::future::join_all;

use super::*;
use crate::store::{Item, Lifetime};

/// A11.
pub(super) async fn incr_adds_one_ten_and_minus_ten(bench: Bench) {
    let Bench { values, .. } = bench.with(&[("answer", 41)]).await;
    assert_eq!(values.incr("answer", 1).await.unwrap(), 42);
    assert_eq!(values.incr("answer", 10).await.unwrap(), 52);
    assert_eq!(values.incr("answer", -10).await.unwrap(), 42);
    assert_eq!(values.get("answer").await.unwrap(), Some(42));
}

/// A12.
pub(super) async fn decr_subtracts_one_ten_and_minus_ten(bench: Bench) {
    let Bench { values, .. } = bench.with(&[("answer", 43)]).await;
    assert_eq!(values.decr("answer", 1).await.unwrap(), 42);
    assert_eq!(values.decr("answer", 10).await.unwrap(), 32);
    assert_eq!(values.decr("answer", -10).await.unwrap(), 42);
}

/// A13.
pub(super) async fn counting_on_a_missing_key_fails_and_creates_nothing(bench: Bench) {
    let Bench { values, .. } = bench;
    for result in [values.incr("absent", 1).await, values.decr("absent", 1).await] {
        assert!(matches!(result, Err(Error::Absent { key }) if key == "absent"));
    }
    assert!(!values.has_key("absent").await.unwrap());
}

/// A14.
pub(super) async fn counting_on_text_fails_and_changes_nothing(bench: Bench) {
    let Bench { values, .. } = bench;
    values.set("text", "x", DEFAULT).await.unwrap();
    let error = values.incr("text", 1).await.unwrap_err();
    assert!(matches!(error, Error::NotInteger { .. }), "{error:?}");
    assert_eq!(values.get("text").await.unwrap(), Some("x".to_owned()));
}

/// A14: text that another program stored, with or without digits.
pub(super) async fn only_canonical_decimals_are_counted_on(bench: Bench) {
    let Bench { store, values, .. } = bench;
    let name = values.name("foreign");
    for foreign in ["", "007", "+1", "-0", " 1", "1.5", "9223372036854775808"] {
        let bytes = Bytes::from_static(foreign.as_bytes());
        let item = Item::new(&name, &bytes, Lifetime::FOREVER);
        store.set(item).await.unwrap();
        let error = values.incr("foreign", 1).await.unwrap_err();
        assert!(matches!(error, Error::NotInteger { .. }), "{foreign:?}: {error:?}");
        assert_eq!(store.get(&name).await.unwrap(), Some(bytes));
    }
}

/// A11: at both ends of the 64-bit range.
pub(super) async fn a_number_that_would_overflow_stays(bench: Bench) {
    let Bench { values, .. } = bench.with(&[("most", i64::MAX - 1), ("least", i64::MIN)]).await;
    assert_eq!(values.incr("most", 1).await.unwrap(), i64::MAX);
    for error in [
        values.incr("most", 1).await.unwrap_err(),
        values.decr("least", 1).await.unwrap_err(),
        values.decr("most", i64::MIN).await.unwrap_err(),
    ] {
        assert!(matches!(error, Error::Overflow { .. }), "{error:?}");
    }
    assert_eq!(values.get("most").await.unwrap(), Some(i64::MAX));
}

/// A15.
pub(super) async fn incr_keeps_the_remaining_time(bench: Bench) {
    bench.values.set("a", &1, 1000 * SECOND).await.unwrap();
    bench.values.set("b", &1, Timeout::Never).await.unwrap();
    bench.values.incr("a", 1).await.unwrap();
    bench.values.incr("b", 1).await.unwrap();
    assert!(bench.has_left("a", 1000 * SECOND).await);
    assert_eq!(bench.values.ttl("b").await.unwrap(), Ttl::Forever);
}

/// A16.
pub(super) async fn counting_on_an_expired_key_creates_nothing(bench: Bench) {
    bench.values.set("a", &1, 60 * SECOND).await.unwrap();
    bench.outlive("a", 60 * SECOND).await;
    let error = bench.values.incr("a", 1).await.unwrap_err();
    assert!(matches!(error, Error::Absent { .. }), "{error:?}");
    assert!(!bench.values.has_key("a").await.unwrap());
}

/// A16.
pub(super) async fn a_hundred_increments_at_once_are_a_hundred(bench: Bench) {
    let bench = bench.with(&[("a", 0)]).await;
    let sums = join_all((0..100).map(|_| bench.values.incr("a", 1))).await;
    let mut sums: Vec<i64> = sums.into_iter().map(Result::unwrap).collect();
    sums.sort();
    assert_eq!(sums, (1..=100).collect::<Vec<_>>());
}

/// A17.
pub(super) async fn whole_numbers_are_stored_as_plain_text_and_bools_are_not(bench: Bench) {
    let Bench { store, values, .. } = bench;
    values.set("number", &-5_i32, DEFAULT).await.unwrap();
    values.set("truth", &true, DEFAULT).await.unwrap();
    let name = values.name("number");
    assert_eq!(store.get(&name).await.unwrap(), Some(Bytes::from_static(b"-5")));
    let error = values.incr("truth", 1).await.unwrap_err();
    assert!(matches!(error, Error::NotInteger { .. }), "{error:?}");
    assert_eq!(values.get("truth").await.unwrap(), Some(true));
    assert_eq!(values.get::<i64>("truth").await.unwrap(), None);
}
