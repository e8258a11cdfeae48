//! Parses `Cache-Control` of responses.
//!
//! - All lines are one list; names are case-insensitive. RFC 9111 §5.2.
//! - An argument is a token or a quoted string, whichever form the directive prefers. RFC 9111 §5.2.
//! - An unreadable line counts as `no-store`, whatever else it says.
//! - Of two `max-age` the smaller counts, and an invalid number counts as 0: in doubt the response is
//!   stale. RFC 9111 §4.2.1.
//! - Seconds are capped at 2^31. RFC 9111 §1.2.2.
//! - `private="x"` and `no-cache="x"` name fields. Storing nothing of such a response is always correct.
//!   RFC 9111 §5.2.2.4, §5.2.2.7.
//! - A `stale-…` with an invalid number permits nothing. RFC 5861.
//!
//! Not here: what follows from it ([`super::freshness`]).

use std::time::Duration;

use super::types::header::HeaderValue;

use super::list::{self, Unreadable};

/// The longest lifetime or age; longer ones are capped. RFC 9111 §1.2.2.
pub(crate) const LONGEST: Duration = Duration::from_secs(1 << 31);

/// The directives of a response's `Cache-Control`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Directives {
    /// A line does not follow the grammar; `no_store` is set, too.
    pub is_unreadable: bool,
    /// No cache may store the response.
    pub no_store: bool,
    /// No shared cache may store it, with or without field names.
    pub private: bool,
    /// Shared caches may store it although the request carried `Authorization`.
    pub public: bool,
    /// It must be revalidated before each use, with or without field names.
    pub no_cache: bool,
    /// It must not be used stale.
    pub must_revalidate: bool,
    /// It must not be used stale by shared caches.
    pub proxy_revalidate: bool,
    /// Only a cache that understands the status may store it. RFC 9111 §5.2.2.3.
    pub must_understand: bool,
    /// It does not change while it is fresh. RFC 8246.
    pub immutable: bool,
    /// The body must not be transformed. RFC 9111 §5.2.2.6.
    pub no_transform: bool,
    /// Its lifetime.
    pub max_age: Option<Duration>,
    /// Its lifetime in shared caches.
    pub s_maxage: Option<Duration>,
    /// How long it may be used stale while it is rebuilt. RFC 5861 §3.
    pub stale_while_revalidate: Option<Duration>,
    /// How long it may be used stale if rebuilding it fails. RFC 5861 §4.
    pub stale_if_error: Option<Duration>,
}

impl Directives {
    /// Parses the lines of `Cache-Control`.
    pub(crate) fn of<'h>(lines: impl IntoIterator<Item = &'h HeaderValue>) -> Self {
        let mut directives = Self::default();
        for line in lines {
            if directives.read(line.as_bytes()).is_err() {
                directives.is_unreadable = true;
                directives.no_store = true;
            }
        }
        directives
    }

    /// Applies every readable member, also those beside an unreadable one.
    fn read(&mut self, line: &[u8]) -> Result<(), Unreadable> {
        let mut outcome = Ok(());
        for member in list::members(line)? {
            match list::pair(member) {
                Ok((name, argument)) => self.set(name, argument.as_deref()),
                Err(unreadable) => outcome = Err(unreadable),
            }
        }
        outcome
    }

    fn set(&mut self, name: &[u8], argument: Option<&[u8]>) {
        let shorter = |known: Option<Duration>| {
            let seconds = argument.and_then(seconds).unwrap_or_default();
            Some(known.map_or(seconds, |known| known.min(seconds)))
        };
        match name.to_ascii_lowercase().as_slice() {
            b"max-age" => self.max_age = shorter(self.max_age),
            b"s-maxage" => self.s_maxage = shorter(self.s_maxage),
            b"stale-while-revalidate" => {
                self.stale_while_revalidate = shorter(self.stale_while_revalidate);
            }
            b"stale-if-error" => self.stale_if_error = shorter(self.stale_if_error),
            name => {
                if let Some(flag) = self.flag(name) {
                    *flag = true;
                }
            }
        }
    }

    /// Returns the directive without a number of this name.
    pub(super) fn flag(&mut self, name: &[u8]) -> Option<&mut bool> {
        match name {
            b"no-store" => Some(&mut self.no_store),
            b"private" => Some(&mut self.private),
            b"public" => Some(&mut self.public),
            b"no-cache" => Some(&mut self.no_cache),
            b"must-revalidate" => Some(&mut self.must_revalidate),
            b"proxy-revalidate" => Some(&mut self.proxy_revalidate),
            b"must-understand" => Some(&mut self.must_understand),
            b"immutable" => Some(&mut self.immutable),
            b"no-transform" => Some(&mut self.no_transform),
            _ => None,
        }
    }

    /// Returns the directive with a number of this name.
    pub(super) fn duration(&mut self, name: &[u8]) -> Option<&mut Option<Duration>> {
        match name {
            b"max-age" => Some(&mut self.max_age),
            b"s-maxage" => Some(&mut self.s_maxage),
            b"stale-while-revalidate" => Some(&mut self.stale_while_revalidate),
            b"stale-if-error" => Some(&mut self.stale_if_error),
            _ => None,
        }
    }
}

/// Parses `delta-seconds`: only digits, at most [`LONGEST`]. RFC 9111 §1.2.2.
pub(crate) fn seconds(text: &[u8]) -> Option<Duration> {
    if text.is_empty() || !text.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let digit = |sum: u64, byte: &u8| sum.saturating_mul(10).saturating_add(u64::from(byte - b'0'));
    Some(Duration::from_secs(text.iter().fold(0, digit)).min(LONGEST))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(lines: &[&'static str]) -> Directives {
        let lines: Vec<_> = lines.iter().map(|line| HeaderValue::from_static(line)).collect();
        Directives::of(&lines)
    }

    fn max_age(lines: &[&'static str]) -> Option<u64> {
        of(lines).max_age.map(|age| age.as_secs())
    }

    #[test]
    fn all_lines_are_one_list_of_case_insensitive_names() {
        let read = of(&["Public, MAX-age=60", "", "Must-Revalidate, unknown, ext=\"private\""]);
        let expected = Directives {
            public: true,
            must_revalidate: true,
            max_age: Some(Duration::from_secs(60)),
            ..Directives::default()
        };
        assert_eq!(read, expected);
    }

    #[test]
    fn every_directive_is_known() {
        let read = of(&[
            "no-store, private, public, no-cache, must-revalidate, proxy-revalidate, immutable",
            "must-understand, no-transform, max-age=1, s-maxage=2, stale-while-revalidate=3",
            "stale-if-error=4",
        ]);
        let expected = Directives {
            is_unreadable: false,
            no_store: true,
            private: true,
            public: true,
            no_cache: true,
            must_revalidate: true,
            proxy_revalidate: true,
            must_understand: true,
            immutable: true,
            no_transform: true,
            max_age: Some(Duration::from_secs(1)),
            s_maxage: Some(Duration::from_secs(2)),
            stale_while_revalidate: Some(Duration::from_secs(3)),
            stale_if_error: Some(Duration::from_secs(4)),
        };
        assert_eq!(read, expected);
    }

    #[test]
    fn an_argument_is_a_token_or_a_quoted_string() {
        assert_eq!(max_age(&[r#"max-age="3600""#]), Some(3600));
        assert_eq!(max_age(&[r#"max-age="36\00""#]), Some(3600));
        assert_eq!(max_age(&[r#"extension="max-age=100", max-age=1"#]), Some(1));
        assert_eq!(max_age(&[r#"max-age=1, extension="a\", max-age=0""#]), Some(1));
    }

    #[test]
    fn an_unreadable_line_counts_as_no_store() {
        for line in ["max-age =100", "max-age= 100", "max-age=", "&&, a b", r#"x="a, private"#, "é"]
        {
            let read = Directives::of([&HeaderValue::from_bytes(line.as_bytes()).unwrap()]);
            assert!(read.is_unreadable && read.no_store, "{line}");
        }
        assert!(of(&[r#"a="x"#, r#"private, b=""#]).no_store, "lines do not close each other");
        assert!(of(&["private, ?"]).private, "what can be read beside it counts");
    }

    #[test]
    fn the_smaller_of_two_counts() {
        assert_eq!(max_age(&["max-age=1800, max-age=1"]), Some(1));
        assert_eq!(max_age(&["max-age=1", "max-age=1800"]), Some(1));
        let read = of(&["s-maxage=9, s-maxage=8, stale-if-error=7, stale-if-error=x"]);
        assert_eq!(read.s_maxage, Some(Duration::from_secs(8)));
        assert_eq!(read.stale_if_error, Some(Duration::ZERO));
    }

    #[test]
    fn an_invalid_number_is_zero() {
        for line in ["max-age", "max-age=a1", "max-age=1a", "max-age=-1", "max-age='3600'"] {
            assert_eq!(max_age(&[line]), Some(0), "{line}");
        }
        for line in ["max-age=1.5", "max-age=+1", r#"max-age="""#, r#"max-age=" 1""#, "max-age=1e3"]
        {
            assert_eq!(max_age(&[line]), Some(0), "{line}");
        }
        assert_eq!(max_age(&["max-age=0060"]), Some(60));
        assert_eq!(max_age(&["public"]), None);
    }

    #[test]
    fn seconds_are_capped() {
        for line in ["max-age=2147483648", "max-age=99999999999999999999999999"] {
            assert_eq!(max_age(&[line]), Some(1 << 31));
        }
    }

    #[test]
    fn field_names_make_no_difference() {
        let read = of(&[r#"private="set-cookie", no-cache=x"#]);
        assert!(read.private && read.no_cache && !read.is_unreadable);
    }
}
