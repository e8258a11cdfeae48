//! How far a list is walked until enough products are found, according to a sample of them.

/// The sample: so many products at each of so many places of the catalogue.
const PLACES: i64 = 20;
const AT_EACH: u64 = 100;

/// What a sample says about a walk.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Reach {
    /// About how many products match.
    pub(super) matches: u64,
    /// About how many products are read until enough are found.
    pub(super) rows: u64,
}

/// Returns the sample as SQL, with these columns; `last` is the greatest id.
pub(super) fn sample(columns: &str, last: i64) -> String {
    let place = |number: i64| {
        let from = number * (last / PLACES);
        format!(
            "SELECT * FROM (SELECT {columns} FROM products AS p WHERE p.id > {from} \
             ORDER BY p.id LIMIT {AT_EACH}) AS place"
        )
    };
    (0..PLACES).map(place).collect::<Vec<_>>().join(" UNION ALL ")
}

/// Returns what a sample of `all` products says: 1 for each that matches, in the order of the walk.
pub(super) fn reach(sample: &[i64], all: u64, wanted: u64) -> Option<Reach> {
    let size = sample.len() as u64;
    let numbered = (1..).zip(sample);
    let places: Vec<u64> =
        numbered.filter(|(_, is_match)| **is_match == 1).map(|(place, _)| place).collect();
    let place = places.get(wanted.saturating_mul(size).checked_div(all)? as usize)?;
    let of_all = |part: u64| part.saturating_mul(all) / size;
    Some(Reach { matches: of_all(places.len() as u64), rows: of_all(*place) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_says_how_far_the_walk_goes() {
        let sample = |found: &[usize]| -> Vec<i64> {
            (0..100).map(|place| i64::from(found.contains(&place))).collect()
        };
        let some = |matches, rows| Some(Reach { matches, rows });
        assert_eq!(reach(&[], 0, 25), None);
        assert_eq!(reach(&sample(&[]), 1_000_000, 25), None);
        assert_eq!(reach(&sample(&[0]), 1_000_000, 25), some(10_000, 10_000));
        assert_eq!(reach(&sample(&[49, 50, 51]), 1_000_000, 25), some(30_000, 500_000));
        assert_eq!(reach(&sample(&[49, 50, 51]), 1_000_000, 10_000), some(30_000, 510_000));
        assert_eq!(reach(&sample(&[49, 50, 51]), 1_000_000, 30_000), None);
    }
}
