//! Polling with a limit, for conditions that no event reports.

use std::time::{Duration, Instant};

/// How long a test waits for anything.
///
/// It exceeds what the busiest machine needs, so that only a hang fails.
pub const PATIENCE: Duration = Duration::from_secs(120);

/// The pause between two looks, so that the processor works for what is waited for.
const PAUSE: Duration = Duration::from_millis(1);

/// Polls until the condition holds; fails with `what` after [`PATIENCE`].
#[track_caller]
pub fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < deadline, "not in time: {what}");
        std::thread::park_timeout(PAUSE);
    }
}
