//! Made-up tastings and guests; the same number always makes the same one.
//!
//! Addresses are under `example.org`, which is reserved for examples (RFC 2606 §3).

use time::{Date, Duration, Time};

use super::model::{EventId, NewEvent, NewGuest};
use super::moment::Moment;
use crate::site::time::Timestamp;
use crate::site::zone::Skipped;

const WHAT: [&str; 12] = [
    "Green teas",
    "Olive oils",
    "Mountain cheeses",
    "Dark chocolate",
    "Honeys",
    "Ciders",
    "Mustards",
    "Coffees",
    "Smoked fish",
    "Sourdough",
    "Chutneys",
    "Old balsamic vinegars",
];
const FROM: [&str; 9] = [
    "of the season",
    "from small makers",
    "side by side",
    "for beginners",
    "with bread",
    "from five valleys",
    "with their growers",
    "and what goes with them",
    "by candlelight",
];
const WHERE: [&str; 6] =
    ["Back room", "Cellar", "Long table, first floor", "Courtyard", "Shop kitchen", "Reading room"];
const GIVEN: [&str; 14] = [
    "Mina", "José", "Aiko", "Lena", "Omar", "Zoë", "Pavel", "Ngozi", "Élise", "Tom", "Şirin",
    "Ravi", "Ida", "Kwame",
];
const FAMILY: [&str; 11] = [
    "Okafor",
    "García",
    "Tanaka",
    "Novák",
    "Haddad",
    "Lindqvist",
    "O’Brien",
    "Yılmaz",
    "Moreau",
    "Patel",
    "Berg",
];

/// Returns a tasting within the year after `today`; every third has no time yet.
pub fn event(number: u64, today: Date) -> NewEvent {
    let day = today.saturating_add(Duration::days((number * 89 % 365) as i64 + 1));
    let is_date = number % 3 == 2;
    let hour = if is_date { 0 } else { 16 + (number % 5) as u8 };
    let time = Time::from_hms(hour, 0, 0).unwrap_or(Time::MIDNIGHT);
    let local = day.with_time(time);
    let at = if is_date { Err(Skipped) } else { Timestamp::of_local(local) };
    let (what, from) = (pick(&WHAT, number), pick(&FROM, number / 3));
    NewEvent {
        name: format!("{what} {from}"),
        date: Moment { at: at.unwrap_or(local.into()), is_date },
        location: pick(&WHERE, number).to_owned(),
        description: format!(
            "{what}, tasted together. There is water, bread and an expert to ask."
        ),
    }
}

/// Returns a guest of one of these events, of which there must be at least one.
pub fn guest(number: u64, events: &[EventId]) -> NewGuest {
    let (given, family) = (pick(&GIVEN, number), pick(&FAMILY, number / 14));
    NewGuest {
        event: events[(number % events.len() as u64) as usize],
        name: format!("{given} {family}"),
        email: format!("guest{number}@example.org"),
    }
}

fn pick<'w>(words: &[&'w str], number: u64) -> &'w str {
    words[(number % words.len() as u64) as usize]
}
