//! Policies: how long something may be kept.
//!
//! A policy bounds the memory of what nobody asks for; it is not what keeps entries right. That is
//! done by the stamps, which no policy can switch off.

use std::time::Duration;

/// How long an entry is fresh.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Policy {
    fresh_for: Duration,
}

impl Policy {
    /// Kept for so long, unless what it was made from changes first.
    pub const fn fresh_for(lifetime: Duration) -> Self {
        Self { fresh_for: lifetime }
    }

    /// The longest time an entry may be served.
    pub const fn lifetime(&self) -> Duration {
        self.fresh_for
    }
}
