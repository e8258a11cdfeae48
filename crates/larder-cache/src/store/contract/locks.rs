//! Locks, an addition of django-redis.

use super::*;

/// Issue 3, point 1.
pub(super) async fn a_lock_has_one_holder(bench: Bench) {
    let Bench { values, .. } = bench;
    let held = values.lock("reindex", 60 * SECOND).await.unwrap().unwrap();
    assert!(values.lock("reindex", 60 * SECOND).await.unwrap().is_none());
    assert!(values.version(2).lock("reindex", SECOND).await.unwrap().is_none());
    let other = values.lock("other", 60 * SECOND).await.unwrap().unwrap();
    assert!(held.release().await.unwrap());
    assert!(values.lock("reindex", 60 * SECOND).await.unwrap().is_some());
    assert!(other.release().await.unwrap());
}

/// A holder that dies or is slow loses the lock with its lease, and cannot release the lock of the
/// next holder.
pub(super) async fn a_lock_ends_with_its_lease(bench: Bench) {
    let Bench { values, .. } = &bench;
    let late = values.lock("a", 60 * SECOND).await.unwrap().unwrap();
    // A lock and a value of the same key have different names.
    assert!(!values.has_key("a").await.unwrap());
    // Stands for the end of the lease.
    values.clear().await.unwrap();
    let next = values.lock("a", 60 * SECOND).await.unwrap().unwrap();
    assert!(!late.release().await.unwrap());
    assert!(values.lock("a", 60 * SECOND).await.unwrap().is_none());
    assert!(next.release().await.unwrap());
}

/// The store itself ends the lease.
pub(super) async fn a_lock_is_kept_under_a_name_with_a_lease(bench: Bench) {
    let Bench { store, values, prefix, .. } = bench;
    let held = values.lock("a", 60 * SECOND).await.unwrap().unwrap();
    let Ttl::In(left) = store.ttl(&format!("{prefix}:lock:a")).await.unwrap() else {
        panic!("no lease");
    };
    assert!(left <= 60 * SECOND && left > 55 * SECOND);
    assert!(held.release().await.unwrap());
    assert!(!store.has(&format!("{prefix}:lock:a")).await.unwrap());
}
