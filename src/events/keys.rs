//! Every key and lifetime of the tastings. What is not here is not cached.

use std::time::Duration;

use super::model::{EventId, GuestId, Range};
use crate::cache::key::Key;
use crate::cache::page::Rules;
use crate::cache::policy::Policy;
use crate::site::visitor;
use crate::versions::Table;

/// The tastings, whose triggers move the tags `events` and `events#…`.
pub const EVENTS: Table = Table::named("events");

/// Their guests, whose triggers move the tags `guests` and `guests#…`.
pub const GUESTS: Table = Table::named("guests");

const HOUR: Duration = Duration::from_secs(60 * 60);

/// A part of a list, or a list of what is coming.
pub const LIST: Policy = Policy::fresh_for(HOUR);

/// One of them, or that there is none.
pub const SHOW: Policy = Policy::fresh_for(HOUR);

/// The list of events, as a page.
pub fn events_page() -> Rules {
    visitor::everybodys(LIST).parameters(&["limit", "offset"])
}

/// The list of guests, as a page.
pub fn guests_page() -> Rules {
    visitor::everybodys(LIST).parameters(&["limit", "offset", "event"])
}

/// One of them, as a page.
pub fn one_page() -> Rules {
    visitor::everybodys(SHOW).parameters(&[])
}

/// What the API is, which only another program changes.
pub fn document() -> Rules {
    visitor::everybodys(LIST).parameters(&[])
}

/// The key of a part of the list of events.
pub fn events(range: Range) -> Key {
    Key::named("events.list").part("limit", range.limit).part("offset", range.offset).build()
}

/// The key of an event.
pub fn event(id: EventId) -> Key {
    Key::named("events.show").part("id", id.get()).build()
}

/// The key of a part of the list of guests.
pub fn guests(of: Option<EventId>, range: Range) -> Key {
    Key::named("events.guests")
        .part("of", of.map_or_else(String::new, |id| id.to_string()))
        .part("limit", range.limit)
        .part("offset", range.offset)
        .build()
}

/// The key of a guest.
pub fn guest(id: GuestId) -> Key {
    Key::named("events.guest").part("id", id.get()).build()
}

/// The key of what is coming from this day on: another day is another list.
pub fn coming(day: &str, range: Range) -> Key {
    Key::named("events.coming")
        .part("day", day)
        .part("limit", range.limit)
        .part("offset", range.offset)
        .build()
}

/// The key of what staff find.
pub fn found(search: &str) -> Key {
    Key::named("events.found").part("search", search).build()
}

/// The key of what staff find of the guests.
pub fn found_guests(search: &str) -> Key {
    Key::named("events.found_guests").part("search", search).build()
}
