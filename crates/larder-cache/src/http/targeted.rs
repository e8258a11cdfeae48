//! Reads targeted cache control: `CDN-Cache-Control` and similar fields.
//!
//! - The rules list the fields that are obeyed, most specific first. RFC 9213 §2.2.
//! - The first valid, non-empty field counts alone: `Cache-Control` and `Expires` are ignored beside it.
//!   RFC 9213 §2.2.
//! - A field that is no dictionary, or whose `max-age` is no integer, is ignored. RFC 9213 §2.1.
//! - `private="x"` and `no-cache=("x")` count as `private` and `no-cache`; `?0` unsets a directive. A
//!   directive that permits something must be `?1`.
//! - A negative number of seconds counts as 0.

use std::time::Duration;

use super::types::header::{CACHE_CONTROL, HeaderMap, HeaderName, HeaderValue};

use super::directives::{Directives, LONGEST};
use super::structured::{self, Item};

/// The directives that a response has for this cache.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TargetedPolicy {
    /// The directives.
    pub directives: Directives,
    /// Whether they come from a targeted field, so that `Expires` is ignored.
    pub is_targeted: bool,
}

impl TargetedPolicy {
    /// Reads the first of the fields named `targets` that counts, or else `Cache-Control`.
    pub(crate) fn of(headers: &HeaderMap, targets: &[HeaderName]) -> Self {
        let targeted = targets.iter().find_map(|name| directives(headers.get_all(name)));
        let is_targeted = targeted.is_some();
        let untargeted = || Directives::of(headers.get_all(CACHE_CONTROL));
        Self { directives: targeted.unwrap_or_else(untargeted), is_targeted }
    }
}

/// Parses a targeted field; returns `None` if it is invalid or empty.
pub(crate) fn directives<'h>(
    lines: impl IntoIterator<Item = &'h HeaderValue>,
) -> Option<Directives> {
    let dictionary = structured::dictionary(lines).ok()?;
    if dictionary.is_empty() {
        return None;
    }
    let mut directives = Directives::default();
    for (name, value) in &dictionary {
        let name = name.as_bytes();
        if let Some(duration) = directives.duration(name) {
            *duration = Some(seconds(*value)?);
        } else if let Some(flag) = directives.flag(name) {
            *flag = is_set(name, *value);
        }
    }
    Some(directives)
}

fn seconds(value: Item) -> Option<Duration> {
    match value {
        Item::Integer(seconds) => {
            Some(Duration::from_secs(seconds.try_into().unwrap_or(0)).min(LONGEST))
        }
        Item::Boolean(_) | Item::Other => None,
    }
}

fn is_set(name: &[u8], value: Item) -> bool {
    let permits = matches!(name, b"public" | b"immutable");
    value == Item::Boolean(true) || (!permits && value != Item::Boolean(false))
}

#[cfg(test)]
mod tests {
    use super::*;

    const CDN_CACHE_CONTROL: HeaderName = HeaderName::from_static("cdn-cache-control");
    const OTHER: HeaderName = HeaderName::from_static("larder-cache-control");

    fn policy(lines: &[(HeaderName, &'static str)]) -> TargetedPolicy {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(name.clone(), HeaderValue::from_static(value));
        }
        TargetedPolicy::of(&headers, &[OTHER, CDN_CACHE_CONTROL])
    }

    /// Returns the seconds that `line` gives beside `Cache-Control: max-age=60`.
    fn max_age(line: &'static str) -> Option<u64> {
        let policy = policy(&[(CDN_CACHE_CONTROL, line), (CACHE_CONTROL, "max-age=60")]);
        policy.directives.max_age.map(|age| age.as_secs())
    }

    #[test]
    fn the_first_valid_field_that_is_not_empty_counts_alone() {
        let lines = [(CDN_CACHE_CONTROL, "max-age=2"), (CACHE_CONTROL, "no-store")];
        let read = policy(&lines);
        assert!(read.is_targeted && !read.directives.no_store);
        assert_eq!(read.directives.max_age, Some(Duration::from_secs(2)));

        let read = policy(&[(OTHER, "no-store"), lines[0].clone()]);
        assert!(read.directives.no_store && read.directives.max_age.is_none());

        for other in ["", "MaX-AgE=10", "max-age=10,"] {
            let read = policy(&[(OTHER, other), lines[0].clone()]);
            assert_eq!(read.directives.max_age, Some(Duration::from_secs(2)), "{other}");
        }
        assert!(!policy(&lines[1..]).is_targeted);
    }

    #[test]
    fn a_field_that_is_not_listed_is_ignored() {
        let mut headers = HeaderMap::new();
        headers.append(CDN_CACHE_CONTROL, HeaderValue::from_static("max-age=10"));
        assert_eq!(TargetedPolicy::of(&headers, &[]).directives, Directives::default());
    }

    #[test]
    fn an_invalid_field_is_ignored() {
        for line in
            ["max-age=\"10\"", "max-age=10, &&&&&", "MaX-AgE=10", "max-age =1", "max-age=1.5"]
        {
            assert_eq!(max_age(line), Some(60), "{line}");
        }
        assert_eq!(max_age("max-age"), Some(60));
        assert_eq!(max_age("max-age=10, s-maxage=x"), Some(60));
    }

    #[test]
    fn seconds_are_an_integer_within_bounds() {
        let cases = [("max-age=10", 10), ("max-age=-1", 0), ("max-age=999999999999999", 1 << 31)];
        for (line, expected) in cases {
            assert_eq!(max_age(line), Some(expected), "{line}");
        }
        assert_eq!(max_age("foobar, max-age=10;x=y"), Some(10));
        assert_eq!(max_age("foobar"), None);
    }

    #[test]
    fn prohibitions_are_set_by_any_value_and_permissions_by_true() {
        let read = |line| directives([&HeaderValue::from_static(line)]).unwrap();
        assert!(read("private=\"x\"").private);
        assert!(read("no-cache=(\"x\" \"y\")").no_cache);
        assert!(!read("private=?0").private);
        assert!(read("public").public);
        assert!(!read("public=\"x\"").public);
    }
}
