//! Decodes texts that are percent-encoded, or escaped as in JSON, perhaps several times.

use std::ops::Range;

/// How many times a character may be encoded; an address in an address in an address is encoded three times.
const LAYERS: u8 = 4;

#[cfg(test)]
thread_local! {
    /// How many letters were looked at, besides once each.
    pub(super) static READ: std::cell::Cell<usize> = const { std::cell::Cell::new(0) };
}

/// A character of a text, or a byte of one: decoded, with its place and how many times it was encoded.
#[derive(Clone, Copy)]
pub(super) struct Letter {
    pub byte: u8,
    pub depth: u8,
    pub at: usize,
}

/// Decodes a text as many times as it is encoded, up to the first character that is encoded too often.
///
/// Returns the place of that one, too.
pub(super) fn letters(text: &str) -> (Vec<Letter>, usize) {
    let bytes = text.bytes().enumerate();
    let mut letters: Vec<_> = bytes.map(|(at, byte)| Letter { byte, depth: 0, at }).collect();
    // Most texts are not encoded at all.
    let layers = if text.contains(['%', '\\']) { LAYERS } else { 0 };
    for depth in 1..=layers {
        let decoded = decode(&letters, depth);
        if decoded.len() == letters.len() {
            return (letters, text.len());
        }
        letters = decoded;
    }
    let end = (0..letters.len()).find(|at| encoded(&letters[*at..]).is_some());
    let place = end.map_or(text.len(), |end| letters[end].at);
    letters.truncate(end.unwrap_or(letters.len()));
    (letters, place)
}

fn decode(letters: &[Letter], depth: u8) -> Vec<Letter> {
    let mut decoded = Vec::with_capacity(letters.len());
    let mut rest = letters;
    while let Some((letter, behind)) = rest.split_first() {
        match encoded(rest) {
            Some((byte, length)) => {
                decoded.push(Letter { byte, depth, ..*letter });
                rest = &rest[length..];
            }
            None => {
                decoded.push(*letter);
                rest = behind;
            }
        }
    }
    decoded
}

/// Returns the byte that is encoded at the beginning of `letters`, and by how many: `%3D`, and in JSON `\u003d` and `\/`.
fn encoded(letters: &[Letter]) -> Option<(u8, usize)> {
    let starts_with = |sign: &[u8]| {
        letters.len() >= sign.len() && letters.iter().zip(sign).all(|(is, sign)| is.byte == *sign)
    };
    let length = match letters.first()?.byte {
        b'%' => 1,
        b'\\' if starts_with(b"\\/") => return Some((b'/', 2)),
        b'\\' if starts_with(b"\\u00") => 4,
        _ => return None,
    };
    let digit = |at: usize| char::from(letters.get(at)?.byte).to_digit(16);
    Some(((digit(length)? * 16 + digit(length + 1)?) as u8, length + 2))
}

/// Returns the letters and digits of a text, decoded and in lower case, with the place of each.
///
/// So all spellings of a text are the same: `%41%2BB`, `a b`, `"A\tB"`.
pub fn bare(text: &str) -> (Vec<u8>, Vec<Range<usize>>) {
    let (letters, end) = letters(text);
    let ends = letters.iter().skip(1).map(|next| next.at).chain([end]);
    // A byte of an encoded character may be found within a character that is not encoded.
    let whole = |at, end| text.floor_char_boundary(at)..text.ceil_char_boundary(end);
    let places = letters.iter().zip(ends).map(|(letter, end)| (letter.byte, whole(letter.at, end)));
    let bare = places.filter(|(byte, _)| byte.is_ascii_alphanumeric() || !byte.is_ascii());
    bare.map(|(byte, place)| (byte.to_ascii_lowercase(), place)).unzip()
}

/// Returns a text decoded as many times as it is encoded; `None` if that is too often.
pub fn decoded(text: &str) -> Option<String> {
    let (letters, end) = letters(text);
    (end == text.len()).then(|| read(&letters))
}

/// Returns the decoded text.
pub(super) fn read(letters: &[Letter]) -> String {
    #[cfg(test)]
    READ.set(READ.get() + letters.len());
    let bytes: Vec<u8> = letters.iter().map(|letter| letter.byte).collect();
    String::from_utf8_lossy(&bytes).into_owned()
}
