//! The words of the dashboard: tags, stamps, states of entries, and what these have saved.

use std::time::Duration;

use crate::cache::inspect::{Description, TagStamp, Verdict};
use crate::figures::{count, grouped, took};

/// Returns the address of the page of `key`.
pub fn entry_at(at: &str, key: &str) -> String {
    address(&format!("{at}/cache/entry"), "key", key)
}

/// Returns an address with one field in its query.
pub fn address(path: &str, field: &str, value: &str) -> String {
    let query = form_urlencoded::Serializer::new(String::new()).append_pair(field, value).finish();
    format!("{path}?{query}")
}

/// Formats a share: `75.0 %`. Only the whole is `100 %`; a share of nothing is a dash.
pub fn percent(part: u64, all: u64) -> String {
    if all == 0 {
        return "–".to_owned();
    }
    let permille = u128::from(part) * 1_000 / u128::from(all);
    match permille {
        1_000 => "100 %".to_owned(),
        0 => "0 %".to_owned(),
        _ => format!("{}.{} %", permille / 10, permille % 10),
    }
}

/// Formats an age, rounded: `2 h 5 min`, `41 s`, `300 ms`.
pub fn span(millis: u64) -> String {
    let seconds = millis / 1_000;
    match seconds {
        0 => format!("{millis} ms"),
        1..120 => format!("{seconds} s"),
        120..7_200 => format!("{} min {} s", seconds / 60, seconds % 60),
        7_200..172_800 => format!("{} h {} min", seconds / 3_600, seconds / 60 % 60),
        _ => format!("{} days", seconds / 86_400),
    }
}

/// Formats numbers by level: `3 pages, 1 fragment, 0 queries`.
pub fn by_level([pages, fragments, queries]: [u64; 3]) -> String {
    let pages = count(pages, "page", "pages");
    let fragments = count(fragments, "fragment", "fragments");
    format!("{pages}, {fragments}, {}", count(queries, "query", "queries"))
}

/// Returns the name of a tag in the forms: the tag `!` is `everything`.
pub fn tag(name: &str) -> &str {
    if name == "!" { "everything" } else { name }
}

/// Returns the name under which a tag can be invalidated: a table's reset tag goes with its table.
pub fn steered(name: &str) -> &str {
    tag(name).trim_end_matches('!')
}

/// Formats a stamp: how often the tag has changed, and the first half of the random nonce.
pub fn stamp(stamp: &TagStamp) -> String {
    let nonce: i64 = stamp.nonce.parse().unwrap_or_default();
    format!("{} · {:08x}", grouped(stamp.count.unsigned_abs()), nonce.cast_unsigned() >> 32)
}

/// Returns whether the entry would be served, and if not, why.
pub fn state(verdict: &Verdict) -> String {
    match verdict {
        Verdict::Valid => "fresh".to_owned(),
        Verdict::Expired => "expired".to_owned(),
        Verdict::Changed(name) => format!("stale: {} has changed", tag(name)),
        Verdict::Deleted => "deleted".to_owned(),
        Verdict::Unreadable(why) => format!("unreadable: {why}"),
        Verdict::Unknown(why) => format!("unknown: {why}"),
    }
}

/// Formats the build cost of an entry and what its hits saved: `4.3 ms build, 2 queries, 5 hits`.
pub fn worth(entry: &Description) -> String {
    let mut parts = Vec::new();
    if let Some(cost) = entry.cost {
        parts.push(format!("build {}", took(Duration::from_micros(cost.took_us))));
        parts.push(count(cost.queries.into(), "query", "queries"));
    }
    parts.extend(entry.hits.map(|hits| count(hits, "hit", "hits")));
    let saved = entry.saved_us();
    if saved > 0 {
        parts.push(format!("saved {}", took(Duration::from_micros(saved))));
    }
    parts.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_formatted_for_people() {
        let percents = [(0, 0, "–"), (3, 4, "75.0 %"), (4, 4, "100 %"), (0, 4, "0 %")];
        for (part, all, expected) in percents {
            assert_eq!(percent(part, all), expected);
        }
        assert_eq!(percent(99_999, 100_000), "99.9 %", "only all of it is 100 %");
        let spans =
            [(7, "7 ms"), (41_000, "41 s"), (125_000, "2 min 5 s"), (7_500_000, "2 h 5 min")];
        for (millis, expected) in spans {
            assert_eq!(span(millis), expected);
        }
        assert_eq!(by_level([3, 1, 0]), "3 pages, 1 fragment, 0 queries");
        assert_eq!(
            [steered("!"), steered("posts!"), steered("posts#7")],
            ["everything", "posts", "posts#7"]
        );
    }
}
