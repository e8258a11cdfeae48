//! Names and keys: section c.3 of `docs/DJANGO-PARITY.md`.

use super::{warnings::Warnings, *};

/// K01.
pub(super) async fn a_name_is_prefix_version_key(bench: Bench) {
    let Bench { values, prefix, .. } = &bench;
    assert_eq!(values.name("key"), format!("{prefix}:1:key"));
    assert_eq!(values.version(-2).name("key"), format!("{prefix}:-2:key"));
}

/// K02, K03, A42: one warning for each call.
pub(super) async fn every_operation_warns_of_a_key_others_would_refuse(bench: Bench) {
    let Bench { values, prefix, .. } = &bench;
    // The limit of 250 bytes includes prefix and version.
    let full = "k".repeat(250 - prefix.len() - ":1:".len());
    let long = full.clone() + "k";
    let keys = [(full.as_str(), 0), ("snowman ☃", 1), ("tab\t", 1), ("null\0", 1), (&long, 1)];
    for (key, expected) in keys {
        let warnings = Warnings::listen();
        macro_rules! check {
            ($($call:expr),* $(,)?) => {$(
                let _ = $call.await;
                assert_eq!(warnings.take(), expected, "{key:?}: {}", stringify!($call));
            )*};
        }
        check!(
            values.get::<i64>(key),
            values.get_or(key, 1),
            values.set(key, &1, DEFAULT),
            values.add(key, &1, DEFAULT),
            values.touch(key, DEFAULT),
            values.incr(key, 1),
            values.decr(key, 1),
            values.has_key(key),
            values.get_many::<i64, _>([key]),
            values.set_many([(key, &1)], DEFAULT),
            values.get_or_set(key, DEFAULT, async || 1),
            values.ttl(key),
            values.persist(key),
            values.incr_version(key, 1),
            values.decr_version(key, 1),
            values.delete(key),
            values.delete_many([key]),
        );
    }
}

/// K04.
pub(super) async fn a_long_key_works_and_keeps_a_readable_head(bench: Bench) {
    let Bench { store, values, .. } = &bench;
    let key = |last| "posts.list:".to_owned() + &"k".repeat(300) + last;
    values.set(&key("a"), &1, DEFAULT).await.unwrap();
    values.set(&key("b"), &2, DEFAULT).await.unwrap();
    assert_eq!(bench.number(&key("a")).await, Some(1));
    assert_eq!(bench.number(&key("b")).await, Some(2));
    let names = store.scan(&values.name("posts.list:"), None).await.unwrap().keys;
    assert!(names.iter().all(|name| name.len() <= 250), "{names:?}");
}

/// K06: a prefix that ends like a version is not read as a version.
pub(super) async fn a_separator_in_a_prefix_makes_no_alias(bench: Bench) {
    let plain = &bench.values;
    let tricky = bench.cache(|settings| settings.prefix += ":1");
    tricky.set("x", &1, DEFAULT).await.unwrap();
    assert_eq!(plain.get::<i64>("1:x").await.unwrap(), None);
    assert_eq!(plain.clear().await.unwrap(), 0);
}

/// Issue 3, point 1.
pub(super) async fn iter_keys_lists_this_version(bench: Bench) {
    let bench = bench.with(&[("a", 1), ("b:c", 2)]).await;
    bench.values.version(2).set("other", &1, DEFAULT).await.unwrap();
    let keys: Result<BTreeSet<String>, Error> = bench.values.iter_keys().try_collect().await;
    assert_eq!(keys.unwrap(), ["a", "b:c"].map(String::from).into());
}

/// Issue 3, point 1.
pub(super) async fn delete_pattern_deletes_what_matches(bench: Bench) {
    let keys = ["posts.list:1", "posts.list:2", "posts.card:1", "posts", "*"];
    let bench = bench.with(&keys.map(|key| (key, 1))).await;
    let Bench { values, .. } = &bench;
    values.version(2).set("posts.list:1", &1, DEFAULT).await.unwrap();
    assert_eq!(values.delete_pattern("posts.list:*").await.unwrap(), 2);
    assert_eq!(values.delete_pattern("posts.????:?").await.unwrap(), 1);
    assert_eq!(values.delete_pattern("\\*").await.unwrap(), 1);
    assert_eq!(bench.number("posts").await, Some(1));
    assert_eq!(values.version(2).get("posts.list:1").await.unwrap(), Some(1));
}
