//! Every key and lifetime of the tastings. What is not listed here is not cached.

use std::time::Duration;

use super::model::{EventId, GuestId, Range};
use crate::cache::page::Rules;
use crate::cache::{Key, Policy};
use crate::site::visitor;
use crate::sql::Table;

/// The table of events. Its triggers change the stamps of the tags `events` and `events#…`.
pub const EVENTS: Table = Table::named("events");

/// The table of guests. Its triggers change the stamps of the tags `guests` and `guests#…`.
pub const GUESTS: Table = Table::named("guests");

const HOUR: Duration = Duration::from_secs(60 * 60);

/// The policy of a part of a list, also of the coming events.
pub const LIST: Policy = Policy::fresh_for(HOUR);

/// The policy of one event or guest, or of its absence.
pub const SHOW: Policy = Policy::fresh_for(HOUR);

/// Returns the page rules of the list of events.
pub fn events_page() -> Rules {
    visitor::everybodys(LIST).parameters(&["limit", "offset"])
}

/// Returns the page rules of the list of guests.
pub fn guests_page() -> Rules {
    visitor::everybodys(LIST).parameters(&["limit", "offset", "event"])
}

/// Returns the page rules of one event or guest.
pub fn one_page() -> Rules {
    visitor::everybodys(SHOW).parameters(&[])
}

/// Returns the page rules of a tasting, for visitors who do not see its guests.
pub fn show_page() -> Rules {
    visitor::everybodys(SHOW).parameters(&["page"])
}

/// Returns the page rules of the page about the API, which changes only with the program.
pub fn api_page() -> Rules {
    visitor::with_staff(LIST).parameters(&[])
}

/// Returns the page rules of the API's description for programs, which changes only with this one.
pub fn document() -> Rules {
    visitor::everybodys(LIST).parameters(&[])
}

/// Returns the key of a part of the list of events.
pub fn events(range: Range) -> Key {
    Key::named("events.list").part("limit", range.limit).part("offset", range.offset).build()
}

/// Returns the key of an event.
pub fn event(id: EventId) -> Key {
    Key::named("events.show").part("id", id.get()).build()
}

/// Returns the key of a part of the list of guests.
pub fn guests(of: Option<EventId>, range: Range) -> Key {
    Key::named("events.guests")
        .part("of", of.map_or_else(String::new, |id| id.to_string()))
        .part("limit", range.limit)
        .part("offset", range.offset)
        .build()
}

/// Returns the key of a guest.
pub fn guest(id: GuestId) -> Key {
    Key::named("events.guest").part("id", id.get()).build()
}

/// Returns the key of the events from `day` on. Each day has a key of its own.
pub fn coming(day: &str, range: Range) -> Key {
    Key::named("events.coming")
        .part("day", day)
        .part("limit", range.limit)
        .part("offset", range.offset)
        .build()
}

/// Returns the key of a part of all events, the last added first.
pub fn latest_events(range: Range) -> Key {
    Key::named("events.latest").part("limit", range.limit).part("offset", range.offset).build()
}

/// Returns the key of a part of all guests, the last added first.
pub fn latest_guests(range: Range) -> Key {
    let key = Key::named("events.latest_guests");
    key.part("limit", range.limit).part("offset", range.offset).build()
}
