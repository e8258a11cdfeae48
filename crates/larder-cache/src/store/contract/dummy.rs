//! Behaviours of the null store alone: A41 and A42 of `docs/DJANGO-PARITY.md`.

use super::*;

/// A41.
pub(super) async fn what_is_set_is_not_kept(bench: Bench) {
    let Bench { values, .. } = bench;
    values.set("a", &1, DEFAULT).await.unwrap();
    assert!(values.set_many([("b", &1)], DEFAULT).await.unwrap().is_empty());
    assert_eq!(values.get::<i64>("a").await.unwrap(), None);
    assert_eq!(values.get_or("a", 7).await.unwrap(), 7);
    assert!(values.get_many::<i64, _>(["a", "b"]).await.unwrap().is_empty());
}

/// A41.
pub(super) async fn add_always_says_yes(bench: Bench) {
    assert!(bench.values.add("a", &1, DEFAULT).await.unwrap());
    assert!(bench.values.add("a", &1, DEFAULT).await.unwrap());
}

/// A41.
pub(super) async fn delete_touch_and_has_key_say_no(bench: Bench) {
    let Bench { values, .. } = bench.with(&[("a", 1)]).await;
    assert!(!values.delete("a").await.unwrap());
    assert!(!values.touch("a", DEFAULT).await.unwrap());
    assert!(!values.persist("a").await.unwrap());
    assert!(!values.has_key("a").await.unwrap());
    assert_eq!(values.delete_many(["a"]).await.unwrap(), 0);
    assert_eq!(values.ttl("a").await.unwrap(), Ttl::Absent);
}

/// A41.
pub(super) async fn counting_and_moving_fail(bench: Bench) {
    let Bench { values, .. } = bench.with(&[("a", 1)]).await;
    let results = [
        values.incr("a", 1).await,
        values.decr("a", 1).await,
        values.incr_version("a", 1).await,
        values.decr_version("a", 1).await,
    ];
    for result in results {
        assert!(matches!(result, Err(Error::Absent { .. })));
    }
}

/// A41.
pub(super) async fn get_or_set_answers_what_it_computes(bench: Bench) {
    assert_eq!(bench.values.get_or_set("a", DEFAULT, async || 1).await, 1);
    assert_eq!(bench.values.get_or_set("a", DEFAULT, async || 2).await, 2);
}

/// A41: lists, deletions and releases find nothing.
pub(super) async fn there_is_nothing_to_list_or_to_clear(bench: Bench) {
    let Bench { values, .. } = bench.with(&[("a", 1)]).await;
    let keys: Result<Vec<String>, Error> = values.iter_keys().try_collect().await;
    assert_eq!(keys.unwrap(), Vec::<String>::new());
    assert_eq!(values.delete_pattern("*").await.unwrap(), 0);
    assert_eq!(values.clear().await.unwrap(), 0);
    let lock = values.lock("a", SECOND).await.unwrap().unwrap();
    assert!(!lock.release().await.unwrap());
}
