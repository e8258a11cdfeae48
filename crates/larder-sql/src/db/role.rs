//! What a connection is for, and how long it waits for locks.

use std::time::Duration;

/// What a connection is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Reads only; writes are refused.
    Reader,
    /// Reads and writes.
    Writer,
}

/// How long a connection waits for the locks of other transactions by default.
pub const LOCK_TIMEOUT: Duration = Duration::from_secs(10);
