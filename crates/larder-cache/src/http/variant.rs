//! Computes the variant of a request from the headers that a response varies on.
//!
//! - Different headers never give the same variant. An absent header differs from an empty one, and no
//!   value can end its own quotes to imitate the next header. Django: CVE-2026-113593.
//! - Values stay as they are, except for surrounding space. Lines are joined by `, ` as in RFC 9110 §5.3,
//!   but not for headers that are no lists (`User-Agent`, `Cookie` …), nor if a quote is left open.
//! - Text within a value may have meaning, whatever the grammar of other headers is: `x,` differs from `x`.
//! - Only `Accept-Language` and `Accept-Encoding` are lower-cased: case may have meaning in others.
//! - Order stays: it may express preference.
//! - A request whose variant would exceed [`LONGEST`] bytes has none, and is no candidate.

use super::types::header::{
    ACCEPT_ENCODING, ACCEPT_LANGUAGE, AUTHORIZATION, COOKIE, HeaderMap, HeaderName, HeaderValue,
    IF_MODIFIED_SINCE, IF_UNMODIFIED_SINCE, USER_AGENT,
};

use super::list;
use super::vary::Vary;

/// Length of the longest variant, in bytes.
pub const LONGEST: usize = 4096;

/// Headers that are no lists: their commas separate nothing.
const SINGLE: [HeaderName; 5] =
    [AUTHORIZATION, COOKIE, IF_MODIFIED_SINCE, IF_UNMODIFIED_SINCE, USER_AGENT];

/// Case-insensitive headers. RFC 9110 §8.4.1, RFC 4647 §2.
const CASELESS: [HeaderName; 2] = [ACCEPT_ENCODING, ACCEPT_LANGUAGE];

/// Returns the part of the key that selects the variant for `request`, or `None` if there is none.
pub fn variant(vary: &Vary, request: &HeaderMap) -> Option<String> {
    let Vary::Names(names) = vary else { return None };
    let mut text = String::new();
    for name in names {
        let name = HeaderName::from_bytes(name.as_bytes()).ok()?;
        let lines: Vec<_> = request.get_all(&name).collect();
        text.push_str(name.as_str());
        text.push('=');
        print(&name, &lines, &mut text);
        text.push(';');
        if text.len() > LONGEST {
            return None;
        }
    }
    Some(text)
}

/// Prints nothing, one quoted value, or each line quoted after `!`.
fn print(name: &HeaderName, lines: &[&HeaderValue], text: &mut String) {
    match joined(name, lines) {
        _ if lines.is_empty() => {}
        Some(value) => print_quoted(&value, CASELESS.contains(name), text),
        None => {
            for line in lines {
                text.push('!');
                print_quoted(line.as_bytes(), false, text);
            }
        }
    }
}

/// Joins all lines; returns `None` if they must not be joined.
fn joined(name: &HeaderName, lines: &[&HeaderValue]) -> Option<Vec<u8>> {
    let lines: Vec<_> = lines.iter().map(|line| list::trim(line.as_bytes())).collect();
    let may_be_joined = !SINGLE.contains(name) && !lines.iter().any(|line| list::is_open(line));
    may_be_joined.then(|| lines.join(b", ".as_slice()))
}

fn print_quoted(value: &[u8], is_caseless: bool, text: &mut String) {
    text.push('"');
    for byte in value {
        let byte = if is_caseless { byte.to_ascii_lowercase() } else { *byte };
        text.extend(byte.escape_ascii().map(char::from));
    }
    text.push('"');
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
    fn lines_are_joined_and_the_space_around_them_is_taken_off() {
        assert_eq!(of("Foo", &[("foo", "1,2")]), of("foo", &[("foo", " 1,2\t")]));
        assert_eq!(of("Foo", &[("foo", "1, 2")]), of("foo", &[("foo", "1"), ("foo", "2")]));
        assert_ne!(of("Foo", &[("foo", "1,2")]), of("foo", &[("foo", "2,1")]));
        assert_ne!(of("Foo", &[("foo", "x=\"1,2\"")]), of("foo", &[("foo", "x=\"1, 2\"")]));
        assert_ne!(of("Foo", &[("foo", "x=\"1,2")]), of("foo", &[("foo", "x=\"1, 2")]));
        assert_ne!(
            of("User-Agent", &[("user-agent", "a,b")]),
            of("User-Agent", &[("user-agent", "a, b")])
        );
        assert_ne!(
            of("Cookie", &[("cookie", "a,b")]),
            of("Cookie", &[("cookie", "a"), ("cookie", "b")])
        );
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
    fn only_language_and_encoding_lose_their_case() {
        let alike = |name, one, other| of(name, &[(name, one)]) == of(name, &[(name, other)]);
        assert!(alike("accept-language", "de-AT, EN", "de-at, en"));
        assert!(alike("accept-encoding", "GZIP", "gzip"));
        assert!(!alike("accept", "Text/HTML", "text/html"));
        assert!(!alike("cookie", "A=b", "a=b"));
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
            one in lines(), other in lines(), is_single in any::<bool>()
        ) {
            let names = if is_single { ["cookie", "user-agent"] } else { ["a", "b"] };
            let vary = Vary::Names(names.map(str::to_owned).into());
            let [one, other] = [one, other].map(|lines| {
                map(lines.iter().map(|(name, value)| (names[usize::from(*name)], value.as_slice())))
            });
            let printed = [&one, &other].map(|request| variant(&vary, request).unwrap());
            let meant = [&one, &other].map(|request| names.map(|name| meaning(name, request)));
            prop_assert_eq!(printed[0] == printed[1], meant[0] == meant[1]);
        }
    }

    /// Returns one value if the lines can safely be joined, else the lines.
    fn meaning(name: &str, request: &HeaderMap) -> Option<(bool, Vec<Vec<u8>>)> {
        let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
        let lines: Vec<_> = request.get_all(&name).map(|line| line.as_bytes().to_vec()).collect();
        let is_sure =
            !SINGLE.contains(&name) && lines.iter().all(|line| list::members(line).is_ok());
        match is_sure {
            _ if lines.is_empty() => None,
            true => {
                let trimmed: Vec<_> = lines.iter().map(|line| list::trim(line)).collect();
                Some((true, vec![trimmed.join(b", ".as_slice())]))
            }
            false => Some((false, lines)),
        }
    }

    /// Generates lines of few letters, so that equal ones are likely.
    fn lines() -> impl Strategy<Value = Vec<(bool, Vec<u8>)>> {
        let letter = prop::sample::select(b"a, \";=\\!b\xff".to_vec());
        prop::collection::vec((any::<bool>(), prop::collection::vec(letter, 0..5)), 0..3)
    }
}
