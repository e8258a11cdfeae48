//! A result that was built to be stored, and the reasons not to store it.

use std::sync::Arc;
use std::time::Instant;

use super::dependencies::Dependencies;
use super::dependencies::{Note, Staleness};
use super::stamps::Stamps;

/// A body that was built to be stored.
pub(super) struct Built<T> {
    /// The body.
    pub body: Arc<T>,
    /// What it was built from.
    pub dependencies: Dependencies,
    /// Its size in bytes, approximately.
    pub size: usize,
    /// When building it began.
    pub started: Instant,
    /// The stamps from before building it began.
    pub current: Arc<Stamps>,
}

/// Returns why a result with these dependencies must not be stored, or `None` if it may.
pub(super) fn refusal(dependencies: &Dependencies) -> Option<&'static str> {
    if dependencies.is_inconsistent() {
        return Some("mixes two states");
    }
    let is_lacking = dependencies.note().filter(|note| *note == Note::TimedOut);
    dependencies.staleness().map(Staleness::name).or(is_lacking.map(Note::name))
}
