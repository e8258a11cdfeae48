//! Text that people type: validation, normal form and comparison.
//!
//! - Text is stored in one Unicode form, NFC: `é` is one character, however it was typed.
//! - Text is compared [`fold`]ed: without regard to case, to compatibility forms (`Ｔ` is `T`, `ﬁ`
//!   is `fi`) and to invisible characters. So names and searches match whatever keyboard, file or
//!   database they come from. Letters of other alphabets that look alike stay different: `А` is not
//!   `A`.
//! - Every text has a maximum length, searches too: databases limit what they index and match.
//!
//! Source: Unicode Standard Annex #15, and its Default Caseless Matching (§3.13 D146).

use unicode_normalization::UnicodeNormalization;

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

/// Whether a character is invisible: zero-width spaces, fillers, and format controls.
///
/// Source: `Default_Ignorable_Code_Point` of the Unicode Character Database.
fn is_ignorable(letter: char) -> bool {
    matches!(letter, '\u{AD}' | '\u{34F}' | '\u{61C}' | '\u{115F}'..='\u{1160}'
        | '\u{17B4}'..='\u{17B5}' | '\u{180B}'..='\u{180F}' | '\u{200B}'..='\u{200F}'
        | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{3164}' | '\u{FE00}'..='\u{FE0F}'
        | '\u{FEFF}' | '\u{FFA0}' | '\u{FFF0}'..='\u{FFF8}' | '\u{1BCA0}'..='\u{1BCA3}'
        | '\u{1D173}'..='\u{1D17A}' | '\u{E0000}'..='\u{E0FFF}')
}

/// Returns the form of a text for comparison.
///
/// It ignores case in any language, compatibility forms and invisible characters. Each character is
/// changed to lower, upper and lower case again: so `ß` is `ss`, and `Σ`, `σ` and `ς` are one. If
/// this function changes, the columns with folded text must be rebuilt: `products.search_text`
/// ([`words()`]), `accounts.folded_name`.
pub fn fold(text: &str) -> String {
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    // Decomposed before the case is changed, since a mark may become a letter. Lower case comes
    // first: `ẞ` is upper case already, and only `ß` becomes `SS`.
    let apart = text.nfkd().filter(|letter| !is_ignorable(*letter));
    apart
        .flat_map(char::to_lowercase)
        .flat_map(char::to_uppercase)
        .flat_map(char::to_lowercase)
        .nfkc()
        .collect()
}

/// Bytes of the longest [`words()`]: databases limit what they index.
const LONGEST_WORDS: usize = 1_000;

/// Returns the words of a text as searches compare them: folded, without accents, separated by single spaces.
///
/// A word is a run of letters and digits. A letter of a script without spaces, and a symbol such as an emoji, is a
/// word of its own. Punctuation separates words. If this function changes, `products.search_text` must be rebuilt.
pub fn words(text: &str) -> String {
    let mut words = String::with_capacity(text.len());
    let mut is_apart = true;
    for letter in without_accents(text) {
        let is_alone = is_word_alone(letter);
        if !is_alone && !letter.is_alphanumeric() && !is_mark(letter) {
            is_apart = true;
            continue;
        }
        if words.len() + letter.len_utf8() >= LONGEST_WORDS {
            break;
        }
        if (is_apart || is_alone) && !words.is_empty() {
            words.push(' ');
        }
        words.push(letter);
        is_apart = is_alone;
    }
    words
}

/// Returns the letters of the [`fold`]ed text without the marks of Latin, Greek and Cyrillic letters.
///
/// Marks of other scripts stay: there they are letters of their own, or tell words apart.
fn without_accents(text: &str) -> impl Iterator<Item = char> {
    let folded: String = fold(text).nfd().filter(|letter| !is_accent(*letter)).nfc().collect();
    folded.chars().map(plain).collect::<Vec<_>>().into_iter()
}

fn is_accent(letter: char) -> bool {
    matches!(letter, '\u{300}'..='\u{36F}')
}

/// Returns the letter that people type for one whose stroke is no mark of its own.
fn plain(letter: char) -> char {
    match letter {
        'ł' => 'l',
        'ø' => 'o',
        'đ' | 'ð' => 'd',
        'ħ' => 'h',
        'ı' => 'i',
        other => other,
    }
}

/// Whether the letter belongs to the word around it, though it is neither letter nor digit.
fn is_mark(letter: char) -> bool {
    unicode_normalization::char::is_combining_mark(letter)
}

/// Whether the letter is a word: of Chinese or Japanese, or a symbol that is no punctuation.
fn is_word_alone(letter: char) -> bool {
    matches!(letter, '\u{3005}'..='\u{3007}' | '\u{3041}'..='\u{30FF}' | '\u{3400}'..='\u{4DBF}'
        | '\u{4E00}'..='\u{9FFF}' | '\u{F900}'..='\u{FAFF}' | '\u{20000}'..='\u{3FFFF}'
        | '\u{20A0}'..='\u{20CF}' | '\u{2190}'..='\u{27BF}' | '\u{2B00}'..='\u{2BFF}'
        | '\u{1F000}'..='\u{1FAFF}')
}

/// Reports whether a text has all of the words: each begins one of its own.
///
/// Both are [`words()`]. A number is compared as a whole: `12` is not the beginning of `120`.
pub fn has_words(text: &str, wanted: &str) -> bool {
    let is_begun = |word: &str| {
        text.split(' ').any(|one| if is_number(word) { one == word } else { one.starts_with(word) })
    };
    wanted.split(' ').all(is_begun)
}

/// Whether a word consists of digits.
pub fn is_number(word: &str) -> bool {
    word.bytes().all(|byte| byte.is_ascii_digit())
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
    fn words_are_folded_and_have_no_accents() {
        for (text, expected) in [
            ("  Green   TEA, 20 bags", "green tea 20 bags"),
            ("Gruyère", "gruyere"),
            ("Łosoś", "losos"),
            ("Kräuter-STRASSE", "krauter strasse"),
            ("Kräuter-Straße", "krauter strasse"),
            ("Чай Чёрный", "чаи черныи"),
            ("お茶の葉", "お 茶 の 葉"),
            ("Mate 🧉set", "mate 🧉 set"),
            ("O'Brien's \"best\" 50%", "o brien s best 50"),
            ("हिन्दी", "हिन्दी"),
            ("%_\\", ""),
            ("", ""),
        ] {
            assert_eq!(words(text), expected, "{text}");
            assert_eq!(words(&words(text)), expected, "{text}");
        }
        assert!(words(&"ﷺ".repeat(200)).len() <= LONGEST_WORDS);
    }

    #[test]
    fn words_are_found_in_any_order_by_their_beginnings() {
        for (wanted, expected) in [
            ("tea organic", true),
            ("org te", true),
            ("20", true),
            ("2", false),
            ("rganic", false),
            ("tea coffee", false),
        ] {
            assert_eq!(has_words("organic green tea 20 bags", wanted), expected, "{wanted}");
        }
    }
}
