//! Renames accounts whose names an older version compared in another way.

use std::collections::HashSet;

use super::model::Name;
use crate::site::words::fold;

/// An account's number and its names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    /// Its number.
    pub id: i64,
    /// The name as shown.
    pub name: String,
    /// The name as compared.
    pub folded_name: String,
}

/// Returns the accounts whose names have to change, with their new names.
///
/// Of several accounts that now have the same name the first keeps it.
pub fn refolded(accounts: &[Named]) -> Vec<Named> {
    let folded = accounts.iter().map(|one| fold(&one.name));
    let mut taken: HashSet<String> = HashSet::new();
    let mut free = folded.clone().collect::<HashSet<String>>();
    let renamed = accounts.iter().zip(folded).map(|(one, folded_name)| {
        if taken.insert(folded_name.clone()) {
            return Named { folded_name, ..one.clone() };
        }
        let name = numbered(&one.name, |name| free.insert(fold(name)));
        let folded_name = fold(&name);
        Named { id: one.id, name, folded_name }
    });
    let renamed: Vec<Named> = renamed.collect();
    renamed.into_iter().zip(accounts).filter(|(new, old)| new != *old).map(|(new, _)| new).collect()
}

/// Appends the first number that makes the name unique.
fn numbered(name: &str, mut is_free: impl FnMut(&str) -> bool) -> String {
    let numbered = |number: u32| {
        let end = format!(" {number}");
        let kept = Name::LONGEST - end.chars().count();
        name.chars().take(kept).chain(end.chars()).collect::<String>()
    };
    let mut names = (2..).map(numbered);
    names.find(|name| is_free(name)).unwrap_or_else(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(id: i64, name: &str, folded_name: &str) -> Named {
        Named { id, name: name.into(), folded_name: folded_name.into() }
    }

    #[test]
    fn the_first_of_several_equal_names_is_kept() {
        let before = [
            named(1, "Jose\u{301}", "jose\u{301}"),
            named(2, "Mina", "mina"),
            named(3, "JOSÉ", "josé"),
            named(4, "José 2", "josé 2"),
            named(5, "Ｊｏｓé", "ｊｏｓé"),
        ];
        let after = [
            named(1, "Jose\u{301}", "josé"),
            named(3, "JOSÉ 3", "josé 3"),
            named(5, "Ｊｏｓé 4", "josé 4"),
        ];
        assert_eq!(refolded(&before), after);
        let long = "x".repeat(50);
        let twice = [named(1, &long, &long), named(2, &long, "other")];
        assert_eq!(refolded(&twice)[0].name, format!("{} 2", "x".repeat(48)));
        assert_eq!(refolded(&[named(2, "Mina", "mina")]), []);
    }
}
