//! Compresses payloads and inflates them again.
//!
//! - Level 1: a cached value is written once and read often, and each read should be fast.
//! - Inflating stops at the length that the envelope promises, so a compression bomb cannot grow
//!   beyond it.

use std::io::{Read, Write};

use flate2::{Compression, read::DeflateDecoder, write::DeflateEncoder};

use super::CodecError;

/// Returns the deflated payload, or `None` if that would not be smaller.
pub(super) fn deflate(payload: &[u8]) -> Option<Vec<u8>> {
    let room = Vec::with_capacity(payload.len() / 2);
    let mut encoder = DeflateEncoder::new(room, Compression::fast());
    encoder.write_all(payload).ok()?;
    let small = encoder.finish().ok()?;
    (small.len() < payload.len()).then_some(small)
}

/// Inflates all of `small` to exactly `length` bytes.
pub(super) fn inflate(small: &[u8], length: usize) -> Result<Vec<u8>, CodecError> {
    let mut plain = Vec::new();
    // One byte more than promised: a longer payload is then noticed, without reading all of it.
    let mut decoder = DeflateDecoder::new(small).take(length as u64 + 1);
    decoder
        .read_to_end(&mut plain)
        .map_err(|error| CodecError::Payload(format!("inflate: {error}")))?;
    let used = decoder.into_inner().total_in();
    if plain.len() != length || used != small.len() as u64 {
        return Err(CodecError::Payload("inflate: another length".to_owned()));
    }
    Ok(plain)
}
