//! Parses the cache directives of requests, for caches whose owners obey them.
//!
//! - `max-age` limits the age of what the client gets, `min-fresh` asks for what stays fresh that long, and
//!   `max-stale` permits what has been stale for at most that long. RFC 9111 §5.2.1.
//! - `Pragma: no-cache` counts without `Cache-Control`. RFC 9111 §5.4.
//! - Members that are unreadable are ignored, but a `max-age` that is no number counts as 0.

use std::time::Duration;

use super::types::header::{CACHE_CONTROL, HeaderMap, HeaderValue, PRAGMA};

use super::directives::{LONGEST, seconds};
use super::freshness::Freshness;
use super::list;

/// The directives of one request.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct RequestDirectives {
    /// Largest acceptable age.
    pub max_age: Option<Duration>,
    /// For how long the page must still be fresh.
    pub min_fresh: Option<Duration>,
    /// For how long the page may have been stale.
    pub max_stale: Option<Duration>,
    /// The page must be validated first.
    pub no_cache: bool,
    /// The response must not be stored.
    pub no_store: bool,
    /// The handler must not be called.
    pub only_if_cached: bool,
}

impl RequestDirectives {
    /// Reads the headers of a request.
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        let mut directives = Self::default();
        headers.get_all(CACHE_CONTROL).for_each(|line| directives.read(line));
        if !headers.contains_key(CACHE_CONTROL) {
            let mut pragma = Self::default();
            headers.get_all(PRAGMA).for_each(|line| pragma.read(line));
            directives.no_cache = pragma.no_cache;
        }
        directives
    }

    fn read(&mut self, line: &HeaderValue) {
        let members = list::members(line.as_bytes()).into_iter().flatten();
        for (name, argument) in members.filter_map(|member| list::pair(member).ok()) {
            let number = argument.as_deref().and_then(seconds);
            match name.to_ascii_lowercase().as_slice() {
                b"max-age" => self.max_age = Some(number.unwrap_or_default()),
                b"min-fresh" => self.min_fresh = number,
                b"max-stale" if argument.is_none() => self.max_stale = Some(LONGEST),
                b"max-stale" => self.max_stale = number,
                b"no-cache" => self.no_cache = true,
                b"no-store" => self.no_store = true,
                b"only-if-cached" => self.only_if_cached = true,
                _ => {}
            }
        }
    }

    /// Reports whether a stored page may answer only on conditions other than the cache's own.
    pub(crate) fn are_strict(&self) -> bool {
        self.no_cache || self.max_age.is_some() || self.min_fresh.is_some()
    }

    /// Reports whether a stored page of this age may answer.
    pub(crate) fn accept(&self, freshness: &Freshness, age: Duration) -> bool {
        let left = freshness.lifetime.checked_sub(age).filter(|left| !left.is_zero());
        let is_in_time = match left {
            Some(left) => self.min_fresh.is_none_or(|least| left >= least),
            None => {
                let stale = age.saturating_sub(freshness.lifetime);
                let is_permitted = self.max_stale.is_some_and(|most| stale <= most);
                is_permitted && self.min_fresh.is_none() && !freshness.must_revalidate
            }
        };
        is_in_time && !self.no_cache && self.max_age.is_none_or(|most| age <= most)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn of(lines: &[(&'static str, &'static str)]) -> RequestDirectives {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(name.parse().unwrap(), HeaderValue::from_static(value));
        }
        RequestDirectives::of(&headers)
    }

    #[test]
    fn every_directive_is_read() {
        let read = of(&[
            ("cache-control", "Max-Age=1, min-fresh=\"2\", max-stale=3, NO-CACHE, a b, other"),
            ("cache-control", "no-store, only-if-cached"),
        ]);
        let expected = RequestDirectives {
            max_age: Some(seconds(1)),
            min_fresh: Some(seconds(2)),
            max_stale: Some(seconds(3)),
            no_cache: true,
            no_store: true,
            only_if_cached: true,
        };
        assert_eq!(read, expected);
        assert_eq!(of(&[("cache-control", "max-stale")]).max_stale, Some(LONGEST));
        let odd = of(&[("cache-control", "max-age=x, min-fresh=x, max-stale=x")]);
        assert_eq!((odd.max_age, odd.min_fresh, odd.max_stale), (Some(seconds(0)), None, None));
    }

    #[test]
    fn pragma_counts_without_cache_control() {
        assert!(of(&[("pragma", "no-cache")]).no_cache && !of(&[("pragma", "x")]).no_cache);
        assert!(!of(&[("pragma", "no-cache"), ("cache-control", "max-age=9")]).no_cache);
    }

    #[test]
    fn a_page_is_accepted_as_the_directives_say() {
        let freshness = Freshness {
            lifetime: seconds(60),
            while_revalidating: None,
            if_error: None,
            must_revalidate: false,
        };
        let strict = Freshness { must_revalidate: true, ..freshness };
        let accepts = |line, freshness: &Freshness, age| {
            of(&[("cache-control", line)]).accept(freshness, seconds(age))
        };
        for (line, age, expected) in [
            ("other", 59, true),
            ("other", 60, false),
            ("max-age=30", 30, true),
            ("max-age=30", 31, false),
            ("min-fresh=30", 30, true),
            ("min-fresh=30", 31, false),
            ("max-stale=5", 65, true),
            ("max-stale=5", 66, false),
            ("max-stale", 9999, true),
            ("max-stale=5, max-age=62", 63, false),
            ("max-stale=5, min-fresh=1", 63, false),
            ("no-cache, max-stale", 1, false),
        ] {
            assert_eq!(accepts(line, &freshness, age), expected, "{line} at {age}");
            assert_eq!(accepts(line, &strict, age), expected && age < 60, "{line} at {age}");
        }
    }
}
