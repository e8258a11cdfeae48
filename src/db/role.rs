//! What a connection is for, and how long it waits for locks.

use std::time::Duration;

/// What a connection is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Refuses to write.
    Reader,
    /// Waits for its turn to write.
    Writer,
}

/// How long a connection waits for the locks of others, where nothing else is said.
pub const LOCK_TIMEOUT: Duration = Duration::from_secs(10);
