//! Entry points for a fuzzer: one per parser.
//!
//! Each takes any bytes and panics if a promise is broken: no parser panics, and what is printed parses to
//! the same value. A line feed ends the line of a header.

use std::time::SystemTime;

use super::types::header::{ACCEPT, COOKIE, HeaderMap, HeaderValue, IF_RANGE, RANGE};

use super::conditional::{Conditions, Validators};
use super::directives::Directives;
use super::encoding::{Accepted, Coding};
use super::entity_tag::{EntityTag, EntityTags};
use super::invalidation::Address;
use super::range::Part;
use super::vary::Vary;
use super::{age, date, structured, targeted, variant, vary};

fn lines(bytes: &[u8]) -> Vec<HeaderValue> {
    let lines = bytes.split(|byte| *byte == b'\n').map(HeaderValue::from_bytes);
    lines.filter_map(Result::ok).collect()
}

fn joined(lines: &[HeaderValue]) -> HeaderValue {
    let lines: Vec<_> = lines.iter().map(HeaderValue::as_bytes).collect();
    HeaderValue::from_bytes(&lines.join(b", ".as_slice())).expect("the parts are header values")
}

/// Checks `Cache-Control`: what cannot be read forbids storing, and several lines are one.
pub fn cache_control(bytes: &[u8]) {
    let lines = lines(bytes);
    let read = Directives::of(&lines);
    assert!(read.no_store || !read.is_unreadable);
    if !read.is_unreadable {
        assert_eq!(Directives::of([&joined(&lines)]), read);
    }
}

/// Checks structured dictionaries: several lines are one.
pub fn dictionary(bytes: &[u8]) {
    let lines = lines(bytes);
    let read = structured::dictionary(&lines);
    assert_eq!(structured::dictionary([&joined(&lines)]), read);
    let directives = targeted::directives(&lines);
    assert!(directives.is_none() || read.is_ok_and(|read| !read.is_empty()));
}

/// Checks dates: a printed date parses to the same date.
pub fn http_date(bytes: &[u8]) {
    let now = SystemTime::now();
    if let Some(text) = date::parse(bytes, now).and_then(date::print) {
        let again = date::parse(text.as_bytes(), now);
        assert_eq!(again, date::parse(bytes, now));
        assert_eq!(again.and_then(date::print), Some(text));
    }
    let _ = date::lifetime(&lines(bytes), now, now);
}

/// Checks `Age`.
pub fn age_header(bytes: &[u8]) {
    assert!(age::age(&lines(bytes)).is_none_or(|age| age <= super::directives::LONGEST));
}

/// Checks entity tags: a printed tag parses to the same tag.
pub fn entity_tags(bytes: &[u8]) {
    let lines = lines(bytes);
    if let Ok(EntityTags::These(tags)) = EntityTags::parse(&lines) {
        let printed: Vec<_> =
            tags.iter().map(|tag| tag.print().expect("a tag is a value")).collect();
        assert_eq!(EntityTags::parse(&printed), Ok(EntityTags::These(tags.clone())));
        assert_eq!(EntityTags::parse([&joined(&printed)]), Ok(EntityTags::These(tags)));
    }
    if let Some(tag) = EntityTag::parse(bytes) {
        assert!(tag.weakly_equals(&tag) && tag.strongly_equals(&tag) != tag.is_weak);
    }
}

/// Checks `Range` and `If-Range`: a part lies within the page.
pub fn range(bytes: &[u8]) {
    let length = bytes.first().map_or(0, |byte| u64::from(*byte));
    let mut request = HeaderMap::new();
    for (i, line) in lines(bytes).into_iter().enumerate() {
        request.append(if i == 0 { RANGE } else { IF_RANGE }, line);
    }
    let (now, page) = (SystemTime::now(), Validators::default());
    let part = Part::of(&Conditions::of(&request), &page, length, now);
    if let Part::Bytes(range) = &part {
        assert!(range.start() <= range.end() && *range.end() < length);
    }
    assert_eq!(part.content_range(length).is_none(), part == Part::Whole);
}

/// Checks `Accept-Encoding`: only offered codings are chosen.
pub fn accept_encoding(bytes: &[u8]) {
    let accepted = Accepted::of(&lines(bytes));
    let chosen = accepted.choose(&Coding::OFFERED);
    assert!(chosen.is_none_or(|chosen| accepted.choose(&[chosen]) == Some(chosen)));
}

/// Checks `Vary`: an empty patch changes no meaning.
pub fn vary_header(bytes: &[u8]) {
    let lines = lines(bytes);
    let read = Vary::said(&lines);
    let patched = vary::patch(&lines, &[]).expect("the members are header values");
    assert_eq!(Vary::said([&patched]), read);
    assert_eq!(vary::patch([&patched], &[]), Some(patched));
}

/// Checks variants: bounded, printable, and equal for equal requests.
pub fn variants(bytes: &[u8]) {
    let mut request = HeaderMap::new();
    for (i, line) in lines(bytes).into_iter().enumerate() {
        request.append(if i % 2 == 0 { ACCEPT } else { COOKIE }, line);
    }
    let vary = Vary::Names(["accept", "cookie"].map(str::to_owned).into());
    if let Some(text) = variant::variant(&vary, &request) {
        assert!(text.len() <= variant::LONGEST && text.is_ascii());
        assert_eq!(variant::variant(&vary, &request), Some(text));
    }
}

/// Checks `Location`: a resolved target resolves to itself.
pub fn reference(bytes: &[u8]) {
    let Ok(text) = str::from_utf8(bytes) else { return };
    let here = Address { scheme: "https", host: "good.test:444", path: "/b/c", query: Some("q") };
    let Some(target) = here.resolve(text) else { return };
    assert!(target.path.starts_with('/'));
    let query = target.query.as_ref().map(|query| format!("?{query}")).unwrap_or_default();
    let again = here.resolve(&format!("https://good.test:444{}{query}", target.path));
    assert_eq!(again, Some(target));
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;
    use std::sync::LazyLock;

    use proptest::prelude::*;
    use proptest::sample::Index;

    use super::*;

    type Parser = fn(&[u8]);

    /// Every parser, and the folder of its corpus in `tests/corpora`.
    const ALL: [(&str, Parser); 10] = [
        ("cache_control", cache_control),
        ("dictionary", dictionary),
        ("http_date", http_date),
        ("age_header", age_header),
        ("entity_tags", entity_tags),
        ("range", range),
        ("accept_encoding", accept_encoding),
        ("vary_header", vary_header),
        ("variants", variants),
        ("reference", reference),
    ];

    /// The known interesting inputs of each parser.
    static CORPORA: LazyLock<[Vec<Vec<u8>>; ALL.len()]> =
        LazyLock::new(|| ALL.map(|(name, _)| corpus(name)));

    fn corpus(name: &str) -> Vec<Vec<u8>> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpora").join(name);
        let files = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{name}: {error}"));
        files.map(|file| fs::read(file.unwrap().path()).unwrap()).collect()
    }

    /// A mutation of an input: position and change.
    #[derive(Debug, Clone)]
    enum Change {
        Set(Index, u8),
        Insert(Index, u8),
        Remove(Index),
        Repeat(Index, u8),
        /// Continues with the tail of another input.
        Splice(Index, Index, Index),
    }

    fn changes() -> impl Strategy<Value = Vec<Change>> {
        let change = prop_oneof![
            any::<(Index, u8)>().prop_map(|(at, byte)| Change::Set(at, byte)),
            any::<(Index, u8)>().prop_map(|(at, byte)| Change::Insert(at, byte)),
            any::<Index>().prop_map(Change::Remove),
            any::<(Index, u8)>().prop_map(|(at, times)| Change::Repeat(at, times)),
            any::<(Index, Index, Index)>().prop_map(|(at, of, from)| Change::Splice(at, of, from)),
        ];
        prop::collection::vec(change, 1..6)
    }

    fn changed(mut input: Vec<u8>, changes: &[Change], corpus: &[Vec<u8>]) -> Vec<u8> {
        for change in changes {
            let length = input.len();
            let at = |index: &Index| index.index(length.max(1));
            match change {
                Change::Insert(index, byte) => input.insert(at(index), *byte),
                Change::Splice(index, of, from) => {
                    let other = of.get(corpus);
                    input.truncate(index.index(length + 1));
                    input.extend_from_slice(&other[from.index(other.len() + 1)..]);
                }
                _ if input.is_empty() => {}
                Change::Set(index, byte) => {
                    let at = at(index);
                    input[at] = *byte;
                }
                Change::Remove(index) => drop(input.remove(at(index))),
                Change::Repeat(index, times) => {
                    let tail = input[at(index)..].to_vec();
                    (0..times % 8).for_each(|_| input.extend_from_slice(&tail));
                }
            }
        }
        input
    }

    #[test]
    fn no_known_input_breaks_a_promise() {
        for ((name, entry), corpus) in ALL.into_iter().zip(&*CORPORA) {
            assert!(corpus.len() >= 8, "the corpus of {name} is gone");
            corpus.iter().for_each(|input| entry(input));
        }
    }

    /// Typical pieces of headers.
    const PIECES: [&str; 64] = [
        "max-age",
        "s-maxage",
        "no-cache",
        "private",
        "public",
        "stale-if-error",
        "=",
        ",",
        ";",
        " ",
        "\t",
        "\"",
        "\\",
        "\n",
        "0",
        "1",
        "60",
        "99999999999999999999",
        "-",
        "+",
        ".",
        "/",
        "//",
        "..",
        "?",
        "#",
        ":",
        "@",
        "%",
        "*",
        "W/",
        "w/",
        "(",
        ")",
        "q=",
        "0.5",
        "br",
        "gzip",
        "identity",
        "bytes=",
        "Sun",
        "Sunday",
        ", ",
        "06 Nov 1994",
        "06-Nov-94",
        "08:49:37",
        " GMT",
        "Nov  6",
        "1994",
        "?1",
        "?0",
        ":YQ==:",
        "%\"f%c3%bc\"",
        "@1",
        "https:",
        "good.test",
        ":444",
        "Accept",
        "Cookie",
        "é",
        "a",
        "B",
        "&",
        "!",
    ];

    fn pieces() -> impl Strategy<Value = Vec<u8>> {
        let piece = prop::sample::select(PIECES.to_vec());
        prop::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat().into_bytes())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]

        #[test]
        fn no_bytes_break_a_promise(bytes: Vec<u8>) {
            ALL.iter().for_each(|(_, entry)| entry(&bytes));
        }

        #[test]
        fn nothing_like_a_known_input_breaks_a_promise(
            parser in 0..ALL.len(), which: Index, changes in changes(),
        ) {
            let ((_, entry), corpus) = (ALL[parser], &CORPORA[parser]);
            entry(&changed(which.get(corpus).clone(), &changes, corpus));
        }

        #[test]
        fn nothing_that_looks_like_a_header_breaks_a_promise(bytes in pieces()) {
            ALL.iter().for_each(|(_, entry)| entry(&bytes));
        }

        #[test]
        fn a_date_that_is_printed_is_read(seconds in 0..253_402_300_800u64) {
            let instant = SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(seconds);
            let text = date::print(instant).unwrap();
            prop_assert_eq!(date::parse(text.as_bytes(), SystemTime::now()), Some(instant));
            http_date(text.as_bytes());
        }
    }
}
