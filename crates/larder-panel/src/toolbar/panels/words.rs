//! Explains the cache's terms in plain words.
//!
//! - Each outcome has a word, so it can be recognised without its colour.
//! - A rule without an explanation is shown by its name.

use super::super::record::{Level, Miss, Outcome, PageOutcome, Store};

/// The tag *everything*, as it is written.
const EVERYTHING: &str = "!";

/// All outcomes of a page.
pub const OUTCOMES: [PageOutcome; 9] = [
    PageOutcome::Hit,
    PageOutcome::Miss,
    PageOutcome::Stale,
    PageOutcome::Collapsed,
    PageOutcome::Revalidated,
    PageOutcome::Bypass,
    PageOutcome::Uncacheable,
    PageOutcome::Write,
    PageOutcome::Off,
];

/// Returns the mark of a page's outcome; in lower case it is also the name of its look.
pub const fn page(outcome: PageOutcome) -> &'static str {
    match outcome {
        PageOutcome::Hit => "HIT",
        PageOutcome::Miss => "MISS",
        PageOutcome::Stale => "STALE",
        PageOutcome::Collapsed => "JOINED",
        PageOutcome::Revalidated => "REVALIDATED",
        PageOutcome::Bypass => "BYPASS",
        PageOutcome::Uncacheable => "NOT KEPT",
        PageOutcome::Write => "WRITE",
        PageOutcome::Off => "OFF",
    }
}

/// Returns the look of a page's outcome: `good`, `made`, `old`, `plain` or `write`.
pub const fn look(outcome: PageOutcome) -> &'static str {
    match outcome {
        PageOutcome::Hit | PageOutcome::Collapsed | PageOutcome::Revalidated => "good",
        PageOutcome::Miss => "made",
        PageOutcome::Stale => "old",
        PageOutcome::Bypass | PageOutcome::Uncacheable | PageOutcome::Off => "plain",
        PageOutcome::Write => "write",
    }
}

/// Returns the mark of a lookup, and its look.
pub const fn mark(outcome: &Outcome) -> (&'static str, &'static str) {
    match outcome {
        Outcome::Hit => ("hit", "good"),
        Outcome::HitNothing => ("hit: nothing", "good"),
        Outcome::Collapsed => ("joined", "good"),
        Outcome::Refreshing => ("hit, refreshing", "good"),
        Outcome::Stale(_) => ("stale", "old"),
        Outcome::Miss(_) => ("miss", "made"),
        Outcome::Outage(_) => ("outage", "bad"),
        Outcome::Unreadable(_) => ("unreadable", "bad"),
        Outcome::TimedOut => ("timed out", "bad"),
    }
}

/// Returns the reason for the outcome of a lookup.
pub fn why(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Hit => String::new(),
        Outcome::HitNothing => "Cached result: nothing exists.".to_owned(),
        Outcome::Collapsed => {
            "A concurrent request was building it; the result is shared.".to_owned()
        }
        Outcome::Refreshing => {
            "Served, and refreshed ahead of expiry in the background.".to_owned()
        }
        Outcome::Stale(rule) => format!("Served stale: {}.", self::rule(rule)),
        Outcome::Miss(miss) => missed(miss),
        Outcome::Outage(reason) => {
            format!("Redis unavailable ({reason}); treated as a miss.")
        }
        Outcome::Unreadable(reason) => {
            format!("Redis entry rejected ({reason}); treated as a miss.")
        }
        Outcome::TimedOut => "Not available in time; the page was built without it.".to_owned(),
    }
}

/// Returns the reason for a miss.
pub fn missed(miss: &Miss) -> String {
    match miss {
        Miss::Never => "Not in the cache (never stored, as far as known).".to_owned(),
        Miss::Evicted => "Evicted (memory full).".to_owned(),
        Miss::Expired => "Expired (TTL).".to_owned(),
        Miss::Bypassed => "Bypassed: this request rebuilds everything.".to_owned(),
        Miss::Invalidated { tag, .. } if tag == EVERYTHING => {
            "Everything was invalidated since it was built.".to_owned()
        }
        Miss::Invalidated { tag, .. } => {
            format!("Invalidated: “{tag}” has changed since it was built.")
        }
        Miss::Deleted => "Deleted manually, or the cache was cleared.".to_owned(),
    }
}

/// Returns the name of a level.
pub const fn level(level: Level) -> &'static str {
    match level {
        Level::Page => "page",
        Level::Fragment => "fragment",
        Level::Query => "query",
    }
}

/// Returns the name of a store.
pub const fn store(store: Store) -> &'static str {
    match store {
        Store::Memory => "memory",
        Store::Shared => "Redis",
    }
}

/// Returns the rule that decided about a page, as half a sentence.
pub fn rule(name: &str) -> String {
    let words = match name.to_ascii_lowercase().as_str() {
        "method" => "only GET and HEAD are served from the cache",
        "route" => "route not cached",
        "session" => "the request carries a session",
        "flash" => "the page shows a message meant for one visitor",
        "body" => "the request has a body",
        "upgrade" => "the request asks for another protocol",
        "override" => "the request overrides its method or address",
        "status" => "responses with this status are not stored",
        "partial" => "partial response",
        "set-cookie" => "the response sets a cookie, so it is private",
        "cookie" => "the response depends on a cookie",
        "authorization" => "the response is for an authenticated client",
        "cache-control" => "the response’s Cache-Control is invalid",
        "no-store" => "the response has Cache-Control: no-store",
        "private" => "the response has Cache-Control: private",
        "no-cache" => "the response has Cache-Control: no-cache",
        "vary" => "the response has Vary: *",
        "no lifetime" => "the response has no TTL",
        "stale" => "the response’s TTL is zero",
        "too large" => "the response exceeds the page size limit",
        "variant too long" => "the headers by which it varies are too long",
        "too many variants" => "the address has too many variants already",
        "only-if-cached" => "the request accepts cached responses only",
        "head" => "HEAD responses are not stored",
        "request" => "the request asked for a rebuild",
        "stale-if-error" => "rebuilding it failed",
        "stale-while-revalidate" => "it is being rebuilt in the background",
        "soft timeout" => "rebuilding takes longer than callers wait",
        "uri-miss" => "nothing is stored for this address",
        "vary-miss" => "what is stored for this address varies from this request",
        _ => return format!("the rule “{name}”"),
    };
    words.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_outcome_has_a_word_of_its_own() {
        let words: std::collections::HashSet<_> = OUTCOMES.into_iter().map(page).collect();
        assert_eq!(words.len(), OUTCOMES.len());
    }

    #[test]
    fn a_rule_that_has_no_words_yet_is_named_as_it_is() {
        assert_eq!(rule("Set-Cookie"), "the response sets a cookie, so it is private");
        assert_eq!(rule("moon"), "the rule “moon”");
    }

    #[test]
    fn a_miss_says_that_everything_was_invalidated() {
        let miss = Miss::Invalidated { tag: "!".to_owned(), at: None, by: None };
        assert_eq!(missed(&miss), "Everything was invalidated since it was built.");
    }

    #[test]
    fn a_miss_says_which_tag_has_changed() {
        let miss = Miss::Invalidated { tag: "posts".into(), at: None, by: None };
        assert!(missed(&miss).contains("“posts”"));
    }
}
