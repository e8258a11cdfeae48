//! Reads back from a response what the page cache did, for metrics and logs.
//!
//! It condenses `Cache-Status`; nothing is looked up or stored for it.
//!
//! Source: RFC 9211. Not here: writing it ([`super::status`]).

use actix_web::http::header::HeaderMap;

use super::status::CACHE_STATUS;

/// How the cache's own member of the header begins.
const OWN: &str = "larder; ";

/// What the page cache did with a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Answered from a stored page.
    Hit,
    /// Answered from a stored page that is stale.
    Stale,
    /// Answered from a page that another request was building.
    Collapsed,
    /// Answered from a stored page that the handler has validated.
    Revalidated,
    /// Built and stored.
    Stored,
    /// Built and not stored.
    NotStored,
    /// The cache was bypassed.
    Bypass,
    /// The method is not one that the cache answers.
    Method,
}

impl Outcome {
    /// All outcomes with their names, in the order of their discriminants.
    pub const ALL: [(Self, &'static str); 8] = [
        (Self::Hit, "hit"),
        (Self::Stale, "stale"),
        (Self::Collapsed, "collapsed"),
        (Self::Revalidated, "revalidated"),
        (Self::Stored, "stored"),
        (Self::NotStored, "not stored"),
        (Self::Bypass, "bypass"),
        (Self::Method, "method"),
    ];

    /// Returns the name for logs and metrics.
    pub const fn name(self) -> &'static str {
        Self::ALL[self as usize].1
    }
}

/// What the page cache did with a request, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Told<'h> {
    /// What it did.
    pub outcome: Outcome,
    /// The rule or reason in the words of `Cache-Status`; empty if there is none.
    pub reason: &'h str,
}

impl<'h> Told<'h> {
    /// Reads the headers of a response; returns `None` if the cache has not written them.
    pub fn of(headers: &'h HeaderMap) -> Option<Self> {
        // What a cache behind this one has written stands before it.
        let said = headers.get_all(CACHE_STATUS).last()?.to_str().ok()?;
        let said = &said[said.rfind(OWN)? + OWN.len()..];
        let mut parts = said.split("; ");
        let first = parts.next()?;
        let (mut detail, mut word, mut has_ttl) = (None, None, false);
        for part in parts {
            match part.split_once('=') {
                Some(("detail", text)) => detail = Some(text.trim_matches('"')),
                Some(("ttl", _)) => has_ttl = true,
                Some(("fwd-status", _)) => word = Some(Outcome::Revalidated),
                None if part == "collapsed" => word = Some(Outcome::Collapsed),
                None if part == "stored" => word = word.or(Some(Outcome::Stored)),
                _ => {}
            }
        }
        let reason = detail.unwrap_or_default();
        let (outcome, reason) = match (first.strip_prefix("fwd="), word) {
            (None, _) if detail.is_some() => (Outcome::Stale, reason),
            (None, _) => (Outcome::Hit, reason),
            (Some("bypass"), _) => (Outcome::Bypass, reason),
            (Some("method"), _) => (Outcome::Method, reason),
            // Only a stored page has one: it replaces a failure.
            (Some(_), _) if has_ttl => (Outcome::Stale, reason),
            (Some(forward), Some(outcome)) => (outcome, forward),
            (Some(_), None) => (Outcome::NotStored, reason),
        };
        Some(Self { outcome, reason })
    }
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::HeaderValue;

    use super::*;
    use crate::page::status::{CacheStatus, Forward};

    #[test]
    fn the_outcome_is_read_from_cache_status() {
        let stale = CacheStatus::Stale { since: 3, why: "stale-while-revalidate" };
        let failed = |status| CacheStatus::Failed { since: 3, status };
        let cases = [
            (CacheStatus::Hit { ttl: 7 }, Outcome::Hit, ""),
            (stale, Outcome::Stale, "stale-while-revalidate"),
            (failed(Some(500)), Outcome::Stale, "stale-if-error"),
            (failed(None), Outcome::Stale, "stale-if-error"),
            (CacheStatus::Collapsed(Forward::UriMiss), Outcome::Collapsed, "uri-miss"),
            (CacheStatus::Stored(Forward::Stale, None), Outcome::Stored, "stale"),
            (
                CacheStatus::NotStored(Forward::UriMiss, "no lifetime"),
                Outcome::NotStored,
                "no lifetime",
            ),
            (CacheStatus::Revalidated(Forward::Stale), Outcome::Revalidated, "stale"),
            (CacheStatus::Bypass("session"), Outcome::Bypass, "session"),
            (CacheStatus::Method, Outcome::Method, ""),
        ];
        for (status, outcome, reason) in cases {
            let mut headers = HeaderMap::new();
            headers.insert(CACHE_STATUS, HeaderValue::from_static("a; fwd=bypass, larder; hit"));
            status.write(&mut headers);
            assert_eq!(Told::of(&headers), Some(Told { outcome, reason }), "{status}");
        }
        assert_eq!(Told::of(&HeaderMap::new()), None);
    }

    #[test]
    fn every_outcome_is_at_its_discriminant() {
        for (number, (outcome, name)) in Outcome::ALL.into_iter().enumerate() {
            assert_eq!((outcome as usize, outcome.name()), (number, name));
        }
    }
}
