//! Formats figures for people.
//!
//! - Three digits are enough: `12 µs`, `0.31 ms`, `8.4 ms`, `41 ms`, `1.2 s`.
//! - A figure has its unit, and a count has its noun and groups of three digits.
//! - A share of zero is zero.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Formats a short time: from microseconds to seconds.
pub fn took(duration: Duration) -> String {
    let micros = duration.as_secs_f64() * 1e6;
    match micros {
        ..99.5 => format!("{micros:.0} µs"),
        ..995.0 => format!("{:.2} ms", micros / 1e3),
        ..9_950.0 => format!("{:.1} ms", micros / 1e3),
        ..999_500.0 => format!("{:.0} ms", micros / 1e3),
        _ => format!("{:.1} s", micros / 1e6),
    }
}

/// Formats a long time: from seconds to days.
pub fn lasts(duration: Duration) -> String {
    match duration.as_secs() {
        seconds @ 0..120 => format!("{seconds} s"),
        seconds @ 120..7_200 => format!("{} min", seconds / 60),
        seconds @ 7_200..172_800 => format!("{} h", seconds / 3_600),
        seconds => format!("{} days", seconds / 86_400),
    }
}

/// Formats a size, in powers of ten.
pub fn bytes(bytes: u64) -> String {
    let size = bytes as f64;
    match size {
        ..1_000.0 => count(bytes, "byte", "bytes"),
        ..9_950.0 => format!("{:.1} kB", size / 1e3),
        ..999_500.0 => format!("{:.0} kB", size / 1e3),
        _ => format!("{:.1} MB", size / 1e6),
    }
}

/// Formats a count: `1 query`, `1,200 queries`.
pub fn count(n: u64, one: &str, many: &str) -> String {
    format!("{} {}", grouped(n), if n == 1 { one } else { many })
}

/// Formats `1234567` as `1,234,567`.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Returns the share of `part` in `whole`, in percent; at most 100.
pub fn percent(part: Duration, whole: Duration) -> u64 {
    if whole.is_zero() {
        return 0;
    }
    let share = part.as_secs_f64() / whole.as_secs_f64() * 100.0;
    share.round().min(100.0) as u64
}

/// Formats the time of the day in UTC: `09:34:07`.
pub fn clock(at: SystemTime) -> String {
    let seconds = at.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs()) % 86_400;
    format!("{:02}:{:02}:{:02}", seconds / 3_600, seconds / 60 % 60, seconds % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_digits_are_enough() {
        let cases = [
            (0, "0 µs"),
            (12_300, "12 µs"),
            (310_000, "0.31 ms"),
            (994_000, "0.99 ms"),
            (999_000, "1.0 ms"),
            (8_440_000, "8.4 ms"),
            (41_200_000, "41 ms"),
            (999_900_000, "1.0 s"),
            (1_240_000_000, "1.2 s"),
        ];
        for (nanos, text) in cases {
            assert_eq!(took(Duration::from_nanos(nanos)), text, "{nanos}");
        }
    }

    #[test]
    fn a_figure_has_its_unit_and_a_count_has_its_noun() {
        let lasting = |seconds| lasts(Duration::from_secs(seconds));
        assert_eq!(lasting(41), "41 s");
        assert_eq!(lasting(3_599), "59 min");
        assert_eq!(lasting(7_200), "2 h");
        assert_eq!(lasting(200_000), "2 days");
        assert_eq!(bytes(1), "1 byte");
        assert_eq!(bytes(999), "999 bytes");
        assert_eq!(bytes(4_210), "4.2 kB");
        assert_eq!(bytes(41_210), "41 kB");
        assert_eq!(bytes(1_241_210), "1.2 MB");
        assert_eq!(count(1, "query", "queries"), "1 query");
        assert_eq!(count(0, "query", "queries"), "0 queries");
        assert_eq!(count(1_234_567, "query", "queries"), "1,234,567 queries");
    }

    #[test]
    fn a_share_of_nothing_is_nothing() {
        let ms = Duration::from_millis;
        assert_eq!(percent(ms(5), ms(0)), 0);
        assert_eq!(percent(ms(1), ms(3)), 33);
        assert_eq!(percent(ms(9), ms(3)), 100);
    }

    #[test]
    fn a_clock_shows_the_time_of_the_day() {
        assert_eq!(clock(UNIX_EPOCH + Duration::from_secs(86_400 + 3_600 + 62)), "01:01:02");
    }
}
