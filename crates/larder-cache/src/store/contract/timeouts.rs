//! Timeouts: section c.4 of `docs/DJANGO-PARITY.md`, and the additions of django-redis.

use std::time::SystemTime;

use super::*;

/// T01.
pub(super) async fn the_default_timeout_is_300_seconds(bench: Bench) {
    bench.values.set("a", &1, DEFAULT).await.unwrap();
    assert!(bench.has_left("a", 300 * SECOND).await);
}

/// T01: the settings can change the default.
pub(super) async fn the_default_timeout_is_a_setting(bench: Bench) {
    let cache = bench.cache(|settings| settings.timeout = (50 * SECOND).into());
    cache.set("a", &1, DEFAULT).await.unwrap();
    assert!(bench.has_left("a", 50 * SECOND).await);
}

/// T02.
pub(super) async fn never_is_never(bench: Bench) {
    let Bench { values, .. } = &bench;
    values.set("set", &1, Timeout::Never).await.unwrap();
    values.add("add", &1, Timeout::Never).await.unwrap();
    values.set_many([("many", &1)], Timeout::Never).await.unwrap();
    values.set("touch", &1, SECOND).await.unwrap();
    values.touch("touch", Timeout::Never).await.unwrap();
    let cache = bench.cache(|settings| settings.timeout = Timeout::Never);
    cache.set("default", &1, DEFAULT).await.unwrap();
    for key in ["set", "add", "many", "touch", "default"] {
        assert_eq!(values.ttl(key).await.unwrap(), Ttl::Forever, "{key}");
    }
}

/// T03, T04.
pub(super) async fn a_timeout_of_zero_or_less_is_over_at_once(bench: Bench) {
    for over in [Timeout::After(Duration::ZERO), Timeout::seconds(-1.0)] {
        let names = ["set", "many", "touch"].map(|key| (key, 1));
        let bench = Bench::on(bench.store.clone(), None).with(&names).await;
        let Bench { values, .. } = &bench;
        values.set("set", &2, over).await.unwrap();
        assert!(values.add("add", &2, over).await.unwrap(), "an absent key");
        assert!(values.set_many([("many", &2)], over).await.unwrap().is_empty());
        assert!(values.touch("touch", over).await.unwrap(), "a present key");
        assert!(!values.touch("touch", over).await.unwrap(), "an absent key");
        for key in ["set", "add", "many", "touch"] {
            assert_eq!(bench.number(key).await, None, "{key}");
        }
    }
}

/// T03.
pub(super) async fn add_for_no_time_on_a_present_key_keeps_the_old_value(bench: Bench) {
    let bench = bench.with(&[("a", 1)]).await;
    assert!(!bench.values.add("a", &2, Duration::ZERO).await.unwrap());
    assert_eq!(bench.number("a").await, Some(1));
}

/// T05.
pub(super) async fn a_long_timeout_is_not_a_date(bench: Bench) {
    let days = 60 * 24 * 3600 * SECOND;
    bench.values.set("a", &1, days).await.unwrap();
    bench.values.set("b", &2, Duration::MAX).await.unwrap();
    assert!(bench.has_left("a", days).await);
    assert_eq!(bench.number("b").await, Some(2));
}

/// T06.
pub(super) async fn a_timeout_may_be_a_fraction_of_a_second(bench: Bench) {
    let time = Timeout::seconds(900.25);
    bench.values.set("a", &1, time).await.unwrap();
    let Ttl::In(left) = bench.values.ttl("a").await.unwrap() else {
        panic!("no timeout");
    };
    assert!(left <= Duration::from_millis(900_250) && left > 895 * SECOND, "{left:?}");
    bench.outlive("a", Duration::from_millis(900_250)).await;
    assert_eq!(bench.number("a").await, None);
}

/// T06: a timeout below one second is not zero.
pub(super) async fn half_a_second_is_a_timeout(bench: Bench) {
    let Bench { values, .. } = bench;
    let half = Duration::from_millis(500);
    values.set("a", &1, half).await.unwrap();
    assert!(values.add("b", &1, half).await.unwrap());
    for key in ["a", "b"] {
        // On a busy computer the key may have expired before this call.
        let ttl = values.ttl(key).await.unwrap();
        assert!(ttl == Ttl::Absent || matches!(ttl, Ttl::In(left) if left <= half));
    }
}

/// T07.
pub(super) async fn an_expired_key_is_absent_for_every_operation(bench: Bench) {
    let Bench { values, .. } = &bench;
    values.set("a", &1, 60 * SECOND).await.unwrap();
    bench.outlive("a", 60 * SECOND).await;
    assert_eq!(values.get::<i64>("a").await.unwrap(), None);
    assert!(values.get_many::<i64, _>(["a"]).await.unwrap().is_empty());
    assert!(!values.has_key("a").await.unwrap());
    assert!(!values.touch("a", DEFAULT).await.unwrap());
    assert!(!values.delete("a").await.unwrap());
    assert_eq!(values.ttl("a").await.unwrap(), Ttl::Absent);
    assert!(matches!(values.incr_version("a", 1).await, Err(Error::Absent { .. })));
}

/// T09.
pub(super) async fn persist_makes_an_expiring_key_stay(bench: Bench) {
    let Bench { values, .. } = &bench;
    values.set("a", &1, 60 * SECOND).await.unwrap();
    assert!(values.persist("a").await.unwrap());
    assert!(values.persist("a").await.unwrap(), "it exists, if with no timeout to take");
    assert_eq!(values.ttl("a").await.unwrap(), Ttl::Forever);
    assert!(!values.persist("absent").await.unwrap());
}

/// T10.
pub(super) async fn set_many_times_each_key(bench: Bench) {
    bench.values.set_many([("a", &1), ("b", &2)], 1000 * SECOND).await.unwrap();
    assert!(bench.has_left("a", 1000 * SECOND).await);
    assert!(bench.has_left("b", 1000 * SECOND).await);
}

/// Issue 3, point 1.
pub(super) async fn a_new_value_has_a_new_timeout(bench: Bench) {
    let Bench { values, .. } = &bench;
    values.set("a", &1, 1000 * SECOND).await.unwrap();
    values.set("a", &1, 60 * SECOND).await.unwrap();
    assert!(bench.has_left("a", 60 * SECOND).await);
    values.set("a", &1, Timeout::Never).await.unwrap();
    assert_eq!(values.ttl("a").await.unwrap(), Ttl::Forever);
}

/// Issue 3, point 1.
pub(super) async fn expire_at_sets_the_moment(bench: Bench) {
    let bench = bench.with(&[("a", 1)]).await;
    let moment = SystemTime::now() + 1000 * SECOND;
    assert!(bench.values.expire_at("a", moment).await.unwrap());
    assert!(bench.has_left("a", 1000 * SECOND).await);
    assert!(bench.values.expire_at("a", SystemTime::UNIX_EPOCH).await.unwrap());
    assert_eq!(bench.number("a").await, None);
    assert!(!bench.values.expire_at("a", moment).await.unwrap());
}
