//! The envelope: 52 bytes, the header, the payload.
//!
//! ```text
//! magic "LDR" (3) | format (1) | tag (32) | fingerprint (8)
//! flags (1) | header length (3) | plain payload length (4) | header … | payload …
//! ```
//!
//! - The tag covers the name in the store and all bytes before and after the tag. It is a MAC where
//!   other processes can write to the store, else a checksum ([`Slot`]). It is checked before
//!   anything else is read.
//! - Numbers are little-endian.
//! - The first byte is no digit and no minus sign: a plain number in the store is never an
//!   envelope.
//! - Flag bit 0: the payload is deflated. Other bits are zero.

use bytes::{Buf, Bytes};
use serde::de::DeserializeOwned;

#[cfg(feature = "compress")]
use super::deflate::{deflate, inflate};
use super::{COMPRESS_ABOVE, CodecError, Fingerprint, LIMIT, Slot, decode};

const MAGIC: &[u8; 3] = b"LDR";
const FORMAT: u8 = 2;
/// Bytes before the tag.
const FRONT: usize = 4;
/// Bytes of the tag.
pub(super) const TAG_BYTES: usize = 32;
/// The offset of the first byte after the tag.
const AFTER_TAG: usize = FRONT + TAG_BYTES;
/// Bytes before the header.
const FIXED: usize = AFTER_TAG + 16;
const DEFLATED: u8 = 1;
/// The largest header: 256 KiB, some 10,000 stamps.
pub(super) const HEADER_LIMIT: usize = 256 << 10;
/// The largest envelope; longer input is refused unread.
const LARGEST: usize = FIXED + HEADER_LIMIT + LIMIT;

/// A checked envelope whose value is not decoded yet.
///
/// Cheap to clone: header and payload are slices of the opened bytes.
#[derive(Debug, Clone)]
pub(crate) struct Sealed {
    fingerprint: Fingerprint,
    is_deflated: bool,
    plain_bytes: usize,
    header: Bytes,
    payload: Bytes,
}

impl Sealed {
    pub(super) fn parse(slot: Slot<'_>, bytes: &Bytes) -> Result<Self, CodecError> {
        check_front(bytes)?;
        slot.check(&bytes[FRONT..AFTER_TAG], [&bytes[..FRONT], &bytes[AFTER_TAG..]])?;
        let mut rest = bytes.slice(AFTER_TAG..);
        let fingerprint = Fingerprint::from_number(rest.get_u64_le());
        let flags = rest.get_u8();
        let header_bytes = rest.get_uint_le(3) as usize;
        let plain_bytes = rest.get_u32_le() as usize;
        if header_bytes > HEADER_LIMIT {
            return Err(too_large(header_bytes, HEADER_LIMIT));
        }
        if rest.len() < header_bytes {
            let expected = FIXED + header_bytes;
            return Err(truncated(bytes.len(), expected));
        }
        let sealed = Self {
            fingerprint,
            is_deflated: flags == DEFLATED,
            plain_bytes,
            header: rest.split_to(header_bytes),
            payload: rest,
        };
        sealed.check_payload(flags)?;
        Ok(sealed)
    }

    /// Checks what the tag cannot: another program may have sealed these bytes with a correct tag.
    fn check_payload(&self, flags: u8) -> Result<(), CodecError> {
        if flags > DEFLATED {
            return Err(CodecError::Payload(format!("unknown flags {flags:#b}")));
        }
        if self.plain_bytes > LIMIT {
            return Err(too_large(self.plain_bytes, LIMIT));
        }
        if !self.is_deflated && self.payload.len() != self.plain_bytes {
            return Err(CodecError::Payload("another length".to_owned()));
        }
        Ok(())
    }

    /// Returns the opaque header bytes that were passed to [`seal`](super::seal).
    #[cfg(test)]
    pub(crate) fn header(&self) -> &Bytes {
        &self.header
    }

    /// Decodes the header that [`header`](super::header) encoded.
    ///
    /// # Errors
    /// [`CodecError::Payload`] if the header is not of this type.
    pub(crate) fn header_as<T: DeserializeOwned>(&self) -> Result<T, CodecError> {
        decode(&self.header)
    }

    /// Returns the fingerprint of the type that was sealed.
    pub(crate) fn fingerprint(&self) -> Fingerprint {
        self.fingerprint
    }

    /// Returns the size of the payload in bytes: before compression, and as it is stored.
    #[cfg(test)]
    pub(crate) fn payload_bytes(&self) -> (usize, usize) {
        (self.plain_bytes, self.payload.len())
    }

    /// Decodes the value.
    ///
    /// # Errors
    /// [`CodecError::Schema`] if it was sealed as another type, [`CodecError::Payload`] if it
    /// cannot be decoded all the same (another program wrote it).
    pub(crate) fn value<T: DeserializeOwned>(
        &self,
        expected: Fingerprint,
    ) -> Result<T, CodecError> {
        decode(&self.bytes(expected)?)
    }

    /// Returns the payload: a slice of the opened bytes, unless it was compressed.
    pub(super) fn bytes(&self, expected: Fingerprint) -> Result<Bytes, CodecError> {
        if self.fingerprint != expected {
            return Err(CodecError::Schema {
                found: self.fingerprint.number(),
                expected: expected.number(),
            });
        }
        if self.is_deflated {
            return inflate(&self.payload, self.plain_bytes).map(Bytes::from);
        }
        Ok(self.payload.clone())
    }
}

/// An envelope under construction: one buffer, whose fixed part is filled in last.
pub(super) struct Draft {
    buffer: Vec<u8>,
    header_bytes: usize,
}

impl Draft {
    pub(super) fn new(header: &[u8]) -> Result<Self, CodecError> {
        if header.len() > HEADER_LIMIT {
            return Err(too_large(header.len(), HEADER_LIMIT));
        }
        let mut buffer = vec![0; FIXED];
        buffer.extend_from_slice(header);
        Ok(Self { buffer, header_bytes: header.len() })
    }

    /// Returns the buffer to which the payload is appended.
    pub(super) fn payload(&mut self) -> &mut Vec<u8> {
        &mut self.buffer
    }

    pub(super) fn close(
        mut self,
        slot: Slot<'_>,
        fingerprint: Fingerprint,
    ) -> Result<Bytes, CodecError> {
        let start = FIXED + self.header_bytes;
        let plain_bytes = self.buffer.len() - start;
        if plain_bytes > LIMIT {
            return Err(too_large(plain_bytes, LIMIT));
        }
        let flags = self.compress_from(start);
        let header_bytes = (self.header_bytes as u32).to_le_bytes();
        self.buffer[0..3].copy_from_slice(MAGIC);
        self.buffer[3] = FORMAT;
        let fixed = &mut self.buffer[AFTER_TAG..FIXED];
        fixed[..8].copy_from_slice(&fingerprint.number().to_le_bytes());
        fixed[8] = flags;
        fixed[9..12].copy_from_slice(&header_bytes[..3]);
        fixed[12..].copy_from_slice(&(plain_bytes as u32).to_le_bytes());
        with_tag(slot, self.buffer)
    }

    /// Deflates the payload if that makes it smaller, and returns the flags.
    fn compress_from(&mut self, start: usize) -> u8 {
        if self.buffer.len() - start <= COMPRESS_ABOVE {
            return 0;
        }
        let Some(small) = deflate(&self.buffer[start..]) else {
            return 0;
        };
        self.buffer.truncate(start);
        self.buffer.extend_from_slice(&small);
        DEFLATED
    }
}

/// Fills in the tag and returns the complete envelope.
pub(super) fn with_tag(slot: Slot<'_>, mut envelope: Vec<u8>) -> Result<Bytes, CodecError> {
    let tag = slot.tag([&envelope[..FRONT], &envelope[AFTER_TAG..]])?;
    envelope[FRONT..AFTER_TAG].copy_from_slice(&tag);
    Ok(envelope.into())
}

/// Checks magic and format before the length, so that even a short foreign value is named as such.
fn check_front(bytes: &[u8]) -> Result<(), CodecError> {
    let front = bytes.len().min(MAGIC.len());
    if bytes[..front] != MAGIC[..front] {
        return Err(CodecError::Magic);
    }
    match bytes.get(3) {
        Some(&found) if found != FORMAT => Err(CodecError::Format { found, expected: FORMAT }),
        _ if bytes.len() < FIXED => Err(truncated(bytes.len(), FIXED)),
        _ if bytes.len() > LARGEST => Err(too_large(bytes.len(), LARGEST)),
        _ => Ok(()),
    }
}

fn truncated(found: usize, expected: usize) -> CodecError {
    CodecError::Truncated { found, expected }
}

fn too_large(bytes: usize, limit: usize) -> CodecError {
    CodecError::TooLarge { bytes, limit }
}

/// Stores the payload as it is: the feature `compress` is off.
#[cfg(not(feature = "compress"))]
fn deflate(_: &[u8]) -> Option<Vec<u8>> {
    None
}

#[cfg(not(feature = "compress"))]
fn inflate(_: &[u8], _: usize) -> Result<Vec<u8>, CodecError> {
    Err(CodecError::Payload("deflated, and this build lacks the feature `compress`".to_owned()))
}
