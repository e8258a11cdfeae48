//! What a section hands to the staff index: its list, and how its rows are found.
//!
//! The pages that show them know no section.
//!
//! Source: Django's admin index, where each model is registered.

use actix_web::HttpRequest;
use futures_util::future::LocalBoxFuture;

use super::{Found, List, ListQuery};
use crate::error::AppError;

/// One kind of item that a section manages.
#[derive(Clone, Copy)]
pub struct AdminSection {
    /// The list; its path is where staff see all of it.
    pub list: &'static List,
    /// The key of the column that is shown beside the names in the index; empty for none.
    pub note: &'static str,
    /// Finds the rows.
    pub find: Find,
}

/// Finds the page of rows that `query` asks for, with so many rows on a page.
pub type Find = for<'s> fn(
    request: &'s HttpRequest,
    query: ListQuery,
    size: u64,
) -> LocalBoxFuture<'s, Result<Found, AppError>>;
