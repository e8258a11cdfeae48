//! Parses, prints and compares entity tags.
//!
//! - A tag is `"…"` or `W/"…"`, with `W` in upper case. RFC 9110 §8.8.3.
//! - Within the quotes every byte is allowed but `"`, space and controls; commas and `\` have no special
//!   meaning. RFC 9110 §8.8.3.
//! - Strong comparison: both are strong and equal. Weak comparison: equal. RFC 9110 §8.8.3.2.
//! - A list is `*` alone, or tags; anything else is invalid. RFC 9110 §13.1.1, §13.1.2.

use super::encoding::Coding;
use super::types::header::HeaderValue;

use super::list::{Unreadable, trim};

/// An entity tag: it distinguishes one state of a page from another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntityTag {
    /// The tag promises equivalence, not equal bytes.
    pub is_weak: bool,
    /// The bytes within the quotes.
    pub opaque: Vec<u8>,
}

impl EntityTag {
    /// Returns the tag of the same page in `coding`: a tag names bytes. RFC 9110 §8.8.3.3.
    #[must_use]
    pub fn in_coding(&self, coding: Coding) -> Self {
        let opaque = match coding {
            Coding::Identity => self.opaque.clone(),
            _ => [self.opaque.as_slice(), b"-", coding.name().as_bytes()].concat(),
        };
        Self { opaque, ..*self }
    }

    /// Hashes these bytes into a tag, for a page to which the handler gave none.
    pub fn of(body: &[u8]) -> Self {
        let opaque = format!("{:032x}", xxhash_rust::xxh3::xxh3_128(body)).into_bytes();
        Self { is_weak: false, opaque }
    }

    /// Parses a text that is exactly one tag.
    pub fn parse(text: &[u8]) -> Option<Self> {
        let (tag, rest) = Self::first(trim(text))?;
        rest.is_empty().then_some(tag)
    }

    /// Returns the only tag in the lines of `ETag`.
    pub fn only<'h>(lines: impl IntoIterator<Item = &'h HeaderValue>) -> Option<Self> {
        let mut lines = lines.into_iter();
        let tag = Self::parse(lines.next()?.as_bytes())?;
        lines.next().is_none().then_some(tag)
    }

    /// Parses the tag at the start of `text`; returns it and the rest.
    fn first(text: &[u8]) -> Option<(Self, &[u8])> {
        let (is_weak, text) = match text {
            [b'W', b'/', text @ ..] => (true, text),
            text => (false, text),
        };
        let [b'"', text @ ..] = text else { return None };
        let end = text.iter().position(|byte| !is_opaque(*byte))?;
        let (opaque, [b'"', rest @ ..]) = text.split_at(end) else { return None };
        Some((Self { is_weak, opaque: opaque.to_owned() }, rest))
    }

    /// Prints the tag as a header value.
    pub fn print(&self) -> Option<HeaderValue> {
        let prefix: &[u8] = if self.is_weak { b"W/\"" } else { b"\"" };
        HeaderValue::from_bytes(&[prefix, &self.opaque, b"\""].concat()).ok()
    }

    /// Compares strongly: equal bytes.
    pub fn strongly_equals(&self, other: &Self) -> bool {
        !self.is_weak && self == other
    }

    /// Compares weakly: equivalent pages.
    pub fn weakly_equals(&self, other: &Self) -> bool {
        self.opaque == other.opaque
    }
}

fn is_opaque(byte: u8) -> bool {
    byte == b'!' || (b'#'..=b'~').contains(&byte) || byte >= 0x80
}

/// The value of `If-Match` or `If-None-Match`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EntityTags {
    /// `*`: any state at all.
    Any,
    /// These tags, at least one.
    These(Vec<EntityTag>),
}

impl EntityTags {
    /// Parses the lines, or returns an error if they are not a list.
    pub fn parse<'h>(lines: impl IntoIterator<Item = &'h HeaderValue>) -> Result<Self, Unreadable> {
        let lines: Vec<_> = lines.into_iter().map(|line| trim(line.as_bytes())).collect();
        if lines == [b"*"] {
            return Ok(Self::Any);
        }
        let mut tags = Vec::new();
        for line in lines {
            read(line, &mut tags)?;
        }
        if tags.is_empty() { Err(Unreadable) } else { Ok(Self::These(tags)) }
    }

    /// Prints the list as a header value, with every tag changed by `change`.
    pub fn print_with(self, change: impl Fn(EntityTag) -> EntityTag) -> Option<HeaderValue> {
        let Self::These(tags) = self else { return Some(HeaderValue::from_static("*")) };
        let tags = tags.into_iter().map(|tag| change(tag).print());
        let tags: Vec<_> = tags.collect::<Option<_>>()?;
        let tags: Vec<&[u8]> = tags.iter().map(HeaderValue::as_bytes).collect();
        HeaderValue::from_bytes(&tags.join(b", ".as_slice())).ok()
    }

    /// Reports whether one of the tags satisfies `is_equal`; `*` always does.
    pub fn any(&self, is_equal: impl Fn(&EntityTag) -> bool) -> bool {
        match self {
            Self::Any => true,
            Self::These(tags) => tags.iter().any(is_equal),
        }
    }
}

/// Parses the comma-separated tags of a line into `tags`.
fn read(mut line: &[u8], tags: &mut Vec<EntityTag>) -> Result<(), Unreadable> {
    loop {
        while let [b' ' | b'\t' | b',', rest @ ..] = line {
            line = rest;
        }
        if line.is_empty() {
            return Ok(());
        }
        let (tag, rest) = EntityTag::first(line).ok_or(Unreadable)?;
        line = trim(rest);
        if !matches!(line, [] | [b',', ..]) {
            return Err(Unreadable);
        }
        tags.push(tag);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tag(text: &str) -> Option<EntityTag> {
        EntityTag::parse(text.as_bytes())
    }

    fn list(lines: &[&str]) -> Result<usize, Unreadable> {
        let lines: Vec<_> =
            lines.iter().map(|line| HeaderValue::from_bytes(line.as_bytes()).unwrap()).collect();
        EntityTags::parse(&lines).map(|tags| match tags {
            EntityTags::Any => 0,
            EntityTags::These(tags) => tags.len(),
        })
    }

    #[test]
    fn a_tag_is_quoted_and_may_be_weak() {
        for text in [r#""""#, r#""a,b""#, r#""a\""#, r#"W/"x""#, r#""é""#, r#" "a" "#] {
            let read = tag(text).unwrap();
            assert_eq!(
                read.print().unwrap(),
                HeaderValue::from_bytes(text.trim().as_bytes()).unwrap()
            );
        }
        for text in [
            "",
            "a",
            "*",
            r#"""#,
            r#"w/"a""#,
            r#"W"a""#,
            r#""a b""#,
            r#""a"b"#,
            r#""a", "b""#,
            "\"\u{7f}\"",
        ] {
            assert_eq!(tag(text), None, "{text}");
        }
    }

    #[test]
    fn strong_comparison_needs_two_strong_tags() {
        let (one, weak, other) =
            (tag(r#""1""#).unwrap(), tag(r#"W/"1""#).unwrap(), tag(r#""2""#).unwrap());
        assert!(one.strongly_equals(&one) && one.weakly_equals(&weak) && weak.weakly_equals(&one));
        assert!(!one.strongly_equals(&weak) && !weak.strongly_equals(&weak));
        assert!(!one.strongly_equals(&other) && !one.weakly_equals(&other));
    }

    #[test]
    fn a_list_is_a_star_alone_or_tags() {
        assert_eq!(list(&[" * "]), Ok(0));
        assert_eq!(list(&[r#""a,b" , W/"c","#, r#""d""#]), Ok(3));
        assert_eq!(list(&[r#", "a""#, ""]), Ok(1));
        let wrong: [&[&str]; 9] = [
            &[],
            &[""],
            &[","],
            &["*", "*"],
            &["*, \"a\""],
            &["\"a\" \"b\""],
            &["\"a\", b"],
            &["\"a\"", "*"],
            &["\"a"],
        ];
        for lines in wrong {
            assert_eq!(list(lines), Err(Unreadable), "{lines:?}");
        }
    }

    #[test]
    fn there_is_one_tag_or_none() {
        let one = HeaderValue::from_static("\"a\"");
        assert!(EntityTag::only([&one]).is_some());
        assert!(EntityTag::only([&one, &one]).is_none());
        assert!(EntityTag::only([]).is_none());
    }
}
