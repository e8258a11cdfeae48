//! Keys: the names of entries.
//!
//! - A key is a name and parts; each part is printed so that its type shows: `2`, `"2"`, `none`.
//! - Different parts are printed differently: text is quoted and its quotes are escaped, so
//!   `["a:", "b"]` and `["a", ":b"]` are two keys.
//! - A key is printable, without white space, and at most [`Key::LONGEST`] bytes: a longer one
//!   keeps its start and ends in the SHA-256 of the whole.

use std::fmt::{self, Write};
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use sha2::{Digest, Sha256};

use crate::footprint::ALLOCATION;

/// The name of an entry: `posts.list:page=2:search="tea"`.
///
/// ```
/// use larder_cache::Key;
///
/// let key = Key::named("posts.list").part("page", 2_u64).part("search", "tea").build();
/// assert_eq!(key.as_str(), r#"posts.list:page=2:search="tea""#);
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key {
    text: Arc<str>,
    /// The key of which it is a variant.
    variant_of: Option<Arc<Key>>,
}

impl Key {
    /// The length of the longest key in bytes; Redis and people prefer short ones.
    pub const LONGEST: usize = 240;

    /// Begins a key without parts. Names are nouns, section first: `posts.list`.
    pub fn named(name: &'static str) -> KeyBuilder {
        Self::with_noun(name)
    }

    /// Begins a key with a noun that an owner has set, and that was checked to be one.
    pub(crate) fn with_noun(name: &str) -> KeyBuilder {
        let mut text = String::with_capacity(96);
        text.push_str(name);
        KeyBuilder { text }
    }

    /// Returns the bytes that its texts take.
    pub(crate) fn footprint(&self) -> usize {
        let whole = self.variant_of.as_ref();
        // The text of the other key may be shared, but does not have to be.
        let whole = whole.map_or(0, |whole| size_of::<Self>() + whole.footprint() + ALLOCATION);
        self.text.len() + ALLOCATION + whole
    }

    /// Returns the key as it is printed and stored.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Marks the key as a variant of `whole`, with which it is deleted.
    #[must_use]
    pub(super) fn variant(self, whole: &Key) -> Self {
        Self { variant_of: Some(Arc::new(whole.clone())), ..self }
    }

    /// Returns the key in a scope, which is its first part.
    pub(super) fn within(&self, scope: &str) -> Self {
        let (name, parts) = self.text.split_at(self.name().len());
        let scoped = Self::with_noun(name).part("scope", scope);
        let key = KeyBuilder { text: scoped.text + parts }.build();
        Self {
            variant_of: self.variant_of.as_ref().map(|whole| Arc::new(whole.within(scope))),
            ..key
        }
    }

    /// Returns the key of which it is a variant.
    pub(super) fn variant_of(&self) -> Option<&Key> {
        self.variant_of.as_deref()
    }

    /// Returns the key's name without its parts: `posts.list`.
    pub fn name(&self) -> &str {
        self.text.split(':').next().unwrap_or_default()
    }

    /// Returns the parts of a printed key, for people: `("page", "2")` of `posts.list:page=2`.
    ///
    /// A shortened key is read as far as it goes.
    pub fn parts_of(printed: &str) -> Vec<(String, String)> {
        let mut parts = Vec::new();
        let (mut is_quoted, mut is_escaped, mut depth, mut from) = (false, false, 0_i32, 0);
        for (place, letter) in printed.char_indices() {
            match letter {
                _ if is_escaped => is_escaped = false,
                '\\' if is_quoted => is_escaped = true,
                '"' => is_quoted = !is_quoted,
                _ if is_quoted => {}
                '[' => depth += 1,
                ']' => depth -= 1,
                ':' if depth == 0 => {
                    parts.push(&printed[from..place]);
                    from = place + 1;
                }
                _ => {}
            }
        }
        parts.push(&printed[from..]);
        // The first is the name.
        let named =
            parts.into_iter().skip(1).map(|part| part.split_once('=').unwrap_or((part, "")));
        named.map(|(label, part)| (label.to_owned(), part.to_owned())).collect()
    }
}

impl Hash for Key {
    /// Hashes the text alone, since that of a variant contains its key.
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.text.hash(state);
    }
}

impl AsRef<str> for Key {
    fn as_ref(&self) -> &str {
        self.as_str()
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// A key to which parts are still added.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyBuilder {
    text: String,
}

impl KeyBuilder {
    /// Adds a part; `label` tells readers what it is.
    pub fn part(mut self, label: &'static str, part: impl Part) -> Self {
        self.text.push(':');
        self.text.push_str(label);
        self.text.push('=');
        part.print(&mut self.text);
        self
    }

    /// Returns the finished key, shortened if necessary.
    pub fn build(self) -> Key {
        self.key()
    }

    /// Returns the key as it is so far.
    pub(super) fn key(&self) -> Key {
        let text = match self.text.len() > Key::LONGEST {
            true => shorten(&self.text).into(),
            false => self.text.as_str().into(),
        };
        Key { text, variant_of: None }
    }
}

/// A value that can be part of a key.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a part of a key",
    label = "parts are texts, whole numbers, `bool`, `char`, and options, arrays and slices of parts",
    note = "pass what identifies it, as in `.part(\"day\", day.to_string())`"
)]
pub trait Part {
    /// Appends this part in a form that no other part, of any type, has.
    fn print(&self, text: &mut String);
}

impl Part for str {
    fn print(&self, text: &mut String) {
        text.push('"');
        if self.bytes().all(is_plain) {
            text.push_str(self);
        } else {
            self.chars().for_each(|letter| print_escaped(letter, text));
        }
        text.push('"');
    }
}

fn is_plain(byte: u8) -> bool {
    byte.is_ascii_graphic() && byte != b'"' && byte != b'\\'
}

fn print_escaped(letter: char, text: &mut String) {
    match letter {
        '"' | '\\' => text.extend(['\\', letter]),
        _ if letter.is_whitespace() || letter.is_control() => text.extend(letter.escape_unicode()),
        _ => text.push(letter),
    }
}

impl Part for String {
    fn print(&self, text: &mut String) {
        self.as_str().print(text);
    }
}

impl Part for bool {
    fn print(&self, text: &mut String) {
        text.push_str(if *self { "true" } else { "false" });
    }
}

macro_rules! numbers {
    ($($number:ty),*) => {
        $(impl Part for $number {
            fn print(&self, text: &mut String) {
                // Writing to a `String` cannot fail.
                let _ = write!(text, "{self}");
            }
        })*
    };
}

// Equal numbers are equal parts, whatever their types.
numbers!(u8, u16, u32, u64, u128, usize, i8, i16, i32, i64, i128, isize);

impl Part for char {
    fn print(&self, text: &mut String) {
        self.encode_utf8(&mut [0; 4]).print(text);
    }
}

impl<T: Part> Part for Vec<T> {
    fn print(&self, text: &mut String) {
        self.as_slice().print(text);
    }
}

impl<T: Part, const N: usize> Part for [T; N] {
    fn print(&self, text: &mut String) {
        self.as_slice().print(text);
    }
}

impl<T: Part + ?Sized> Part for &T {
    fn print(&self, text: &mut String) {
        (**self).print(text);
    }
}

impl<T: Part> Part for Option<T> {
    fn print(&self, text: &mut String) {
        match self {
            None => text.push_str("none"),
            Some(part) => part.print(text),
        }
    }
}

impl<T: Part> Part for [T] {
    fn print(&self, text: &mut String) {
        text.push('[');
        for part in self {
            part.print(text);
            text.push(',');
        }
        text.push(']');
    }
}

/// Returns the start of a long key and the hash of the whole.
///
/// SHA-256 and not a faster hash, because keys contain what clients send, and a collision would
/// serve one page for two URLs. The ellipsis stands outside of quotes or inside an open one. No
/// whole key has that, so a short key cannot imitate a shortened one.
fn shorten(text: &str) -> String {
    shortened(text, Key::LONGEST, '…')
}

/// Shortens a text of more than `longest` bytes: its head, the mark, and the SHA-256 of the whole.
///
/// A client that chooses texts cannot choose two that become equal.
pub(crate) fn shortened(text: &str, longest: usize, mark: char) -> String {
    let digest = Sha256::digest(text.as_bytes());
    let head = text.floor_char_boundary(longest - 2 * digest.len() - mark.len_utf8());
    let mut short = format!("{}{mark}", &text[..head]);
    for byte in digest {
        // Writing to a `String` cannot fail.
        let _ = write!(short, "{byte:02x}");
    }
    short
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn key(parts: &[&str]) -> Key {
        let start = Key::named("test");
        parts.iter().fold(start, |key, part| key.part("p", *part)).build()
    }

    #[test]
    fn a_key_is_read_in_parts_whatever_it_holds() {
        let key = Key::named("posts.list").part("page", 2u64).part("q", r#"a":b="c"#).build();
        let parts = Key::parts_of(key.as_str());
        assert_eq!(parts[0], ("page".into(), "2".into()));
        assert_eq!(parts[1], ("q".into(), r#""a\":b=\"c""#.into()));
        assert_eq!(Key::parts_of("site.header"), []);
    }

    #[test]
    fn a_key_is_readable() {
        let list = Key::named("posts.list").part("page", 2u64).part("search", "tea").build();
        assert_eq!(list.as_str(), r#"posts.list:page=2:search="tea""#);
        assert_eq!(list.name(), "posts.list");
    }

    #[test]
    fn types_and_split_points_are_told_apart() {
        assert_ne!(key(&["a:", "b"]), key(&["a", ":b"]));
        assert_ne!(key(&[r#"a":p="b"#]), key(&["a", "b"]));
        let none = Key::named("k").part("p", None::<&str>).build();
        let text = Key::named("k").part("p", "none").build();
        let empty = Key::named("k").part("p", [0u64; 0].as_slice()).build();
        assert_ne!(none, text);
        assert_ne!(none, empty);
        assert_ne!(Key::named("k").part("p", 1u64).build(), Key::named("k").part("p", "1").build());
    }

    #[test]
    fn numbers_texts_and_lists_of_every_type_are_parts() {
        let key = Key::named("k").part("a", 1_u8).part("b", -2_i32).part("c", usize::MAX);
        let key = key.part("d", 'x').part("e", [1, 2]).part("f", vec!["y"]).part("g", Some(3_u16));
        let expected = r#"k:a=1:b=-2:c=18446744073709551615:d="x":e=[1,2,]:f=["y",]:g=3"#;
        assert_eq!(key.build().as_str(), expected);
    }

    #[test]
    fn long_keys_stay_short_readable_and_distinct() {
        let long = "ü".repeat(4_000);
        let one = key(&[&long, "a"]);
        let other = key(&[&long, "b"]);
        assert_ne!(one, other);
        assert!(one.as_str().len() <= Key::LONGEST);
        assert!(one.as_str().starts_with(r#"test:p="üü"#));
    }

    proptest! {
        #[test]
        fn different_parts_make_different_keys(
            a in proptest::collection::vec(".{0,60}", 0..4),
            b in proptest::collection::vec(".{0,60}", 0..4),
        ) {
            let print = |parts: &[String]| key(&parts.iter().map(String::as_str).collect::<Vec<_>>());
            prop_assert_eq!(a == b, print(&a) == print(&b));
        }

        #[test]
        fn keys_have_neither_space_nor_control(part in ".{0,400}") {
            let key = key(&[&part]);
            prop_assert!(!key.as_str().chars().any(|c| c.is_whitespace() || c.is_control()));
            prop_assert!(key.as_str().len() <= Key::LONGEST);
        }
    }
}
