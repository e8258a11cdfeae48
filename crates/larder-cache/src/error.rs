//! The errors of calls that change the cache.

use super::{codec::CodecError, stamps::StampsUnavailable, store::StoreError};

/// Why a call on a value or an entry failed.
///
/// Reading has no error for unreadable bytes: they are a miss.
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
    /// No entry was deleted: the stamps that delete entries could not be changed.
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
