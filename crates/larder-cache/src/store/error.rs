//! How a store can fail.

use std::{error::Error, time::Duration};

/// The reason why an operation failed.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The key does not exist, so there is no number to add to.
    #[error("the key does not exist")]
    Absent,
    /// The stored value is not a whole number.
    #[error("not a whole number")]
    NotInteger,
    /// The sum does not fit into 64 bits.
    #[error("the number would overflow")]
    Overflow,
    /// The value is larger than the store allows; the old value was removed.
    #[error("{bytes} bytes are too large, the limit is {limit}")]
    TooLarge {
        /// The size of the value.
        bytes: usize,
        /// The largest size that the store takes.
        limit: usize,
    },
    /// The server has no memory left (`maxmemory`); the old value was removed.
    #[error("the store is full")]
    Full,
    /// The store did not answer in time. The operation may have been done.
    #[error("no answer within {after:?}")]
    Timeout {
        /// How long it was waited for.
        after: Duration,
    },
    /// The request has used up its `Budget`; the store was not called.
    #[error("the request's time for the store is used up")]
    Exhausted,
    /// The circuit breaker is open; the store was not called.
    #[error("the store failed a moment ago, next try in {retry_in:?}")]
    Paused {
        /// When it is tried again.
        retry_in: Duration,
    },
    /// There is no connection, or it broke. The operation may have been done.
    #[error("the store cannot be reached")]
    Unavailable(#[source] Box<dyn Error + Send + Sync>),
    /// The server answered with an error.
    #[error("the store refused: {0}")]
    Refused(String),
    /// [`close`](super::Store::close) has been called.
    #[error("the store is closed")]
    Closed,
}

impl StoreError {
    /// Reports whether the store itself is failing, and not only this key or value.
    pub fn is_outage(&self) -> bool {
        use StoreError as E;
        matches!(
            self,
            E::Timeout { .. } | E::Exhausted | E::Paused { .. } | E::Unavailable(_) | E::Closed
        )
    }
}
