//! What was made for keeping.

use std::sync::Arc;
use std::time::Instant;

use super::dependencies::Dependencies;
use super::dependencies::{Note, Staleness};
use super::view::View;

/// Something made for keeping.
pub(super) struct Made<T> {
    /// What.
    pub body: Arc<T>,
    /// What it was made from.
    pub dependencies: Dependencies,
    /// Its bytes, about.
    pub size: usize,
    /// When its making began.
    pub started: Instant,
    /// From before its making began.
    pub view: Arc<View>,
}

/// Why something with these dependencies may not be kept.
pub(super) fn refusal(dependencies: &Dependencies) -> Option<&'static str> {
    if dependencies.is_torn() {
        return Some("mixes two states");
    }
    let is_lacking = dependencies.note().filter(|note| *note == Note::TimedOut);
    dependencies.staleness().map(Staleness::name).or(is_lacking.map(Note::name))
}
