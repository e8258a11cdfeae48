//! The date of a tasting, with or without a time.
//!
//! - Programs send and get RFC 3339: a time has an offset, and is returned in UTC.
//! - People type and read it in the shop's time zone: [`zone`](crate::site::zone).

use std::ops::RangeInclusive;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use time::format_description::BorrowedFormatItem;
use time::format_description::well_known::Rfc3339;
use time::macros::{date, format_description};
use time::{Date, OffsetDateTime, PrimitiveDateTime, Time, UtcOffset};

use crate::site::time::Timestamp;

const DAY: &[BorrowedFormatItem<'_>] = format_description!("[year]-[month]-[day]");
const MINUTE: &[BorrowedFormatItem<'_>] = format_description!("[hour]:[minute]");
const SECOND: &[BorrowedFormatItem<'_>] = format_description!("[hour]:[minute]:[second]");
const DISPLAY_DAY: &[BorrowedFormatItem<'_>] =
    format_description!("[day padding:none] [month repr:short] [year]");

/// A date within the years 1 to 9999, or a date with time to the microsecond within `DAYS`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Moment {
    /// The moment in UTC; midnight if there is no time.
    pub at: Timestamp,
    /// Whether there is only a date.
    pub is_date: bool,
}

/// The error for a text that is no moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoMoment {
    /// It is neither a date nor a time.
    #[error(
        "Enter a date such as 2026-12-24, or a date with time and offset such as 2026-12-24T18:00:00Z."
    )]
    Malformed,
    /// It is too early or too late.
    #[error(
        "Enter a time from 2 January 0001 to 30 December 9999 in UTC, or a date without a time."
    )]
    OutOfRange,
}

impl Moment {
    /// Formats as RFC 3339: `2026-12-24`, or in UTC `2026-12-24T17:00:00Z`.
    pub fn rfc3339(&self) -> String {
        match self.is_date {
            true => self.at.to_primitive().date().format(DAY).unwrap_or_default(),
            false => self.at.rfc3339(),
        }
    }

    /// Formats for people: `24 Dec 2026`, or `24 Dec 2026, 18:00 CET`.
    pub fn display(&self) -> String {
        match self.is_date {
            true => self.at.to_primitive().date().format(DISPLAY_DAY).unwrap_or_default(),
            false => self.at.display(),
        }
    }

    /// Returns the values of the fields `date` and `time` of a form, as browsers take them.
    pub fn typed(&self) -> [String; 2] {
        if self.is_date {
            return [self.rfc3339(), String::new()];
        }
        let local = self.at.local();
        let form = if local.second() == 0 { MINUTE } else { SECOND };
        [local.date().format(DAY), local.time().format(form)].map(Result::unwrap_or_default)
    }

    /// Reads the fields `date` and `time` of a form.
    ///
    /// # Errors
    /// The name of the invalid field, and a sentence.
    pub fn parse_typed(date: &str, time: &str) -> Result<Self, (&'static str, String)> {
        let (date, time) = (date.trim(), time.trim());
        let day = Date::parse(date, DAY).ok().filter(|day| YEARS.contains(&day.year()));
        let day = day.ok_or_else(|| ("date", "Enter a date such as 2026-12-24.".to_owned()))?;
        if time.is_empty() {
            return Ok(Self { at: day.midnight().into(), is_date: true });
        }
        let parse = |form: &&[BorrowedFormatItem<'_>]| Time::parse(time, *form).ok();
        let parsed = [MINUTE, SECOND].iter().find_map(parse);
        let parsed = parsed.ok_or_else(|| ("time", "Enter a time such as 18:30.".to_owned()))?;
        match Timestamp::of_local(day.with_time(parsed)) {
            Ok(at) if DAYS.contains(&at.to_primitive().date()) => Ok(Self { at, is_date: false }),
            Err(_) if DAYS.contains(&day) => {
                Err(("time", format!("{time} does not exist on {date}: {FORWARD}")))
            }
            _ => Err(("date", NoMoment::OutOfRange.to_string())),
        }
    }
}

/// Why a time does not exist.
const FORWARD: &str = "the clocks go forward then. Enter another time.";

/// The years that both databases store.
const YEARS: RangeInclusive<i32> = 1..=9999;

/// The days, in UTC, whose times are in these years on the clocks of every zone.
const DAYS: RangeInclusive<Date> = date!(0001 - 01 - 02)..=date!(9999 - 12 - 30);

impl FromStr for Moment {
    type Err = NoMoment;

    fn from_str(text: &str) -> Result<Self, NoMoment> {
        let starts_with_digit = text.starts_with(|letter: char| letter.is_ascii_digit());
        if text.len() == "2026-12-24".len() && starts_with_digit {
            let day = Date::parse(text, DAY).ok().filter(|day| YEARS.contains(&day.year()));
            let day = day.ok_or(NoMoment::Malformed)?;
            return Ok(Self { at: day.midnight().into(), is_date: true });
        }
        let moment = OffsetDateTime::parse(text, &Rfc3339).map_err(|_| NoMoment::Malformed)?;
        let utc = moment.checked_to_offset(UtcOffset::UTC).ok_or(NoMoment::OutOfRange)?;
        let micros = utc.time().replace_microsecond(utc.microsecond());
        let at = PrimitiveDateTime::new(utc.date(), micros.unwrap_or(utc.time()));
        match DAYS.contains(&at.date()) {
            true => Ok(Self { at: at.into(), is_date: false }),
            false => Err(NoMoment::OutOfRange),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_stays_a_day_and_a_moment_goes_out_in_utc() {
        let cases = [
            ("2026-12-24", Some("2026-12-24")),
            ("2026-12-24T18:00:00+01:00", Some("2026-12-24T17:00:00Z")),
            ("2026-12-24T18:00:00.1234567Z", Some("2026-12-24T18:00:00.123456Z")),
            ("9999-12-31T23:59:59-01:00", None),
            ("0001-01-01T00:00:00+01:00", None),
            ("9999-12-30T23:59:59Z", Some("9999-12-30T23:59:59Z")),
            ("9999-12-31T00:00:00Z", None),
            ("9999-12-31", Some("9999-12-31")),
            ("0001-01-01T23:00:00Z", None),
            ("2026-12-24T18:00:00", None),
            ("2026-02-30", None),
            ("0000-01-01", None),
            ("+2026-1-01", None),
            ("24.12.2026", None),
            ("soon", None),
            ("", None),
        ];
        for (text, expected) in cases {
            let read = text.parse::<Moment>().ok().map(|moment| moment.rfc3339());
            assert_eq!(read.as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn a_form_has_a_day_and_perhaps_a_time() {
        let cases = [
            ("2026-12-24", "", Ok("2026-12-24")),
            (" 2026-12-24 ", "18:00", Ok("2026-12-24T18:00:00Z")),
            ("2026-12-24", "18:00:30", Ok("2026-12-24T18:00:30Z")),
            ("2026-12-24", "25:00", Err("time")),
            ("2026-12-24", "6 pm", Err("time")),
            ("0000-12-24", "", Err("date")),
            ("10000-12-24", "", Err("date")),
            ("24.12.2026", "18:00", Err("date")),
            ("", "", Err("date")),
        ];
        for (date, time, expected) in cases {
            let read = Moment::parse_typed(date, time);
            let exact = read.as_ref().map(Moment::rfc3339).map_err(|(field, _)| *field);
            assert_eq!(exact, expected.map(str::to_owned), "{date} {time}");
            if let Ok(moment) = read {
                assert_eq!(moment.typed(), [date.trim().to_owned(), time.to_owned()]);
            }
        }
        let micros: Moment = "2026-12-24T18:00:00.123456Z".parse().unwrap();
        assert_eq!(micros.typed(), ["2026-12-24", "18:00"]);
    }
}
