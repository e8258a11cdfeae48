//! The place of an envelope in the store, and what protects it there.

use super::CodecError;
use super::envelope::TAG_BYTES;
use crate::secret::Secret;

/// What keeps foreign bytes from being decoded.
#[derive(Debug, Clone)]
pub(crate) enum Guard {
    /// A checksum: only this process can write to the store.
    Process,
    /// A MAC under this secret.
    Shared(Secret),
    /// No protection, so nothing is sealed or opened.
    ///
    /// Other processes can write to the store, and the secret is not known.
    Blind,
}

/// The place of an envelope: it can be opened only there.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Slot<'s> {
    guard: &'s Guard,
    name: &'s str,
}

impl<'s> Slot<'s> {
    /// Returns the slot with this complete name in the store.
    pub(crate) const fn new(guard: &'s Guard, name: &'s str) -> Self {
        Self { guard, name }
    }

    /// Computes the tag of the bytes before and after it.
    pub(super) fn tag(self, parts: [&[u8]; 2]) -> Result<[u8; TAG_BYTES], CodecError> {
        match self.guard {
            Guard::Process => Ok(checksum(parts)),
            Guard::Shared(secret) => Ok(secret.mac(self.name, parts)),
            Guard::Blind => Err(CodecError::NoSecret),
        }
    }

    /// Checks the tag of the bytes before and after it.
    pub(super) fn check(self, tag: &[u8], parts: [&[u8]; 2]) -> Result<(), CodecError> {
        let is_right = match self.guard {
            Guard::Process => tag == checksum(parts),
            Guard::Shared(secret) => secret.has_made(tag, self.name, parts),
            Guard::Blind => return Err(CodecError::NoSecret),
        };
        if is_right { Ok(()) } else { Err(CodecError::Forged) }
    }
}

fn checksum(parts: [&[u8]; 2]) -> [u8; TAG_BYTES] {
    let mut hasher = crc32fast::Hasher::new();
    parts.iter().for_each(|part| hasher.update(part));
    let mut tag = [0; TAG_BYTES];
    tag[..4].copy_from_slice(&hasher.finalize().to_le_bytes());
    tag
}
