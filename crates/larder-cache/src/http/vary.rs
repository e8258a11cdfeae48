//! Parses and writes `Vary`: the request headers on which a response depends.
//!
//! - All lines are one list of names, in any case and any order. RFC 9110 §12.5.5.
//! - `*` anywhere, or an invalid name, means everything: such a response fits no other request. RFC 9111
//!   §4.1.
//! - A response with `Content-Encoding` depends on `Accept-Encoding`, even if it does not say so.
//! - The names of a URL add up over its responses, so that no variant is lost.
//! - More than [`Vary::MOST`] names mean everything.
//!
//! Not here: a request's values for those names ([`super::variant`]).

use std::collections::BTreeSet;

use super::types::header::{
    ACCEPT_ENCODING, CONTENT_ENCODING, HeaderMap, HeaderName, HeaderValue, VARY,
};

use super::list;

/// What a response depends on besides its URL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Vary {
    /// These request headers, by their names in lower case.
    Names(BTreeSet<String>),
    /// More than a key can hold.
    Everything,
}

impl Default for Vary {
    fn default() -> Self {
        Self::Names(BTreeSet::new())
    }
}

impl Vary {
    /// The largest number of names that one URL may vary on.
    pub(crate) const MOST: usize = 16;

    /// Reads the headers of a response, including `Content-Encoding`.
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        let said = Self::said(headers.get_all(VARY));
        let is_coded = headers.contains_key(CONTENT_ENCODING);
        let coding = is_coded.then(|| ACCEPT_ENCODING.as_str().to_owned());
        said.union(Self::Names(coding.into_iter().collect()))
    }

    /// Parses the lines of `Vary`.
    pub(crate) fn said<'h>(lines: impl IntoIterator<Item = &'h HeaderValue>) -> Self {
        let mut names = BTreeSet::new();
        for name in lines.into_iter().flat_map(names_of) {
            // By the grammar `*` is a token, too.
            if name == b"*" || !list::is_token(name) {
                return Self::Everything;
            }
            names.insert(String::from_utf8_lossy(name).to_ascii_lowercase());
        }
        Self::Names(names).bounded()
    }

    /// Combines what two responses of one URL vary on.
    #[must_use]
    pub(crate) fn union(self, other: Self) -> Self {
        match (self, other) {
            (Self::Names(mut names), Self::Names(more)) => {
                names.extend(more);
                Self::Names(names).bounded()
            }
            _ => Self::Everything,
        }
    }

    /// Reports whether the response depends on this header.
    pub(crate) fn names(&self, name: &HeaderName) -> bool {
        match self {
            Self::Names(names) => names.contains(name.as_str()),
            Self::Everything => true,
        }
    }

    fn bounded(self) -> Self {
        match self {
            Self::Names(names) if names.len() <= Self::MOST => Self::Names(names),
            _ => Self::Everything,
        }
    }
}

/// Reports whether the lines of `Vary` name this header. Django: `has_vary_header`.
pub(crate) fn has<'h>(lines: impl IntoIterator<Item = &'h HeaderValue>, name: &str) -> bool {
    let mut names = lines.into_iter().flat_map(names_of);
    names.any(|known| known.eq_ignore_ascii_case(name.as_bytes()))
}

/// Adds names to the lines of `Vary`, in order; `*` replaces all others. Django: `patch_vary_headers`.
///
/// Returns `None` if the result is no valid header.
pub(crate) fn patch<'h>(
    lines: impl IntoIterator<Item = &'h HeaderValue>,
    more: &[&str],
) -> Option<HeaderValue> {
    let mut names: Vec<&[u8]> = lines.into_iter().flat_map(names_of).collect();
    for name in more {
        let name = name.as_bytes();
        if !names.iter().any(|known| known.eq_ignore_ascii_case(name)) {
            names.push(name);
        }
    }
    if names.contains(&b"*".as_slice()) {
        return Some(HeaderValue::from_static("*"));
    }
    HeaderValue::from_bytes(&names.join(b", ".as_slice())).ok()
}

/// Returns the lines of `Vary` as one, without this name; `None` if no other is left.
pub(crate) fn without<'h>(
    lines: impl IntoIterator<Item = &'h HeaderValue>,
    name: &str,
) -> Option<HeaderValue> {
    let names = lines.into_iter().flat_map(names_of);
    let left: Vec<&[u8]> =
        names.filter(|known| !known.eq_ignore_ascii_case(name.as_bytes())).collect();
    if left.is_empty() {
        return None;
    }
    HeaderValue::from_bytes(&left.join(b", ".as_slice())).ok()
}

fn names_of(line: &HeaderValue) -> impl Iterator<Item = &[u8]> {
    let names = line.as_bytes().split(|byte| *byte == b',').map(list::trim);
    names.filter(|name| !name.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(lines: &[&str]) -> Vec<HeaderValue> {
        lines.iter().map(|line| HeaderValue::from_bytes(line.as_bytes()).unwrap()).collect()
    }

    fn said(lines: &[&str]) -> Vec<String> {
        match Vary::said(&values(lines)) {
            Vary::Names(names) => names.into_iter().collect(),
            Vary::Everything => vec!["*".to_owned()],
        }
    }

    #[test]
    fn all_lines_are_one_list_of_any_case_and_order() {
        assert_eq!(said(&["Cookie,ACCEPT", " , accept ,"]), ["accept", "cookie"]);
        assert_eq!(said(&["accept", "cookie"]), ["accept", "cookie"]);
        assert!(said(&[]).is_empty());
    }

    #[test]
    fn a_star_at_any_place_is_everything() {
        let stars: [&[&str]; 8] = [
            &["*"],
            &["*, *"],
            &["*", "*"],
            &[", *"],
            &["", "*"],
            &["*, Foo"],
            &["Foo, *"],
            &["Foo", " *\t"],
        ];
        for lines in stars {
            assert_eq!(said(lines), ["*"], "{lines:?}");
        }
    }

    #[test]
    fn an_invalid_name_is_everything() {
        for line in ["a b", "a;q=1", "\"a\"", "é", "a:"] {
            assert_eq!(said(&[line]), ["*"], "{line}");
        }
    }

    #[test]
    fn a_coded_answer_depends_on_accept_encoding() {
        let mut headers = HeaderMap::new();
        assert_eq!(Vary::of(&headers), Vary::default());
        headers.append(CONTENT_ENCODING, HeaderValue::from_static("br"));
        assert!(Vary::of(&headers).names(&ACCEPT_ENCODING));
        headers.append(VARY, HeaderValue::from_static("*"));
        assert_eq!(Vary::of(&headers), Vary::Everything);
    }

    #[test]
    fn names_add_up_and_too_many_are_everything() {
        let one = Vary::said(&values(&["Accept"]));
        let union = one.clone().union(Vary::said(&values(&["Cookie"])));
        assert_eq!(union, Vary::said(&values(&["Cookie, Accept"])));
        assert_eq!(one.clone().union(Vary::Everything), Vary::Everything);
        let many: Vec<_> = (0..Vary::MOST).map(|n| format!("x-{n}")).collect();
        let many = Vary::said(&values(&[&many.join(",")]));
        assert_ne!(many, Vary::Everything);
        assert_eq!(many.union(one), Vary::Everything);
    }

    #[test]
    fn a_patch_preserves_order_and_a_star_replaces_all() {
        let cases: [(&[&str], &[&str], &str); 11] = [
            (&[], &["Accept-Encoding"], "Accept-Encoding"),
            (&["Accept-Encoding"], &["accept-encoding"], "Accept-Encoding"),
            (&["Accept-Encoding"], &["ACCEPT-ENCODING"], "Accept-Encoding"),
            (&["Cookie"], &["Accept-Encoding"], "Cookie, Accept-Encoding"),
            (&["Cookie, Accept-Encoding"], &["Accept-Encoding"], "Cookie, Accept-Encoding"),
            (
                &["Cookie, Accept-Encoding"],
                &["Accept-Encoding", "cookie"],
                "Cookie, Accept-Encoding",
            ),
            (&[], &["Accept-Encoding", "COOKIE"], "Accept-Encoding, COOKIE"),
            (&["Cookie,     Accept-Encoding"], &["cookie"], "Cookie, Accept-Encoding"),
            (&["Cookie    ", "  Accept-Encoding"], &["cookie"], "Cookie, Accept-Encoding"),
            (&["*"], &["Accept-Language", "Cookie"], "*"),
            (&["Accept-Language, Cookie"], &["*"], "*"),
        ];
        for (old, more, expected) in cases {
            assert_eq!(patch(&values(old), more).unwrap(), expected, "{old:?} {more:?}");
        }
    }

    #[test]
    fn a_name_is_found_in_any_case_and_with_space() {
        let cases = [
            ("", "Cookie", false),
            ("Cookie", "Cookie", true),
            ("cookie", "COOKIE", true),
            ("Accept, Cookie", "cookie", true),
            ("Accept,Cookie ,X", "cookie", true),
            ("\tCookie\t", "cookie", true),
            ("Cookies", "cookie", false),
            ("Set-Cookie", "cookie", false),
            ("*", "cookie", false),
            ("*", "*", true),
            ("Accept, *", "*", true),
            (",,", "", false),
        ];
        for (line, name, expected) in cases {
            assert_eq!(has(&values(&[line]), name), expected, "{line} {name}");
        }
    }
}
