//! Text that people type, and how it is compared.

/// A text that cannot be taken as it is, and what it was to be: `a title`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.sentence())]
pub struct TextError {
    noun: &'static str,
    fault: Fault,
}

/// What is wrong with a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Nothing, or nothing that can be seen.
    Empty,
    /// More characters than may be.
    TooLong {
        /// So many there are.
        length: usize,
        /// So many there may be.
        longest: usize,
    },
    /// Tabs, line breaks and other things that are no text.
    Control,
}

impl TextError {
    /// What is wrong with it.
    pub fn fault(&self) -> Fault {
        self.fault
    }

    fn sentence(&self) -> String {
        let noun = self.noun;
        let (_, name) = noun.split_once(' ').unwrap_or(("", noun));
        match self.fault {
            Fault::Empty => format!("Enter {noun}."),
            Fault::TooLong { length, longest } => {
                format!("The {name} can have at most {longest} characters; this one has {length}.")
            }
            Fault::Control => {
                format!("The {name} cannot hold line breaks, tabs or other control characters.")
            }
        }
    }
}

/// One line: trimmed, 1 to `longest` characters (Unicode scalar values, as both databases count) of any
/// language, none of them a control character. `noun` says what it is to be: `a title`.
///
/// # Errors
/// A sentence for whoever typed it.
pub fn line(noun: &'static str, text: &str, longest: usize) -> Result<String, TextError> {
    let line = whole(noun, text.trim(), longest)?;
    match line.chars().any(char::is_control) {
        true => Err(TextError { noun, fault: Fault::Control }),
        false => Ok(line.to_owned()),
    }
}

/// As [`line()`], of as many lines as one likes; their ends become `\n`, as forms send them otherwise.
///
/// # Errors
/// As there; tabs are taken.
pub fn lines(noun: &'static str, text: &str, longest: usize) -> Result<String, TextError> {
    let text = text.replace("\r\n", "\n");
    let lines = whole(noun, text.trim(), longest)?;
    match lines.chars().any(|letter| letter.is_control() && !matches!(letter, '\n' | '\t')) {
        true => Err(TextError { noun, fault: Fault::Control }),
        false => Ok(lines.to_owned()),
    }
}

fn whole<'t>(noun: &'static str, text: &'t str, longest: usize) -> Result<&'t str, TextError> {
    let length = text.chars().count();
    if text.chars().all(is_invisible) {
        return Err(TextError { noun, fault: Fault::Empty });
    }
    match length > longest {
        true => Err(TextError { noun, fault: Fault::TooLong { length, longest } }),
        false => Ok(text),
    }
}

/// Spaces of no width, and marks that only steer what is around them.
fn is_invisible(letter: char) -> bool {
    letter.is_whitespace()
        || matches!(letter, '\u{AD}' | '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}'
            | '\u{2060}'..='\u{2064}' | '\u{2066}'..='\u{2069}' | '\u{FE0F}' | '\u{FEFF}')
}

/// A text as searches compare it: without regard to case, in any language.
///
/// By single characters, upper and then lower: so `ß` is `ss`, and `Σ`, `σ` and `ς` are one.
pub fn fold(text: &str) -> String {
    text.chars().flat_map(char::to_uppercase).flat_map(char::to_lowercase).collect()
}

/// What a search matches, for SQL's `LIKE … ESCAPE '\'`: `100% tea` as `%100\% tea%`.
pub fn pattern(search: &str) -> String {
    let mut pattern = String::with_capacity(search.len() + 2);
    pattern.push('%');
    for letter in search.chars() {
        if matches!(letter, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(letter);
    }
    pattern.push('%');
    pattern
}

#[cfg(test)]
mod tests {
    use super::*;

    fn title(text: &str) -> Result<String, Fault> {
        line("a title", text, 200).map_err(|error| error.fault())
    }

    #[test]
    fn a_line_is_trimmed_and_counted_in_characters() {
        let long = "🍵".repeat(200);
        let cases = [
            ("  Tea\n", Ok("Tea")),
            ("抹茶 Matcha", Ok("抹茶 Matcha")),
            (long.as_str(), Ok(long.as_str())),
            ("", Err(Fault::Empty)),
            (" \t\u{A0}\u{3000}", Err(Fault::Empty)),
            ("\u{200B}", Err(Fault::Empty)),
            ("a\tb", Err(Fault::Control)),
            ("a\nb", Err(Fault::Control)),
            ("a\0b", Err(Fault::Control)),
        ];
        for (text, expected) in cases {
            assert_eq!(title(text), expected.map(str::to_owned), "{text:?}");
        }
        let fault = Fault::TooLong { length: 201, longest: 200 };
        assert_eq!(title(&"x".repeat(201)), Err(fault));
    }

    #[test]
    fn several_lines_end_as_one_would_write_them() {
        let text = |text| lines("a text", text, 20).map_err(|error| error.fault());
        assert_eq!(text(" one\r\ntwo\n\tthree\r\n"), Ok("one\ntwo\n\tthree".to_owned()));
        assert_eq!(text("a\0b"), Err(Fault::Control));
        assert_eq!(text(" \r\n "), Err(Fault::Empty));
    }

    #[test]
    fn who_typed_it_is_told_what_is_wrong() {
        let told = |text: &str| line("a title", text, 5).unwrap_err().to_string();
        assert_eq!(told(""), "Enter a title.");
        let long = "The title can have at most 5 characters; this one has 7.";
        assert_eq!(told("Chamois"), long);
    }

    #[test]
    fn folding_ignores_case_in_any_language() {
        for (one, other) in [
            ("TEA", "tea"),
            ("Straße", "STRASSE"),
            ("ΟΔΟΣ", "οδος"),
            ("ЧАЙ", "чай"),
            ("Çay", "çAY"),
        ] {
            assert_eq!(fold(one), fold(other));
        }
    }

    #[test]
    fn what_means_something_in_a_pattern_is_escaped() {
        assert_eq!(pattern(r"100%_\"), r"%100\%\_\\%");
    }
}
