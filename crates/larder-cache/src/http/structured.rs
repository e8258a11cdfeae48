//! Parses dictionaries of structured fields.
//!
//! - All lines are one field. RFC 9651 §4.2.
//! - One error makes the whole field unreadable. RFC 9651 §4.2.
//! - Keys are lower case; an upper-case letter is an error. RFC 9651 §4.2.3.3.
//! - The last of two equal keys counts. RFC 9651 §4.2.2.
//! - Parameters are checked and dropped: no cache directive has any. RFC 9213 §2.1.
//! - Values of types that no cache directive has are checked, and become [`Item::Other`].

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use super::types::header::HeaderValue;

use super::list::{Unreadable, is_token_byte};

/// A dictionary, in the order in which its keys first appear.
pub(crate) type Dictionary = Vec<(String, Item)>;

/// A value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Item {
    /// `?1`, or a key alone.
    Boolean(bool),
    /// At most fifteen digits.
    Integer(i64),
    /// A decimal, string, token, byte sequence, date, display string or inner list.
    Other,
}

/// Parses the dictionary that the lines hold.
pub(crate) fn dictionary<'h>(
    lines: impl IntoIterator<Item = &'h HeaderValue>,
) -> Result<Dictionary, Unreadable> {
    let lines: Vec<_> = lines.into_iter().map(HeaderValue::as_bytes).collect();
    let text = lines.join(b", ".as_slice());
    let mut reader = Reader { rest: &text };
    reader.skip(b" ");
    let dictionary = reader.dictionary()?;
    if reader.rest.is_empty() { Ok(dictionary) } else { Err(Unreadable) }
}

/// The rest of the text to parse.
struct Reader<'t> {
    rest: &'t [u8],
}

impl<'t> Reader<'t> {
    fn peek(&self) -> Option<u8> {
        self.rest.first().copied()
    }

    fn next(&mut self) -> Result<u8, Unreadable> {
        let (first, rest) = self.rest.split_first().ok_or(Unreadable)?;
        self.rest = rest;
        Ok(*first)
    }

    fn takes(&mut self, byte: u8) -> bool {
        let is_next = self.peek() == Some(byte);
        if is_next {
            self.rest = &self.rest[1..];
        }
        is_next
    }

    fn expect(&mut self, byte: u8) -> Result<(), Unreadable> {
        if self.takes(byte) { Ok(()) } else { Err(Unreadable) }
    }

    fn take_while(&mut self, is_wanted: impl Fn(u8) -> bool) -> &'t [u8] {
        let end = self.rest.iter().position(|byte| !is_wanted(*byte));
        let (taken, rest) = self.rest.split_at(end.unwrap_or(self.rest.len()));
        self.rest = rest;
        taken
    }

    fn skip(&mut self, space: &[u8]) {
        self.take_while(|byte| space.contains(&byte));
    }

    /// Parses a dictionary. RFC 9651 §4.2.2.
    fn dictionary(&mut self) -> Result<Dictionary, Unreadable> {
        let mut dictionary = Dictionary::new();
        // So that the time is linear in the length, however many keys there are.
        let mut places: HashMap<String, usize> = HashMap::new();
        while !self.rest.is_empty() {
            let key = self.key()?;
            let value = if self.takes(b'=') { self.member()? } else { Item::Boolean(true) };
            self.parameters()?;
            match places.entry(key) {
                Entry::Occupied(place) => dictionary[*place.get()].1 = value,
                Entry::Vacant(place) => {
                    dictionary.push((place.key().clone(), value));
                    place.insert(dictionary.len() - 1);
                }
            }
            self.skip(b" \t");
            if self.rest.is_empty() {
                break;
            }
            self.expect(b',')?;
            self.skip(b" \t");
            // A trailing comma is an error.
            self.peek().ok_or(Unreadable)?;
        }
        Ok(dictionary)
    }

    /// Parses a key. RFC 9651 §4.2.3.3.
    fn key(&mut self) -> Result<String, Unreadable> {
        if !self.peek().is_some_and(|byte| byte.is_ascii_lowercase() || byte == b'*') {
            return Err(Unreadable);
        }
        let is_key = |byte: u8| {
            byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_-.*".contains(&byte)
        };
        Ok(String::from_utf8_lossy(self.take_while(is_key)).into_owned())
    }

    /// Parses a member without its parameters. RFC 9651 §4.2.1.1.
    fn member(&mut self) -> Result<Item, Unreadable> {
        if self.takes(b'(') { self.inner_list() } else { self.bare() }
    }

    /// Parses an inner list after its `(`. RFC 9651 §4.2.1.2.
    fn inner_list(&mut self) -> Result<Item, Unreadable> {
        loop {
            self.skip(b" ");
            if self.takes(b')') {
                return Ok(Item::Other);
            }
            self.bare()?;
            self.parameters()?;
            if !matches!(self.peek(), Some(b' ' | b')')) {
                return Err(Unreadable);
            }
        }
    }

    /// Parses parameters. RFC 9651 §4.2.3.2.
    fn parameters(&mut self) -> Result<(), Unreadable> {
        while self.takes(b';') {
            self.skip(b" ");
            self.key()?;
            if self.takes(b'=') {
                self.bare()?;
            }
        }
        Ok(())
    }

    /// Parses a bare item. RFC 9651 §4.2.3.1.
    fn bare(&mut self) -> Result<Item, Unreadable> {
        match self.peek().ok_or(Unreadable)? {
            b'-' | b'0'..=b'9' => self.number(),
            b'"' => self.string(),
            b':' => self.bytes(),
            b'?' => self.boolean(),
            b'@' => self.date(),
            b'%' => self.display_string(),
            b'*' | b'A'..=b'Z' | b'a'..=b'z' => {
                self.take_while(|byte| is_token_byte(byte) || b":/".contains(&byte));
                Ok(Item::Other)
            }
            _ => Err(Unreadable),
        }
    }

    /// Parses a number: 15 digits, or 12 with one to three decimals. RFC 9651 §4.2.4.
    fn number(&mut self) -> Result<Item, Unreadable> {
        let sign = if self.takes(b'-') { -1 } else { 1 };
        let digits = self.take_while(|byte| byte.is_ascii_digit());
        let is_decimal = self.takes(b'.');
        let most = if is_decimal { 12 } else { 15 };
        if digits.is_empty() || digits.len() > most {
            return Err(Unreadable);
        }
        if is_decimal {
            let digits = self.take_while(|byte| byte.is_ascii_digit());
            return if (1..=3).contains(&digits.len()) { Ok(Item::Other) } else { Err(Unreadable) };
        }
        let number = digits.iter().fold(0, |sum, byte| sum * 10 + i64::from(byte - b'0'));
        Ok(Item::Integer(sign * number))
    }

    /// Parses a string. RFC 9651 §4.2.5.
    fn string(&mut self) -> Result<Item, Unreadable> {
        self.expect(b'"')?;
        loop {
            match self.next()? {
                b'"' => return Ok(Item::Other),
                b'\\' if matches!(self.next()?, b'"' | b'\\') => {}
                b'\\' => return Err(Unreadable),
                b' '..=b'~' => {}
                _ => return Err(Unreadable),
            }
        }
    }

    /// Parses a byte sequence. RFC 9651 §4.2.7.
    ///
    /// Padding may be missing, but a single last letter is an error.
    fn bytes(&mut self) -> Result<Item, Unreadable> {
        self.expect(b':')?;
        let letters = self.take_while(|byte| byte.is_ascii_alphanumeric() || b"+/".contains(&byte));
        let padding = self.take_while(|byte| byte == b'=');
        self.expect(b':')?;
        let is_whole = letters.len() % 4 != 1;
        let missing = (4 - letters.len() % 4) % 4;
        let is_padded = padding.is_empty() || padding.len() == missing;
        if is_whole && is_padded { Ok(Item::Other) } else { Err(Unreadable) }
    }

    /// Parses a boolean. RFC 9651 §4.2.8.
    fn boolean(&mut self) -> Result<Item, Unreadable> {
        self.expect(b'?')?;
        match self.next()? {
            b'0' => Ok(Item::Boolean(false)),
            b'1' => Ok(Item::Boolean(true)),
            _ => Err(Unreadable),
        }
    }

    /// Parses a date. RFC 9651 §4.2.9.
    fn date(&mut self) -> Result<Item, Unreadable> {
        self.expect(b'@')?;
        match self.number()? {
            Item::Integer(_) => Ok(Item::Other),
            _ => Err(Unreadable),
        }
    }

    /// Parses a display string. RFC 9651 §4.2.10.
    ///
    /// It is UTF-8 in which all but printable ASCII is `%xx` in lower case.
    fn display_string(&mut self) -> Result<Item, Unreadable> {
        self.expect(b'%')?;
        self.expect(b'"')?;
        let mut text = Vec::new();
        loop {
            match self.next()? {
                b'"' => break,
                b'%' => text.push(hex(self.next()?)? * 16 + hex(self.next()?)?),
                byte @ b' '..=b'~' => text.push(byte),
                _ => return Err(Unreadable),
            }
        }
        str::from_utf8(&text).map(|_| Item::Other).map_err(|_| Unreadable)
    }
}

fn hex(byte: u8) -> Result<u8, Unreadable> {
    match byte {
        b'0'..=b'9' => Ok(byte - b'0'),
        b'a'..=b'f' => Ok(byte - b'a' + 10),
        _ => Err(Unreadable),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(lines: &[&str]) -> Result<Vec<(String, Item)>, Unreadable> {
        let lines: Vec<_> =
            lines.iter().map(|line| HeaderValue::from_bytes(line.as_bytes()).unwrap()).collect();
        dictionary(&lines)
    }

    fn value(text: &str) -> Result<Item, Unreadable> {
        read(&[&format!("a={text}")]).map(|dictionary| dictionary[0].1)
    }

    #[test]
    fn all_lines_are_one_field_and_the_last_of_equal_keys_counts() {
        let expected = vec![
            ("max-age".to_owned(), Item::Integer(2)),
            ("a".to_owned(), Item::Boolean(true)),
            ("*b.c_d1".to_owned(), Item::Boolean(false)),
        ];
        let lines = ["  max-age=1;x=\"y\"; z,\ta", "*b.c_d1=?0 ,  max-age=2  "];
        assert_eq!(read(&lines), Ok(expected));
        assert_eq!(read(&[]), Ok(vec![]));
        assert_eq!(read(&["", ""]), Err(Unreadable));
        assert_eq!(read(&["  "]), Ok(vec![]));
    }

    #[test]
    fn very_many_keys_take_no_time_by_their_square() {
        // 4,000,000,000 comparisons, if each key were compared with all before it.
        let line: Vec<String> = (0..90_000).map(|n| format!("a{n}")).collect();
        let found = read(&[&line.join(","), "a7=7"]).unwrap();
        assert_eq!((found.len(), &found[7]), (90_000, &("a7".to_owned(), Item::Integer(7))));
    }

    #[test]
    fn every_type_is_checked() {
        for text in ["?1", "?0"] {
            assert!(matches!(value(text), Ok(Item::Boolean(_))), "{text}");
        }
        for text in ["0", "-1", "007", "999999999999999"] {
            assert!(matches!(value(text), Ok(Item::Integer(_))), "{text}");
        }
        let others = [
            "1.5",
            "-123456789012.123",
            r#""a \" \\ b""#,
            r#""""#,
            "tok:en/x",
            "*t",
            "::",
            ":YQ==:",
            ":YQ:",
            ":YWI=:",
            "@1659578233",
            "@-1",
            r#"%"f%c3%bc""#,
            "()",
            "(1 \"a\";q=1 t);x",
            "(  a  b  )",
        ];
        for text in others {
            assert_eq!(value(text), Ok(Item::Other), "{text}");
        }
    }

    #[test]
    fn one_error_makes_the_whole_field_unreadable() {
        let values = [
            "",
            "-",
            "1.",
            "1.1234",
            "1234567890123.1",
            "1000000000000000",
            "1.2.3",
            "--1",
            r#"""#,
            r#""\a""#,
            "\"\t\"",
            "\"é\"",
            "?",
            "?2",
            ":Y:",
            ":Y===:",
            ":YQ=:",
            ":a",
            ":é:",
            "@",
            "@1.5",
            "%",
            r#"%"%C3""#,
            r#"%"%c3""#,
            r#"%"%c"#,
            "(",
            "(1",
            "(1 2",
            "(1,2)",
            "(\t)",
            "(1)2",
            "&",
            "é",
            "=1",
            "1;",
            "1;A",
            "1;a=",
            "1; =2",
        ];
        for text in values {
            assert_eq!(value(text), Err(Unreadable), "{text}");
        }
        for line in [
            "A",
            "max-age =1",
            "max-age= 1",
            "a,",
            "a,,b",
            ",a",
            "a b",
            "1",
            "max-age=1, &&",
            "\ta",
        ] {
            assert_eq!(read(&[line]), Err(Unreadable), "{line}");
        }
    }
}
