//! Why a shared store was of no help, in one word.

use super::StoreError;

/// Why the store that instances share did not answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Trouble {
    /// Not in time.
    Timeout,
    /// The request has waited for stores as long as it may; the store was not asked.
    Exhausted,
    /// The circuit breaker is open; the store was not asked.
    Paused,
    /// No connection, or it was closed.
    Unreachable,
    /// It answered that it will not.
    Refused,
}

impl Trouble {
    /// What to call it in headers and logs.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Timeout => "timeout",
            Self::Exhausted => "budget used up",
            Self::Paused => "breaker open",
            Self::Unreachable => "unreachable",
            Self::Refused => "refused",
        }
    }
}

impl From<&StoreError> for Trouble {
    fn from(error: &StoreError) -> Self {
        match error {
            StoreError::Timeout { .. } => Self::Timeout,
            StoreError::Exhausted => Self::Exhausted,
            StoreError::Paused { .. } => Self::Paused,
            StoreError::Unavailable(_) | StoreError::Closed => Self::Unreachable,
            _ => Self::Refused,
        }
    }
}
