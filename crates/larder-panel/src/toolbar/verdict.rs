//! The page cache's decision about a request.
//!
//! - The cache's own report decides, which it leaves in the response and sends to every client in
//!   `Cache-Status`.
//! - What it does not contain (size, store, cost) comes from the recording.

use std::time::Duration;

use actix_web::http::header::{ACCEPT_ENCODING, AGE, HeaderMap, HeaderName, HeaderValue, VARY};

use super::node::Node;
use super::record::{PageOutcome, Verdict};
use super::tree::build;
use crate::cache::http::Coding;
use crate::cache::page::{CACHE_STATUS, CacheStatus, Forward};
use crate::cache::{Key, Level};

/// The response to judge: its headers as they would have been sent uncompressed, and its length.
pub struct Answer<'a> {
    pub headers: &'a HeaderMap,
    /// What the page cache reports.
    pub status: Option<CacheStatus>,
    pub bytes: Option<u64>,
    /// The codings that the client accepts.
    pub accepted: &'a [HeaderValue],
    pub nodes: &'a [Node],
}

/// Returns the verdict on a response.
pub fn verdict(answer: &Answer<'_>) -> Verdict {
    let status_line = text(answer.headers, &CACHE_STATUS).unwrap_or_default().to_owned();
    let (outcome, rule) = judge(answer.status);
    let page = answer.nodes.iter().rev().find(|node| node.level == Level::Page);
    let entry = page.and_then(|page| page.entry.as_ref());
    let key = page.map(|page| page.kept_under.as_ref().unwrap_or(&page.key));
    let age = text(answer.headers, &AGE).and_then(|age| age.parse().ok()).map(Duration::from_secs);
    let is_served = page.is_some_and(|page| page.making.is_none());
    let left = entry.map(|entry| entry.left);
    let coding = coding(answer);
    Verdict {
        outcome,
        rule: rule.map(str::to_owned),
        key: key.map(|key| Key::parts_of(key.as_str())).unwrap_or_default(),
        raw_key: key.map(ToString::to_string),
        varies: varies(answer.headers),
        age,
        fresh_left: answer.status.and_then(fresh_left).or(left),
        stale_left: entry.and_then(|entry| entry.stale_left),
        stored_bytes: entry.map(|entry| entry.bytes),
        sent_bytes: coding.and_then(|coding| {
            let mut coded = entry?.coded.iter();
            coded.find(|(known, _)| *known == coding).map(|(_, bytes)| *bytes)
        }),
        coding: coding.map(|coding| coding.name().to_owned()),
        level: page.and_then(|page| page.store),
        saved: entry.filter(|_| is_served).map(build),
        status_line,
    }
}

/// Returns the coding in which it would have been sent; `None` if uncompressed.
pub fn coding(answer: &Answer<'_>) -> Option<Coding> {
    let varies = varies(answer.headers).iter().any(|name| name == ACCEPT_ENCODING.as_str());
    let length = answer.bytes.and_then(|bytes| usize::try_from(bytes).ok())?;
    let coding = Coding::of_page(answer.headers, length, answer.accepted);
    Some(coding).filter(|coding| varies && *coding != Coding::Identity)
}

fn varies(headers: &HeaderMap) -> Vec<String> {
    let lines = headers.get_all(VARY).filter_map(|line| line.to_str().ok());
    let names = lines.flat_map(|line| line.split(',')).map(|name| name.trim().to_lowercase());
    names.filter(|name| !name.is_empty()).collect()
}

fn text<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Option<&'h str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

/// Returns how long the page is still fresh; `None` if no stored page was served.
fn fresh_left(status: CacheStatus) -> Option<Duration> {
    match status {
        CacheStatus::Hit { ttl } => Some(Duration::from_secs(ttl)),
        CacheStatus::Stale { .. } | CacheStatus::Failed { .. } => Some(Duration::ZERO),
        _ => None,
    }
}

/// Returns the outcome, and the rule that decided.
fn judge(status: Option<CacheStatus>) -> (PageOutcome, Option<&'static str>) {
    let Some(status) = status else { return (PageOutcome::Bypass, None) };
    let outcome = match status {
        CacheStatus::Hit { .. } => PageOutcome::Hit,
        CacheStatus::Stale { .. } | CacheStatus::Failed { .. } => PageOutcome::Stale,
        CacheStatus::Bypass("off" | "no cache") => PageOutcome::Off,
        CacheStatus::Bypass(_)
        | CacheStatus::Stored(Forward::Request, _)
        | CacheStatus::NotStored(Forward::Request, _)
        | CacheStatus::Revalidated(Forward::Request)
        | CacheStatus::Collapsed(Forward::Request) => PageOutcome::Bypass,
        CacheStatus::Method => PageOutcome::Write,
        CacheStatus::Collapsed(_) => PageOutcome::Collapsed,
        CacheStatus::Revalidated(_) => PageOutcome::Revalidated,
        CacheStatus::Stored(..) => PageOutcome::Miss,
        CacheStatus::NotStored(..) => PageOutcome::Uncacheable,
    };
    let rule = match status {
        CacheStatus::Stored(_, Some(note)) => note,
        CacheStatus::Method => "method",
        status => status.reason(),
    };
    (outcome, Some(rule).filter(|rule| !rule.is_empty()))
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::CONTENT_TYPE;

    use super::*;

    #[test]
    fn what_the_cache_says_is_the_verdict() {
        let cases = [
            (CacheStatus::Hit { ttl: 9 }, PageOutcome::Hit, None),
            (
                CacheStatus::Stale { since: 1, why: "stale-while-revalidate" },
                PageOutcome::Stale,
                Some("stale-while-revalidate"),
            ),
            (
                CacheStatus::Failed { since: 1, status: Some(503) },
                PageOutcome::Stale,
                Some("stale-if-error"),
            ),
            (CacheStatus::Collapsed(Forward::UriMiss), PageOutcome::Collapsed, Some("uri-miss")),
            (CacheStatus::Stored(Forward::Stale, None), PageOutcome::Miss, Some("stale")),
            (CacheStatus::Stored(Forward::Request, None), PageOutcome::Bypass, Some("request")),
            (
                CacheStatus::NotStored(Forward::UriMiss, "Set-Cookie"),
                PageOutcome::Uncacheable,
                Some("Set-Cookie"),
            ),
            (CacheStatus::Revalidated(Forward::Stale), PageOutcome::Revalidated, Some("stale")),
            (CacheStatus::Bypass("session"), PageOutcome::Bypass, Some("session")),
            (CacheStatus::Bypass("off"), PageOutcome::Off, Some("off")),
            (CacheStatus::Method, PageOutcome::Write, Some("method")),
        ];
        for (status, outcome, rule) in cases {
            assert_eq!(judge(Some(status)), (outcome, rule), "{status}");
        }
    }

    #[test]
    fn it_says_in_which_coding_the_page_would_have_been_sent() {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/html"));
        headers.insert(VARY, HeaderValue::from_static("Accept-Encoding"));
        let accepted = [HeaderValue::from_static("gzip, br")];
        let answer = |bytes, accepted| {
            let (status, nodes) = (None, &[][..]);
            coding(&Answer { headers: &headers, status, bytes: Some(bytes), accepted, nodes })
        };
        assert_eq!(answer(5_000, &accepted), Some(Coding::Brotli));
        assert_eq!(answer(100, &accepted), None, "too short");
        assert_eq!(answer(5_000, &[]), None, "the client accepts no coding");
    }
}
