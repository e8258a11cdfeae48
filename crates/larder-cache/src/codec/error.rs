//! Why bytes are not the value that was asked for.

/// Why a value could not be sealed, or sealed bytes not be read.
///
/// Everything that goes wrong while reading is a miss to the cache; the variants are for its
/// events.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CodecError {
    /// Not an envelope of ours: another application's value, or none at all.
    #[error("not a sealed value")]
    Magic,
    /// An envelope of another build of this crate.
    #[error("sealed in format {found}, this build reads format {expected}")]
    Format { found: u8, expected: u8 },
    /// Shorter than it says it is.
    #[error("truncated: {found} bytes, at least {expected} needed")]
    Truncated { found: usize, expected: usize },
    /// Some bit is not what it was.
    #[error("checksum differs")]
    Checksum,
    /// Sealed as another type, or as an older shape of this one.
    #[error("sealed as type {found:016x}, read as {expected:016x}")]
    Schema { found: u64, expected: u64 },
    /// The envelope is whole, but its payload is not a value of this type.
    #[error("payload: {0}")]
    Payload(String),
    /// The value's own `Serialize` failed.
    #[error("encode: {0}")]
    Encode(String),
    /// Above [`LIMIT`](super::LIMIT), or a header of 16 MiB and more.
    #[error("{bytes} bytes are too large, the limit is {limit}")]
    TooLarge { bytes: usize, limit: usize },
    /// bincode could write this type but never read it back.
    #[error("{type_name} cannot be read back: {reason}")]
    Unreadable { type_name: &'static str, reason: String },
}
