//! The tables, cache keys and lifetimes of the league.

use std::time::Duration;

use crate::cache::page::Rules;
use crate::cache::{Key, Policy};
use crate::site::visitor;
use crate::sql::Table;

/// The table of members.
pub const MEMBERS: Table = Table::named("members");

/// The table of scores.
pub const SCORES: Table = Table::named("scores");

const WEEK: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// The policy of the table of a season.
pub const TABLE: Policy = Policy::fresh_for(WEEK);

/// The policy of the list of seasons.
pub const SEASONS: Policy = Policy::fresh_for(WEEK);

/// The policy of the list of members, which staff search.
pub const PLAYERS: Policy = Policy::fresh_for(WEEK);

/// Returns the key of the table of a season.
pub fn table(season: i64) -> Key {
    Key::named("scoreboard.table").part("season", season).build()
}

/// Returns the key of the list of seasons.
pub fn seasons() -> Key {
    Key::named("scoreboard.seasons").build()
}

/// Returns the key of the list of members.
pub fn members() -> Key {
    Key::named("scoreboard.members").build()
}

/// Returns the page rules of the league.
pub fn page() -> Rules {
    visitor::everybodys(Policy::fresh_for(WEEK)).parameters(&["season"])
}
