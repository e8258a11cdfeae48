//! Operations on one key: section c.1 of `docs/DJANGO-PARITY.md`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize, Serializer, ser::Error as _};

use super::*;

/// A01.
pub(super) async fn a_value_that_is_set_is_got(bench: Bench) {
    let Bench { values, .. } = bench;
    values.set("key", "value", DEFAULT).await.unwrap();
    assert_eq!(values.get("key").await.unwrap(), Some("value".to_owned()));
}

/// A02.
pub(super) async fn a_missing_key_has_no_value_but_the_default(bench: Bench) {
    let Bench { values, .. } = bench;
    assert_eq!(values.get::<i64>("absent").await.unwrap(), None);
    assert_eq!(values.get_or("absent", 7).await.unwrap(), 7);
}

/// A03.
pub(super) async fn a_cached_none_is_a_value(bench: Bench) {
    let Bench { values, .. } = bench;
    let none: Option<i64> = None;
    values.set("none", &none, DEFAULT).await.unwrap();
    assert_eq!(values.get("none").await.unwrap(), Some(none));
    assert_eq!(values.get_or("none", Some(7_i64)).await.unwrap(), None);
}

/// A04.
pub(super) async fn add_on_an_absent_key_keeps_the_value(bench: Bench) {
    assert!(bench.values.add("a", &1, DEFAULT).await.unwrap());
    assert_eq!(bench.number("a").await, Some(1));
}

/// A05.
pub(super) async fn add_on_a_present_key_keeps_the_old_value(bench: Bench) {
    let bench = bench.with(&[("a", 1)]).await;
    assert!(!bench.values.add("a", &2, DEFAULT).await.unwrap());
    assert_eq!(bench.number("a").await, Some(1));
}

/// A06, T07.
pub(super) async fn add_after_the_old_value_expired_keeps_the_new_one(bench: Bench) {
    bench.values.set("a", &1, 60 * SECOND).await.unwrap();
    bench.outlive("a", 60 * SECOND).await;
    assert!(bench.values.add("a", &2, DEFAULT).await.unwrap());
    assert_eq!(bench.number("a").await, Some(2));
}

/// A07.
pub(super) async fn delete_tells_whether_there_was_a_value(bench: Bench) {
    let bench = bench.with(&[("a", 1)]).await;
    assert!(bench.values.delete("a").await.unwrap());
    assert!(!bench.values.delete("a").await.unwrap());
    assert_eq!(bench.number("a").await, None);
}

/// A08.
pub(super) async fn deleting_one_key_leaves_the_other(bench: Bench) {
    let bench = bench.with(&[("a", 1), ("b", 2)]).await;
    assert!(bench.values.delete("a").await.unwrap());
    assert_eq!(bench.number("b").await, Some(2));
}

/// A09, A10.
pub(super) async fn has_key_knows_present_absent_endless_and_none(bench: Bench) {
    let Bench { values, .. } = bench;
    values.set("present", &1, DEFAULT).await.unwrap();
    values.set("endless", &1, Timeout::Never).await.unwrap();
    values.set("none", &None::<i64>, DEFAULT).await.unwrap();
    for (key, expected) in [("present", true), ("endless", true), ("none", true), ("absent", false)]
    {
        assert_eq!(values.has_key(key).await.unwrap(), expected, "{key}");
    }
}

/// A29.
pub(super) async fn touch_gives_another_time_to_what_exists(bench: Bench) {
    let Bench { values, .. } = &bench;
    values.set("a", &1, 10 * SECOND).await.unwrap();
    assert!(values.touch("a", 1000 * SECOND).await.unwrap());
    assert!(bench.has_left("a", 1000 * SECOND).await);
    assert!(!values.touch("absent", 10 * SECOND).await.unwrap());
    assert_eq!(bench.number("absent").await, None);
}

/// A30.
pub(super) async fn touch_without_a_timeout_uses_the_default(bench: Bench) {
    let Bench { values, .. } = &bench;
    values.set("a", &1, 10 * SECOND).await.unwrap();
    assert!(values.touch("a", DEFAULT).await.unwrap());
    assert!(bench.has_left("a", 300 * SECOND).await);
}

/// A31.
pub(super) async fn values_of_all_kinds_come_back_equal(bench: Bench) {
    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    enum Shelf {
        Empty,
        Of { name: String, price: Option<u32> },
    }
    let Bench { values, .. } = bench;
    macro_rules! check {
        ($($value:expr),* $(,)?) => {$(
            let value = $value;
            values.set("ключ ☕", &value, DEFAULT).await.unwrap();
            assert_eq!(values.get("ключ ☕").await.unwrap(), Some(value));
        )*};
    }
    check!(
        "naïve ☕".to_owned(),
        String::new(),
        42_i64,
        u64::MAX,
        i64::MIN,
        -7_i8,
        2.5_f64,
        true,
        'é',
        (),
        (1_u8, "two".to_owned()),
        vec![1, 2, 3],
        vec![Some(1), None],
        vec![0_u8; 20_000],
        BTreeMap::from([("k".to_owned(), vec![1.5])]),
        Shelf::Empty,
        Shelf::Of { name: "Tea".to_owned(), price: Some(499) },
    );
}

/// A32.
pub(super) async fn a_value_that_cannot_be_written_is_an_error_and_nothing_is_stored(bench: Bench) {
    #[derive(Clone, Deserialize)]
    struct Stubborn;
    impl Serialize for Stubborn {
        fn serialize<S: Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
            Err(S::Error::custom("no"))
        }
    }
    let bench = bench.with(&[("old", 1)]).await;
    let Bench { values, .. } = &bench;
    let errors = [
        values.set("new", &Stubborn, DEFAULT).await.unwrap_err(),
        values.add("new", &Stubborn, DEFAULT).await.unwrap_err(),
        values.set_many([("new", &Stubborn)], DEFAULT).await.unwrap_err(),
    ];
    for error in errors {
        assert!(matches!(error, Error::Codec { .. }), "{error:?}");
    }
    assert!(!values.has_key("new").await.unwrap());
}

/// A32: a type that bincode could write but never read.
pub(super) async fn a_type_that_cannot_be_read_back_is_refused(bench: Bench) {
    #[derive(Debug, Clone, Serialize, Deserialize)]
    #[serde(untagged)]
    enum Loose {
        Number(i64),
    }
    let Bench { values, .. } = bench;
    let error = values.set("a", &Loose::Number(1), DEFAULT).await.unwrap_err();
    assert!(chain(&error).contains("untagged"), "{error:?}");
    assert!(!values.has_key("a").await.unwrap());
}

/// A35.
pub(super) async fn a_value_that_was_got_is_a_copy(bench: Bench) {
    let Bench { values, .. } = bench;
    values.set("list", &vec![1, 2], DEFAULT).await.unwrap();
    let mut list: Vec<i32> = values.get("list").await.unwrap().unwrap();
    list.push(3);
    assert_eq!(values.get("list").await.unwrap(), Some(vec![1, 2]));
}

/// Issue 3, point 3: a value of another type is a miss, but its key exists.
pub(super) async fn a_value_of_another_type_is_a_miss(bench: Bench) {
    let Bench { values, .. } = bench;
    values.set("a", "text", DEFAULT).await.unwrap();
    assert_eq!(values.get::<i64>("a").await.unwrap(), None);
    assert_eq!(values.get::<Vec<u8>>("a").await.unwrap(), None);
    assert_eq!(values.get_many::<i64, _>(["a"]).await.unwrap(), [].into());
    assert!(values.has_key("a").await.unwrap());
    assert!(!values.add("a", &1, DEFAULT).await.unwrap());
}
