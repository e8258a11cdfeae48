//! Operations on many keys and on all keys: section c.1 of `docs/DJANGO-PARITY.md`.

use std::collections::HashMap;

use bytes::Bytes;

use super::*;
use crate::store::{Item, Lifetime};

/// A18.
pub(super) async fn get_many_answers_those_that_are_there(bench: Bench) {
    let Bench { values, .. } = bench.with(&[("a", 1), ("b", 2), ("c", 3)]).await;
    let found = values.get_many(["a", "absent", "c"]).await.unwrap();
    assert_eq!(found, HashMap::from([("a".to_owned(), 1), ("c".to_owned(), 3)]));
    let owned = (0..1).map(|_| "b".to_owned());
    assert_eq!(values.get_many(owned).await.unwrap(), HashMap::from([("b".to_owned(), 2)]));
}

/// A18.
pub(super) async fn get_many_includes_a_cached_none(bench: Bench) {
    let Bench { values, .. } = bench;
    values.set("none", &None::<i64>, DEFAULT).await.unwrap();
    let found = values.get_many::<Option<i64>, _>(["none", "absent"]).await.unwrap();
    assert_eq!(found, HashMap::from([("none".to_owned(), None)]));
}

/// A18, A19.
pub(super) async fn set_many_keeps_all_and_names_no_failures(bench: Bench) {
    let failed = bench.values.set_many([("a", &1), ("b", &2)], DEFAULT).await.unwrap();
    assert_eq!(failed, Vec::<String>::new());
    assert_eq!((bench.number("a").await, bench.number("b").await), (Some(1), Some(2)));
}

/// A20: the store is closed, so any round trip would fail.
pub(super) async fn many_of_nothing_costs_no_round_trip(bench: Bench) {
    let Bench { values, .. } = bench;
    values.close().await.unwrap();
    let nothing: [(&str, &i64); 0] = [];
    assert!(values.set_many(nothing, DEFAULT).await.unwrap().is_empty());
    assert_eq!(values.delete_many::<&str>([]).await.unwrap(), 0);
    assert!(values.get_many::<i64, &str>([]).await.unwrap().is_empty());
}

/// A21, A22.
pub(super) async fn delete_many_counts_and_leaves_others(bench: Bench) {
    let bench = bench.with(&[("a", 1), ("b", 2), ("c", 3)]).await;
    assert_eq!(bench.values.delete_many(["a", "b", "absent"]).await.unwrap(), 2);
    assert_eq!(bench.number("a").await, None);
    assert_eq!(bench.number("c").await, Some(3));
}

/// A23.
pub(super) async fn clear_empties_this_cache_in_all_versions(bench: Bench) {
    let bench = bench.with(&[("a", 1), ("b", 2)]).await;
    bench.values.version(2).set("a", &3, Timeout::Never).await.unwrap();
    assert_eq!(bench.values.clear().await.unwrap(), 3);
    assert_eq!(bench.number("a").await, None);
    assert_eq!(bench.values.version(2).get::<i64>("a").await.unwrap(), None);
}

/// A24, V11: the neighbours' prefixes begin with this cache's prefix, or look like a pattern.
pub(super) async fn clear_leaves_the_neighbours_keys(bench: Bench) {
    let bench = bench.with(&[("a", 1)]).await;
    let neighbours = ["*", "x*", "?", "[a]", "\\"].map(|suffix| bench.prefix.clone() + suffix);
    let caches = neighbours.map(|prefix| bench.cache(|settings| settings.prefix = prefix));
    for cache in &caches {
        cache.set("a", &2, Timeout::Never).await.unwrap();
    }
    assert_eq!(bench.values.clear().await.unwrap(), 1);
    for cache in &caches {
        assert_eq!(cache.get("a").await.unwrap(), Some(2));
        assert_eq!(cache.clear().await.unwrap(), 1);
    }
}

/// A24: there are more keys than one page of a scan holds.
pub(super) async fn clear_finds_keys_on_all_pages(bench: Bench) {
    let Bench { values, .. } = bench;
    let keys: Vec<String> = (0..2_500).map(|number| format!("k{number}")).collect();
    let all = keys.iter().map(|key| (key, &1));
    values.set_many(all, DEFAULT).await.unwrap();
    assert_eq!(values.clear().await.unwrap(), 2_500);
    assert_eq!(values.get_many::<i64, _>(keys).await.unwrap(), HashMap::new());
}

/// Issue 3, point 3: another application stored bytes under this cache's names.
pub(super) async fn foreign_bytes_are_a_miss(bench: Bench) {
    let Bench { store, values, .. } = bench;
    let name = values.name("a");
    for foreign in [&b""[..], b"LDR", b"LDR\x01garbage of some length", b"\x80\x04K*.", b"\xff\xfe"]
    {
        let bytes = Bytes::copy_from_slice(foreign);
        let item = Item::new(&name, &bytes, Lifetime::FOREVER);
        store.set(item).await.unwrap();
        assert_eq!(values.get::<String>("a").await.unwrap(), None);
        assert_eq!(values.get::<i64>("a").await.unwrap(), None);
        let made = values.get_or_set("a", DEFAULT, async || "fresh".to_owned()).await;
        assert_eq!(made, "fresh");
        assert_eq!(values.get("a").await.unwrap(), Some("fresh".to_owned()));
    }
}
