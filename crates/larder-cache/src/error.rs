//! The errors of calls that change the cache.

use super::{codec::CodecError, stamps::StampsUnavailable, store::StoreError};

/// Why a call on a value or an entry failed.
///
/// Reading has no error for unreadable bytes: they are a miss.
///
/// ```
/// # use std::sync::Arc;
/// # use larder_cache::{Builder, InProcess};
/// use larder_cache::Error;
///
/// # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
/// # let cache = Builder::default().open(Arc::new(InProcess::new()));
/// let counted = cache.values().incr("visits", 1).await;
/// assert!(matches!(counted, Err(Error::Absent { .. })));
/// # });
/// ```
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The store did not do it; [`StoreError::is_outage`] distinguishes an outage from a refusal.
    #[error("{store} store")]
    Store {
        /// The name of the store.
        store: &'static str,
        /// What it answered.
        #[source]
        source: StoreError,
    },
    /// No entry was deleted or invalidated: the stamps could not be changed.
    #[error("no entry was deleted: {0}")]
    NotRemoved(#[from] StampsUnavailable),
    /// The value cannot be serialized; nothing was stored.
    #[error("value of {key:?}")]
    Codec {
        /// The key, as the caller gave it.
        key: String,
        /// Why it cannot.
        #[source]
        source: CodecError,
    },
    /// There is no such key to increment, or to move to another version.
    #[error("{key:?} does not exist")]
    Absent {
        /// The key, as the caller gave it.
        key: String,
    },
    /// The value under the key is not a whole number, so it cannot be incremented.
    #[error("{key:?} is not a whole number")]
    NotInteger {
        /// The key, as the caller gave it.
        key: String,
    },
    /// Nothing was changed: the number would not fit into 64 bits.
    #[error("{key:?} would overflow")]
    Overflow {
        /// The key, as the caller gave it.
        key: String,
    },
}
