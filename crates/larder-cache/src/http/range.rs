//! Serves parts of a page.
//!
//! - A single byte range is answered with that part (206). Several ranges, other units and unreadable
//!   ranges are answered with the whole page. RFC 9110 §14.2.
//! - The last byte is limited to the page's length. A first byte beyond it, or an empty suffix, is
//!   unsatisfiable (416). RFC 9110 §14.1.2.
//! - `If-Range` must match this very page, by a strong tag or by its strong date to the second. Otherwise
//!   the whole page is sent. RFC 9110 §13.1.5.
//! - It is evaluated after the other conditions, for a `GET` that is answered with 200. RFC 9110 §13.2.2.

use std::ops::RangeInclusive;
use std::time::SystemTime;

use super::types::header::HeaderValue;

use super::conditional::{Conditions, Validators};
use super::date;
use super::entity_tag::EntityTag;
use super::list::trim;

/// The part of a page to send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Part {
    /// All of it: 200.
    Whole,
    /// These bytes: 206.
    Bytes(RangeInclusive<u64>),
    /// None, since there are no such bytes: 416.
    Unsatisfiable,
}

impl Part {
    /// Evaluates `Range` and `If-Range` for a page of `length` bytes.
    pub(crate) fn of(
        conditions: &Conditions,
        page: &Validators,
        length: u64,
        now: SystemTime,
    ) -> Self {
        match conditions.range() {
            ([range], if_range) if is_this(if_range, page, now) => {
                Self::parse(range.as_bytes(), length).unwrap_or(Self::Whole)
            }
            _ => Self::Whole,
        }
    }

    /// Parses a line of `Range` for a page of `length` bytes.
    ///
    /// Returns `None` if it is unreadable or asks for several parts.
    pub(crate) fn parse(line: &[u8], length: u64) -> Option<Self> {
        let (unit, ranges) = trim(line).split_at_checked(6)?;
        if !unit.eq_ignore_ascii_case(b"bytes=") {
            return None;
        }
        let mut ranges = ranges.split(|byte| *byte == b',').map(trim).filter(|r| !r.is_empty());
        let range = ranges.next().filter(|_| ranges.next().is_none())?;
        let hyphen = range.iter().position(|byte| *byte == b'-')?;
        match (&range[..hyphen], &range[hyphen + 1..]) {
            ([], suffix) => Some(Self::suffix(number(suffix)?, length)),
            (first, []) => Some(Self::between(number(first)?, u64::MAX, length)),
            (first, last) => {
                let (first, last) = (number(first)?, number(last)?);
                (first <= last).then(|| Self::between(first, last, length))
            }
        }
    }

    fn between(first: u64, last: u64, length: u64) -> Self {
        match length.checked_sub(1) {
            Some(end) if first <= end => Self::Bytes(first..=last.min(end)),
            _ => Self::Unsatisfiable,
        }
    }

    fn suffix(bytes: u64, length: u64) -> Self {
        match (bytes, length) {
            (0, _) => Self::Unsatisfiable,
            // The suffix of an empty page is all of it, for which there is no `Content-Range`.
            (_, 0) => Self::Whole,
            _ => Self::Bytes(length.saturating_sub(bytes)..=length - 1),
        }
    }

    /// Returns the `Content-Range` of the response, if it has one. RFC 9110 §14.4.
    pub(crate) fn content_range(&self, length: u64) -> Option<HeaderValue> {
        let text = match self {
            Self::Whole => return None,
            Self::Bytes(range) => format!("bytes {}-{}/{length}", range.start(), range.end()),
            Self::Unsatisfiable => format!("bytes */{length}"),
        };
        HeaderValue::from_str(&text).ok()
    }
}

/// Parses digits; a number that is too large becomes the largest.
fn number(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let digit = |sum: u64, byte: &u8| sum.saturating_mul(10).saturating_add(u64::from(byte - b'0'));
    Some(digits.iter().fold(0, digit))
}

fn is_this(if_range: &[HeaderValue], page: &Validators, now: SystemTime) -> bool {
    let line = match if_range {
        [] => return true,
        [line] => line.as_bytes(),
        _ => return false,
    };
    if let Some(tag) = EntityTag::parse(line) {
        return page.etag.as_ref().is_some_and(|etag| etag.strongly_equals(&tag));
    }
    date::parse(line, now).is_some_and(|date| page.strong_date() == Some(date))
}

#[cfg(test)]
mod tests {
    use crate::http::types::header::{DATE, ETAG, HeaderMap, IF_RANGE, LAST_MODIFIED, RANGE};
    use proptest::prelude::*;

    use super::*;

    fn part(line: &str, length: u64) -> Option<Part> {
        Part::parse(line.as_bytes(), length)
    }

    #[test]
    fn one_range_is_a_part() {
        let cases = [
            ("bytes=0-0", 0..=0),
            ("bytes=2-5", 2..=5),
            ("BYTES=2-", 2..=9),
            ("bytes=9-", 9..=9),
            ("bytes=2-99", 2..=9),
            ("bytes=0-99999999999999999999999", 0..=9),
            ("bytes=-3", 7..=9),
            ("bytes=-99", 0..=9),
            ("bytes=-99999999999999999999999", 0..=9),
            (" bytes= 2-5 ", 2..=5),
            ("bytes=,2-5,", 2..=5),
        ];
        for (line, expected) in cases {
            assert_eq!(part(line, 10), Some(Part::Bytes(expected)), "{line}");
        }
    }

    #[test]
    fn bytes_beyond_the_page_are_unsatisfiable() {
        for line in ["bytes=10-", "bytes=10-20", "bytes=99999999999999999999999-", "bytes=-0"] {
            assert_eq!(part(line, 10), Some(Part::Unsatisfiable), "{line}");
        }
        assert_eq!(part("bytes=0-", 0), Some(Part::Unsatisfiable));
        assert_eq!(part("bytes=-1", 0), Some(Part::Whole));
    }

    #[test]
    fn several_ranges_other_units_and_rubbish_are_the_whole() {
        let lines = [
            "",
            "bytes",
            "bytes=",
            "bytes=,",
            "bytes=-",
            "bytes=5-2",
            "bytes=0-1,3-4",
            "bytes=0-1, -1",
            "bytes=a-b",
            "bytes=0-1x",
            "bytes=+0-1",
            "bytes=0--1",
            "bytes 0-1",
            "bytes =0-1",
            "bytes=0 -1",
            "lines=0-1",
            "bytes=0",
            "é=0-1",
            "byteé",
            "bytes=1.0-2",
        ];
        for line in lines {
            assert_eq!(part(line, 10), None, "{line}");
        }
    }

    #[test]
    fn content_range_says_which_bytes() {
        let of = |part: Part| part.content_range(10);
        assert_eq!(of(Part::Bytes(2..=5)).unwrap(), "bytes 2-5/10");
        assert_eq!(of(Part::Unsatisfiable).unwrap(), "bytes */10");
        assert_eq!(of(Part::Whole), None);
    }

    /// Reports whether `Range: bytes=2-5` with these lines of `If-Range` is answered with that part.
    fn if_range(lines: &[&'static str], made: &'static str) -> bool {
        let value = HeaderValue::from_static;
        let mut request = HeaderMap::new();
        request.append(RANGE, value("bytes=2-5"));
        lines.iter().for_each(|line| request.append(IF_RANGE, value(line)));
        let mut page = HeaderMap::new();
        page.append(ETAG, value("\"v1\""));
        page.append(LAST_MODIFIED, value("Sun, 06 Nov 1994 08:49:37 GMT"));
        page.append(DATE, value(made));
        let now = SystemTime::now();
        let part = Part::of(&Conditions::of(&request), &Validators::of(&page, now), 10, now);
        part == Part::Bytes(2..=5)
    }

    #[test]
    fn if_range_must_match_this_very_page() {
        let (then, after) = ("Sun, 06 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 1994 08:49:38 GMT");
        assert!(if_range(&[], after));
        assert!(if_range(&["\"v1\""], after));
        assert!(if_range(&[then], after));
        assert!(!if_range(&[then], then), "it may have changed within its second");
        for line in ["\"v2\"", "W/\"v1\"", after, "v1", "", "*", "\"v1\", \"v2\""] {
            assert!(!if_range(&[line], after), "{line}");
        }
        assert!(!if_range(&["\"v1\"", "\"v1\""], after));
    }

    #[test]
    fn several_lines_are_the_whole() {
        let mut request = HeaderMap::new();
        request.append(RANGE, HeaderValue::from_static("bytes=0-1"));
        request.append(RANGE, HeaderValue::from_static("bytes=0-1"));
        let now = SystemTime::now();
        let part = Part::of(&Conditions::of(&request), &Validators::default(), 10, now);
        assert_eq!(part, Part::Whole);
    }

    proptest! {
        #[test]
        fn a_part_is_within_the_page(first in any::<u64>(), last in any::<u64>(), length in any::<u64>()) {
            for line in [format!("{first}-{last}"), format!("{first}-"), format!("-{last}")] {
                if let Some(Part::Bytes(range)) = part(&format!("bytes={line}"), length) {
                    prop_assert!(range.start() <= range.end() && *range.end() < length);
                }
            }
        }
    }
}
