//! Hides the values of secrets in texts: messages, keys, addresses.
//!
//! - A secret follows a name and a sign: `token=x`, `"password": "x"`, `Authorization: Bearer x`, `/reset-password/x`,
//!   `<password>x</password>`. Where a text has the name of a secret, each field `value` holds one, too:
//!   `{"name": "password", "value": "x"}`.
//! - Names, signs and quotes may be encoded, as in an address within an address: `next=%2F%3Ftoken%3Dx%26b`.
//!   What is encoded too often is hidden, whatever it is.
//! - Texts come from clients. Each is read once, from front to back, and the reading goes on behind each value: so the
//!   time is linear in the length, and nothing recurses.

use std::borrow::Cow;
use std::ops::Range;

use super::HIDDEN;
use super::letters::{Letter, letters, read};
use super::names::{is_named, squashed};

/// The fields of pairs of a name and a value, as in `<meta name="csrf" content="x">`.
const VALUES: [&str; 3] = ["value", "val", "content"];

/// The longest name that is looked for behind a sign.
const LONGEST_NAME: usize = 64;

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
    Cow::Owned(without(text, places))
}

/// Returns a text with `…` in these places, which begin one behind the other.
pub fn without(text: &str, places: impl IntoIterator<Item = Range<usize>>) -> String {
    let (mut hidden, mut shown) = (String::with_capacity(text.len()), 0);
    for secret in places {
        hidden.push_str(&text[shown..secret.start.max(shown)]);
        hidden.push_str(HIDDEN);
        shown = secret.end.max(shown);
    }
    hidden.push_str(&text[shown..]);
    hidden
}

/// Returns the places of the secrets in `text`, one behind the other.
pub fn places(text: &str) -> Vec<Range<usize>> {
    if !text.contains(['=', ':', '/', '>', '%', '\\']) {
        return Vec::new();
    }
    let (letters, end) = letters(text);
    let mut reader = Reader { letters, ..Reader::default() };
    let mut secrets = reader.secrets();
    if reader.has_name && !reader.pairs.is_empty() {
        secrets.append(&mut reader.pairs);
        secrets.sort_by_key(|secret| secret.start);
    }
    let place = |at: usize| reader.letters.get(at).map_or(end, |letter| letter.at);
    let mut places: Vec<Range<usize>> = Vec::with_capacity(secrets.len());
    for secret in secrets {
        let secret = place(secret.start)..place(secret.end);
        match places.last_mut().filter(|last| secret.start < last.end) {
            Some(last) => last.end = last.end.max(secret.end),
            None => places.push(secret),
        }
    }
    if end < text.len() {
        // Nothing is known of what stands behind a character that is encoded too often.
        places.push(end..text.len());
    }
    places
}

/// Reads the letters of a text from front to back. All places are numbers of letters.
#[derive(Default)]
struct Reader {
    letters: Vec<Letter>,
    /// Whether the letters that are read stand between `"` and `"`.
    is_quoted: bool,
    /// The end of the last address, and the last `@` before it.
    address: (usize, Option<usize>),
    /// Where the name of the element begins whose `<` was read last.
    tag: Option<usize>,
    /// Whether the name of a secret was read.
    has_name: bool,
    /// The values of pairs, which are secrets if there is such a name.
    pairs: Vec<Range<usize>>,
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
                b'=' | b':' | b'/' | b'>' => {
                    let value = match letter.byte {
                        b'/' => self.rest_of_path(name, at),
                        b'>' => self.content(at),
                        _ => self.user_info(at).or_else(|| self.field(name, at)),
                    };
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
                b'"' | b'\'' | b'`' | b' ' | b'\t' | b'\\' | b')' => {}
                byte if is_of_name(byte) => {
                    let start = if name.end == at { name.start } else { at };
                    name = start..next;
                }
                byte => {
                    if byte == b'<' {
                        self.tag = Some(next);
                    }
                    name = next..next;
                }
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
    fn field(&mut self, name: Range<usize>, sign: usize) -> Option<Range<usize>> {
        let name = read(&self.letters[name]);
        if is_named(&name) {
            self.has_name = true;
            return self.value(&name, sign);
        }
        self.has_name = self.has_name || self.is_before_name(sign);
        // A pair within the value of another is read with it, so no letter is read twice.
        let is_new = self.pairs.last().is_none_or(|last| last.end <= sign);
        if is_new && VALUES.contains(&squashed(&name).as_str()) {
            let value = self.value(&name, sign);
            self.pairs.extend(value);
        }
        None
    }

    /// Reports whether the first word behind a sign is the name of a secret, as in `"name": "password"`.
    fn is_before_name(&self, sign: usize) -> bool {
        let start = self.find(sign + 1, |letter| !b" \t\"'`\\".contains(&letter.byte));
        let end = self.find(start, |letter| !is_of_name(letter.byte));
        end - start <= LONGEST_NAME && is_named(&read(&self.letters[start..end]))
    }

    /// Returns the value behind a sign.
    fn value(&self, name: &str, sign: usize) -> Option<Range<usize>> {
        let mut start = self.find(sign + 1, |letter| !b" \t=:\\>".contains(&letter.byte));
        // JSON may go on in the next line; what has no quotes ends with its line.
        let next = self.find(start, |letter| !letter.byte.is_ascii_whitespace());
        if is_quote(self.byte(next)) || is_bracket(self.byte(next)) {
            start = next;
        }
        let value = match self.byte(start) {
            quote if is_quote(quote) => self.closed(start, self.quote_end(start), sign),
            bracket if is_bracket(bracket) => self.closed(start, self.bracket_end(start), sign),
            _ if start == sign + 1 && self.is_before_another(start) => return None,
            _ => {
                let is_header = self.byte(sign) == b':' && b" \t".contains(&self.byte(sign + 1));
                match is_header || has_many_words(name) {
                    true => {
                        start..self.find_unescaped(start, |it| self.ends_line_or_word(it, false))
                    }
                    false => self.open(start, sign, b"&"),
                }
            }
        };
        (!value.is_empty()).then_some(value)
    }

    /// Returns what stands between the signs at `start` and `end`, and what follows without a space.
    fn closed(&self, start: usize, mut end: usize, sign: usize) -> Range<usize> {
        // Quoted parts one behind the other are one value, as in CSV and in shells: `"a""b"`.
        while is_quote(self.byte(start)) && is_quote(self.byte(end + 1)) {
            end = self.quote_end(end + 1);
        }
        match is_of_name(self.byte(end + 1)) {
            true => start + 1..self.open(end + 1, sign, b"&").end,
            false => start + 1..end,
        }
    }

    /// Returns a value without quotes: up to the next space or separator.
    fn open(&self, start: usize, sign: usize, separators: &[u8]) -> Range<usize> {
        let depth = self.letters[sign].depth;
        let mut end = self.find_unescaped(start, |letter| {
            // An encoded sign has encoded separators; behind `token=`, `%26` is part of the value.
            let is_separator = separators.contains(&letter.byte) && letter.depth <= depth;
            is_separator || self.ends_line_or_word(letter, true)
        });
        while end > start && TRAILING.contains(&self.byte(end - 1)) {
            end -= 1;
        }
        start..end
    }

    /// Returns the rest of a path behind the name of a secret, as in `/reset-password/x`.
    fn rest_of_path(&mut self, name: Range<usize>, sign: usize) -> Option<Range<usize>> {
        let before = |count: usize| name.start.checked_sub(count).map_or(0, |at| self.byte(at));
        let is_host = [3, 2, 1].map(before) == *b"://";
        let is_segment = !name.is_empty() && name.end == sign && !is_host;
        if !is_segment || !is_named(&read(&self.letters[name])) {
            return None;
        }
        self.has_name = true;
        let start = self.find(sign, |letter| letter.byte != b'/');
        let value = self.open(start, sign, b"&?#");
        // In `<token/>` it is the sign of an element.
        (!value.is_empty() && self.byte(start) != b'>').then_some(value)
    }

    /// Returns the content of an element, if its name is that of a secret, as in `<password>x</password>`.
    fn content(&mut self, sign: usize) -> Option<Range<usize>> {
        let tag = self.tag.take()?;
        let end = self.find(tag, |letter| !is_of_name(letter.byte) && letter.byte != b':');
        let is_open =
            self.byte(sign - 1) != b'/' && (end == sign || self.byte(end).is_ascii_whitespace());
        if !is_open || !is_named(&read(&self.letters[tag..end])) {
            return None;
        }
        self.has_name = true;
        let mut was_open = false;
        let slash = self.find(sign + 1, |letter| {
            let is_end = was_open && letter.byte == b'/';
            was_open = letter.byte == b'<';
            is_end
        });
        let end = if slash < self.letters.len() { slash - 1 } else { slash };
        Some(sign + 1..end).filter(|value| !value.is_empty())
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

fn is_bracket(byte: u8) -> bool {
    matches!(byte, b'[' | b'{' | b'(')
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
mod tests;
