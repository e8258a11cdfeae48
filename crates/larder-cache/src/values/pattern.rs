//! Patterns over keys: `*` matches any text, `?` one character, and `\` escapes the next character.
//!
//! They are matched here and not in Redis, so that they mean the same in every store.

use wildcard::{Wildcard, WildcardToken};

/// A pattern over keys.
#[derive(Debug)]
pub(crate) struct Pattern(Wildcard<'static, char>);

impl Pattern {
    /// Parses a pattern; every text is one.
    pub(crate) fn of(pattern: &str) -> Self {
        let parsed = Wildcard::from_owned(with_needed_escapes_only(pattern));
        Self(parsed.expect("each escape is of a special character"))
    }

    /// Reports whether the pattern matches all of `text`.
    pub(crate) fn matches(&self, text: &str) -> bool {
        self.0.is_match(&text.chars().collect::<Vec<_>>())
    }

    /// Returns the literal beginning of every matching text, which limits a scan.
    pub(crate) fn head(&self) -> String {
        let symbol = |token| match token {
            WildcardToken::Symbol(symbol) => Some(symbol),
            WildcardToken::MetasymbolAny | WildcardToken::MetasymbolOne => None,
        };
        self.0.parsed().map_while(symbol).collect()
    }
}

/// Removes escapes of characters that mean themselves, and escapes a `\` at the end, as Redis reads both.
fn with_needed_escapes_only(pattern: &str) -> Vec<char> {
    let mut letters = pattern.chars();
    let mut found = Vec::with_capacity(pattern.len());
    while let Some(letter) = letters.next() {
        let escaped = if letter == '\\' { letters.next().or(Some('\\')) } else { None };
        match escaped {
            Some(special @ ('*' | '?' | '\\')) => found.extend(['\\', special]),
            Some(other) => found.push(other),
            None => found.push(letter),
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_all_of_a_text() {
        let cases = [
            ("", "", true),
            ("", "a", false),
            ("*", "", true),
            ("a*", "abc", true),
            ("*c", "abc", true),
            ("a*c*e", "abcde", true),
            ("a*c*e", "abcd", false),
            ("*ab", "aab", true),
            ("a?c", "abc", true),
            ("a?c", "ac", false),
            ("?", "é", true),
            ("a\\*", "a*", true),
            ("a\\*", "ab", false),
            ("\\a\\", "a\\", true),
            ("[a]", "a", false),
            ("[a]", "[a]", true),
        ];
        for (pattern, text, expected) in cases {
            assert_eq!(Pattern::of(pattern).matches(text), expected, "{pattern} {text}");
        }
    }

    #[test]
    fn the_head_is_what_comes_before_the_first_wildcard() {
        assert_eq!(Pattern::of("posts.\\*:*").head(), "posts.*:");
    }
}
