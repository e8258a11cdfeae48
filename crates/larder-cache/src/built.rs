//! What was made for keeping.

use std::sync::Arc;
use std::time::Instant;

use super::dependencies::Dependencies;
use super::dependencies::{Note, Staleness};
use super::stamps::Stamps;

/// Something made for keeping.
pub(super) struct Built<T> {
    /// What.
    pub body: Arc<T>,
    /// What it was made from.
    pub dependencies: Dependencies,
    /// Its bytes, about.
    pub size: usize,
    /// When its making began.
    pub started: Instant,
    /// From before its making began.
    pub current: Arc<Stamps>,
}

/// Why something with these dependencies may not be kept.
pub(super) fn refusal(dependencies: &Dependencies) -> Option<&'static str> {
    if dependencies.is_inconsistent() {
        return Some("mixes two states");
    }
    let is_lacking = dependencies.note().filter(|note| *note == Note::TimedOut);
    dependencies.staleness().map(Staleness::name).or(is_lacking.map(Note::name))
}
