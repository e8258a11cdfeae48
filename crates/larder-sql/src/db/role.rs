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

impl Role {
    /// Both roles.
    pub const ALL: [Self; 2] = [Self::Reader, Self::Writer];

    /// Returns the name, in lower case.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Reader => "reader",
            Self::Writer => "writer",
        }
    }
}

/// How long a connection waits for the locks of other transactions by default.
pub const LOCK_TIMEOUT: Duration = Duration::from_secs(10);
