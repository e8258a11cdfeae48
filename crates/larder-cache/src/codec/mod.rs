//! Encodes values to bytes in a sealed envelope, and decodes them again.
//!
//! - *payload*: the value, written by bincode; *header*: opaque bytes of the caller that seals
//!   (stamps, time of creation, lifetimes), readable without decoding the payload.
//! - *fingerprint*: what a type looks like to serde, as a number. A changed struct has another one.
//! - Opening returns the sealed value or a [`CodecError`]; it never panics and never returns
//!   another value.
//! - Decoding must use up all bytes of a payload; nothing larger than [`LIMIT`] is written or read.
//! - A payload above [`COMPRESS_ABOVE`] is deflated where that makes it smaller.
//! - A type that bincode could write but not read back (`flatten`, `untagged`) is refused when it
//!   is sealed.
//! - `#[serde(skip_serializing)]` and `skip_serializing_if` lose data in bincode: do not use them
//!   in cached types.
//! - An envelope is sealed for one [`Slot`] and can be opened only there. Where other processes can
//!   write to the store, its tag is a MAC: bytes that were copied, renamed, cut, changed or made
//!   without the secret are refused before bincode sees them.
//! - Where only this process can write, the tag is a checksum against accidents.
//!
//! Not here: whole numbers that a counter needs in plain text (`values::plain`).

use bytes::Bytes;
use serde::{Serialize, de::DeserializeOwned};

#[cfg(feature = "compress")]
mod deflate;
mod envelope;
mod error;
mod fingerprint;
mod probe;
mod schema;
mod slot;

pub(crate) use envelope::Sealed;
pub use error::CodecError;
pub(crate) use fingerprint::Fingerprint;
pub(crate) use slot::{Guard, Slot};

use envelope::Draft;

use crate::footprint::ALLOCATION;

/// The largest payload that is written or read, in bytes before compression: 64 MiB.
///
/// A hostile length must end in an error, not in an allocation.
pub(crate) const LIMIT: usize = 64 << 20;

/// Payloads above this many bytes are compressed: 8 KiB.
///
/// A list of 25 rows (3 kB) stays plain: deflating it costs more than sending it.
pub(crate) const COMPRESS_ABOVE: usize = 8 << 10;

/// Seals `value` in an envelope for `slot`.
///
/// - `fingerprint` — of the type that will read it back, usually `Fingerprint::of::<T>()`.
/// - `header` — opaque bytes, at most 256 KiB, returned by [`Sealed::header`].
///
/// # Errors
/// [`CodecError::Encode`] if the value's `Serialize` fails; [`CodecError::TooLarge`] above
/// [`LIMIT`]; [`CodecError::NoSecret`].
pub(crate) fn seal<T>(
    slot: Slot<'_>,
    fingerprint: Fingerprint,
    header: &[u8],
    value: &T,
) -> Result<Bytes, CodecError>
where
    T: Serialize + ?Sized,
{
    let mut draft = Draft::new(header)?;
    bincode::serde::encode_into_std_write(value, draft.payload(), config())
        .map_err(|error| CodecError::Encode(error.to_string()))?;
    draft.close(slot, fingerprint)
}

/// Encodes a header as bytes, for [`seal`].
///
/// # Errors
/// [`CodecError::Encode`] if its `Serialize` fails.
pub(crate) fn header<T: Serialize>(header: &T) -> Result<Vec<u8>, CodecError> {
    bincode::serde::encode_to_vec(header, config())
        .map_err(|error| CodecError::Encode(error.to_string()))
}

/// Returns the bytes that `value` takes in memory, approximately, or 0 if it cannot be written.
///
/// That is up to five times its encoding, in which numbers and lengths are short.
pub(crate) fn footprint<T: Serialize + ?Sized>(value: &T) -> usize {
    let mut footprint = Footprint(0);
    let encoded = bincode::serde::encode_into_writer(value, &mut footprint, config());
    encoded.map_or(0, |()| footprint.0)
}

/// Counts the parts of a value, each of which is written by one call.
struct Footprint(usize);

impl bincode::enc::write::Writer for Footprint {
    fn write(&mut self, part: &[u8]) -> Result<(), bincode::error::EncodeError> {
        self.0 += match part.len() {
            // A byte of many, a boolean or a small number.
            0 | 1 => 4,
            2..=9 => 8,
            // A text, its place in a structure, and its allocation.
            text => text + size_of::<String>() + ALLOCATION + 8,
        };
        Ok(())
    }
}

/// Reports whether `value` is `None`, also within newtypes, so that people are told that nothing was found.
pub(crate) fn is_nothing<T: Serialize + DeserializeOwned + 'static>(value: &T) -> bool {
    let mut first = [0];
    let written = bincode::serde::encode_into_slice(value, &mut first, config());
    // Other types have values of one zero byte, too: `false`, 0, an empty text.
    written.is_ok_and(|length| length == 1) && first == [0] && fingerprint::is_option::<T>()
}

/// Checks the envelope around `bytes` and returns it, its value not yet decoded.
///
/// # Errors
/// If `bytes` are not a complete envelope of this format that was sealed for `slot`: `Magic`,
/// `Format`, `Truncated`, `TooLarge`, `Forged`, `NoSecret`, and `Payload` for flags or a length
/// that this crate never writes.
pub(crate) fn open(slot: Slot<'_>, bytes: &Bytes) -> Result<Sealed, CodecError> {
    Sealed::parse(slot, bytes)
}

/// Seals for `to` what was sealed for `from`, without decoding it.
///
/// # Errors
/// As [`builder`] and [`seal`].
pub(super) fn reseal(from: Slot<'_>, to: Slot<'_>, bytes: &Bytes) -> Result<Bytes, CodecError> {
    Sealed::parse(from, bytes)?;
    envelope::with_tag(to, bytes.to_vec())
}

/// Decodes a value from all of `payload`.
fn decode<T: DeserializeOwned>(payload: &[u8]) -> Result<T, CodecError> {
    let (value, used) = bincode::serde::decode_from_slice(payload, config())
        .map_err(|error| CodecError::Payload(error.to_string()))?;
    if used != payload.len() {
        let spare = payload.len() - used;
        return Err(CodecError::Payload(format!("{spare} bytes left over")));
    }
    Ok(value)
}

fn config() -> impl bincode::config::Config {
    bincode::config::standard().with_limit::<LIMIT>()
}

#[cfg(test)]
mod tests;
