//! Random numbers of the operating system.

use bytes::Bytes;

/// Returns a random number.
///
/// # Panics
/// If the operating system has none: then no token and no secret of this process would be safe.
pub(crate) fn u64() -> u64 {
    getrandom::u64().expect("the operating system gives random numbers")
}

/// Returns 128 random bits as text, by which the holder of a lock or a lease is known.
///
/// The token needs to be unique, not secret: an attacker who can read it can access the store.
pub(crate) fn token() -> Bytes {
    format!("{:016x}{:016x}", u64(), u64()).into()
}
