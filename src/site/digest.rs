//! Names for texts, by which nobody can tell what they say.

use sha2::{Digest, Sha256};

/// SHA-256 of these texts, as 64 letters; two lists of texts have one name only if they are one.
pub fn of<'t>(texts: impl IntoIterator<Item = &'t str>) -> String {
    let mut digest = Sha256::new();
    for text in texts {
        // With its length, so that `ab, c` and `a, bc` are two.
        digest.update(text.len().to_le_bytes());
        digest.update(text.as_bytes());
    }
    digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_of_texts_have_names_of_their_own() {
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
