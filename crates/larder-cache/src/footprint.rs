//! What is stored takes more memory than its bytes.

/// What an allocation takes beside the bytes that were asked for: a header, and rounding up to 16 bytes.
pub(crate) const ALLOCATION: usize = 16;
