//! Warnings: sentences that name one problem each, and its remedy.
//!
//! - A warning is based on this request or on the stored ones, never on a guess.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use super::compose::all;
use super::record::{CacheNode, Level, Miss, Outcome, PageOutcome, Record, Sql, SqlKind};

/// A query that runs so often in one request is a loop.
const LOOP: usize = 3;

/// Entries above this many bytes: 512 KiB.
const OVERSIZE: u64 = 512 << 10;

/// Most tags of an entry: each is compared at a freshness check with new stamps.
const TAGS: usize = 64;

/// Most keys of one route, if nearly every request has its own.
const KEYS: usize = 20;

/// A page that was stored so often and never hit is stored in vain.
const VAIN: usize = 5;

/// A query that ran in so many of the last requests should be cached.
const AGAIN: usize = 3;

/// The number of last requests that are examined for that.
const LAST: usize = 25;

/// A shorter lifetime is of no use.
const MOMENT: Duration = Duration::from_secs(1);

/// Returns the warnings about `record`; `history` holds the stored requests, including this one.
pub fn warnings(record: &Record, history: &[Arc<Record>]) -> Vec<String> {
    let nodes = all(&record.cache);
    let mut warnings = record.cut.clone();
    repeated_reads(record, &mut warnings);
    reads_again(record, history, &mut warnings);
    repeated_misses(&nodes, &mut warnings);
    sizes_and_lifetimes(&nodes, &mut warnings);
    vain_fragments(&nodes, history, &mut warnings);
    headers(record, &mut warnings);
    over_time(record, history, &mut warnings);
    warnings
}

/// How often a query ran, and with which values.
#[derive(Default)]
struct Runs<'r> {
    count: usize,
    binds: BTreeSet<&'r [String]>,
}

/// Warns of N+1 queries: one caller that loads one row after the other.
fn repeated_reads(record: &Record, warnings: &mut Vec<String>) {
    let mut times: BTreeMap<_, Runs<'_>> = BTreeMap::new();
    for sql in record.sql.iter().filter(|sql| sql.kind == SqlKind::Query) {
        let place = sql.caller.as_deref().unwrap_or("an unknown place");
        let runs = times.entry((sql.sql.as_str(), place)).or_default();
        runs.count += 1;
        runs.binds.insert(&sql.binds);
    }
    for ((_, place), runs) in times {
        match (runs.count, runs.binds.len()) {
            (count, distinct) if count >= LOOP && distinct > 1 => warnings.push(format!(
                "{place} ran the same query {count} times with {distinct} different values: ask for \
                 them in one query."
            )),
            (count, 1) if count > 1 => warnings.push(format!(
                "{place} ran the same query {count} times with the same values: ask once, or reuse the \
                 result."
            )),
            _ => {}
        }
    }
}

/// Warns of queries that request after request runs uncached.
fn reads_again(record: &Record, history: &[Arc<Record>], warnings: &mut Vec<String>) {
    // Writer connections are left out: a read before a write must see the database, not the cache.
    let is_bare = |sql: &&Sql| {
        sql.kind == SqlKind::Query && sql.for_key.is_none() && sql.connection == "reader"
    };
    let mut told = BTreeSet::new();
    for sql in record.sql.iter().filter(is_bare) {
        let is_same = |other: &Sql| other.sql == sql.sql && other.binds == sql.binds;
        let last = history.iter().take(LAST);
        let times = last.filter(|other| other.sql.iter().any(is_same)).count();
        if times >= AGAIN && told.insert((&sql.sql, &sql.binds)) {
            let place = sql.caller.as_deref().unwrap_or("An unknown place");
            warnings.push(format!(
                "{place} read the same in {times} of the last {LAST} requests, and it is not cached: \
                 get_or_set would cache it."
            ));
        }
    }
}

/// Warns of values that are looked up one by one.
fn repeated_misses(nodes: &[&CacheNode], warnings: &mut Vec<String>) {
    let mut misses: BTreeMap<&str, usize> = BTreeMap::new();
    let is_value =
        |node: &&&CacheNode| node.level == Level::Query && matches!(node.outcome, Outcome::Miss(_));
    nodes.iter().filter(is_value).for_each(|node| *misses.entry(&node.name).or_default() += 1);
    for (name, count) in misses.into_iter().filter(|(_, count)| *count >= LOOP) {
        warnings.push(format!(
            "{count} values of {name} were missing one after the other: ask for them at once \
             (get_or_set_many)."
        ));
    }
}

fn sizes_and_lifetimes(nodes: &[&CacheNode], warnings: &mut Vec<String>) {
    for node in nodes {
        let bytes = node.bytes.unwrap_or_default();
        if bytes > OVERSIZE {
            let kilobytes = bytes >> 10;
            warnings.push(format!(
                "{} takes {kilobytes} KiB: cache less of it, or in parts.",
                node.name
            ));
        }
        if matches!(node.kept, Some(Ok(_))) && node.left.is_some_and(|left| left < MOMENT) {
            warnings.push(format!(
                "{} is cached for less than a second: its TTL, or that of a dependency, \
                 is almost over.",
                node.name
            ));
        }
        if node.tags.len() > TAGS {
            warnings.push(format!(
                "{} depends on {} tags: a tag of the whole table would be cheaper to compare.",
                node.name,
                node.tags.len()
            ));
        }
    }
}

/// Warns of fragments that take longer to look up than to render.
fn vain_fragments(nodes: &[&CacheNode], history: &[Arc<Record>], warnings: &mut Vec<String>) {
    let is_hit = |node: &CacheNode| node.level == Level::Fragment && node.outcome == Outcome::Hit;
    for node in nodes.iter().filter(|node| is_hit(node)) {
        let Some(saved) = node.saved.as_ref().map(|saved| saved.took) else { continue };
        let others = history.iter().flat_map(|other| all(&other.cache));
        let hits = others.filter(|other| is_hit(other) && other.raw_key == node.raw_key);
        let took: Vec<_> = hits.map(|hit| hit.took).collect();
        // The quickest counts, since a machine that does other things as well makes any of them slow.
        match took.iter().min() {
            Some(least) if took.len() >= AGAIN && *least > saved => warnings.push(format!(
                "{} costs more than it saves: looking it up took {least:?} at least, rendering it \
                 {saved:?}. Print it without the filter.",
                node.name
            )),
            _ => {}
        }
    }
}

fn headers(record: &Record, warnings: &mut Vec<String>) {
    if record.verdict.varies.iter().any(|name| name == "cookie") {
        warnings.push(
            "The page varies by Cookie: each visitor has a page of their own, and most are never hit."
                .to_owned(),
        );
    }
    let is_silent = record.verdict.rule.is_none() || record.verdict.status_line.is_empty();
    if record.verdict.outcome == PageOutcome::Bypass && is_silent {
        warnings.push("The page cache was bypassed for no reported reason.".to_owned());
    }
}

/// Warns of problems that only several requests show.
fn over_time(record: &Record, history: &[Arc<Record>], warnings: &mut Vec<String>) {
    let Some(route) = &record.request.route else { return };
    let same: Vec<&Arc<Record>> = history
        .iter()
        .filter(|other| other.request.route.as_ref() == Some(route))
        .filter(|other| other.verdict.raw_key.is_some())
        .collect();
    let keys: BTreeSet<&str> =
        same.iter().filter_map(|other| other.verdict.raw_key.as_deref()).collect();
    let hits = same.iter().filter(|other| is_hit(other.verdict.outcome)).count();
    if keys.len() >= KEYS && keys.len() * 10 >= same.len() * 9 {
        warnings.push(format!(
            "The last {} requests of {route} had {} different keys: nearly every request builds a page \
             of its own.",
            same.len(),
            keys.len()
        ));
    } else if let Some(key) = &record.verdict.raw_key {
        let of_key = same.iter().filter(|other| other.verdict.raw_key.as_ref() == Some(key));
        let stored: Vec<_> =
            of_key.filter(|other| other.verdict.outcome == PageOutcome::Miss).collect();
        let is_evicted = |other: &&&&Arc<Record>| {
            let page = all(&other.cache).into_iter().find(|node| node.level == Level::Page);
            page.is_some_and(|page| page.outcome == Outcome::Miss(Miss::Evicted))
        };
        if stored.len() >= VAIN && hits == 0 {
            let evicted = stored.iter().filter(is_evicted).count();
            let why = if evicted > 0 { " Some were evicted." } else { "" };
            warnings.push(format!(
                "This page was stored {} times and never hit since.{why}",
                stored.len()
            ));
        }
    }
}

fn is_hit(outcome: PageOutcome) -> bool {
    matches!(
        outcome,
        PageOutcome::Hit | PageOutcome::Stale | PageOutcome::Collapsed | PageOutcome::Revalidated
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request_id::RequestId;
    use crate::toolbar::record::Build;
    use crate::toolbar::sample::{node, query, record};

    #[track_caller]
    fn assert_warns(record: &Record, history: &[Arc<Record>], words: &str) {
        let warnings = warnings(record, history);
        assert!(warnings.iter().any(|warning| warning.contains(words)), "{words}: {warnings:?}");
    }

    #[test]
    fn a_calm_request_has_no_warnings() {
        let mut calm = record();
        calm.sql = vec![query("SELECT 1", "1"), query("SELECT 2", "1")];
        calm.cache = vec![node(Level::Query, "a", Outcome::Hit)];
        assert_eq!(warnings(&calm, &[]), [""; 0]);
    }

    #[test]
    fn the_same_query_from_one_place_is_a_loop() {
        let mut one = record();
        one.sql = ["1", "2", "3"].map(|bind| query("SELECT ?", bind)).into();
        assert_warns(&one, &[], "ran the same query 3 times with 3 different values");
        one.sql = ["1", "1"].map(|bind| query("SELECT ?", bind)).into();
        assert_warns(&one, &[], "2 times with the same values");
    }

    #[test]
    fn a_query_that_many_requests_repeat_uncached_is_reported() {
        let reading = |for_key: Option<&str>| Record {
            sql: vec![Sql { for_key: for_key.map(str::to_owned), ..query("SELECT 1", "7") }],
            ..record()
        };
        let thrice: Vec<_> = (0..3).map(|_| Arc::new(reading(None))).collect();
        assert_warns(&reading(None), &thrice, "in 3 of the last 25 requests");
        let is_told = |record: &Record, history: &[Arc<Record>]| {
            warnings(record, history).iter().any(|warning| warning.contains("it is not cached"))
        };
        assert!(!is_told(&reading(Some("posts.list")), &thrice), "an entry keeps it");
        assert!(!is_told(&reading(None), &thrice[1..]), "twice is chance");
    }

    #[test]
    fn values_that_are_looked_up_one_by_one_are_reported() {
        let mut one = record();
        let miss = || node(Level::Query, "posts.show", Outcome::Miss(Miss::Never));
        one.cache = vec![CacheNode { children: vec![miss(), miss(), miss()], ..miss() }];
        assert_warns(&one, &[], "4 values of posts.show");
    }

    #[test]
    fn large_short_lived_or_very_dependent_entries_are_reported() {
        let mut one = record();
        let kept = node(Level::Query, "a", Outcome::Miss(Miss::Never));
        one.cache = vec![CacheNode {
            bytes: Some(OVERSIZE + 1),
            kept: Some(Ok(1)),
            left: Some(Duration::ZERO),
            tags: vec!["t".into(); TAGS + 1],
            ..kept
        }];
        for words in ["512 KiB", "less than a second", "65 tags"] {
            assert_warns(&one, &[], words);
        }
    }

    #[test]
    fn a_fragment_that_takes_longer_to_look_up_than_to_render_is_reported() {
        let hit = |took: u64, saved: u64| {
            let at = std::time::SystemTime::UNIX_EPOCH;
            let took_then = Duration::from_nanos(saved);
            let saved = Some(Build { queries: 0, took: took_then, at, by: None });
            let took = Duration::from_nanos(took);
            let node = node(Level::Fragment, "site.footer", Outcome::Hit);
            Record { cache: vec![CacheNode { took, saved, ..node }], ..record() }
        };
        let told = |took: [u64; 3]| {
            let history: Vec<_> = took.map(|took| Arc::new(hit(took, 800))).into();
            warnings(&history[0], &history)
        };
        let warned = told([900, 5_000, 850]);
        assert!(warned[0].starts_with("site.footer costs more than it saves"), "{warned:?}");
        assert!(warned[0].contains("took 850ns at least, rendering it 800ns"), "{warned:?}");
        assert_eq!(told([900, 5_000, 799]), [""; 0], "it was slow by chance");
        let once = hit(900, 800);
        assert_eq!(warnings(&once, &[Arc::new(once.clone())]), [""; 0], "once is chance");
    }

    #[test]
    fn a_page_that_varies_by_cookie_is_reported() {
        let mut one = record();
        one.verdict.varies = vec!["cookie".into()];
        assert_warns(&one, &[], "varies by Cookie");
    }

    #[test]
    fn a_bypass_without_a_reason_is_reported() {
        let mut one = record();
        one.verdict.outcome = PageOutcome::Bypass;
        one.verdict.rule = None;
        assert_warns(&one, &[], "for no reported reason");
    }

    #[test]
    fn many_keys_and_pages_stored_in_vain_show_over_time() {
        let of = |key: String| {
            let mut one = record();
            one.id = RequestId::new();
            one.request.route = Some("/search".into());
            one.verdict.outcome = PageOutcome::Miss;
            one.verdict.raw_key = Some(key);
            Arc::new(one)
        };
        let many: Vec<_> = (0..KEYS).map(|number| of(number.to_string())).collect();
        assert_warns(&many[0], &many, "20 different keys");
        let vain: Vec<_> = (0..VAIN).map(|_| of("same".into())).collect();
        assert_warns(&vain[0], &vain, "stored 5 times and never hit");
    }

    #[test]
    fn cut_lists_are_reported() {
        let mut one = record();
        one.cut = vec!["5 more statements".into()];
        assert_warns(&one, &[], "5 more statements");
    }
}
