//! The table, cache key and lifetimes of the notices.

use std::time::Duration;

use super::model;
use crate::cache::page::Rules;
use crate::cache::{Key, Policy};
use crate::site::list::{self, ListQuery};
use crate::site::visitor;
use crate::sql::Table;

/// The table of notices.
pub const NOTICES: Table = Table::named("notices");

/// The policy of the list.
pub const LIST: Policy = Policy::fresh_for(Duration::from_secs(24 * 60 * 60));

/// Returns the key of the list.
pub fn list() -> Key {
    Key::named("notices.list").build()
}

/// Returns the page rules of the list.
pub fn index() -> Rules {
    visitor::with_staff(LIST)
        .parameters(list::PARAMETERS)
        .normal_form(|name, value| ListQuery::normal(&model::LIST, name, value))
}
