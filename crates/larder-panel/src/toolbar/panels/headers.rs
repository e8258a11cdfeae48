//! The headers panel: the headers of both directions, and the meaning of those about caching.
//!
//! - The response's headers are those that would have been sent without the toolbar.
//! - Known parts of a header are explained beside it; unknown ones stay as they are.

use askama::Template;

use super::super::record::Record;
use super::Panel;
use super::words;
use crate::figures::lasts;

#[derive(Template)]
#[template(path = "toolbar/headers.html")]
pub struct Headers<'a> {
    request: Vec<Header<'a>>,
    response: Vec<Header<'a>>,
}

struct Header<'a> {
    name: &'a str,
    value: &'a str,
    means: Vec<String>,
}

impl<'a> Headers<'a> {
    pub fn new(record: &'a Record) -> Self {
        let pair = |(name, value): &'a (String, String)| (name.as_str(), value.as_str());
        let request = record.request.headers.iter().map(pair);
        let mut response: Vec<_> = record.response.headers.iter().map(pair).collect();
        if !response.iter().any(|(name, _)| name.eq_ignore_ascii_case("cache-status")) {
            response.push(("cache-status", &record.verdict.status_line));
        }
        // The headers about caching come first.
        response.sort_by_key(|(name, _)| !name.to_ascii_lowercase().starts_with("cache-"));
        Self {
            request: request.map(|(name, value)| Header { name, value, means: vec![] }).collect(),
            response: response.into_iter().map(Header::told).collect(),
        }
    }
}

impl<'a> Header<'a> {
    fn told((name, value): (&'a str, &'a str)) -> Self {
        Self { name, value, means: means(name, value) }
    }
}

impl Panel for Headers<'_> {
    const TITLE: &'static str = "Headers";

    fn subtitle(&self) -> String {
        let sent = format!("{} sent", self.response.len());
        format!("{} received, {sent}", self.request.len())
    }
}

/// Explains a header of the response, part by part.
fn means(name: &str, value: &str) -> Vec<String> {
    match name.to_ascii_lowercase().as_str() {
        "cache-status" => explain(value, ';', status),
        "cache-control" => explain(value, ',', control),
        "etag" => vec!["Entity tag; a matching If-None-Match gets 304.".to_owned()],
        "vary" => vec![format!("The response varies by: {value}.")],
        _ => Vec::new(),
    }
}

fn explain(value: &str, between: char, part: fn(&str, &str) -> Option<String>) -> Vec<String> {
    let split = |text: &str| {
        let (name, value) = text.split_once('=').unwrap_or((text, ""));
        part(name.trim(), value.trim().trim_matches('"'))
    };
    value.split(between).filter_map(split).collect()
}

/// Explains a parameter of `Cache-Status` (RFC 9211 §2).
fn status(name: &str, value: &str) -> Option<String> {
    Some(match name {
        "hit" => "hit: served from the cache.".to_owned(),
        "stored" => "stored: the response is stored.".to_owned(),
        "collapsed" => {
            "collapsed: shared with a concurrent request that was building it.".to_owned()
        }
        "fwd" => format!("fwd: the handler was called: {}.", forward(value)),
        "fwd-status" => format!("fwd-status: the handler responded with {value}."),
        "ttl" => ttl(value.parse().ok()?),
        "detail" => format!("detail: {}.", words::rule(value)),
        _ => return None,
    })
}

fn ttl(seconds: i64) -> String {
    let duration = lasts(std::time::Duration::from_secs(seconds.unsigned_abs()));
    match seconds {
        0.. => format!("ttl: fresh for another {duration}."),
        _ => format!("ttl: stale since {duration}."),
    }
}

/// Explains the parameter `fwd` (RFC 9211 §2.2).
fn forward(value: &str) -> String {
    match value {
        "bypass" => "the cache was bypassed".to_owned(),
        "stale" => "the stored response was stale".to_owned(),
        other => words::rule(other),
    }
}

/// Explains a directive of `Cache-Control` (RFC 9111 §5.2.2, RFC 5861, RFC 8246).
fn control(name: &str, value: &str) -> Option<String> {
    let lasting = || Some(lasts(std::time::Duration::from_secs(value.parse().ok()?)));
    Some(match name.to_ascii_lowercase().as_str() {
        "max-age" if value == "0" => "max-age=0: must be revalidated each time.".to_owned(),
        "max-age" => format!("max-age: fresh for {}.", lasting()?),
        "s-maxage" => format!("s-maxage: for shared caches, fresh for {}.", lasting()?),
        "no-cache" => "no-cache: may be stored, but must be revalidated each time.".to_owned(),
        "no-store" => "no-store: no cache may store it.".to_owned(),
        "private" => "private: only the visitor’s own browser may store it.".to_owned(),
        "public" => "public: shared caches may store it.".to_owned(),
        "must-revalidate" => "must-revalidate: never used stale.".to_owned(),
        "immutable" => "immutable: never changes.".to_owned(),
        "stale-while-revalidate" => {
            format!(
                "stale-while-revalidate: may be served stale for {} while it is rebuilt.",
                lasting()?
            )
        }
        "stale-if-error" => {
            format!("stale-if-error: may be served stale for {} when rebuilding fails.", lasting()?)
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_part_of_a_header_means_is_said_beside_it() {
        let cases = [
            (
                "larder; hit; ttl=41",
                vec!["hit: served from the cache.", "ttl: fresh for another 41 s."],
            ),
            (
                "larder; fwd=stale; fwd-status=503; ttl=-6; detail=\"stale-if-error\"",
                vec![
                    "fwd: the handler was called: the stored response was stale.",
                    "fwd-status: the handler responded with 503.",
                    "ttl: stale since 6 s.",
                    "detail: rebuilding it failed.",
                ],
            ),
            (
                "larder; fwd=uri-miss; stored",
                vec![
                    "fwd: the handler was called: nothing is stored for this address.",
                    "stored: the response is stored.",
                ],
            ),
        ];
        for (value, expected) in cases {
            assert_eq!(means("Cache-Status", value), expected);
        }
        assert_eq!(means("cache-control", "private, no-cache").len(), 2);
    }

    #[test]
    fn what_is_not_known_stays_as_it_is() {
        assert!(means("cache-status", "larder; moon=1; ttl=x").is_empty());
        assert!(means("x-anything", "hit").is_empty());
    }
}
