//! The reasons by which metrics are counted.
//!
//! - The list is closed, so that no caller can create new series.
//! - A reason that is not in the list is counted as `other`.
//! - They are the words of `Cache-Status` and of the cache's events.

/// All reasons. The first is for no reason, the last for reasons that are not listed.
pub const WORDS: [&str; 59] = [
    "",
    // Why the handler was called for a page.
    "uri-miss",
    "vary-miss",
    "stale",
    "request",
    // Why a lookup found nothing.
    "absent",
    "expired",
    "invalidated",
    // Why an old value was served, or what was built from it was not stored.
    "stale-if-error",
    "stale-while-revalidate",
    "soft timeout",
    "hard timeout",
    "mixes two states",
    "refreshing ahead",
    // Why the shared store could not be used.
    "timeout",
    "budget used up",
    "breaker open",
    "unreachable",
    "refused",
    // Why an entry of the shared store was refused; `too large` is below.
    "not sealed",
    "another format",
    "truncated",
    "wrong seal",
    "no secret",
    "another type",
    "undecodable",
    "no generation",
    // Why the page cache was bypassed.
    "route",
    "off",
    "no cache",
    "body",
    "upgrade",
    "override",
    "session",
    // Why a page was not stored.
    "status",
    "partial",
    "set-cookie",
    "cache-control",
    "no-store",
    "private",
    "no-cache",
    "vary",
    "authorization",
    "cookie",
    "no lifetime",
    "streaming",
    "too large",
    "error",
    "panic",
    "only-if-cached",
    "head",
    "variant too long",
    "too many variants",
    "too many wait",
    "uncacheable",
    "canary",
    "bypass",
    "method",
    "other",
];

/// Returns the index of a reason in the list.
pub fn place(word: &str) -> usize {
    WORDS.iter().position(|known| *known == word).unwrap_or(WORDS.len() - 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cache::event::Staleness;
    use crate::cache::store::Trouble;

    #[test]
    fn no_reason_is_listed_twice() {
        for (number, word) in WORDS.into_iter().enumerate() {
            assert_eq!(place(word), number, "{word}");
        }
    }

    #[test]
    fn a_reason_that_is_not_in_the_list_is_counted_as_other() {
        assert_eq!(WORDS[place("whatever")], "other");
    }

    #[test]
    fn the_words_of_events_are_in_the_list() {
        use Trouble::{Exhausted, Paused, Refused, Timeout, Unreachable};
        let troubles = [Timeout, Exhausted, Paused, Unreachable, Refused].map(Trouble::name);
        let stale = [Staleness::Error, Staleness::Revalidating, Staleness::Timeout];
        for word in troubles.into_iter().chain(stale.map(Staleness::name)) {
            assert_eq!(WORDS[place(word)], word);
        }
    }
}
