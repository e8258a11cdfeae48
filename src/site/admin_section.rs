//! The staff index: each section describes what it manages, so that one page can list everything.
//!
//! The page that lists the descriptions knows no section.
//!
//! Source: Django's admin index, where each model is registered.

use actix_web::HttpRequest;
use futures_util::future::LocalBoxFuture;

use super::back;
use crate::error::AppError;

/// The number of items shown of one kind.
pub const SHOWN: usize = 10;

/// One kind of item that a section manages.
#[derive(Clone, Copy)]
pub struct AdminSection {
    /// The plural name: `Products`.
    pub name: &'static str,
    /// The address where visitors see all items.
    pub all: &'static str,
    /// The address where an item is added; `None` if they come from elsewhere.
    pub new: Option<&'static str>,
    /// Finds the items.
    pub find: Find,
}

/// Finds the items that match `search`, which is trimmed and perhaps empty.
///
/// Returns the total, and the first [`SHOWN`] items, the most recently changed first.
pub type Find = for<'s> fn(
    request: &'s HttpRequest,
    search: String,
) -> LocalBoxFuture<'s, Result<Found, AppError>>;

/// The items found for a search.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The number of items that match.
    pub total: u64,
    /// The first of them.
    pub things: Vec<Thing>,
}

impl Found {
    /// Takes all items that match, in their order.
    pub fn of(mut all: Vec<Thing>) -> Self {
        let total = all.len() as u64;
        all.truncate(SHOWN);
        Self { total, things: all }
    }
}

/// One item of a section.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Thing {
    /// Its name.
    pub name: String,
    /// Further information, such as a price or a date; perhaps empty.
    pub note: String,
    /// The address where it is edited, or shown if it cannot be edited.
    pub at: String,
}

impl Thing {
    /// Returns the id of its row, if it can be edited.
    pub fn row(&self) -> Option<String> {
        self.at.strip_suffix("/edit").map(back::row)
    }
}
