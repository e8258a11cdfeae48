//! Shelves: what a section shows to staff of what it keeps, so that one page can list them all.
//!
//! - A section says what it has; who lists the shelves knows no section.
//!
//! Source: Django's admin index, where each model is registered.

use futures_util::future::LocalBoxFuture;

use crate::error::AppError;
use crate::state::State;

/// At most so many things are shown of a shelf.
pub const SHOWN: usize = 10;

/// One kind of thing that a section keeps.
#[derive(Clone, Copy)]
pub struct Shelf {
    /// What they are: `Products`.
    pub name: &'static str,
    /// Where visitors see all of them.
    pub all: &'static str,
    /// Where one is added; none where they come from elsewhere.
    pub new: Option<&'static str>,
    /// Finds them.
    pub find: Find,
}

/// Finds what the search, trimmed and perhaps empty, matches: how many there are in all, and the first
/// [`SHOWN`], those that were changed last before others.
pub type Find =
    for<'s> fn(state: &'s State, search: String) -> LocalBoxFuture<'s, Result<Found, AppError>>;

/// What there is on a shelf.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// How many match.
    pub total: u64,
    /// Some of them.
    pub things: Vec<Thing>,
}

impl Found {
    /// Of all things that match, in their order.
    pub fn of(mut all: Vec<Thing>) -> Self {
        let total = all.len() as u64;
        all.truncate(SHOWN);
        Self { total, things: all }
    }
}

/// One thing on a shelf.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Thing {
    /// What it is called.
    pub name: String,
    /// What else is worth knowing at a glance: a price, a date; perhaps empty.
    pub note: String,
    /// Where it is edited, or seen where it cannot be edited.
    pub at: String,
}
