//! Hides the values of secrets in texts: messages, keys, addresses.
//!
//! - A secret follows a name and a sign: `token=x`, `"password": "x"`, `Authorization: Bearer x`.
//! - Names, signs and quotes may be percent-encoded, as in an address within an address: `next=%2F%3Ftoken%3Dx%26b`.
//!   What is encoded too often is hidden, whatever it is.
//! - Texts come from clients. Each is read once, from front to back, and the reading goes on behind each value: so the
//!   time is linear in the length, and nothing recurses.

use std::borrow::Cow;
use std::ops::Range;

use super::HIDDEN;
use super::letters::{Letter, letters, read};
use super::names::{is_named, squashed};

/// Characters that end no value, but may stand behind one: `(token=x)`.
const TRAILING: &[u8] = b",;.)'\"`>|]}";

/// Replaces secrets in `text` with `…`.
///
/// A secret follows the name of one (`token=x`, `"password": "x"`, `Authorization: Bearer x`,
/// `token%3Dx`), or is the user info of an address.
pub fn hide(text: &str) -> Cow<'_, str> {
    let places = places(text);
    if places.is_empty() {
        return Cow::Borrowed(text);
    }
    let (mut hidden, mut shown) = (String::with_capacity(text.len()), 0);
    for secret in places {
        hidden.push_str(&text[shown..secret.start]);
        hidden.push_str(HIDDEN);
        shown = secret.end;
    }
    hidden.push_str(&text[shown..]);
    Cow::Owned(hidden)
}

/// Returns the places of the secrets in `text`, one behind the other.
pub fn places(text: &str) -> Vec<Range<usize>> {
    if !text.contains(['=', ':', '%']) {
        return Vec::new();
    }
    let (letters, end) = letters(text);
    let mut reader = Reader { letters, is_quoted: false, address: (0, None) };
    let secrets = reader.secrets();
    let place = |at: usize| reader.letters.get(at).map_or(end, |letter| letter.at);
    let mut places: Vec<_> = secrets.iter().map(|at| place(at.start)..place(at.end)).collect();
    if end < text.len() {
        // Nothing is known of what stands behind a character that is encoded too often.
        places.push(end..text.len());
    }
    places
}

/// Reads the letters of a text from front to back. All places are numbers of letters.
struct Reader {
    letters: Vec<Letter>,
    /// Whether the letters that are read stand between `"` and `"`.
    is_quoted: bool,
    /// The end of the last address, and the last `@` before it.
    address: (usize, Option<usize>),
}

impl Reader {
    fn secrets(&mut self) -> Vec<Range<usize>> {
        let mut secrets = Vec::new();
        // The last name that was read, which may stand before a sign.
        let mut name = 0..0;
        let mut at = 0;
        while at < self.letters.len() {
            let letter = self.letters[at];
            let mut next = at + 1;
            match letter.byte {
                b'=' | b':' => {
                    let value = self.user_info(at).or_else(|| self.value(name, at));
                    if let Some(value) = value {
                        // A quote behind the value belongs to it.
                        let is_quote = is_quote(self.byte(value.end))
                            && self.byte(value.start - 1) == self.byte(value.end);
                        next = value.end + usize::from(is_quote);
                        secrets.push(value);
                    }
                    name = next..next;
                }
                b'\\' if self.byte(next) == b'"' => next += 1,
                b'"' if letter.depth == 0 => self.is_quoted = !self.is_quoted,
                b'"' | b'\'' | b'`' | b' ' | b'\\' | b')' => {}
                byte if is_of_name(byte) => {
                    let start = if name.end == at { name.start } else { at };
                    name = start..next;
                }
                _ => name = next..next,
            }
            at = next;
        }
        secrets
    }

    /// Returns the byte of a letter, and 0 behind the last one.
    fn byte(&self, at: usize) -> u8 {
        self.letters.get(at).map_or(0, |letter| letter.byte)
    }

    /// Returns the first place from `at` on where `is_end`, or the end of the text.
    fn find(&self, at: usize, mut is_end: impl FnMut(Letter) -> bool) -> usize {
        let rest = self.letters.get(at..).unwrap_or_default();
        let length = rest.iter().position(|letter| is_end(*letter)).unwrap_or(rest.len());
        #[cfg(test)]
        super::letters::READ.set(super::letters::READ.get() + length);
        at + length
    }

    /// As [`Self::find`], of letters without a `\` before them.
    fn find_unescaped(&self, at: usize, mut is_end: impl FnMut(Letter) -> bool) -> usize {
        let mut is_escaped = false;
        self.find(at, |letter| {
            let is_found = !is_escaped && is_end(letter);
            is_escaped = letter.byte == b'\\' && !is_escaped;
            is_found
        })
    }

    /// Returns the user info, if the sign is that of `scheme://user:password@host`.
    ///
    /// A password may hold `/`, `?`, `#` and `@`: if there is one, the last `@` of the address ends it.
    fn user_info(&mut self, sign: usize) -> Option<Range<usize>> {
        let start = sign + 3;
        if [sign, sign + 1, sign + 2].map(|at| self.byte(at)) != *b"://" {
            return None;
        }
        // An address within an address ends where that one does, so no letter is searched twice.
        if start >= self.address.0 {
            let end = self.find(start, |letter| self.ends_line_or_word(letter, true));
            self.address = (end, (start..end).rfind(|at| self.byte(*at) == b'@'));
        }
        let (end, last) = self.address;
        let authority = start..self.find(start, |letter| b"/?#".contains(&letter.byte)).min(end);
        let has_password = authority.clone().any(|at| self.byte(at) == b':');
        let user = match has_password {
            true => last.filter(|at| *at >= start),
            false => authority.rev().find(|at| self.byte(*at) == b'@'),
        };
        user.map(|end| start..end).filter(|user| !user.is_empty())
    }

    /// Returns the value behind a sign, if the name before it is that of a secret.
    fn value(&self, name: Range<usize>, sign: usize) -> Option<Range<usize>> {
        let name = read(&self.letters[name]);
        if !is_named(&name) {
            return None;
        }
        let start = self.find(sign + 1, |letter| !b" =:\\>".contains(&letter.byte));
        let value = match self.byte(start) {
            quote if is_quote(quote) => self.closed(start, self.quote_end(start), sign),
            b'[' | b'{' | b'(' => self.closed(start, self.bracket_end(start), sign),
            _ if start == sign + 1 && self.is_before_another(start) => return None,
            _ => {
                let is_header = self.byte(sign) == b':' && self.byte(sign + 1) == b' ';
                self.open(start, sign, is_header || has_many_words(&name))
            }
        };
        (!value.is_empty()).then_some(value)
    }

    /// Returns what stands between the signs at `start` and `end`, and what follows without a space.
    fn closed(&self, start: usize, end: usize, sign: usize) -> Range<usize> {
        match is_of_name(self.byte(end + 1)) {
            true => start + 1..self.open(end + 1, sign, false).end,
            false => start + 1..end,
        }
    }

    /// Returns a value without quotes: up to the next space, or to the end of the line.
    fn open(&self, start: usize, sign: usize, is_line: bool) -> Range<usize> {
        let depth = self.letters[sign].depth;
        let mut end = self.find_unescaped(start, |letter| {
            // An encoded sign has encoded separators; behind `token=`, `%26` is part of the value.
            let is_separator = letter.byte == b'&' && letter.depth <= depth && !is_line;
            is_separator || self.ends_line_or_word(letter, !is_line)
        });
        while !is_line && end > start && TRAILING.contains(&self.byte(end - 1)) {
            end -= 1;
        }
        start..end
    }

    /// Reports whether a letter ends the line or the quoted text in which a value stands, or the word.
    fn ends_line_or_word(&self, letter: Letter, is_word: bool) -> bool {
        let is_end = match letter.byte {
            b'\n' | b'\r' => true,
            b'"' => self.is_quoted,
            byte => is_word && byte.is_ascii_whitespace(),
        };
        is_end && letter.depth == 0
    }

    /// Returns the place of the quote that belongs to the one at `start`.
    fn quote_end(&self, start: usize) -> usize {
        let Letter { byte, depth, .. } = self.letters[start];
        self.find_unescaped(start + 1, |letter| letter.byte == byte && letter.depth <= depth)
    }

    /// Returns the place of the bracket that belongs to the one at `start`, as in JSON.
    fn bracket_end(&self, start: usize) -> usize {
        let (mut is_quoted, mut depth) = (false, 0_usize);
        self.find_unescaped(start, |letter| {
            match letter.byte {
                b'"' => is_quoted = !is_quoted,
                b'[' | b'{' | b'(' if !is_quoted => depth += 1,
                b']' | b'}' | b')' if !is_quoted => depth -= 1,
                _ => {}
            }
            depth == 0
        })
    }

    /// Reports whether the value is the name of another secret: in `session:digest="x"`, `x` is the secret.
    fn is_before_another(&self, start: usize) -> bool {
        let end = self.find(start, |letter| !is_of_name(letter.byte));
        let is_name = self.byte(end) == b'=' && is_quote(self.byte(end + 1));
        is_name && is_named(&read(&self.letters[start..end]))
    }
}

fn is_quote(byte: u8) -> bool {
    matches!(byte, b'"' | b'\'' | b'`')
}

/// Reports whether the byte may be part of a name: those of letters in any language may.
fn is_of_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"_-.[]".contains(&byte) || !byte.is_ascii()
}

/// Reports whether the value under this name goes on to the end of its line: cookies, and credentials of any scheme.
fn has_many_words(name: &str) -> bool {
    let name = squashed(name);
    name.contains("cookie") || name.contains("authorization")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::letters::READ;
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
            (r#"cache.key="larder:values:1:motd""#, r#"cache.key="larder:values:1:motd""#),
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
            // Values with signs of their own.
            ("/a?password=hunter,abc;d'e)f&q=tea", "/a?password=…&q=tea"),
            (r#"/token=abc"def"#, "/token=…"),
            (r#"/token="abc"def g"#, r#"/token="… g"#),
            (r"password=a\ abc host=h", "password=… host=h"),
            ("(token=abc), b", "(token=…), b"),
            ("Key (token)=(abc d) exists", "Key (token)=(…) exists"),
            ("token: abc def\nx", "token: …\nx"),
            ("q=%22token%22:%22abc+d%22&b=1", "q=%22token%22:%22…%22&b=1"),
            ("q=token=abc", "q=token=…"),
            (r#"{"password":{"a":"abc","b":["d"]},"n":1}"#, r#"{"password":{…},"n":1}"#),
            (r#"{"secrets":[["abc"],"d]"],"n":1}"#, r#"{"secrets":[…],"n":1}"#),
            (r#"{"m":"token=abc","n":1}"#, r#"{"m":"token=…","n":1}"#),
            (r#"{\"token\":\"abc"#, r#"{\"token\":\"…"#),
            // Addresses with passwords that hold signs of addresses.
            ("postgres://u:a/abc@h/db", "postgres://…@h/db"),
            ("http://u:a?b#c@h:1/ x@y", "http://…@h:1/ x@y"),
            ("postgres%253A%252F%252Fu%253Aa%252Fabc%2540h", "postgres%253A%252F%252F…%2540h"),
            ("https://h/?mail=a@b", "https://h/?mail=a@b"),
            ("tok%25%36%35n=abc", "tok%25%36%35n=…"),
            // What is encoded too often.
            ("q=tea%2525253D1", "q=tea%2525253D1"),
            ("q=tea&token%25252525253Dabc", "q=tea&token…"),
            ("token=abc%25252525253D", "token=……"),
        ];
        for (text, expected) in cases {
            assert_eq!(hide(text), expected, "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read(text in "([=:&%@/\\\\\"'(){}\\[\\] \\né…]|%3D|%2525|key|a|://){0,40}") {
            let places = places(&text);
            prop_assert!(places.is_sorted_by(|one, next| one.start < one.end && one.end <= next.start));
            prop_assert!(places.iter().all(|place| !text[place.clone()].is_empty()));
            prop_assert!(hide(&text).matches('…').count() >= places.len());
        }
    }

    #[test]
    fn the_work_is_linear_in_the_length_of_a_text() {
        // Each of these took time by the square of its length once, some of them recursed.
        let parts = [
            "%3D",
            "%25",
            "=",
            ":",
            "://",
            ":%2F%2F",
            "k=v&",
            "k=",
            "token=",
            "token%3Dx%26",
            "key:",
            "(",
            "[\"",
            "{",
            "token=[",
            "token=\"",
            "\"",
            "\\",
            "\\\"",
            "key=\"\"",
            "key:key=\"\"",
            "a:1@://",
            "token ",
            "'",
            ",",
            "%",
            "token=,",
            "pass",
            "\u{e9}",
            "token=&",
        ];
        for part in parts {
            for text in [part.repeat(5_000), format!("a:{}@b", part.repeat(5_000))] {
                READ.set(0);
                let hidden = hide(&text);
                assert!(READ.get() <= 8 * text.len(), "{part}: {} of {}", READ.get(), text.len());
                assert!(hidden.len() <= 2 * text.len(), "{part}");
            }
        }
    }
}
