//! Decodes texts that are percent-encoded, perhaps several times.

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
    let layers = if text.contains('%') { LAYERS } else { 0 };
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
            Some(byte) => {
                decoded.push(Letter { byte, depth, ..*letter });
                rest = &rest[3..];
            }
            None => {
                decoded.push(*letter);
                rest = behind;
            }
        }
    }
    decoded
}

/// Returns the byte that is encoded at the beginning of `letters`, as in `%3D`.
fn encoded(letters: &[Letter]) -> Option<u8> {
    let [percent, high, low, ..] = letters else { return None };
    let digit = |letter: &Letter| char::from(letter.byte).to_digit(16);
    let byte = digit(high)? * 16 + digit(low)?;
    (percent.byte == b'%').then_some(byte as u8)
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
