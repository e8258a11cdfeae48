//! Finds the word that a mistyped one was probably meant to be.

/// Returns the word of `known` that is nearest to `word`, if one is near enough.
///
/// One typing error is accepted in a short word, and one more for every four letters. What follows a beginning that
/// fits costs nothing but the preference for shorter words.
pub fn nearest<'w>(word: &str, known: impl IntoIterator<Item = &'w str>) -> Option<&'w str> {
    let word: Vec<char> = word.chars().collect();
    let most = 1 + word.len() / 4;
    // A word of one or two letters is near to everything.
    let is_long = word.len() > 2;
    let known = known.into_iter().filter(|_| is_long);
    let measured = known.map(|known| (distance(&word, known), known));
    measured.filter(|((begun, _), _)| *begun <= most).min().map(|(_, known)| known)
}

/// Returns the edit distance of `word` to the most similar beginning of `known`, and to all of it.
///
/// Two swapped neighbours count as one error. Source: the optimal string alignment distance.
fn distance(word: &[char], known: &str) -> (usize, usize) {
    // Each row has the distances between one beginning of `known` and all beginnings of `word`.
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=word.len()).collect();
    let mut begun = word.len();
    let mut previous = None;
    for (place, letter) in known.chars().enumerate() {
        let mut row = vec![place + 1];
        for (at, typed) in word.iter().enumerate() {
            let replaced = last[at] + usize::from(*typed != letter);
            let mut least = replaced.min(last[at + 1] + 1).min(row[at] + 1);
            let is_swapped = at > 0 && previous == Some(*typed) && word[at - 1] == letter;
            if is_swapped && !before.is_empty() {
                least = least.min(before[at - 1] + 1);
            }
            row.push(least);
        }
        (before, last) = (last, row);
        begun = begun.min(last[word.len()]);
        previous = Some(letter);
    }
    (begun, last[word.len()])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mistyped_word_finds_the_one_that_was_meant() {
        let known = ["tea", "teapot", "chocolate", "gruyere", "green", "greek", "yuzu", "お"];
        for (typed, meant) in [
            ("choclate", Some("chocolate")),
            ("chocolat", Some("chocolate")),
            ("hcoc", Some("chocolate")),
            ("gruyre", Some("gruyere")),
            ("gren", Some("green")),
            ("tae", Some("tea")),
            ("zzzz", None),
            ("te", None),
            ("xyzwvut", None),
        ] {
            assert_eq!(nearest(typed, known), meant, "{typed}");
        }
    }
}
