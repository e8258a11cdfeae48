//! Parses lists, the grammar that most headers share.
//!
//! - Commas separate members; empty members are ignored. RFC 9110 §5.6.1.2.
//! - A comma within a quoted string separates nothing, and `\` escapes the next byte there. RFC 9110
//!   §5.6.4.
//! - A quoted string must end on its own line. If lines were joined, an open quote could hide what the next
//!   line says, so it makes the whole header unreadable.
//! - Headers are bytes: UTF-8 is not required.

use std::borrow::Cow;

/// The error for a header that does not follow its grammar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unreadable;

/// Splits one line into its trimmed members; skips empty ones.
pub(crate) fn members(line: &[u8]) -> Result<impl Iterator<Item = &[u8]>, Unreadable> {
    Ok(items(line, b',')?.filter(|member| !member.is_empty()))
}

/// Splits a line at this separator into trimmed texts; includes empty ones.
pub fn items(line: &[u8], separator: u8) -> Result<impl Iterator<Item = &[u8]>, Unreadable> {
    if is_open(line) {
        return Err(Unreadable);
    }
    let mut quotes = Quotes::default();
    let items = line.split(move |byte| !quotes.cover(*byte) && *byte == separator);
    Ok(items.map(trim))
}

/// The state of a reader with respect to quoted strings.
#[derive(Default)]
struct Quotes {
    is_quoted: bool,
    is_escaped: bool,
}

impl Quotes {
    /// Reads a byte; reports whether it stands within quotes.
    fn cover(&mut self, byte: u8) -> bool {
        let was_quoted = self.is_quoted;
        match byte {
            _ if self.is_escaped => self.is_escaped = false,
            b'\\' if self.is_quoted => self.is_escaped = true,
            b'"' => self.is_quoted = !self.is_quoted,
            _ => {}
        }
        was_quoted
    }
}

/// Reports whether a quoted string is left open.
pub(crate) fn is_open(line: &[u8]) -> bool {
    let mut quotes = Quotes::default();
    for byte in line {
        quotes.cover(*byte);
    }
    quotes.is_quoted
}

/// Removes spaces and tabs at both ends. RFC 9110 §5.6.3.
pub(crate) fn trim(mut text: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] | [rest @ .., b' ' | b'\t'] = text {
        text = rest;
    }
    text
}

/// Reports whether the text is a token. RFC 9110 §5.6.2.
pub(crate) fn is_token(text: &[u8]) -> bool {
    !text.is_empty() && text.iter().all(|byte| is_token_byte(*byte))
}

/// Reports whether the byte may occur in a token.
pub(crate) fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

/// Returns a token as it is, or the content of a quoted string.
pub(crate) fn argument(text: &[u8]) -> Result<Cow<'_, [u8]>, Unreadable> {
    if is_token(text) {
        return Ok(Cow::Borrowed(text));
    }
    let [b'"', quoted @ .., b'"'] = text else { return Err(Unreadable) };
    let mut plain = Vec::with_capacity(quoted.len());
    let mut bytes = quoted.iter();
    while let Some(byte) = bytes.next() {
        let byte = match byte {
            b'"' => return Err(Unreadable),
            b'\\' => bytes.next().ok_or(Unreadable)?,
            byte => byte,
        };
        if byte.is_ascii_control() && *byte != b'\t' {
            return Err(Unreadable);
        }
        plain.push(*byte);
    }
    Ok(Cow::Owned(plain))
}

/// A name with its optional argument.
pub(crate) type Pair<'t> = (&'t [u8], Option<Cow<'t, [u8]>>);

/// Parses `token` or `token=argument`, without space around `=`.
pub fn pair(member: &[u8]) -> Result<Pair<'_>, Unreadable> {
    let end = member.iter().position(|byte| !is_token_byte(*byte)).unwrap_or(member.len());
    let (name, rest) = member.split_at(end);
    match rest {
        _ if name.is_empty() => Err(Unreadable),
        [] => Ok((name, None)),
        [b'=', text @ ..] => Ok((name, Some(argument(text)?))),
        _ => Err(Unreadable),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(line: &str) -> Result<Vec<&str>, Unreadable> {
        Ok(members(line.as_bytes())?.map(|member| str::from_utf8(member).unwrap()).collect())
    }

    #[test]
    fn commas_separate_and_empty_members_are_ignored() {
        assert_eq!(split("a,\tb ,,c,"), Ok(vec!["a", "b", "c"]));
        assert_eq!(split(" , "), Ok(vec![]));
        assert_eq!(split(""), Ok(vec![]));
    }

    #[test]
    fn a_quoted_comma_separates_nothing() {
        assert_eq!(split(r#"a="x, y", b"#), Ok(vec![r#"a="x, y""#, "b"]));
        assert_eq!(split(r#"a="x\", y", b"#), Ok(vec![r#"a="x\", y""#, "b"]));
        assert_eq!(split(r#"a="x\\", b"#), Ok(vec![r#"a="x\\""#, "b"]));
    }

    #[test]
    fn an_open_quote_is_unreadable() {
        for line in [r#"""#, r#"a="x, private"#, r#"a="x\", private"#, r#"a="\"#] {
            assert_eq!(split(line), Err(Unreadable), "{line}");
        }
    }

    #[test]
    fn a_pair_is_a_name_with_an_optional_argument() {
        let pair_of = |text: &'static str| {
            let (name, argument) = pair(text.as_bytes())?;
            let argument = argument.map(|text| String::from_utf8(text.into_owned()).unwrap());
            Ok((str::from_utf8(name).unwrap(), argument))
        };
        assert_eq!(pair_of("public"), Ok(("public", None)));
        assert_eq!(pair_of("a=b"), Ok(("a", Some("b".to_owned()))));
        assert_eq!(pair_of(r#"a="b \" c""#), Ok(("a", Some(r#"b " c"#.to_owned()))));
        assert_eq!(pair_of(r#"a="""#), Ok(("a", Some(String::new()))));
        for text in ["", "=", "a=", "a =b", "a= b", "a b", r#"a="b"c"#, r#""a""#, r#"a=""""#, "é"]
        {
            assert_eq!(pair_of(text), Err(Unreadable), "{text}");
        }
    }
}
