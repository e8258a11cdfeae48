//! What can go wrong with a cache, for those who asked it to *do* something.

use super::{codec::CodecError, stamps::StampsUnavailable, store::StoreError};

/// Why a value could not be kept, counted or moved.
///
/// Reading knows no unreadable values: bytes that are not the value asked for are a miss.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The store did not do it; [`StoreError::is_outage`] tells trouble from refusal.
    #[error("{store} store")]
    Store {
        store: &'static str,
        #[source]
        source: StoreError,
    },
    /// Entries were not deleted: the stamps by which that is done could not be moved.
    #[error("no entry was deleted: {0}")]
    NotRemoved(#[from] StampsUnavailable),
    /// The value cannot be written as bytes; nothing was stored.
    #[error("value of {key:?}")]
    Codec {
        key: String,
        #[source]
        source: CodecError,
    },
    /// There is no such key to count on, or to move.
    #[error("{key:?} does not exist")]
    Absent { key: String },
    /// What is kept under the key cannot be counted on.
    #[error("{key:?} is not a whole number")]
    NotInteger { key: String },
    /// Nothing was changed: the number would not fit into 64 bits.
    #[error("{key:?} would overflow")]
    Overflow { key: String },
}
