//! The errors of sealing values and of opening sealed bytes.

/// Why a value could not be sealed, or sealed bytes could not be read.
///
/// To the cache, every error while reading is a miss; the variants are for its events.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CodecError {
    /// Not an envelope of this crate: another application's value, or none at all.
    #[error("not a sealed value")]
    Magic,
    /// An envelope in another format, written by another version of this crate.
    #[error("sealed in format {found}, this build reads format {expected}")]
    Format {
        /// The format of the envelope.
        found: u8,
        /// The format that this build reads.
        expected: u8,
    },
    /// Shorter than its own lengths say.
    #[error("truncated: {found} bytes, at least {expected} needed")]
    Truncated {
        /// The bytes that there are.
        found: usize,
        /// The bytes that its lengths need at least.
        expected: usize,
    },
    /// Not sealed under this name with this secret.
    ///
    /// The bytes were forged, copied from another name, damaged, or sealed before the secret was
    /// replaced.
    #[error("not sealed for this place: forged, moved, damaged, or sealed under another secret")]
    Forged,
    /// Other processes can write to the store, and the secret is not known here.
    #[error("the secret under which shared values are sealed is not known here")]
    NoSecret,
    /// Sealed as another type, or as an older schema of this one.
    #[error("sealed as type {found:016x}, read as {expected:016x}")]
    Schema {
        /// The fingerprint of the sealed type.
        found: u64,
        /// The fingerprint of the type that is read.
        expected: u64,
    },
    /// The envelope is intact, but its payload is not a value of this type.
    #[error("payload: {0}")]
    Payload(String),
    /// The value's own `Serialize` failed.
    #[error("encode: {0}")]
    Encode(String),
    /// Above `LIMIT`, or a header of more than 256 KiB.
    #[error("{bytes} bytes are too large, the limit is {limit}")]
    TooLarge {
        /// The size of the value.
        bytes: usize,
        /// The largest size.
        limit: usize,
    },
    /// bincode could write this type but never read it back.
    #[error("{type_name} cannot be read back: {reason}")]
    Unreadable {
        /// The name of the type.
        type_name: &'static str,
        /// What bincode cannot read.
        reason: String,
    },
}

impl CodecError {
    /// Returns a short name for headers, logs and metrics.
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
