//! How a store can fail.

use std::{error::Error, time::Duration};

/// Why a store did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// There is nothing to count on under this key.
    #[error("the key does not exist")]
    Absent,
    /// What is kept under this key is no whole number.
    #[error("not a whole number")]
    NotInteger,
    /// The sum has no place in 64 bits.
    #[error("the number would overflow")]
    Overflow,
    /// More than this store keeps under one key; nothing is kept under it now.
    #[error("{bytes} bytes are too large, the limit is {limit}")]
    TooLarge { bytes: usize, limit: usize },
    /// The server has no room left (`maxmemory`); nothing is kept under this key now.
    #[error("the store is full")]
    Full,
    /// No answer in time. The operation may have been done all the same.
    #[error("no answer within {after:?}")]
    Timeout { after: Duration },
    /// This request has used up its [`Budget`](super::Budget); the store was not asked.
    #[error("the request's time for the store is used up")]
    Exhausted,
    /// The circuit breaker is open; the store was not asked.
    #[error("the store failed a moment ago, next try in {retry_in:?}")]
    Paused { retry_in: Duration },
    /// No connection, or one that broke. The operation may have been done all the same.
    #[error("the store cannot be reached")]
    Unavailable(#[source] Box<dyn Error + Send + Sync>),
    /// The server answered that it will not.
    #[error("the store refused: {0}")]
    Refused(String),
    /// [`close`](super::Store::close) has been called.
    #[error("the store is closed")]
    Closed,
}

impl StoreError {
    /// Whether the store is in trouble, and not merely this key or value.
    pub fn is_outage(&self) -> bool {
        use StoreError as E;
        matches!(
            self,
            E::Timeout { .. } | E::Exhausted | E::Paused { .. } | E::Unavailable(_) | E::Closed
        )
    }
}
