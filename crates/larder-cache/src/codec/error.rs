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
    /// Not sealed under this name by who has the secret: forged, moved here from another name, sealed
    /// before the secret was replaced, or damaged.
    #[error("not sealed for this place: forged, moved, damaged, or sealed under another secret")]
    Forged,
    /// Others can write to the store, and the secret is not known.
    #[error("the secret under which shared values are sealed is not known here")]
    NoSecret,
    /// Sealed as another type, or as an older shape of this one.
    #[error("sealed as type {found:016x}, read as {expected:016x}")]
    Schema { found: u64, expected: u64 },
    /// The envelope is whole, but its payload is not a value of this type.
    #[error("payload: {0}")]
    Payload(String),
    /// The value's own `Serialize` failed.
    #[error("encode: {0}")]
    Encode(String),
    /// Above [`LIMIT`](super::LIMIT), or a header of more than 256 KiB.
    #[error("{bytes} bytes are too large, the limit is {limit}")]
    TooLarge { bytes: usize, limit: usize },
    /// bincode could write this type but never read it back.
    #[error("{type_name} cannot be read back: {reason}")]
    Unreadable { type_name: &'static str, reason: String },
}

impl CodecError {
    /// Names it in few words, for headers, logs and figures.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Magic => "not sealed",
            Self::Format { .. } => "another format",
            Self::Truncated { .. } => "truncated",
            Self::Forged => "wrong seal",
            Self::NoSecret => "no secret",
            Self::Schema { .. } => "another type",
            Self::Payload(_) => "undecodable",
            Self::Encode(_) | Self::Unreadable { .. } => "unwritable",
            Self::TooLarge { .. } => "too large",
        }
    }
}
