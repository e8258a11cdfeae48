//! Waiting for what no event tells: looked at again and again, and never for ever.

use std::time::{Duration, Instant};

/// How long anything may take on a busy machine.
const LIMIT: Duration = Duration::from_secs(20);

/// Looks until it is so; fails with `what` if that takes too long.
#[track_caller]
pub fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + LIMIT;
    while !is_so() {
        assert!(Instant::now() < deadline, "not in time: {what}");
        std::thread::yield_now();
    }
}
