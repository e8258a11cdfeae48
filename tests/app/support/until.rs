//! Waiting for what no event tells: looked at again and again, and never for ever.

use std::time::{Duration, Instant};

/// How long a story waits for anything: longer than the busiest machine takes, so that only a shop that hangs
/// is found out.
pub const PATIENCE: Duration = Duration::from_secs(120);

/// Looks until it is so; fails with `what` if that takes too long.
#[track_caller]
pub fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < deadline, "not in time: {what}");
        std::thread::yield_now();
    }
}
