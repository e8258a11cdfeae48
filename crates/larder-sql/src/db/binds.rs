//! Parses the binds that diesel prints.
//!
//! - Numbers, texts, booleans and `None` are parsed. Any other value is shown as it is printed, and is not
//!   bound again.

use std::fmt;
use std::iter::Peekable;
use std::str::Chars;

/// The separator that diesel prints between a statement and its binds.
const BINDS: &str = " -- binds: ";

/// A bound value.
#[derive(Debug, Clone, PartialEq)]
pub enum Bind {
    /// `None`.
    Nothing,
    /// An integer.
    Number(i64),
    /// Any other number.
    Fraction(f64),
    /// `true` or `false`.
    Truth(bool),
    /// Text.
    Text(String),
    /// A value of a type that is not parsed.
    Opaque(String),
}

/// Returns a statement as diesel prints it, without its binds.
pub(super) fn without_binds(printed: impl fmt::Display) -> String {
    split(&printed.to_string()).0
}

/// Splits a statement as diesel prints it into its SQL and its binds.
pub(super) fn split(printed: &str) -> (String, String) {
    // Split at the first separator: our own SQL does not contain it, but the visitors' input may.
    let (sql, binds) = printed.split_once(BINDS).unwrap_or((printed, "[]"));
    let binds = if binds == "[]" { "" } else { binds };
    (sql.to_owned(), binds.to_owned())
}

/// Splits `["tea", Some(25), None]` into its members, as they are printed.
pub fn members(printed: &str) -> Vec<String> {
    let inside = printed.trim().strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    let mut members = Vec::new();
    let (mut depth, mut is_quoted, mut is_escaped, mut from) = (0_i32, false, false, 0);
    let inside = inside.unwrap_or(printed);
    for (place, letter) in inside.char_indices() {
        match letter {
            _ if is_escaped => is_escaped = false,
            '\\' if is_quoted => is_escaped = true,
            '"' => is_quoted = !is_quoted,
            _ if is_quoted => {}
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => depth -= 1,
            ',' if depth == 0 => {
                members.push(inside[from..place].trim().to_owned());
                from = place + 1;
            }
            _ => {}
        }
    }
    members.push(inside[from..].trim().to_owned());
    members.retain(|member| !member.is_empty());
    members
}

impl Bind {
    /// Parses a printed value.
    pub fn read(printed: &str) -> Self {
        let some = printed.strip_prefix("Some(").and_then(|rest| rest.strip_suffix(')'));
        let printed = some.unwrap_or(printed);
        match printed {
            "None" => return Self::Nothing,
            "true" => return Self::Truth(true),
            "false" => return Self::Truth(false),
            _ => {}
        }
        if let Ok(number) = printed.parse() {
            return Self::Number(number);
        }
        if printed.starts_with(|first: char| first.is_ascii_digit() || first == '-')
            && let Ok(number) = printed.parse()
        {
            return Self::Fraction(number);
        }
        unquote(printed).map_or_else(|| Self::Opaque(printed.to_owned()), Self::Text)
    }
}

/// Parses a string literal as Rust prints it.
fn unquote(printed: &str) -> Option<String> {
    let inside = printed.strip_prefix('"')?.strip_suffix('"')?;
    let (mut text, mut letters) = (String::with_capacity(inside.len()), inside.chars().peekable());
    while let Some(letter) = letters.next() {
        match letter {
            '\\' => text.push(escaped(&mut letters)?),
            '"' => return None,
            _ => text.push(letter),
        }
    }
    Some(text)
}

fn escaped(letters: &mut Peekable<Chars<'_>>) -> Option<char> {
    Some(match letters.next()? {
        'n' => '\n',
        'r' => '\r',
        't' => '\t',
        '0' => '\0',
        'u' => {
            letters.next_if_eq(&'{')?;
            let mut digits = String::new();
            while let Some(digit) = letters.next_if(char::is_ascii_hexdigit) {
                digits.push(digit);
            }
            letters.next_if_eq(&'}')?;
            char::from_u32(u32::from_str_radix(&digits, 16).ok()?)?
        }
        plain @ ('"' | '\\' | '\'') => plain,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn numbers_texts_truth_values_and_nothing_are_read() {
        let cases = [
            ("25", Bind::Number(25)),
            ("-1", Bind::Number(-1)),
            ("Some(7)", Bind::Number(7)),
            ("1.5", Bind::Fraction(1.5)),
            ("None", Bind::Nothing),
            ("true", Bind::Truth(true)),
            (r#""te\"a""#, Bind::Text("te\"a".into())),
            ("2026-01-01 0:00:00.0", Bind::Opaque("2026-01-01 0:00:00.0".into())),
        ];
        for (printed, bind) in cases {
            assert_eq!(Bind::read(printed), bind, "{printed}");
        }
    }

    #[test]
    fn members_are_split_at_commas() {
        assert_eq!(members(r#"["a, b", (1, 2), 3]"#), [r#""a, b""#, "(1, 2)", "3"]);
        assert_eq!(members("[]"), [""; 0]);
        assert_eq!(members(""), [""; 0]);
    }

    proptest! {
        #[test]
        fn any_text_is_parsed_unchanged(texts: Vec<String>) {
            let read: Vec<_> = members(&format!("{texts:?}")).iter().map(|m| Bind::read(m)).collect();
            let typed: Vec<_> = texts.into_iter().map(Bind::Text).collect();
            prop_assert_eq!(read, typed);
        }
    }
}
