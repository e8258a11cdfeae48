//! Whole numbers in plain text, the one kind of value that a store itself reads.

/// Parses a whole number by Redis's rule: decimal, no `+`, no leading zeros, no `-0`.
pub(crate) fn whole(bytes: &[u8]) -> Option<i64> {
    if !matches!(bytes.first()?, b'-' | b'0'..=b'9') {
        return None;
    }
    let text = std::str::from_utf8(bytes).ok()?;
    let number: i64 = text.parse().ok()?;
    (number.to_string() == text).then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_canonical_decimals_are_whole_numbers() {
        for number in [0, 1, -1, 42, i64::MAX, i64::MIN] {
            assert_eq!(whole(number.to_string().as_bytes()), Some(number));
        }
        for text in ["", "-", "+1", "01", "-0", "1 ", " 1", "1.0", "9223372036854775808", "x"] {
            assert_eq!(whole(text.as_bytes()), None, "{text:?}");
        }
    }
}
