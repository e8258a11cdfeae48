//! Addresses of the homepage.

use time::Date;

/// Returns an address of the homepage that has cache entries of its own.
///
/// It asks for products that have changed since a day so long ago that the page shows the same products as `/`.
pub fn address_of_its_own(number: u64) -> String {
    let first = Date::from_calendar_date(1, time::Month::January, 1).unwrap();
    let day = first + time::Duration::days(i64::try_from(number).unwrap() % 500_000);
    format!("/?since={:04}-{:02}-{:02}", day.year(), u8::from(day.month()), day.day())
}
