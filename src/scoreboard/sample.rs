//! The sample league of an empty shop: 200 members, 38 weeks, three seasons, the same on every machine.

/// A member of the sample league.
pub struct Member {
    /// The name.
    pub name: String,
    /// What they like best.
    pub favourite: &'static str,
}

const MEMBERS: usize = 200;

const WEEKS: i64 = 38;

const SEASONS: [i64; 3] = [2024, 2025, 2026];

const FIRST: [&str; 20] = [
    "Ada", "Bruno", "Carla", "Dmitri", "Elif", "Farah", "Goran", "Hedda", "Ines", "Jonas", "Kaya",
    "Lotte", "Mirko", "Nadia", "Oskar", "Priya", "Quentin", "Rosa", "Sami", "Thea",
];

const LAST: [&str; 10] = [
    "Quince", "Medlar", "Sorrel", "Fennel", "Damson", "Marjoram", "Barley", "Chervil", "Lovage",
    "Bramble",
];

const FAVOURITES: [&str; 8] = [
    "Darjeeling",
    "Sourdough",
    "Stilton",
    "Olive oil",
    "Dark chocolate",
    "Honey",
    "Cider",
    "Pickles",
];

/// Returns all members.
pub fn members() -> impl Iterator<Item = Member> {
    (0..MEMBERS).map(|place| Member {
        name: format!("{} {}", FIRST[place % FIRST.len()], LAST[place / FIRST.len()]),
        favourite: FAVOURITES[place * 5 % FAVOURITES.len()],
    })
}

/// Returns the scores of the member at position `member`: season, week, score.
pub fn scores(member: usize) -> impl Iterator<Item = (i64, i64, i64)> {
    let weeks = SEASONS.into_iter().flat_map(|season| (1..=WEEKS).map(move |week| (season, week)));
    weeks.map(move |(season, week)| (season, week, score(member, season, week)))
}

/// Returns a pseudo-random score, from the member's skill in the season and the luck of the week.
fn score(member: usize, season: i64, week: i64) -> i64 {
    let chance =
        mixed(member as u64 * 1_000_003 + season.unsigned_abs() * 101 + week.unsigned_abs());
    let skill = mixed(member as u64 * 31 + season.unsigned_abs()) % 5;
    let score = (chance % 4 + (chance >> 8) % 4 + skill).min(10);
    i64::try_from(score).unwrap_or(0)
}

/// Mixes the bits of a number.
///
/// Source: the finalizer of SplitMix64 (Steele, Lea and Flood, 2014).
fn mixed(number: u64) -> u64 {
    let number = (number ^ (number >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    number ^ (number >> 31)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn the_sample_has_200_distinct_names_and_every_score() {
        let names: HashSet<String> = members().map(|member| member.name).collect();
        assert_eq!(names.len(), MEMBERS);
        let all: Vec<_> = (0..MEMBERS).flat_map(scores).collect();
        assert_eq!(all.len(), 200 * 38 * 3);
        let kinds: HashSet<i64> = all.iter().map(|(_, _, score)| *score).collect();
        assert_eq!(kinds, (0..=10).collect());
    }
}
