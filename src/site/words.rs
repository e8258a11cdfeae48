//! How texts are compared and searched: folded, word by word.
//!
//! - Text is compared [`fold`]ed: without regard to case, to compatibility forms (`Ｔ` is `T`, `ﬁ` is `fi`) and to
//!   invisible characters. So names and searches match whatever keyboard, file or database they come from. Letters of
//!   other alphabets that look alike stay different: `А` is not `A`.
//! - Searches compare [`words`], which have no accents either.
//!
//! Source: Unicode's Default Caseless Matching (§3.13 D146).

use unicode_normalization::UnicodeNormalization;

/// Whether a character is invisible: zero-width spaces, fillers, and format controls.
///
/// Source: `Default_Ignorable_Code_Point` of the Unicode Character Database.
pub(super) fn is_ignorable(letter: char) -> bool {
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
