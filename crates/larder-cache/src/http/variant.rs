//! Computes the variant of a request from the headers that a response varies on.
//!
//! - Different headers never give the same variant. An absent header differs from an empty one, and no
//!   value can end its own quotes to imitate the next header. Django: CVE-2026-113593.
//! - Values stay as they are, except for the space around a line. Their case, their order and text within
//!   them may have meaning: `x,` differs from `x`.
//! - Several lines differ from one line with the same members, although RFC 9110 §5.3 makes them equal:
//!   handlers that read the first line only would answer differently.
//! - A request whose variant would exceed [`LONGEST`] bytes has none, and is no candidate.

use super::list;
use super::types::header::{HeaderMap, HeaderName, HeaderValue};
use super::vary::Vary;

/// Length of the longest variant, in bytes.
pub(crate) const LONGEST: usize = 4096;

/// Returns the part of the key that selects the variant for `request`, or `None` if there is none.
pub(crate) fn variant(vary: &Vary, request: &HeaderMap) -> Option<String> {
    let Vary::Names(names) = vary else { return None };
    let mut text = String::new();
    for name in names {
        let name = HeaderName::from_bytes(name.as_bytes()).ok()?;
        let lines: Vec<_> = request.get_all(&name).collect();
        text.push_str(name.as_str());
        text.push('=');
        print(&lines, &mut text);
        text.push(';');
        if text.len() > LONGEST {
            return None;
        }
    }
    Some(text)
}

/// Prints nothing, one quoted value, or each line quoted after `!`.
fn print(lines: &[&HeaderValue], text: &mut String) {
    for line in lines {
        if lines.len() > 1 {
            text.push('!');
        }
        text.push('"');
        text.extend(list::trim(line.as_bytes()).escape_ascii().map(char::from));
        text.push('"');
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Returns the variant of a request with these lines, if the response varies on `vary`.
    fn of(vary: &str, lines: &[(&str, &str)]) -> Option<String> {
        let vary = Vary::said([&HeaderValue::from_str(vary).unwrap()]);
        variant(&vary, &map(lines.iter().map(|(name, value)| (*name, value.as_bytes()))))
    }

    fn map<'l>(lines: impl IntoIterator<Item = (&'l str, &'l [u8])>) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
            headers.append(name, HeaderValue::from_bytes(value).unwrap());
        }
        headers
    }

    #[test]
    fn absent_is_not_empty_and_no_value_imitates_the_next_header() {
        let requests: [&[(&str, &str)]; 8] = [
            &[],
            &[("a", "")],
            &[("b", "")],
            &[("a", ""), ("b", "")],
            &[("a", "en"), ("b", "sid=1")],
            &[("a", "ensid="), ("b", "1")],
            &[("a", "\";b=\"x")],
            &[("a", "\\\";b=\\\"x")],
        ];
        let variants: Vec<_> = requests.iter().map(|lines| of("a, b", lines).unwrap()).collect();
        for (i, variant) in variants.iter().enumerate() {
            assert!(!variants[..i].contains(variant), "{variant}");
        }
        assert_eq!(variants[4], "a=\"en\";b=\"sid=1\";");
    }

    #[test]
    fn the_space_around_a_line_is_removed_and_lines_are_not_joined() {
        assert_eq!(of("Foo", &[("foo", "1,2")]), of("foo", &[("foo", " 1,2\t")]));
        for [one, other] in [["1,2", "2,1"], ["x=\"1,2\"", "x=\"1, 2\""], ["a,b", "a, b"]] {
            assert_ne!(of("Foo", &[("foo", one)]), of("foo", &[("foo", other)]));
        }
        // Handlers may read the first line only.
        assert_ne!(of("Foo", &[("foo", "1, 2")]), of("foo", &[("foo", "1"), ("foo", "2")]));
        assert_ne!(of("Foo", &[("foo", "1")]), of("foo", &[("foo", "1"), ("foo", "")]));
    }

    #[test]
    fn text_within_a_value_stays() {
        let values: [&[&str]; 16] = [
            &["x"],
            &["x,"],
            &["x,,"],
            &[",x"],
            &["x,,y"],
            &["x,y"],
            &["x ,y"],
            &["x, ,y"],
            &["x  y"],
            &["x y"],
            &[","],
            &[""],
            &["x", "", "y"],
            &["x\ty"],
            &["x;y"],
            &["x; y"],
        ];
        let variants: Vec<_> = values
            .iter()
            .map(|lines| of("A", &lines.iter().map(|line| ("a", *line)).collect::<Vec<_>>()))
            .collect();
        for (i, variant) in variants.iter().enumerate() {
            assert!(!variants[..i].contains(variant), "{variant:?}");
        }
        for lines in
            [&[("a", "x"), ("a", "")][..], &[("a", ""), ("a", "x")], &[("a", ""), ("a", "")]]
        {
            assert!(!variants.contains(&of("A", lines)), "{lines:?}");
        }
    }

    #[test]
    fn case_may_have_meaning() {
        for (name, one, other) in [
            ("accept-language", "de-AT, EN", "de-at, en"),
            ("accept", "Text/HTML", "text/html"),
            ("cookie", "A=b", "a=b"),
        ] {
            assert_ne!(of(name, &[(name, one)]), of(name, &[(name, other)]));
        }
    }

    #[test]
    fn too_long_requests_and_vary_on_everything_have_no_variant() {
        assert_eq!(of("*", &[]), None);
        assert_eq!(of("a", &[("a", &"x".repeat(LONGEST))]), None);
        assert!(of("a", &[("a", &"x".repeat(LONGEST - 8))]).is_some());
        assert_eq!(of("", &[("a", "b")]).as_deref(), Some(""));
    }

    proptest! {
        #[test]
        fn different_requests_have_different_variants(
            one in lines(), other in lines()
        ) {
            let names = ["a", "b"];
            let vary = Vary::Names(names.map(str::to_owned).into());
            let [one, other] = [one, other].map(|lines| {
                map(lines.iter().map(|(name, value)| (names[usize::from(*name)], value.as_slice())))
            });
            let printed = [&one, &other].map(|request| variant(&vary, request).unwrap());
            let meant = [&one, &other].map(|request| names.map(|name| trimmed(name, request)));
            prop_assert_eq!(printed[0] == printed[1], meant[0] == meant[1]);
        }
    }

    /// Returns the lines of a header without the space around them.
    fn trimmed(name: &str, request: &HeaderMap) -> Vec<Vec<u8>> {
        request.get_all(name).map(|line| list::trim(line.as_bytes()).to_vec()).collect()
    }

    /// Generates lines of few letters, so that equal ones are likely.
    fn lines() -> impl Strategy<Value = Vec<(bool, Vec<u8>)>> {
        let letter = prop::sample::select(b"a, \";=\\!b\xff".to_vec());
        prop::collection::vec((any::<bool>(), prop::collection::vec(letter, 0..5)), 0..3)
    }
}
