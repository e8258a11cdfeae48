//! Scopes: parts of a cache with keys of their own and a tag that all their entries depend on.
//!
//! - The scope is a part of each key, so two scopes never share an entry. Memory, store and loads are shared.
//! - A scope is emptied by its tag, in every process that has these stamps; its entries then leave memory as others do.

use super::tag::Tag;
use super::values::Values;

/// The scope of a handle.
#[derive(Debug)]
pub(super) struct Scope {
    /// Its name, after those of the scopes around it.
    pub name: String,
    /// Invalidates all of its entries.
    pub tag: Tag,
    /// Its values.
    pub values: Values,
}
