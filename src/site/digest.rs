//! Digests of texts, which do not reveal the texts.

use sha2::{Digest, Sha256};

/// Returns the SHA-256 of a list of texts, as 64 hexadecimal digits.
///
/// Different lists have different digests.
pub fn of<'t>(texts: impl IntoIterator<Item = &'t str>) -> String {
    let mut digest = Sha256::new();
    for text in texts {
        // The length comes first, so that `ab, c` and `a, bc` differ.
        digest.update(text.len().to_le_bytes());
        digest.update(text.as_bytes());
    }
    digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn different_lists_have_different_digests() {
        let lists: [&[&str]; 5] = [&[], &[""], &["ab", "c"], &["a", "bc"], &["abc"]];
        for (place, list) in lists.iter().enumerate() {
            let name = of(list.iter().copied());
            assert_eq!(name.len(), 64);
            assert!(
                lists[..place].iter().all(|other| of(other.iter().copied()) != name),
                "{list:?}"
            );
        }
    }
}
