//! The tables, cache keys and lifetimes of the cookbook.

use std::time::Duration;

use super::model;
use crate::cache::page::Rules;
use crate::cache::{Key, Policy};
use crate::site::list::{self, ListQuery};
use crate::site::visitor;
use crate::sql::Table;

/// The table of recipes.
pub const RECIPES: Table = Table::named("recipes");

/// The table of foods, of which recipes are made.
pub const FOODS: Table = Table::named("foods");

/// The table of ingredients: the amount of a food in a recipe.
pub const INGREDIENTS: Table = Table::named("ingredients");

const HOUR: Duration = Duration::from_secs(60 * 60);

/// The policy of the list of recipes and of the list of foods.
pub const LIST: Policy = Policy::fresh_for(HOUR);

/// Returns the key of the list of recipes. All pages of the cookbook are built from this entry.
pub fn list() -> Key {
    Key::named("cookbook.list").build()
}

/// Returns the key of the list of foods, which staff search.
pub fn foods() -> Key {
    Key::named("cookbook.foods").build()
}

/// Returns the page rules of the list of recipes.
pub fn index() -> Rules {
    visitor::with_staff(Policy::fresh_for(HOUR))
        .parameters(list::PARAMETERS)
        .normal_form(|name, value| ListQuery::normal(&model::LIST, name, value))
}

/// Returns the page rules of one recipe.
pub fn page() -> Rules {
    visitor::with_staff(Policy::fresh_for(HOUR)).parameters(&[])
}
