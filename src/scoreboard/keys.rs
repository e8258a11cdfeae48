//! Every table, key and lifetime of the league.

use std::time::Duration;

use crate::cache::key::Key;
use crate::cache::page::Rules;
use crate::cache::policy::Policy;
use crate::site::visitor;
use crate::versions::Table;

/// Who plays.
pub const MEMBERS: Table = Table::named("members");

/// What they guessed.
pub const SCORES: Table = Table::named("scores");

/// Until the next week is played, or scores change.
const WEEK: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// The table of a season.
pub const TABLE: Policy = Policy::fresh_for(WEEK);

/// The seasons that there are.
pub const SEASONS: Policy = Policy::fresh_for(WEEK);

/// Who plays, for staff.
pub const PLAYERS: Policy = Policy::fresh_for(WEEK);

/// The key of the table of a season.
pub fn table(season: i64) -> Key {
    Key::named("scoreboard.table").part("season", season).build()
}

/// The key of the seasons.
pub fn seasons() -> Key {
    Key::named("scoreboard.seasons").build()
}

/// The key of all members.
pub fn members() -> Key {
    Key::named("scoreboard.members").build()
}

/// The page.
pub fn page() -> Rules {
    visitor::everybodys(Policy::fresh_for(WEEK)).parameters(&["season"])
}
