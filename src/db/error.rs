//! How the database fails.

use std::sync::Arc;

use diesel::r2d2::PoolError;

/// A read or write that failed; nothing of it was kept.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// Too many others read or write.
    #[error("the database is busy")]
    Busy,
    /// No connection in time: the server is down.
    #[error("no connection to the database")]
    Unreachable(#[source] Arc<PoolError>),
    /// The database refused, or the connection broke.
    #[error("the database answered with an error")]
    Query(#[source] Arc<diesel::result::Error>),
    /// The work on the connection panicked.
    #[error("the work on the database panicked")]
    Panicked,
}

impl Error {
    /// Whether what was asked for is not there.
    pub fn is_not_found(&self) -> bool {
        matches!(self, Self::Query(error) if matches!(**error, diesel::result::Error::NotFound))
    }
}

impl From<diesel::result::Error> for Error {
    fn from(error: diesel::result::Error) -> Self {
        Self::Query(Arc::new(error))
    }
}

impl From<PoolError> for Error {
    fn from(error: PoolError) -> Self {
        Self::Unreachable(Arc::new(error))
    }
}
