//! Counts what becomes of the purges of one front.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use larder_cache::front::Purges;

/// The counts, which the thread of a front writes and any other one reads.
///
/// The time is that at which the front was known to have all purges, not that at which it was seen to lack one: so it
/// grows, too, where the thread hangs or has ended.
#[derive(Debug)]
pub(super) struct Meter {
    front: String,
    delivered: AtomicU64,
    failed: AtomicU64,
    kept_up: Mutex<Instant>,
}

impl Meter {
    pub(super) fn new(front: String) -> Self {
        let (delivered, failed) = Default::default();
        Self { front, delivered, failed, kept_up: Mutex::new(Instant::now()) }
    }

    /// Counts a purge by whether the front has confirmed it.
    pub(super) fn count(&self, sent: &Result<(), String>) {
        let counter = if sent.is_ok() { &self.delivered } else { &self.failed };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    /// Notes that the front had all purges of what had changed before `at`.
    pub(super) fn kept_up(&self, at: Instant) {
        *self.kept_up.lock().unwrap_or_else(PoisonError::into_inner) = at;
    }

    pub(super) fn read(&self) -> Purges {
        Purges {
            front: self.front.clone(),
            delivered: self.delivered.load(Ordering::Relaxed),
            failed: self.failed.load(Ordering::Relaxed),
            behind: self.kept_up.lock().unwrap_or_else(PoisonError::into_inner).elapsed(),
        }
    }
}
