//! Random numbers of the operating system.

/// Returns a random number.
///
/// # Panics
/// If the operating system has none: then no token and no secret of this process would be safe.
pub(crate) fn u64() -> u64 {
    getrandom::u64().expect("the operating system gives random numbers")
}
