//! Every table, key and lifetime of the cookbook.

use std::time::Duration;

use crate::cache::key::Key;
use crate::cache::page::Rules;
use crate::cache::policy::Policy;
use crate::site::visitor;
use crate::versions::Table;

/// The recipes.
pub const RECIPES: Table = Table::named("recipes");

/// What they are made of.
pub const FOODS: Table = Table::named("foods");

/// How much of it.
pub const INGREDIENTS: Table = Table::named("ingredients");

const HOUR: Duration = Duration::from_secs(60 * 60);

/// The whole cookbook, or all foods.
pub const LIST: Policy = Policy::fresh_for(HOUR);

/// The key of the whole cookbook: its pages are made from this one entry.
pub fn list() -> Key {
    Key::named("cookbook.list").build()
}

/// The key of all foods, for staff.
pub fn foods() -> Key {
    Key::named("cookbook.foods").build()
}

/// The pages of the cookbook.
pub fn page() -> Rules {
    visitor::everybodys(Policy::fresh_for(HOUR)).parameters(&[])
}
