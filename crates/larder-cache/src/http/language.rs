//! Chooses the language of a page from those that are offered.
//!
//! - The ranges of `Accept-Language` are tried by their weight; each is looked up, then shortened and looked
//!   up again: `de-AT` finds `de`.
//! - A range of weight 0 rules its languages out.
//! - The first offered language is the default: for what asks for none of them, and for what cannot be read.
//!
//! Source: RFC 9110 §12.5.4, RFC 4647 §3.4.

use super::encoding::weighted;
use super::list;
use super::types::header::HeaderValue;

/// Returns the place of the language among `offered` that these lines of `Accept-Language` ask for.
pub(crate) fn choose<'l>(
    lines: impl IntoIterator<Item = &'l HeaderValue>,
    offered: &[impl AsRef<str>],
) -> usize {
    let mut ranges: Vec<(&str, u16)> = Vec::new();
    for line in lines {
        let Ok(members) = list::members(line.as_bytes()) else { return 0 };
        for member in members {
            let Ok((range, weight)) = weighted(member) else { return 0 };
            // Cannot fail: a token is ASCII.
            ranges.extend(std::str::from_utf8(range).map(|range| (range, weight)));
        }
    }
    // Stable: of equal weights the first counts.
    ranges.sort_by_key(|(_, weight)| std::cmp::Reverse(*weight));
    let is_ruled_out = |language: &str| {
        let mut refused = ranges.iter().filter(|(_, weight)| *weight == 0);
        refused.any(|(range, _)| {
            shortened(language).any(|shorter| shorter.eq_ignore_ascii_case(range))
        })
    };
    // Once for each language, not for each range: clients may send very many of them.
    let offered = offered.iter().map(AsRef::as_ref);
    let offered: Vec<_> = offered.map(|one| Some(one).filter(|one| !is_ruled_out(one))).collect();
    let find = |range: &str| {
        shortened(range).find_map(|shorter| {
            let is_it =
                |one: &Option<&str>| one.is_some_and(|one| shorter.eq_ignore_ascii_case(one));
            offered.iter().position(is_it)
        })
    };
    let wanted = ranges.iter().filter(|(_, weight)| *weight > 0);
    wanted.filter_map(|(range, _)| find(range)).next().unwrap_or(0)
}

/// Returns the range, and what is left of it subtag by subtag. A single letter goes with what follows it.
fn shortened(range: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(Some(range), |range| {
        let (shorter, _) = range.rsplit_once('-')?;
        match shorter.rsplit_once('-') {
            Some((front, single)) if single.len() == 1 => Some(front),
            _ => Some(shorter),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(line: &'static str) -> &'static str {
        let offered = ["en", "de", "fr", "zh-Hant"];
        offered[choose([&HeaderValue::from_static(line)], &offered)]
    }

    #[test]
    fn the_language_is_looked_up_by_weight_and_by_shorter_ranges() {
        let cases = [
            ("de", "de"),
            ("de-AT,de;q=0.8", "de"),
            ("DE-at", "de"),
            ("it, fr;q=0.5, de;q=0.7", "de"),
            ("fr, de", "fr"),
            ("zh-Hant-CN-x-private1-private2", "zh-Hant"),
            ("zh-Hant-x-y", "zh-Hant"),
            ("zh", "en"),
            ("de;q=0, de-AT", "en"),
            ("de;q=0.5, de;q=0", "en"),
            ("it", "en"),
            ("*", "en"),
            ("", "en"),
            ("de;q=2", "en"),
            ("de;;", "en"),
        ];
        for (line, expected) in cases {
            assert_eq!(chosen(line), expected, "{line}");
        }
        let lines = ["it", "fr"].map(HeaderValue::from_static);
        assert_eq!(choose(&lines, &["en", "fr"]), 1, "several lines are one list");
        assert_eq!(choose(&[], &["en", "fr"]), 0);
    }

    #[test]
    fn very_many_ranges_take_no_time_by_their_square() {
        // 2,500,000,000 comparisons, if each range that is asked for were compared with all that are refused.
        let refused = format!("{}de;q=0", "it;q=0,".repeat(50_000));
        let lines = [refused, format!("{}fr", "de,".repeat(50_000))];
        let lines = lines.map(|line| HeaderValue::from_bytes(line.as_bytes()).unwrap());
        assert_eq!(choose(&lines, &["en", "de", "fr"]), 2);
    }
}
