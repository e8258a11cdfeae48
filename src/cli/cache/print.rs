//! The output of `larder cache`, for people.

use std::time::Duration;

use crate::cache::inspect::{
    Body, Description, Listing, LookUps, Memory, Statistics, Store, TagStamp, Verdict,
};
use crate::cli::table::Table;
use crate::site::render::{counted, grouped};

/// Prints a list of keys.
pub fn listing(listing: &Listing) -> String {
    if listing.keys.is_empty() {
        return "Cache is empty.\n".to_owned();
    }
    let mut table = Table::new(&["KIND", "WHERE", "KEY"]);
    for listed in &listing.keys {
        let kind = listed.kind.name().to_owned();
        table.row([kind, listed.place.clone(), printable(&listed.key)]);
    }
    let mut text = table.print();
    if listing.left_off > 0 {
        let more = grouped(listing.left_off);
        text += &format!("… and {more} more; use a pattern or a higher --limit.\n");
    }
    text
}

/// Prints everything known about one entry or value in one place.
pub fn description(description: &Description) -> String {
    let listed = &description.listed;
    let kind = format!("{}, in {}", listed.kind.name(), listed.place);
    let size = format!("{} bytes", grouped(description.bytes));
    let mut text = format!("{}\n", printable(&listed.key));
    let mut line = |label: &str, told: &str| {
        text += format!("  {label:9}{told}").trim_end();
        text.push('\n');
    };
    line("kind", &format!("{kind}, {size}"));
    if let Some(name) = &listed.name {
        line("name", &printable(name));
    }
    if let Some(fingerprint) = &description.fingerprint {
        line("type", fingerprint);
    }
    if let Some(age) = description.age_ms {
        line("age", &time(age));
    }
    line("left", &remaining(description));
    line("fresh", &verdict(&description.verdict));
    for (place, tag) in stamps(&description.tags).lines().enumerate() {
        line(if place == 0 { "tags" } else { "" }, tag);
    }
    match &description.body {
        Body::Page { status, headers, start } => {
            line("status", &status.to_string());
            for (place, (name, value)) in headers.iter().enumerate() {
                let label = if place == 0 { "headers" } else { "" };
                line(label, &printable(&format!("{name}: {value}")));
            }
            line("body", &format!("{} …", printable(start)));
        }
        Body::Fragment(start) => line("body", &format!("{} …", printable(start))),
        Body::Number(number) => line("value", &number.to_string()),
        Body::Text(value) => line("value", &format!("\"{}\"", printable(value))),
        Body::Opaque => {}
    }
    text
}

/// Prints the remaining time to live and the place.
pub fn left(description: &Description) -> String {
    format!("{} (in {})\n", remaining(description), description.listed.place)
}

/// Prints the statistics of the cache.
pub fn statistics(statistics: &Statistics) -> String {
    let mut text = String::new();
    if statistics.look_ups.is_empty() {
        text += "Lookups are counted by each shop: use --site URL.\n";
    } else {
        text += &look_ups(&statistics.look_ups);
    }
    text.push('\n');
    if let Some(kept) = &statistics.memory {
        text += &memory(kept);
    }
    text + &store(&statistics.store)
}

fn look_ups(levels: &[LookUps]) -> String {
    let mut table = Table::new(&["LOOKUPS", "HITS>", "MISSES>", "STALE>", "STORED>"]);
    for level in levels {
        let counts = [level.hits, level.misses, level.stale, level.stored].map(grouped);
        table.row([level.level.clone()].into_iter().chain(counts));
    }
    table.print()
}

fn memory(memory: &Memory) -> String {
    let pages = counted(memory.pages, ["page", "pages"]);
    let fragments = counted(memory.fragments, ["fragment", "fragments"]);
    let queries = counted(memory.queries, ["query", "queries"]);
    let bytes = bounded(memory.bytes, memory.limit_bytes);
    format!("memory: {pages}, {fragments}, {queries}; {bytes}\n")
}

fn store(store: &Store) -> String {
    let values = counted(store.values, ["value", "values"]);
    // Without Redis the store is a part of the shop's memory and holds values only.
    let (name, mut ours) = if store.name == "memory" {
        ("values", values)
    } else {
        let entries = counted(store.entries, ["entry", "entries"]);
        (store.name.as_str(), format!("{entries} and {values} of Larder"))
    };
    if let Some(keys) = store.keys {
        ours += &format!(", {} in total", counted(keys, ["key", "keys"]));
    }
    let mut parts = vec![ours];
    parts.extend(store.bytes.map(|bytes| bounded(bytes, store.limit_bytes)));
    parts.extend(store.evicted.map(|evicted| format!("{} evicted", grouped(evicted))));
    parts.extend(store.expired.map(|expired| format!("{} expired", grouped(expired))));
    format!("{name}: {}\n", parts.join("; "))
}

fn bounded(bytes: u64, limit: Option<u64>) -> String {
    match limit {
        Some(limit) => format!("{} of {} bytes", grouped(bytes), grouped(limit)),
        None => format!("{} bytes", grouped(bytes)),
    }
}

fn remaining(description: &Description) -> String {
    description.left_ms.map_or_else(|| "no expiry".to_owned(), time)
}

fn verdict(verdict: &Verdict) -> String {
    match verdict {
        Verdict::Valid => "yes".to_owned(),
        Verdict::Expired => "no: expired (TTL)".to_owned(),
        Verdict::Changed(tag) => format!("no: {tag} has changed"),
        Verdict::Deleted => "no: it was deleted".to_owned(),
        Verdict::Unreadable(why) => format!("no: {}", printable(why)),
        Verdict::Unknown(why) => format!("unknown: {}", printable(why)),
    }
}

/// Prints each tag's stamp: its counter and the nonce of its last change, as in `cache_versions`.
fn stamps(tags: &[TagStamp]) -> String {
    let mut table = Table::new(&["", ">", ">"]);
    for tag in tags {
        table.row([tag.tag.clone(), grouped(tag.count.unsigned_abs()), tag.nonce.clone()]);
    }
    table.print().lines().skip(1).map(|line| format!("{line}\n")).collect()
}

/// Prints the two largest units: `54 min 33 s`.
fn time(millis: u64) -> String {
    let seconds = Duration::from_millis(millis).as_secs();
    let two = |large: u64, unit: &str, small: u64, part: &str| match small {
        0 => format!("{large} {unit}"),
        _ => format!("{large} {unit} {small} {part}"),
    };
    match seconds {
        0 => format!("{millis} ms"),
        s if s < 60 => format!("{s} s"),
        s if s < 3_600 => two(s / 60, "min", s % 60, "s"),
        s if s < 86_400 => two(s / 3_600, "h", s % 3_600 / 60, "min"),
        s => two(s / 86_400, "d", s % 86_400 / 3_600, "h"),
    }
}

/// Escapes control characters, so that the text stays on one line and cannot control the terminal.
fn printable(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for letter in text.chars() {
        if letter.is_control() { shown.extend(letter.escape_debug()) } else { shown.push(letter) }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_their_two_largest_units() {
        let cases = [
            (7, "7 ms"),
            (1_999, "1 s"),
            (60_000, "1 min"),
            (3_273_000, "54 min 33 s"),
            (3_600_000, "1 h"),
            (90_061_000, "1 d 1 h"),
        ];
        for (millis, told) in cases {
            assert_eq!(time(millis), told);
        }
    }

    #[test]
    fn stored_text_cannot_control_the_terminal() {
        assert_eq!(printable("a\x1b[2J\nü\u{9b}"), "a\\u{1b}[2J\\nü\\u{9b}");
    }
}
