//! The shop's time zone, in which people read and type times.
//!
//! - Times are stored in UTC. The zone is a setting of the process. Django: `TIME_ZONE`.
//! - Where clocks go back, an hour happens twice: a typed time is the first of the two.
//! - Where they go forward, an hour does not happen: such a time is refused, since every guess would be wrong.

use std::fmt;
use std::str::FromStr;
use std::sync::OnceLock;

use jiff::civil::DateTime;
use jiff::tz::{AmbiguousOffset, Offset, TimeZone};
use time::macros::datetime;
use time::{Date, Duration, PrimitiveDateTime};

/// The earliest moment that both databases store.
const FIRST: PrimitiveDateTime = datetime!(0001-01-01 00:00);

static SHOP: OnceLock<Zone> = OnceLock::new();

/// Sets the time zone of the process. The first call counts, before a page is built.
pub fn set(zone: &Zone) {
    SHOP.get_or_init(|| zone.clone());
}

/// Returns the time zone of the process: UTC unless [`set`] was called.
pub fn shop() -> &'static Zone {
    static UTC: Zone = Zone(TimeZone::UTC);
    SHOP.get().unwrap_or(&UTC)
}

/// A time zone of the IANA database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Zone(TimeZone);

/// The error for a time that the clocks of a zone skip.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Skipped;

impl Zone {
    /// Returns what the clocks show at a moment in UTC.
    pub fn local(&self, utc: PrimitiveDateTime) -> PrimitiveDateTime {
        utc.saturating_add(seconds(self.0.to_offset(instant(utc))))
    }

    /// Returns the abbreviation of the time at a moment in UTC, such as `CET`; an offset if it has none.
    pub fn abbreviation(&self, utc: PrimitiveDateTime) -> String {
        self.0.to_offset_info(instant(utc)).abbreviation().to_owned()
    }

    /// Returns the moment in UTC at which the clocks show `local` for the first time.
    ///
    /// # Errors
    /// Returns [`Skipped`] if they never do.
    pub fn utc(&self, local: PrimitiveDateTime) -> Result<PrimitiveDateTime, Skipped> {
        let offset = match self.offset(local) {
            AmbiguousOffset::Unambiguous { offset } => offset,
            AmbiguousOffset::Fold { before, .. } => before,
            AmbiguousOffset::Gap { .. } => return Err(Skipped),
        };
        let utc = local.checked_sub(seconds(offset));
        utc.filter(|utc| *utc >= FIRST).ok_or(Skipped)
    }

    /// Returns the first moment of a day, in UTC.
    pub fn start_of(&self, day: Date) -> PrimitiveDateTime {
        let local = day.midnight();
        // Where the clocks skip midnight, the day begins at the moment at which they do.
        let (AmbiguousOffset::Unambiguous { offset: before }
        | AmbiguousOffset::Fold { before, .. }
        | AmbiguousOffset::Gap { before, .. }) = self.offset(local);
        local.saturating_sub(seconds(before)).max(FIRST)
    }

    fn offset(&self, local: PrimitiveDateTime) -> AmbiguousOffset {
        let (year, month, day) = local.to_calendar_date();
        let (hour, minute, second) = local.as_hms();
        let part = |part: u8| i8::try_from(part).unwrap_or_default();
        let time = DateTime::new(
            i16::try_from(year).unwrap_or_default(),
            part(month.into()),
            part(day),
            part(hour),
            part(minute),
            part(second),
            0,
        );
        self.0.to_ambiguous_timestamp(time.unwrap_or(DateTime::MAX)).offset()
    }
}

/// Returns a moment as the time zones take it, to the second. The last days of the year 9999 count as the same.
fn instant(utc: PrimitiveDateTime) -> jiff::Timestamp {
    let second = utc.assume_utc().unix_timestamp();
    jiff::Timestamp::from_second(second).unwrap_or(jiff::Timestamp::MAX)
}

fn seconds(offset: Offset) -> Duration {
    Duration::seconds(offset.seconds().into())
}

impl FromStr for Zone {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let zone = TimeZone::get(name).map(Self);
        zone.map_err(|_| "expected the IANA name of a time zone, such as Europe/Berlin".to_owned())
    }
}

impl fmt::Display for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.iana_name().unwrap_or("UTC"))
    }
}

#[cfg(test)]
mod tests {
    use time::macros::date;

    use super::*;

    fn zone(name: &str) -> Zone {
        name.parse().unwrap()
    }

    #[test]
    fn moments_are_read_and_typed_in_the_zone() {
        let cases = [
            ("UTC", datetime!(2026-12-24 18:00), datetime!(2026-12-24 18:00), "UTC"),
            ("Europe/Berlin", datetime!(2026-12-24 18:00), datetime!(2026-12-24 17:00), "CET"),
            ("Europe/Berlin", datetime!(2026-07-01 18:00), datetime!(2026-07-01 16:00), "CEST"),
            ("America/New_York", datetime!(2026-12-24 20:00), datetime!(2026-12-25 01:00), "EST"),
            ("Asia/Kathmandu", datetime!(2026-12-24 00:00), datetime!(2026-12-23 18:15), "+0545"),
            ("Asia/Tokyo", datetime!(9999-12-31 23:00), datetime!(9999-12-31 14:00), "JST"),
        ];
        for (name, local, utc, abbreviation) in cases {
            let zone = zone(name);
            assert_eq!(zone.utc(local), Ok(utc), "{name}");
            assert_eq!(zone.local(utc), local, "{name}");
            assert_eq!(zone.abbreviation(utc), abbreviation);
            assert_eq!(zone.to_string(), name);
        }
    }

    #[test]
    fn an_hour_that_happens_twice_is_the_first_and_one_that_is_skipped_is_refused() {
        let berlin = zone("Europe/Berlin");
        let twice = datetime!(2026-10-25 02:30);
        assert_eq!(berlin.utc(twice), Ok(datetime!(2026-10-25 00:30)));
        for utc in [datetime!(2026-10-25 00:30), datetime!(2026-10-25 01:30)] {
            assert_eq!(berlin.local(utc), twice);
        }
        assert_eq!(berlin.utc(datetime!(2026-03-29 02:30)), Err(Skipped));
        assert_eq!(berlin.utc(datetime!(2026-03-29 03:00)), Ok(datetime!(2026-03-29 01:00)));
        assert_eq!(zone("America/New_York").utc(datetime!(9999-12-31 20:00)), Err(Skipped));
        assert_eq!(berlin.utc(datetime!(0001-01-01 00:00)), Err(Skipped));
    }

    #[test]
    fn a_day_begins_at_its_first_moment() {
        let cases = [
            ("Europe/Berlin", date!(2026 - 11 - 27), datetime!(2026-11-26 23:00)),
            // The clocks went from midnight to one o'clock.
            ("America/Sao_Paulo", date!(2018 - 11 - 04), datetime!(2018-11-04 03:00)),
            // And here from one o'clock back to midnight.
            ("America/Havana", date!(2026 - 11 - 01), datetime!(2026-11-01 04:00)),
            ("Asia/Tokyo", date!(0001 - 01 - 01), FIRST),
        ];
        for (name, day, start) in cases {
            assert_eq!(zone(name).start_of(day), start, "{name}");
        }
    }

    #[test]
    fn only_names_of_the_database_are_zones() {
        for name in ["", "Mars/Olympus", "+01:00", "../etc/passwd"] {
            name.parse::<Zone>().unwrap_err();
        }
    }
}
