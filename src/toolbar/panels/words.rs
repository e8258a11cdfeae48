//! Explains the cache's terms in plain words.
//!
//! - Each outcome has a word, so it can be recognised without its colour.
//! - A rule without an explanation is shown by its name.

use super::super::record::{Level, Miss, Outcome, PageOutcome, Store};

/// The tag *everything*, as it is written.
const EVERYTHING: &str = "!";

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
        Outcome::HitNothing => "What is kept says that there is nothing.".to_owned(),
        Outcome::Collapsed => {
            "Another request was just making it; its result is shared.".to_owned()
        }
        Outcome::Refreshing => "Served, and made anew ahead of its end meanwhile.".to_owned(),
        Outcome::Stale(rule) => format!("Served although it is old: {}.", self::rule(rule)),
        Outcome::Miss(miss) => missed(miss),
        Outcome::Outage(reason) => {
            format!("Redis did not help ({reason}). It was looked for on, as a miss.")
        }
        Outcome::Unreadable(reason) => {
            format!("What Redis held was not taken ({reason}). It was looked for on, as a miss.")
        }
        Outcome::TimedOut => "It was not there in time; the page was made without it.".to_owned(),
    }
}

/// Returns the reason for a miss.
pub fn missed(miss: &Miss) -> String {
    match miss {
        Miss::Never => "Not kept before, as far as is remembered.".to_owned(),
        Miss::Evicted => "It was kept, and pushed out for room.".to_owned(),
        Miss::Expired => "Its lifetime was over.".to_owned(),
        Miss::Invalidated { tag, .. } if tag == EVERYTHING => {
            "Everything was invalidated since it was made.".to_owned()
        }
        Miss::Invalidated { tag, .. } => {
            format!("Invalidated: “{tag}” has changed since it was made.")
        }
        Miss::Deleted => "It was deleted by hand, or the cache was cleared.".to_owned(),
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
        "method" => "only GET and HEAD are answered from the cache",
        "route" => "this route is not cached",
        "session" => "the request carries a session",
        "flash" => "the page shows a message meant for one visitor",
        "body" => "the request has a body",
        "upgrade" => "the request asks for another protocol",
        "override" => "the request overrides its method or address",
        "status" => "answers of this status are not kept",
        "partial" => "the answer is only a part",
        "set-cookie" => "the answer sets a cookie, so it is one visitor’s",
        "cookie" => "the answer depends on a cookie",
        "authorization" => "the answer is for one who is logged in",
        "cache-control" => "the answer’s Cache-Control cannot be read",
        "no-store" => "the answer says Cache-Control: no-store",
        "private" => "the answer says Cache-Control: private",
        "no-cache" => "the answer says Cache-Control: no-cache",
        "vary" => "the answer varies by everything",
        "no lifetime" => "the answer has no lifetime",
        "stale" => "the answer’s lifetime is zero",
        "too large" => "the answer is larger than a page may be",
        "variant too long" => "the headers by which it varies are too long",
        "too many variants" => "the address has too many variants already",
        "only-if-cached" => "the request wanted only what is kept",
        "head" => "HEAD makes no page to keep",
        "request" => "the request asked for a new one",
        "stale-if-error" => "making it anew failed",
        "stale-while-revalidate" => "it is being made anew meanwhile",
        "soft timeout" => "making it anew takes longer than callers wait",
        "uri-miss" => "nothing is kept for this address",
        "vary-miss" => "what is kept for this address is for other requests",
        _ => return format!("the rule “{name}”"),
    };
    words.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_outcome_has_a_word_of_its_own() {
        let outcomes = [
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
        let words: std::collections::HashSet<_> = outcomes.into_iter().map(page).collect();
        assert_eq!(words.len(), outcomes.len());
    }

    #[test]
    fn a_rule_that_has_no_words_yet_is_named_as_it_is() {
        assert_eq!(rule("Set-Cookie"), "the answer sets a cookie, so it is one visitor’s");
        assert_eq!(rule("moon"), "the rule “moon”");
    }

    #[test]
    fn a_miss_says_that_everything_was_invalidated() {
        let miss = Miss::Invalidated { tag: "!".to_owned(), at: None, by: None };
        assert_eq!(missed(&miss), "Everything was invalidated since it was made.");
    }

    #[test]
    fn a_miss_says_which_tag_has_changed() {
        let miss = Miss::Invalidated { tag: "products".into(), at: None, by: None };
        assert!(missed(&miss).contains("“products”"));
    }
}
