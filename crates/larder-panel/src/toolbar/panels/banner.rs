//! The banner: the outcome of the page, the rule that decided, and what a hit saved.
//!
//! - The first sentence gives the reason.
//! - A hit shows the cost of its original build, and the request that built it.
//! - Only a request that can be repeated can be repeated without the cache.

use std::time::{Duration, SystemTime};

use askama::Template;

use super::super::record::{Build, CacheNode, Level, Miss, Outcome, PageOutcome, Record, Verdict};
use super::words;
use crate::figures::{bytes, clock, count, lasts, percent, took};

#[derive(Template)]
#[template(path = "toolbar/banner.html")]
pub struct Banner<'a> {
    /// The path of the panel.
    at: &'a str,
    record: &'a Record,
    mark: &'static str,
    look: &'static str,
    why: String,
    target: String,
    took: String,
    saved: Option<Saved>,
    culprit: Option<Culprit>,
    facts: Vec<(&'static str, String)>,
    life: Option<Life>,
    may_bypass: bool,
}

/// What a hit saved.
struct Saved {
    what: String,
    when: String,
    by: Option<String>,
}

/// The write that caused the rebuild of the page.
struct Culprit {
    when: String,
    by: Option<String>,
}

/// How much of the lifetime of a stored page is over, in percent.
#[derive(Debug, PartialEq)]
struct Life {
    lived: u64,
    left: u64,
    /// `fresh` or `old`: the state of the page for the rest of its lifetime.
    look: &'static str,
    text: String,
}

impl<'a> Banner<'a> {
    pub fn new(record: &'a Record, at: &'a str) -> Self {
        let verdict = &record.verdict;
        let page = record.cache.iter().find(|node| node.level == Level::Page);
        Self {
            at,
            record,
            mark: words::page(verdict.outcome),
            look: words::look(verdict.outcome),
            why: why(verdict, page),
            target: record.request.target(),
            took: took(record.time.wall),
            saved: verdict.saved.map(|build| Saved::new(build, record.began)),
            culprit: page.and_then(|node| Culprit::new(node, record.began)),
            facts: facts(verdict, page),
            life: Life::new(verdict),
            may_bypass: record.request.method == "GET" && verdict.raw_key.is_some(),
        }
    }
}

/// Returns the sentence with the rule that decided.
fn why(verdict: &Verdict, page: Option<&CacheNode>) -> String {
    let rule = verdict.rule.as_deref().map(words::rule);
    let or = |otherwise: &str| rule.clone().unwrap_or_else(|| otherwise.to_owned());
    match verdict.outcome {
        PageOutcome::Hit => {
            let place = verdict.level.map_or("the cache", words::store);
            format!("Served from {place}: fresh; no dependency has changed.")
        }
        PageOutcome::Miss => missed(page, rule),
        PageOutcome::Stale => {
            format!("Served stale: {}.", or("rebuilding it failed"))
        }
        PageOutcome::Collapsed => {
            "Another request was building this page; its response is shared.".to_owned()
        }
        PageOutcome::Revalidated => {
            "The handler confirmed that the stored page is still current.".to_owned()
        }
        PageOutcome::Bypass if verdict.rule.as_deref() == Some("request") => {
            "Stored page not used: the request asked for a rebuild.".to_owned()
        }
        PageOutcome::Bypass => {
            format!("Page cache bypassed: {}.", or("route not cached"))
        }
        PageOutcome::Uncacheable => {
            format!("Built, not stored: {}.", or("it must not be stored"))
        }
        PageOutcome::Write => {
            "Writes are never served from the cache. Dependents are rebuilt on next use.".to_owned()
        }
        PageOutcome::Off => "The page cache is off.".to_owned(),
    }
}

fn missed(page: Option<&CacheNode>, rule: Option<String>) -> String {
    let reason = match page.map(|node| &node.outcome) {
        Some(Outcome::Miss(miss)) => words::missed(miss),
        Some(outcome) => words::why(outcome),
        None => rule.map_or(String::new(), |rule| format!("Built: {rule}.")),
    };
    match page.and_then(|node| node.kept.as_ref()) {
        Some(Ok(_)) => format!("{reason} Built and stored."),
        Some(Err(reason_not)) => {
            format!("{reason} Built, not stored: {}.", words::rule(reason_not))
        }
        None => reason,
    }
}

fn facts(verdict: &Verdict, page: Option<&CacheNode>) -> Vec<(&'static str, String)> {
    let mut facts = Vec::new();
    let mut add = |name, value: Option<String>| facts.extend(value.map(|value| (name, value)));
    add("Age", verdict.age.map(lasts));
    add("Fresh for", fresh_left(verdict).map(lasts));
    add("Stale grace", verdict.stale_left.map(lasts));
    add("Stored in", verdict.level.map(|level| words::store(level).to_owned()));
    add("Stored size", verdict.stored_bytes.map(bytes));
    add("Sent", sent(verdict));
    let varies = (!verdict.varies.is_empty()).then(|| verdict.varies.join(", "));
    add("Varies by", varies);
    let waited = page.and_then(|node| node.waited);
    add("Waited", waited.map(|time| format!("{} behind another request", took(time))));
    facts
}

/// Returns how long the page stays fresh; `None` if it is stale.
fn fresh_left(verdict: &Verdict) -> Option<Duration> {
    verdict.fresh_left.filter(|left| !left.is_zero())
}

fn sent(verdict: &Verdict) -> Option<String> {
    let size = bytes(verdict.sent_bytes?);
    Some(match &verdict.coding {
        Some(coding) => format!("{size} ({coding})"),
        None => size,
    })
}

/// Returns the cost of a build: `2 queries, 3.1 ms`.
pub fn cost(build: Build) -> String {
    format!("{}, {}", count(build.queries.into(), "query", "queries"), took(build.took))
}

/// Returns how long before `now` it was; the time of the day if clocks disagree.
pub fn ago(at: SystemTime, now: SystemTime) -> String {
    match now.duration_since(at) {
        Ok(since) if since < Duration::from_secs(1) => "just earlier".to_owned(),
        Ok(since) => format!("{} earlier", lasts(since)),
        Err(_) => format!("at {} UTC", clock(at)),
    }
}

impl Saved {
    fn new(build: Build, now: SystemTime) -> Self {
        let by = build.by.map(|id| id.to_string());
        Self { what: cost(build), when: ago(build.at, now), by }
    }
}

impl Culprit {
    fn new(page: &CacheNode, now: SystemTime) -> Option<Self> {
        let Outcome::Miss(Miss::Invalidated { at, by, .. }) = &page.outcome else { return None };
        let when = at.map(|at| ago(at, now))?;
        Some(Self { when, by: by.map(|id| id.to_string()) })
    }
}

impl Life {
    /// Measures the fresh lifetime, or the time that the page may be served stale once that is over.
    fn new(verdict: &Verdict) -> Option<Self> {
        let age = verdict.age?;
        let (left, look, worth) = match (fresh_left(verdict), verdict.stale_left) {
            (Some(left), _) => (left, "fresh", "fresh"),
            (None, Some(left)) => (left, "old", "may be served stale"),
            (None, None) => return None,
        };
        let lived = percent(age, age + left);
        let text = format!("{} old, {worth} for another {}", lasts(age), lasts(left));
        Some(Self { lived, left: 100 - lived, look, text })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::toolbar::stories;

    #[test]
    fn the_first_sentence_says_why() {
        for record in stories::all() {
            let why = Banner::new(&record, "").why;
            assert!(why.ends_with('.') && why.len() > 20, "{why}");
        }
    }

    #[test]
    fn a_bypassed_page_says_so() {
        let mut verdict = stories::redirect().verdict;
        verdict.rule = Some("request".to_owned());
        assert!(why(&verdict, None).starts_with("Stored page not used"));
    }

    #[test]
    fn a_kept_page_shows_how_much_of_its_life_is_over() {
        let mut verdict = stories::hit().verdict;
        let seconds = |seconds| Some(Duration::from_secs(seconds));
        (verdict.age, verdict.fresh_left) = (seconds(30), seconds(90));
        let life = Life::new(&verdict).unwrap();
        assert_eq!((life.lived, life.left, life.look), (25, 75, "fresh"));
        (verdict.fresh_left, verdict.stale_left) = (seconds(0), seconds(10));
        assert_eq!(Life::new(&verdict).unwrap().look, "old");
        verdict.stale_left = None;
        assert_eq!(Life::new(&verdict), None);
    }

    #[test]
    fn only_a_repeatable_request_can_bypass_the_cache() {
        assert!(Banner::new(&stories::hit(), "").may_bypass);
        assert!(!Banner::new(&stories::edit(), "").may_bypass);
    }

    #[test]
    fn clocks_that_disagree_do_no_harm() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(100);
        assert_eq!(ago(SystemTime::UNIX_EPOCH, now), "100 s earlier");
        assert_eq!(ago(now, now), "just earlier");
        assert_eq!(ago(now, SystemTime::UNIX_EPOCH), "at 00:01:40 UTC");
    }
}
