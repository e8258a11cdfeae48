//! Patterns over keys: `*` matches any text, `?` one character, and `\` escapes the next character.
//!
//! They are matched here and not in Redis, so that they mean the same in every store.

/// Reports whether `pattern` matches all of `text`.
///
/// The worst case takes time proportional to the product of both lengths.
pub(crate) fn matches(pattern: &str, text: &str) -> bool {
    let (pattern, text) = (parse(pattern), text.chars().collect::<Vec<char>>());
    let (mut p, mut t) = (0, 0);
    // Where to retry after the latest `*`: the part after it, and the first character that the `*`
    // has not matched yet.
    let mut retry: Option<(usize, usize)> = None;
    while t < text.len() {
        match pattern.get(p) {
            Some(Part::Any) => {
                p += 1;
                retry = Some((p, t));
            }
            Some(part) if part.takes(text[t]) => {
                p += 1;
                t += 1;
            }
            _ => {
                let Some((after, swallowed)) = retry else {
                    return false;
                };
                retry = Some((after, swallowed + 1));
                (p, t) = (after, swallowed + 1);
            }
        }
    }
    pattern[p..].iter().all(|part| *part == Part::Any)
}

/// Returns the literal beginning of every matching text, which limits a scan.
pub(super) fn head(pattern: &str) -> String {
    let parts = parse(pattern).into_iter();
    parts
        .map_while(|part| match part {
            Part::Just(c) => Some(c),
            _ => None,
        })
        .collect()
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Any,
    One,
    Just(char),
}

impl Part {
    fn takes(self, c: char) -> bool {
        match self {
            Self::Any => false,
            Self::One => true,
            Self::Just(just) => just == c,
        }
    }
}

fn parse(pattern: &str) -> Vec<Part> {
    let mut chars = pattern.chars();
    let mut parts = Vec::new();
    while let Some(c) = chars.next() {
        parts.push(match c {
            '*' => Part::Any,
            '?' => Part::One,
            '\\' => Part::Just(chars.next().unwrap_or('\\')),
            other => Part::Just(other),
        });
    }
    parts
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
            ("[a]", "a", false),
            ("[a]", "[a]", true),
        ];
        for (pattern, text, expected) in cases {
            assert_eq!(matches(pattern, text), expected, "{pattern} {text}");
        }
    }

    #[test]
    fn the_head_is_what_comes_before_the_first_wildcard() {
        assert_eq!(head("products.\\*:*"), "products.*:");
    }
}
