//! Values to bytes.

use serde::Serialize;

/// How many bytes `value` takes when it is encoded; 0 if it cannot be.
pub fn encoded_len(value: &impl Serialize) -> usize {
    let mut counter = bincode::enc::write::SizeWriter::default();
    let encoded =
        bincode::serde::encode_into_writer(value, &mut counter, bincode::config::standard());
    encoded.map_or(0, |()| counter.bytes_written)
}
