//! How long clients may take for the body of a request.

use std::time::Duration;

/// Time limits for the body of a request.
#[derive(Debug, Clone, Copy)]
pub struct Deadlines {
    /// Until its first byte arrives.
    pub first: Duration,
    /// Until the whole of it has arrived.
    pub whole: Duration,
}

impl Default for Deadlines {
    fn default() -> Self {
        Self { first: Duration::from_secs(10), whole: Duration::from_secs(30) }
    }
}
