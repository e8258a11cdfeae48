//! Updates a stored response with a 304.
//!
//! - A 304 with a strong tag updates only a response with the same strong tag; one with a weak tag, a
//!   response with an equivalent tag. Without a tag, `Last-Modified` must be equal. RFC 9111 §4.3.4.
//! - A 304 without either updates the response whose validators were sent: there is no other that it can be
//!   about, since the cache asks about one at a time. RFC 9111 §4.3.3.
//! - Its headers replace all stored lines of the same name; other headers stay. RFC 9111 §3.2.
//! - Headers that describe the stored body are never replaced: `Content-Length`, `Content-Encoding`,
//!   `Content-Type`, `Content-Range`, digests, and the tag, which may be stronger. RFC 9111 §3.2, RFC 9530.
//! - Hop-by-hop headers, and those that `Connection` names, are not part of a response. RFC 9111 §3.1,
//!   RFC 9110 §7.6.1.
//! - The stored `Age` and `Date` are dropped: a 304 without `Date` is dated when it is received. RFC 9111
//!   §4.2.3, RFC 9110 §6.6.1.
//! - Whether the result may still be stored is decided again: [`super::storable`].

use super::types::header::{
    AGE, CONNECTION, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, DATE, ETAG,
    HeaderMap, HeaderName,
};

use super::conditional::Validators;
use super::digests::is_digest;
use super::list::trim;

const HOP_BY_HOP: [&str; 10] = [
    "connection",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authentication-info",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// Headers that describe the stored body, which a 304 does not have.
const OF_THE_BODY: [HeaderName; 5] =
    [CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, ETAG];

/// Reports whether a 304 with the validators `new` is about the stored response.
pub(crate) fn freshens(stored: &Validators, new: &Validators) -> bool {
    match (&new.etag, &stored.etag) {
        (Some(new), Some(stored)) if new.is_weak => new.weakly_equals(stored),
        (Some(new), Some(stored)) => new.strongly_equals(stored),
        (Some(_), None) => false,
        (None, _) if new.last_modified.is_some() => new.last_modified == stored.last_modified,
        (None, _) => true,
    }
}

/// Merges the headers of a 304 into the stored ones.
pub(crate) fn merge(stored: &HeaderMap, new: &HeaderMap) -> HeaderMap {
    let hops = Hops::of(new);
    let replaces = |name: &HeaderName| {
        let is_of_the_body = OF_THE_BODY.contains(name) || is_digest(name);
        !is_of_the_body && !hops.contain(name) && new.contains_key(name)
    };
    let is_of_the_time = |name: &HeaderName| [AGE, DATE].contains(name);
    let kept = stored.iter().filter(|(name, _)| !replaces(name) && !is_of_the_time(name));
    let replaced = new.iter().filter(|(name, _)| replaces(name));
    let mut merged = HeaderMap::new();
    for (name, value) in kept.chain(replaced) {
        merged.append(name.clone(), value.clone());
    }
    merged
}

/// The hop-by-hop headers of a response.
pub(crate) struct Hops {
    named: Vec<String>,
}

impl Hops {
    /// Collects those of `headers`.
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        let lines = headers.get_all(CONNECTION);
        let names = lines.flat_map(|line| line.as_bytes().split(|byte| *byte == b','));
        let name = |name| String::from_utf8_lossy(trim(name)).to_ascii_lowercase();
        Self { named: names.map(name).collect() }
    }

    /// Reports whether this header is one of them.
    pub(crate) fn contain(&self, name: &HeaderName) -> bool {
        HOP_BY_HOP.contains(&name.as_str()) || self.named.iter().any(|named| named == name.as_str())
    }
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use crate::http::types::header::{CACHE_CONTROL, HeaderValue, LAST_MODIFIED, SET_COOKIE};
    use proptest::prelude::*;

    use super::super::digests;
    use super::*;

    const THEN: &str = "Sun, 06 Nov 1994 08:49:37 GMT";
    const AFTER: &str = "Sun, 06 Nov 1994 08:49:38 GMT";
    const OTHER: HeaderName = HeaderName::from_static("x-other");

    type Lines = [(HeaderName, &'static str)];

    fn map(lines: &Lines) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(name.clone(), HeaderValue::from_static(value));
        }
        headers
    }

    fn merged(stored: &Lines, new: &Lines) -> Vec<(String, String)> {
        let merged = merge(&map(stored), &map(new));
        let text = |value: &HeaderValue| value.to_str().unwrap().to_owned();
        let mut merged: Vec<_> =
            merged.iter().map(|(name, value)| (name.to_string(), text(value))).collect();
        merged.sort();
        merged
    }

    fn about(stored: &Lines, new: &Lines) -> bool {
        let of = |lines| Validators::of(&map(lines), SystemTime::now());
        freshens(&of(stored), &of(new))
    }

    #[test]
    fn a_304_updates_only_the_page_it_is_about() {
        let (strong, weak) = ([(ETAG, "\"1\"")], [(ETAG, "W/\"1\"")]);
        assert!(about(&strong, &strong) && about(&weak, &weak) && about(&strong, &weak));
        assert!(!about(&weak, &strong), "a strong tag names bytes, a weak one does not");
        assert!(!about(&strong, &[(ETAG, "\"2\"")]) && !about(&strong, &[(ETAG, "W/\"2\"")]));
        assert!(!about(&[(LAST_MODIFIED, THEN)], &[(ETAG, "\"1\""), (LAST_MODIFIED, THEN)]));
        assert!(about(&[(LAST_MODIFIED, THEN), (ETAG, "\"1\"")], &[(LAST_MODIFIED, THEN)]));
        assert!(!about(&[(LAST_MODIFIED, THEN)], &[(LAST_MODIFIED, AFTER)]));
        assert!(about(&[], &[]) && about(&strong, &[]) && about(&[(LAST_MODIFIED, THEN)], &[]));
    }

    #[test]
    fn new_lines_replace_all_old_ones_of_their_name() {
        let stored = [(CACHE_CONTROL, "a"), (CACHE_CONTROL, "b"), (ETAG, THEN), (OTHER, "x")];
        let new = [(CACHE_CONTROL, "c"), (CACHE_CONTROL, "d"), (SET_COOKIE, "e")];
        let expected = [
            ("cache-control", "c"),
            ("cache-control", "d"),
            ("etag", THEN),
            ("set-cookie", "e"),
            ("x-other", "x"),
        ];
        assert_eq!(
            merged(&stored, &new),
            expected.map(|(name, value)| (name.to_owned(), value.to_owned()))
        );
    }

    #[test]
    fn headers_of_the_body_are_never_replaced() {
        let digests = [digests::OF_THE_CONTENT, digests::OF_THE_REPRESENTATION].concat();
        for name in OF_THE_BODY.into_iter().chain(digests) {
            let expected = [(name.to_string(), "old".to_owned())];
            assert_eq!(merged(&[(name.clone(), "old")], &[(name.clone(), "new")]), expected);
            assert!(merged(&[], &[(name, "new")]).is_empty());
        }
    }

    #[test]
    fn hop_by_hop_headers_are_not_merged() {
        let hop = |name| (HeaderName::from_static(name), "x");
        let new =
            [(CONNECTION, "close, X-Other"), (OTHER, "new"), hop("keep-alive"), hop("upgrade")];
        let expected = [("x-other".to_owned(), "old".to_owned())];
        assert_eq!(merged(&[(OTHER, "old")], &new), expected);
        assert!(merged(&[], &new).is_empty());
    }

    #[test]
    fn the_stored_age_and_date_are_dropped() {
        assert!(merged(&[(DATE, THEN)], &[(ETAG, "\"1\"")]).is_empty());
        assert_eq!(merged(&[(DATE, THEN)], &[(DATE, AFTER)])[0].1, AFTER);
        assert!(merged(&[(AGE, "60")], &[(ETAG, "\"1\"")]).is_empty());
        assert_eq!(merged(&[(AGE, "60")], &[(AGE, "1")]), [("age".to_owned(), "1".to_owned())]);
    }

    fn headers() -> impl Strategy<Value = HeaderMap> {
        let names = [CACHE_CONTROL, DATE, ETAG, AGE, CONNECTION, CONTENT_TYPE, OTHER, SET_COOKIE];
        let values = ["a", "b", "x-other", "date, close"];
        let line = (prop::sample::select(names.to_vec()), prop::sample::select(values.to_vec()));
        prop::collection::vec(line, 0..6).prop_map(|lines| map(&lines))
    }

    proptest! {
        #[test]
        fn merging_twice_is_merging_once(stored in headers(), new in headers()) {
            let once = merge(&stored, &new);
            let twice = merge(&once, &new);
            for name in once.keys().chain(twice.keys()) {
                let all = |headers: &HeaderMap| headers.get_all(name).cloned().collect::<Vec<_>>();
                prop_assert_eq!(all(&once), all(&twice));
                let (all_of_stored, all_of_new) = (all(&stored), all(&new));
                prop_assert!(all(&once) == all_of_stored || all(&once) == all_of_new);
            }
        }
    }
}
