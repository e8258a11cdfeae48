//! Text that people type: validation and normal form.
//!
//! - Text is stored in one Unicode form, NFC: `é` is one character, however it was typed.
//! - How texts are compared and searched is in [`super::words`].
//! - Every text has a maximum length, searches too: databases limit what they index and match.
//!
//! Source: Unicode Standard Annex #15.

use unicode_normalization::UnicodeNormalization;

use super::words::is_ignorable;

/// An invalid text, with the noun for its field: `a title`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.sentence())]
pub struct TextError {
    noun: &'static str,
    fault: Fault,
}

/// What is wrong with a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// It is empty, or holds nothing visible.
    Empty,
    /// It has too many characters.
    TooLong {
        /// The number of its characters.
        length: usize,
        /// The maximum number of characters.
        longest: usize,
    },
    /// It has tabs, line breaks or other control characters.
    Control,
    /// It has invisible characters, where two texts must not look alike.
    Invisible,
}

impl TextError {
    /// Returns what is wrong with the text.
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
                format!("The {name} cannot contain line breaks, tabs or other control characters.")
            }
            Fault::Invisible => format!("The {name} cannot contain invisible characters."),
        }
    }
}

/// Validates one line: 1 to `longest` characters of any language, without control characters.
///
/// Returns it trimmed and in NFC. Characters are Unicode scalar values, as both databases count
/// them. `noun` names the field in errors: `a title`.
///
/// # Errors
/// A sentence for the visitor who typed it.
pub fn line(noun: &'static str, text: &str, longest: usize) -> Result<String, TextError> {
    let line = whole(noun, nfc(text.trim()), longest)?;
    match line.chars().any(char::is_control) {
        true => Err(TextError { noun, fault: Fault::Control }),
        false => Ok(line),
    }
}

/// Validates the name of a person: as [`line()`], and without invisible characters.
///
/// Invisible characters would make two names look alike, or reverse the text beside them.
///
/// # Errors
/// As [`line()`].
pub fn name(noun: &'static str, text: &str, longest: usize) -> Result<String, TextError> {
    let name = line(noun, text, longest)?;
    match name.chars().any(is_ignorable) {
        true => Err(TextError { noun, fault: Fault::Invisible }),
        false => Ok(name),
    }
}

/// Characters of the longest search: as many as in the longest name that can be searched for.
pub const LONGEST_SEARCH: usize = 255;

/// Validates a search; returns it in NFC and trimmed, perhaps empty.
///
/// Control characters become spaces, since no title holds any.
///
/// # Errors
/// [`Fault::TooLong`].
pub fn search(text: &str) -> Result<String, TextError> {
    let text = nfc(text.replace(char::is_control, " ").trim());
    let length = text.chars().count();
    match length > LONGEST_SEARCH {
        true => {
            let fault = Fault::TooLong { length, longest: LONGEST_SEARCH };
            Err(TextError { noun: "a search", fault })
        }
        false => Ok(text),
    }
}

/// Reports whether two texts are the same in one Unicode form.
///
/// Raw SQL may have stored another form, or line breaks that browsers send in their own way.
pub fn is_same(one: &str, other: &str) -> bool {
    nfc(one).lines().eq(nfc(other).lines())
}

/// Returns the text in NFC.
pub fn nfc(text: &str) -> String {
    if text.is_ascii() { text.to_owned() } else { text.nfc().collect() }
}

/// Validates any number of lines: as [`line()`], but line breaks and tabs are accepted.
///
/// The line ends `\r\n`, which forms send, become `\n`.
///
/// # Errors
/// As [`line()`].
pub fn lines(noun: &'static str, text: &str, longest: usize) -> Result<String, TextError> {
    let text = text.replace("\r\n", "\n");
    let lines = whole(noun, nfc(text.trim()), longest)?;
    match lines.chars().any(|letter| letter.is_control() && !matches!(letter, '\n' | '\t')) {
        true => Err(TextError { noun, fault: Fault::Control }),
        false => Ok(lines),
    }
}

fn whole(noun: &'static str, text: String, longest: usize) -> Result<String, TextError> {
    let length = text.chars().count();
    if text.chars().all(|letter| letter.is_whitespace() || is_ignorable(letter)) {
        return Err(TextError { noun, fault: Fault::Empty });
    }
    match length > longest {
        true => Err(TextError { noun, fault: Fault::TooLong { length, longest } }),
        false => Ok(text),
    }
}

/// Returns a name in quotation marks, for a sentence that is no HTML.
///
/// A name that is written from right to left, or turns the direction, is isolated: otherwise it would turn the
/// quotation mark round, and what follows. Source: Unicode Standard Annex #9, X5c.
pub fn quoted(name: &str) -> String {
    let turns = |letter: char| {
        matches!(letter, '\u{590}'..='\u{8FF}' | '\u{200E}' | '\u{200F}'
        | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}' | '\u{FB1D}'..='\u{FDFF}'
        | '\u{FE70}'..='\u{FEFC}' | '\u{10800}'..='\u{10FFF}' | '\u{1E800}'..='\u{1EFFF}')
    };
    if !name.contains(turns) {
        return format!("“{name}”");
    }
    // Its own isolates would end the one around it.
    let name = name.replace(|letter: char| matches!(letter, '\u{2066}'..='\u{2069}'), "");
    format!("“\u{2068}{name}\u{2069}”")
}

#[cfg(test)]
mod tests {
    use super::super::words::fold;
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
    fn line_ends_become_newlines() {
        let text = |text| lines("a text", text, 20).map_err(|error| error.fault());
        assert_eq!(text(" one\r\ntwo\n\tthree\r\n"), Ok("one\ntwo\n\tthree".to_owned()));
        assert_eq!(text("a\0b"), Err(Fault::Control));
        assert_eq!(text(" \r\n "), Err(Fault::Empty));
    }

    #[test]
    fn errors_say_what_is_wrong() {
        let told = |text: &str| line("a title", text, 5).unwrap_err().to_string();
        assert_eq!(told(""), "Enter a title.");
        let long = "The title can have at most 5 characters; this one has 7.";
        assert_eq!(told("Chamois"), long);
    }

    #[test]
    fn text_is_stored_and_compared_in_one_unicode_form() {
        assert_eq!(title("Jose\u{301}"), Ok("Jos\u{e9}".to_owned()));
        assert_eq!(title(&"e\u{301}".repeat(200)), Ok("\u{e9}".repeat(200)));
        for (one, other) in [
            ("Jose\u{301}", "JOS\u{c9}"),
            ("Ｍｉｎａ", "mina"),
            ("ﬁg", "FIG"),
            ("Mi\u{200B}na\u{FE0F}", "mina"),
            ("가", "\u{1100}\u{1161}"),
            // The iota subscript is a mark in lower case, and a letter in upper case.
            ("\u{1fb4}", "\u{3b1}\u{345}\u{301}"),
            ("\u{212b}", "a\u{30a}"),
        ] {
            assert_eq!(fold(one), fold(other), "{one} {other}");
        }
        assert_ne!(fold("Mina"), fold("Mіna"), "another alphabet");
    }

    #[test]
    fn a_folded_text_is_the_same_folded_again_and_bounded() {
        for letter in (0..=u32::from(char::MAX)).filter_map(char::from_u32) {
            let text = format!("a{letter}b");
            let folded = fold(&text);
            assert_eq!(fold(&folded), folded, "{letter:?}");
            assert_eq!(fold(&nfc(&text)), folded, "{letter:?}");
            assert_eq!(fold(&text.nfd().collect::<String>()), folded, "{letter:?}");
            // SQLite matches patterns of at most 50,000 bytes, and each byte may need an escape.
            assert!(folded.len() * LONGEST_SEARCH < 25_000, "{letter:?}");
        }
    }

    #[test]
    fn searches_are_bounded_and_names_have_no_invisible_characters() {
        assert_eq!(search(" Jose\u{301}\0x\n"), Ok("José x".to_owned()));
        assert_eq!(search(""), Ok(String::new()));
        assert!(search(&"ß".repeat(LONGEST_SEARCH)).is_ok());
        let error = search(&"ß".repeat(LONGEST_SEARCH + 1)).unwrap_err().to_string();
        assert_eq!(error, "The search can have at most 255 characters; this one has 256.");
        for odd in ["Mi\u{200B}na", "\u{202E}aniM", "Mina\u{3164}"] {
            let error = name("a name", odd, 50).unwrap_err();
            assert_eq!(error.fault(), Fault::Invisible, "{odd:?}");
        }
    }

    #[test]
    fn a_name_turns_nothing_outside_of_its_quotation_marks() {
        for (name, expected) in [
            ("Tea & <b>", "“Tea & <b>”"),
            ("抹茶 🍵", "“抹茶 🍵”"),
            ("شاي", "“\u{2068}شاي\u{2069}”"),
            ("a\u{202E}b", "“\u{2068}a\u{202E}b\u{2069}”"),
            ("a\u{2069}\u{202E}b", "“\u{2068}a\u{202E}b\u{2069}”"),
        ] {
            assert_eq!(quoted(name), expected);
        }
    }
}
