//! The errors of the database.

use std::sync::Arc;

use diesel::r2d2::PoolError;

use super::codes::{self, Meaning};
use super::file::Lost;

/// A read or write that failed. Nothing was committed, except possibly for [`Error::Uncertain`] and [`Error::Unanswered`].
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// Too many other requests read or write.
    #[error("the database is busy")]
    Busy,
    /// No connection could be opened in time: the server is down.
    #[error("no connection to the database")]
    Unreachable(#[source] Arc<PoolError>),
    /// A file of the database is missing or was replaced.
    #[error("{0}")]
    Lost(#[from] Lost),
    /// The database refused temporarily: it is locked, full, shutting down, or the connection broke.
    #[error("the database refuses for now ({})", codes::name(.0))]
    Refused(#[source] Arc<diesel::result::Error>),
    /// The connection broke after the commit was sent: the write may or may not have been committed.
    #[error("the connection broke during the commit ({}); the write was saved, or it was not", codes::name(.0))]
    Uncertain(#[source] Arc<diesel::result::Error>),
    /// The database did not answer a write in time, which may or may not be committed later.
    #[error("the database did not answer in time; the write was saved, or it was not")]
    Unanswered,
    /// Other data, written in the meantime, violates a constraint.
    #[error("other data in the database forbids it ({})", codes::name(.0))]
    Conflict(#[source] Arc<diesel::result::Error>),
    /// The database returned an error that a retry would not help.
    #[error("the database answered with an error ({})", codes::name(.0))]
    Query(#[source] Arc<diesel::result::Error>),
    /// The work on the connection panicked.
    #[error("the work on the database panicked")]
    Panicked,
}

impl Error {
    /// Returns the error of a transaction that will not be retried and that committed nothing.
    pub(super) fn of(error: diesel::result::Error) -> Self {
        let (meaning, error) = (codes::meaning(&error), Arc::new(error));
        match meaning {
            Meaning::Retry | Meaning::Disconnected | Meaning::Lacking | Meaning::Unavailable => {
                Self::Refused(error)
            }
            Meaning::Conflict => Self::Conflict(error),
            Meaning::Outdated | Meaning::Bug => Self::Query(error),
        }
    }

    /// Reports whether a later retry may succeed: the database refuses temporarily or is unreachable.
    pub fn is_refusal(&self) -> bool {
        !matches!(self, Self::Conflict(_) | Self::Query(_) | Self::Panicked)
    }
}

impl From<PoolError> for Error {
    fn from(error: PoolError) -> Self {
        Self::Unreachable(Arc::new(error))
    }
}
