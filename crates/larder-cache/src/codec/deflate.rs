//! Payloads made smaller, and back.
//!
//! - Level 1: a cached value is written once and read often, but never by a patient reader.
//! - Inflating stops at the length the envelope promises: no bomb grows beyond it.

use std::io::{Read, Write};

use flate2::{Compression, read::DeflateDecoder, write::DeflateEncoder};

use super::CodecError;

/// The payload deflated, or nothing where that would not make it smaller.
pub(super) fn deflate(payload: &[u8]) -> Option<Vec<u8>> {
    let room = Vec::with_capacity(payload.len() / 2);
    let mut encoder = DeflateEncoder::new(room, Compression::fast());
    encoder.write_all(payload).ok()?;
    let small = encoder.finish().ok()?;
    (small.len() < payload.len()).then_some(small)
}

/// Exactly `length` bytes inflated from all of `small`.
pub(super) fn inflate(small: &[u8], length: usize) -> Result<Vec<u8>, CodecError> {
    let mut plain = Vec::new();
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
