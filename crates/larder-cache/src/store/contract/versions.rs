//! StampSource and prefixes: section c.2 of `docs/DJANGO-PARITY.md`.

use super::*;

/// V01, V02.
pub(super) async fn a_version_does_not_see_another(bench: Bench) {
    let bench = bench.with(&[("a", 1)]).await;
    assert_eq!(bench.values.version(1).get("a").await.unwrap(), Some(1));
    assert_eq!(bench.values.version(2).get::<i64>("a").await.unwrap(), None);
    let newer = bench.cache(|settings| settings.version = 2);
    assert_eq!(newer.get::<i64>("a").await.unwrap(), None);
    assert_eq!(newer.version(1).get("a").await.unwrap(), Some(1));
}

/// V03.
pub(super) async fn every_operation_keeps_to_its_version(bench: Bench) {
    let (one, two) = (bench.values.version(1), bench.values.version(2));
    one.set("a", &1, DEFAULT).await.unwrap();
    assert!(two.add("a", &10, DEFAULT).await.unwrap());
    assert!(two.has_key("a").await.unwrap());
    assert_eq!(two.incr("a", 1).await.unwrap(), 11);
    assert_eq!(two.decr("a", 2).await.unwrap(), 9);
    assert_eq!(two.get_or_set("a", DEFAULT, async || 0).await, 9);
    two.set_many([("b", &20)], DEFAULT).await.unwrap();
    assert_eq!(two.get_many::<i64, _>(["a", "b"]).await.unwrap().len(), 2);
    assert_eq!(one.get_many::<i64, _>(["a", "b"]).await.unwrap().len(), 1);
    assert!(two.touch("b", Timeout::Never).await.unwrap());
    assert!(!one.touch("b", Timeout::Never).await.unwrap());
    assert_eq!(two.delete_many(["a", "b"]).await.unwrap(), 2);
    assert!(!two.has_key("a").await.unwrap());
    assert_eq!(one.get("a").await.unwrap(), Some(1));
}

/// V04.
pub(super) async fn delete_takes_one_version_only(bench: Bench) {
    let bench = bench.with(&[("a", 1)]).await;
    let two = bench.values.version(2);
    two.set("a", &2, DEFAULT).await.unwrap();
    assert!(bench.values.delete("a").await.unwrap());
    assert_eq!(two.get("a").await.unwrap(), Some(2));
}

/// V05.
pub(super) async fn incr_version_moves_the_value_up(bench: Bench) {
    let bench = bench.with(&[("a", 1)]).await;
    let Bench { values, .. } = &bench;
    assert_eq!(values.incr_version("a", 1).await.unwrap(), 2);
    assert_eq!(bench.number("a").await, None);
    assert_eq!(values.version(2).get("a").await.unwrap(), Some(1));
    assert_eq!(values.version(2).incr_version("a", 5).await.unwrap(), 7);
    assert_eq!(values.version(7).get("a").await.unwrap(), Some(1));
}

/// V06.
pub(super) async fn decr_version_moves_the_value_down(bench: Bench) {
    let bench = bench.with(&[("a", 1)]).await;
    assert_eq!(bench.values.decr_version("a", 1).await.unwrap(), 0);
    assert_eq!(bench.number("a").await, None);
    assert_eq!(bench.values.version(0).get("a").await.unwrap(), Some(1));
}

/// V07.
pub(super) async fn moving_a_missing_key_fails(bench: Bench) {
    let Bench { values, .. } = bench;
    for moved in [values.incr_version("a", 1).await, values.decr_version("a", 1).await] {
        assert!(matches!(moved, Err(Error::Absent { key }) if key == "a"));
    }
    let last = values.version(i64::MAX).incr_version("a", 1).await;
    assert!(matches!(last, Err(Error::Overflow { .. })));
}

/// V08.
pub(super) async fn a_cached_none_moves_too(bench: Bench) {
    let Bench { values, .. } = bench;
    values.set("none", &None::<i64>, DEFAULT).await.unwrap();
    assert_eq!(values.incr_version("none", 1).await.unwrap(), 2);
    assert_eq!(values.version(2).get("none").await.unwrap(), Some(None::<i64>));
}

/// V09, V10.
pub(super) async fn incr_version_keeps_the_remaining_time(bench: Bench) {
    let Bench { values, .. } = &bench;
    values.set("a", &1, 1000 * SECOND).await.unwrap();
    values.set("b", &1, Timeout::Never).await.unwrap();
    values.incr_version("a", 1).await.unwrap();
    values.incr_version("b", 1).await.unwrap();
    let two = values.version(2);
    let Ttl::In(left) = two.ttl("a").await.unwrap() else {
        panic!("no timeout");
    };
    assert!(left <= 1000 * SECOND && left > 995 * SECOND, "{left:?}");
    assert_eq!(two.ttl("b").await.unwrap(), Ttl::Forever);
}

/// V05: an existing value at the other version is replaced, with its timeout.
pub(super) async fn incr_version_replaces_what_is_there(bench: Bench) {
    let bench = bench.with(&[("a", 1)]).await;
    let two = bench.values.version(2);
    two.set("a", &2, Timeout::Never).await.unwrap();
    assert_eq!(bench.values.incr_version("a", 1).await.unwrap(), 2);
    assert_eq!(two.get("a").await.unwrap(), Some(1));
    assert!(matches!(two.ttl("a").await.unwrap(), Ttl::In(_)));
    assert_eq!(two.incr_version("a", 0).await.unwrap(), 2);
    assert_eq!(two.get("a").await.unwrap(), Some(1));
}

/// V11.
pub(super) async fn a_prefix_separates_two_caches_on_one_store(bench: Bench) {
    let bench = bench.with(&[("a", 1)]).await;
    let other = bench.cache(|settings| settings.prefix += "-other");
    assert_eq!(other.get::<i64>("a").await.unwrap(), None);
    other.set("a", &2, DEFAULT).await.unwrap();
    assert_eq!(bench.number("a").await, Some(1));
}

/// V12.
pub(super) async fn caches_share_keys_if_their_key_functions_agree(bench: Bench) {
    let shout = |settings: &mut Settings| settings.key_function = |key| key.to_uppercase();
    let (one, two) = (bench.cache(shout), bench.cache(shout));
    one.set("a", &1, DEFAULT).await.unwrap();
    assert_eq!(two.get("a").await.unwrap(), Some(1));
    assert_eq!(bench.number("a").await, None);
    assert_eq!(bench.number("A").await, Some(1));
}
