//! Formats figures for people.

use std::time::Duration;

use crate::cache::inspect::{Description, TagStamp, Verdict};

/// Formats `1234567` as `1,234,567`.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

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

/// Formats a duration: `4.3 ms`, `12 µs`, `2.50 s`.
pub fn time(duration: Duration) -> String {
    let micros = duration.as_micros();
    match micros {
        0..1_000 => format!("{micros} µs"),
        1_000..1_000_000 => format!("{:.1} ms", duration.as_secs_f64() * 1e3),
        _ => format!("{:.2} s", duration.as_secs_f64()),
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

/// Formats a size: `512 bytes`, `1.4 kB`, `64.0 MB`.
pub fn bytes(bytes: u64) -> String {
    match bytes {
        0..1_000 => format!("{bytes} bytes"),
        1_000..1_000_000 => format!("{:.1} kB", bytes as f64 / 1e3),
        _ => format!("{:.1} MB", bytes as f64 / 1e6),
    }
}

/// Formats a number with its noun: `1 entry`, `1,200 entries`.
pub fn counted(number: u64, one: &str, more: &str) -> String {
    format!("{} {}", grouped(number), if number == 1 { one } else { more })
}

/// Formats numbers by level: `3 pages, 1 fragment, 0 queries`.
pub fn by_level([pages, fragments, queries]: [u64; 3]) -> String {
    let pages = counted(pages, "page", "pages");
    let fragments = counted(fragments, "fragment", "fragments");
    format!("{pages}, {fragments}, {}", counted(queries, "query", "queries"))
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
        parts.push(format!("build {}", time(Duration::from_micros(cost.took_us))));
        parts.push(counted(cost.queries.into(), "query", "queries"));
    }
    parts.extend(entry.hits.map(|hits| counted(hits, "hit", "hits")));
    let saved = entry.saved_us();
    if saved > 0 {
        parts.push(format!("saved {}", time(Duration::from_micros(saved))));
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
        let times = [(12, "12 µs"), (4_340, "4.3 ms"), (2_500_000, "2.50 s")];
        for (micros, expected) in times {
            assert_eq!(time(Duration::from_micros(micros)), expected);
        }
        let spans =
            [(7, "7 ms"), (41_000, "41 s"), (125_000, "2 min 5 s"), (7_500_000, "2 h 5 min")];
        for (millis, expected) in spans {
            assert_eq!(span(millis), expected);
        }
        assert_eq!([bytes(999), bytes(1_400)], ["999 bytes", "1.4 kB"]);
        assert_eq!(by_level([3, 1, 0]), "3 pages, 1 fragment, 0 queries");
        assert_eq!(
            [steered("!"), steered("posts!"), steered("posts#7")],
            ["everything", "posts", "posts#7"]
        );
    }
}
