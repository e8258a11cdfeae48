//! Hides the values of secrets in texts: messages, keys, addresses.
//!
//! - A secret follows a name and a sign: `token=x`, `"password": "x"`, `Authorization: Bearer x`.
//! - Signs may be percent-encoded, as in an address within an address: `next=%2F%3Ftoken%3Dx%26b`.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;

use super::HIDDEN;
use super::names::{is_named, squashed};

/// Replaces secrets in `text` with `…`.
///
/// A secret follows the name of one (`token=x`, `"password": "x"`, `Authorization: Bearer x`,
/// `token%3Dx`), or is the user info of an address.
pub fn hide(text: &str) -> Cow<'_, str> {
    let mut hidden = String::new();
    let (mut shown, mut from) = (0, 0);
    while let Some(sign) = next_sign(text, from) {
        from = sign.end;
        let value = user_info(text, &sign).or_else(|| {
            let name = decoded(name_before(&text[..sign.at]));
            // `a%3D1%26b`: what an encoded sign separates is another name.
            let name = name.rsplit(['&', '=', '?', '/', ';']).next().unwrap_or_default();
            is_named(name).then(|| value_after(text, &sign, has_many_words(name))).flatten()
        });
        if let Some((start, end)) = value.filter(|(start, end)| *start >= shown && end > start) {
            hidden.push_str(&text[shown..start]);
            hidden.push_str(HIDDEN);
            (shown, from) = (end, end);
        }
    }
    if shown == 0 {
        return Cow::Borrowed(text);
    }
    hidden.push_str(&text[shown..]);
    Cow::Owned(hidden)
}

/// How many times a name is decoded; the name of a parameter in an address in an address is encoded three times.
const LAYERS: usize = 4;

/// Decodes a name as many times as it is encoded, at most [`LAYERS`] times.
fn decoded(name: &str) -> String {
    let mut name = name.to_owned();
    for _ in 0..LAYERS {
        name = percent_decode_str(&name).decode_utf8_lossy().into_owned();
    }
    name
}

/// A sign between a name and a value: `=` or `:`, as it is or percent-encoded.
struct Sign {
    at: usize,
    end: usize,
    /// How many times it is encoded: 0 for `=`, 1 for `%3D`, 2 for `%253D`.
    depth: usize,
}

/// Finds the next sign between a name and a value.
fn next_sign(text: &str, from: usize) -> Option<Sign> {
    let places = text[from..].match_indices(['=', ':', '%']).map(|(at, _)| from + at);
    places
        .filter_map(|at| encoded(&text[at..], &['=', ':']).map(|(len, depth)| (at, len, depth)))
        .map(|(at, len, depth)| Sign { at, end: at + len, depth })
        .next()
}

/// Reads one of `characters`, encoded or not, at the beginning of a text: its length and how many
/// times it is encoded.
fn encoded(text: &str, characters: &[char]) -> Option<(usize, usize)> {
    let Some(code) = text.strip_prefix('%') else {
        let first = text.chars().next().filter(|first| characters.contains(first))?;
        return Some((first.len_utf8(), 0));
    };
    let digits = code.trim_start_matches("25");
    let byte = u8::from_str_radix(digits.get(..2)?, 16).ok()?;
    let again = (code.len() - digits.len()) / 2;
    characters.contains(&char::from(byte)).then_some((3 + 2 * again, 1 + again))
}

/// Returns the place of the first of `characters`, encoded at most `depth` times.
fn find_encoded(text: &str, characters: &[char], depth: usize) -> Option<usize> {
    let places = text.char_indices().map(|(at, _)| at);
    let is_one = |at: &usize| encoded(&text[*at..], characters).is_some_and(|(_, d)| d <= depth);
    places.into_iter().find(is_one)
}

/// Returns the range of the user info, if the sign is that of `scheme://user:password@host`.
fn user_info(text: &str, sign: &Sign) -> Option<(usize, usize)> {
    let mut start = sign.end;
    for _ in 0..2 {
        start += encoded(&text[start..], &['/'])?.0;
    }
    let rest = &text[start..];
    let end = find_encoded(rest, &['/', ' ', '"', '?', '\n'], sign.depth).unwrap_or(rest.len());
    // The last `@`, since a password may hold others.
    let mut places = rest[..end].char_indices().map(|(at, _)| at);
    let user = places.rfind(|at| encoded(&rest[*at..], &['@']).is_some())?;
    Some((start, start + user))
}

/// Returns the name at the end of a text.
fn name_before(text: &str) -> &str {
    let text = before_colour(text).trim_end_matches([' ', '"', '\'', '\\', '`']);
    let text = before_colour(text);
    let is_part = |c: char| c.is_alphanumeric() || "_-.[]%".contains(c);
    let name = text.rsplit(|c| !is_part(c)).next().unwrap_or_default();
    // The end of a colour code is not part of the name.
    let is_coloured = text[..text.len() - name.len()].ends_with('\x1b');
    let behind = name.split_once('m').map_or(name, |(_, behind)| behind);
    if is_coloured { behind } else { name }
}

/// Returns a text without the terminal colour codes at its end.
fn before_colour(text: &str) -> &str {
    let is_colour = |code: &str| {
        code.strip_suffix('m')
            .is_some_and(|code| code.bytes().all(|b| b.is_ascii_digit() || b == b';'))
    };
    match text.rsplit_once("\x1b[") {
        Some((before, code)) if is_colour(code) => before_colour(before),
        _ => text,
    }
}

/// Reports whether the value under this name goes on to the end of its line: cookies, and credentials of any scheme.
fn has_many_words(name: &str) -> bool {
    let name = squashed(name);
    name.contains("cookie") || name.contains("authorization")
}

/// Returns the range of the value that follows a sign.
fn value_after(text: &str, sign: &Sign, is_line: bool) -> Option<(usize, usize)> {
    let from = sign.end;
    let is_list = text[from..].trim_start_matches([' ', ':', '=', '"']).starts_with('[');
    let mut rest = text[from..].trim_start_matches([' ', '=', ':', '\\', '>', '(', '[']);
    while let Some((_, behind)) = rest.strip_prefix("\x1b[").and_then(|code| code.split_once('m')) {
        rest = behind;
    }
    let start = text.len() - rest.len();
    if is_list && let Some(end) = rest.find(']') {
        return Some((start, start + end));
    }
    let quote = rest.chars().next().filter(|c| ['"', '\'', '`'].contains(c));
    if let Some(quote) = quote {
        let inside = &rest[1..];
        let mut was_escape = false;
        let end = inside.find(|c| {
            let is_end = c == quote && !was_escape;
            was_escape = c == '\\' && !was_escape;
            is_end
        });
        return Some((start + 1, start + 1 + end.unwrap_or(inside.len())));
    }
    if is_line {
        let end = rest.find(['\n', '\r', '"', '\'', '`']).unwrap_or(rest.len());
        return Some((start, start + end));
    }
    let scheme = ["bearer ", "basic ", "digest ", "token "];
    let is_scheme = |scheme: &&&str| {
        rest.get(..scheme.len()).is_some_and(|front| front.eq_ignore_ascii_case(scheme))
    };
    let skipped = scheme.iter().find(is_scheme).map_or(0, |scheme| scheme.len());
    let is_end = |c: char| c.is_whitespace() || "&;,\"'`)<>|".contains(c);
    let end = rest[skipped..].find(is_end).unwrap_or(rest.len() - skipped) + skipped;
    // An encoded sign has encoded separators; behind `token=`, `%26` is part of the value.
    let end = match sign.depth {
        0 => end,
        depth => find_encoded(&rest[..end], &['&'], depth).unwrap_or(end),
    };
    // In `session:digest="x"` the name next to the value decides.
    let is_name = rest[..end].ends_with(['=', ':']) && rest[end..].starts_with(['"', '\'']);
    (!is_name).then_some((start, start + end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_follows_the_name_of_a_secret_is_hidden_in_any_text() {
        let cases = [
            ("/?token=abc&q=tea", "/?token=…&q=tea"),
            ("a token=abc, b", "a token=…, b"),
            (r#"{"password": "a\"b", "n": 1}"#, r#"{"password": "…", "n": 1}"#),
            ("Authorization: Bearer abc.def x", "Authorization: …"),
            ("Authorization: Negotiate  abc\nx", "Authorization: …\nx"),
            ("Cookie: a=b; sess=abc", "Cookie: …"),
            ("next=%2Fa%3Ftoken%3Dabc%26b%3D1", "next=%2Fa%3Ftoken%3D…%26b%3D1"),
            ("(token_hash = 'abc'::text)", "(token_hash = '…'::text)"),
            ("postgres://mina:p@ss@host/db", "postgres://…@host/db"),
            (r#"page:path="/":query="q=1&api_key=abc""#, r#"page:path="/":query="q=1&api_key=…""#),
            ("é token=ü", "é token=…"),
            ("http://h/?%74oken=abc", "http://h/?%74oken=…"),
            (r#"{"password" : ["abc", "d"], "n": 1}"#, r#"{"password" : […], "n": 1}"#),
            (r#"accounts.session:digest="abc""#, r#"accounts.session:digest="…""#),
            ("\x1b[3mtoken\x1b[0m\x1b[2m=\x1b[0mabc", "\x1b[3mtoken\x1b[0m\x1b[2m=\x1b[0m…"),
            ("\x1b[3mkey\x1b[0m\x1b[2m=\x1b[0mabc", "\x1b[3mkey\x1b[0m\x1b[2m=\x1b[0m…"),
            (r#"cache.key="larder-values:1:motd""#, r#"cache.key="larder-values:1:motd""#),
            ("/?token=abc%26def&q=tea", "/?token=…&q=tea"),
            ("/?token=abc%20def+g&q=tea", "/?token=…&q=tea"),
            (
                "next=a%253Ftoken%253Dabc%2526b%253D1%26c=1",
                "next=a%253Ftoken%253D…%2526b%253D1%26c=1",
            ),
            ("to=postgres%3A%2F%2Fmina%3Ap%40ss%40host%2Fdb", "to=postgres%3A%2F%2F…%40host%2Fdb"),
            ("to=postgres%3a//mina:pass@host/db", "to=postgres%3a//…@host/db"),
            ("http://h/a@b:c", "http://h/a@b:c"),
            ("100%: 5", "100%: 5"),
            ("nothing = here: at all", "nothing = here: at all"),
            ("token=", "token="),
            ("", ""),
        ];
        for (text, expected) in cases {
            assert_eq!(hide(text), expected, "{text}");
        }
    }
}
