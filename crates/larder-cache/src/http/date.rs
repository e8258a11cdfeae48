//! Parses and prints HTTP dates.
//!
//! - There are three formats: `Sun, 06 Nov 1994 08:49:37 GMT`, `Sunday, 06-Nov-94 08:49:37 GMT`,
//!   `Sun Nov  6 08:49:37 1994`. RFC 9110 §5.6.7.
//! - Case does not matter; a date in a zone other than `GMT` is invalid. RFC 9111 §4.2.
//! - A day that does not exist is invalid. A wrong weekday is not: the grammar does not forbid it, and the
//!   other fields say which day is meant.
//! - A two-digit year is the latest one that is at most 50 years ahead. RFC 9110 §5.6.7.
//! - A leap second is the first second of the next minute.
//! - An invalid or repeated `Expires` is in the past. RFC 9111 §4.2.1, §5.3.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::types::header::HeaderValue;

use super::directives::LONGEST;
use super::list::trim;

const DAY: i64 = 24 * 60 * 60;
/// The weekdays, beginning with that of 1 January 1970.
const WEEK: [&str; 7] =
    ["Thursday", "Friday", "Saturday", "Sunday", "Monday", "Tuesday", "Wednesday"];
const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// Parses a date; `now` decides the century of a two-digit year.
pub(crate) fn parse(text: &[u8], now: SystemTime) -> Option<SystemTime> {
    let text = trim(text).to_ascii_lowercase();
    let date = fixed(&text).or_else(|| asctime(&text)).or_else(|| obsolete(&text, now))?;
    instant(date.seconds()?)
}

/// Parses the only line; returns `None` if there are several.
pub(crate) fn only<'h>(
    lines: impl IntoIterator<Item = &'h HeaderValue>,
    now: SystemTime,
) -> Option<SystemTime> {
    let mut lines = lines.into_iter();
    let date = parse(lines.next()?.as_bytes(), now)?;
    lines.next().is_none().then_some(date)
}

/// Returns how long a response of `date` is fresh by `Expires`, or `None` without `Expires`.
pub(crate) fn lifetime<'h>(
    expires: impl IntoIterator<Item = &'h HeaderValue>,
    date: SystemTime,
    now: SystemTime,
) -> Option<Duration> {
    let mut lines = expires.into_iter().peekable();
    lines.peek()?;
    let lifetime = only(lines, now).and_then(|expires| expires.duration_since(date).ok());
    Some(lifetime.unwrap_or_default().min(LONGEST))
}

/// Prints an HTTP date; returns `None` before 1970 and after 9999.
#[cfg(test)]
pub(crate) fn print(instant: SystemTime) -> Option<String> {
    let seconds = i64::try_from(instant.duration_since(UNIX_EPOCH).ok()?.as_secs()).ok()?;
    let (days, second) = (seconds / DAY, seconds % DAY);
    let (year, month, day) = civil(days);
    if year > 9999 {
        return None;
    }
    let week_day = &WEEK[usize::try_from(days % 7).ok()?][..3];
    let month = MONTHS[usize::try_from(month - 1).ok()?];
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    Some(format!("{week_day}, {day:02} {month} {year:04} {hour:02}:{minute:02}:{second:02} GMT"))
}

/// A date in its fields, not yet validated.
struct Date {
    day: i64,
    /// 1 to 12.
    month: i64,
    year: i64,
    second_of_day: i64,
}

impl Date {
    /// Returns the seconds since 1970, or `None` if there is no such day.
    fn seconds(&self) -> Option<i64> {
        let days = days(self.year, self.month, self.day);
        let exists = civil(days) == (self.year, self.month, self.day);
        exists.then_some(days * DAY + self.second_of_day)
    }
}

/// Parses `sun, 06 nov 1994 08:49:37 gmt`.
fn fixed(text: &[u8]) -> Option<Date> {
    let [b',', b' ', day @ .., b' ', b'g', b'm', b't'] = after_week_day(text, 3)? else {
        return None;
    };
    let [d1, d2, b' ', m1, m2, m3, b' ', y1, y2, y3, y4, b' ', time @ ..] = day else {
        return None;
    };
    Some(Date {
        day: number(&[*d1, *d2])?,
        month: month(&[*m1, *m2, *m3])?,
        year: number(&[*y1, *y2, *y3, *y4])?,
        second_of_day: time_of_day(time)?,
    })
}

/// Parses `sunday, 06-nov-94 08:49:37 gmt`.
fn obsolete(text: &[u8], now: SystemTime) -> Option<Date> {
    let comma = text.iter().position(|byte| *byte == b',')?;
    let [b',', b' ', day @ .., b' ', b'g', b'm', b't'] = after_week_day(text, comma)? else {
        return None;
    };
    let [d1, d2, b'-', m1, m2, m3, b'-', y1, y2, b' ', time @ ..] = day else { return None };
    let mut date = Date {
        day: number(&[*d1, *d2])?,
        month: month(&[*m1, *m2, *m3])?,
        year: number(&[*y1, *y2])?,
        second_of_day: time_of_day(time)?,
    };
    date.year = full_year(&date, now)?;
    // The abbreviated weekday of `Sun, 06-Nov-94` is not allowed in this format.
    (comma > 3).then_some(date)
}

/// Parses `sun nov  6 08:49:37 1994`.
fn asctime(text: &[u8]) -> Option<Date> {
    let rest = after_week_day(text, 3)?;
    let [b' ', m1, m2, m3, b' ', d1, d2, b' ', time @ .., b' ', y1, y2, y3, y4] = rest else {
        return None;
    };
    let day = if *d1 == b' ' { number(&[*d2]) } else { number(&[*d1, *d2]) };
    Some(Date {
        day: day?,
        month: month(&[*m1, *m2, *m3])?,
        year: number(&[*y1, *y2, *y3, *y4])?,
        second_of_day: time_of_day(time)?,
    })
}

/// Returns what follows if the first `length` letters are a weekday.
fn after_week_day(text: &[u8], length: usize) -> Option<&[u8]> {
    let (name, rest) = text.split_at_checked(length)?;
    let is_named = |day: &str| {
        let day = day.as_bytes();
        name.eq_ignore_ascii_case(if length == 3 { &day[..3] } else { day })
    };
    WEEK.iter().any(|day| is_named(day)).then_some(rest)
}

fn month(name: &[u8]) -> Option<i64> {
    let month = MONTHS.iter().position(|month| name.eq_ignore_ascii_case(month.as_bytes()))?;
    i64::try_from(month + 1).ok()
}

fn number(digits: &[u8]) -> Option<i64> {
    let digit = |byte: &u8| byte.is_ascii_digit().then(|| i64::from(byte - b'0'));
    digits.iter().try_fold(0, |sum, byte| Some(sum * 10 + digit(byte)?))
}

fn time_of_day(text: &[u8]) -> Option<i64> {
    let [h1, h2, b':', m1, m2, b':', s1, s2] = text else { return None };
    let (hour, minute) = (number(&[*h1, *h2])?, number(&[*m1, *m2])?);
    let second = number(&[*s1, *s2])?;
    let is_time = hour < 24 && minute < 60 && second <= 60;
    is_time.then_some(hour * 3600 + minute * 60 + second)
}

/// Returns the full year of a date with a two-digit year.
fn full_year(date: &Date, now: SystemTime) -> Option<i64> {
    let now = match now.duration_since(UNIX_EPOCH) {
        Ok(since) => i64::try_from(since.as_secs()).ok()?,
        Err(_) => 0,
    };
    let century = civil(now / DAY).0 / 100 * 100;
    let candidates = [century + 100, century, century - 100].map(|century| century + date.year);
    // The year is at most 50 years ahead if the same date 50 years before is not in the future.
    let is_near =
        |year: &i64| days(year - 50, date.month, date.day) * DAY + date.second_of_day <= now;
    candidates.into_iter().find(is_near)
}

/// Returns the days since 1970 of a Gregorian date, computed in years that begin in March.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let (era, year_of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

/// Returns year, month and day of the day that is `days` after 1 January 1970.
fn civil(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let (era, day_of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let leap_days = day_of_era / 1460 - day_of_era / 36_524 + day_of_era / 146_096;
    let year = (day_of_era - leap_days) / 365;
    let day_of_year = day_of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (era * 400 + year + i64::from(month <= 2), month, day)
}

fn instant(seconds: i64) -> Option<SystemTime> {
    let distance = Duration::from_secs(seconds.unsigned_abs());
    if seconds < 0 { UNIX_EPOCH.checked_sub(distance) } else { UNIX_EPOCH.checked_add(distance) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sat, 21 Nov 2026 06:00:00 GMT
    fn now() -> SystemTime {
        at(1_795_240_800)
    }

    fn at(seconds: u64) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(seconds)
    }

    fn seconds(text: &str) -> Option<u64> {
        parse(text.as_bytes(), now())?.duration_since(UNIX_EPOCH).ok().map(|since| since.as_secs())
    }

    #[test]
    fn three_formats_are_dates_in_any_case() {
        let texts = [
            "Sun, 06 Nov 1994 08:49:37 GMT",
            "sUN, 06 nOV 1994 08:49:37 gmt",
            " Sun, 06 Nov 1994 08:49:37 GMT\t",
            "Sunday, 06-Nov-94 08:49:37 GMT",
            "SUNDAY, 06-NOV-94 08:49:37 GMT",
            "Sun Nov  6 08:49:37 1994",
            "Sun Nov 06 08:49:37 1994",
        ];
        for text in texts {
            assert_eq!(seconds(text), Some(784_111_777), "{text}");
        }
    }

    #[test]
    fn other_formats_are_invalid() {
        let texts = [
            "",
            "0",
            "-1",
            "784111777",
            "Sun, 06 Nov 1994 08:49:37 UTC",
            "Sun, 06 Nov 1994 08:49:37 AEST",
            "Sun, 06 Nov 1994 08:49:37",
            "Sun, 06 Nov 94 08:49:37 GMT",
            "Sun, 06 Nov 1994 8:49:37 GMT",
            "Sun 06 Nov 1994 08:49:37 GMT",
            "Sun, 06  Nov 1994 08:49:37 GMT",
            "Sun, 06-Nov-1994 08:49:37 GMT",
            "Sun, 6 Nov 1994 08:49:37 GMT",
            "Sun, 06 Nov 1994 08.49.37 GMT",
            "Sun, 06 Nov 1994 08:49:37 GMT ;",
            "Sunday, 06 Nov 1994 08:49:37 GMT",
            "Sun, 06-Nov-94 08:49:37 GMT",
            "Sunday, 06-Nov-1994 08:49:37 GMT",
            "Sun Nov 6 08:49:37 1994",
            "Sun Nov  6 08:49:37 94",
            "1994-11-06T08:49:37Z",
            "Sun, 06 Nov 1994 08:49:37 +0000",
        ];
        for text in texts {
            assert_eq!(seconds(text), None, "{text}");
        }
    }

    #[test]
    fn a_day_must_exist_and_its_weekday_need_not_be_right() {
        let texts = [
            "Nov, 06 Nov 1994 08:49:37 GMT",
            "Wed, 30 Feb 2000 00:00:00 GMT",
            "Sun, 00 Nov 1994 00:00:00 GMT",
            "Thu, 29 Feb 1900 00:00:00 GMT",
            "Sun, 06 Nov 1994 24:00:00 GMT",
            "Sun, 06 Nov 1994 00:60:00 GMT",
            "Sun, 06 Nov 1994 00:00:61 GMT",
        ];
        for text in texts {
            assert_eq!(seconds(text), None, "{text}");
        }
        for text in [
            "Mon, 06 Nov 1994 08:49:37 GMT",
            "Friday, 06-Nov-94 08:49:37 GMT",
            "Tue Nov  6 08:49:37 1994",
        ] {
            assert_eq!(seconds(text), Some(784_111_777), "{text}");
        }
        assert_eq!(seconds("Tue, 29 Feb 2000 00:00:00 GMT"), Some(951_782_400));
        assert_eq!(seconds("Sat, 31 Dec 2016 23:59:60 GMT"), Some(1_483_228_800));
        assert_eq!(seconds("Fri, 31 Dec 9999 23:59:59 GMT"), Some(253_402_300_799));
    }

    #[test]
    fn two_digits_are_at_most_fifty_years_ahead() {
        let year = |text: &str, now| {
            parse(text.as_bytes(), now).map(|date| {
                civil(date.duration_since(UNIX_EPOCH).map_or_else(
                    |before| -i64::try_from(before.duration().as_secs()).unwrap() / DAY - 1,
                    |since| i64::try_from(since.as_secs()).unwrap() / DAY,
                ))
                .0
            })
        };
        assert_eq!(year("Saturday, 21-Nov-76 06:00:00 GMT", now()), Some(2076));
        assert_eq!(year("Sunday, 21-Nov-76 06:00:01 GMT", now()), Some(1976));
        assert_eq!(year("Saturday, 21-Nov-26 06:00:00 GMT", now()), Some(2026));
        let later = now() + Duration::from_secs(65 * 366 * 86_400);
        assert_eq!(year("Wednesday, 01-Jan-10 00:00:00 GMT", later), Some(2110));
    }

    #[test]
    fn the_lifetime_is_expires_less_date_and_an_invalid_date_is_past() {
        let lifetime = |lines: &[&'static str]| {
            let lines: Vec<_> = lines.iter().map(|line| HeaderValue::from_static(line)).collect();
            lifetime(&lines, at(784_111_777), now()).map(|lifetime| lifetime.as_secs())
        };
        assert_eq!(lifetime(&[]), None);
        assert_eq!(lifetime(&["Sun, 06 Nov 1994 08:50:37 GMT"]), Some(60));
        assert_eq!(lifetime(&["Sun, 06 Nov 1994 08:49:36 GMT"]), Some(0));
        assert_eq!(lifetime(&["Fri, 31 Dec 9999 23:59:59 GMT"]), Some(1 << 31));
        for text in ["0", "", "-1", "never"] {
            assert_eq!(lifetime(&[text]), Some(0), "{text}");
        }
        assert_eq!(lifetime(&["Sun, 06 Nov 1994 08:50:37 GMT"; 2]), Some(0));
    }

    #[test]
    fn printed_dates_can_be_parsed() {
        assert_eq!(print(at(784_111_777)).unwrap(), "Sun, 06 Nov 1994 08:49:37 GMT");
        assert_eq!(print(at(253_402_300_800)), None);
        assert_eq!(print(UNIX_EPOCH - Duration::from_secs(1)), None);
        for day in 0..200_000 {
            let instant = at(day * 86_400 + day % 86_400);
            assert_eq!(parse(print(instant).unwrap().as_bytes(), now()), Some(instant));
        }
    }
}
