//! How far a list is walked until enough products are found, according to a sample of them.

use std::cmp::Reverse;

/// The sample: so many products at each of so many places of the catalogue.
const PLACES: i64 = 20;
const AT_EACH: u64 = 100;

/// Matches count as evenly spread if they are at most this many times farther away than in an even spread.
const EVEN: u64 = 3;

/// The most conditions of a sample.
const CONDITIONS: usize = 3;

/// A sample of all products, in the order of a list.
#[derive(Debug)]
pub(super) struct Sample {
    products: Vec<Sampled>,
    /// How many products there are, by the greatest id.
    all: u64,
}

/// A product of the sample: its id, and a bit for each condition that it fulfils. The first condition is the whole search.
#[derive(Debug, Clone, Copy)]
struct Sampled(i64);

impl Sampled {
    fn id(self) -> i64 {
        self.0 >> CONDITIONS
    }

    fn fulfils(self, condition: usize) -> bool {
        self.0 & (1 << condition) != 0
    }
}

/// What a sample says about a walk.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Reach {
    /// About how many products match.
    pub(super) matches: u64,
    /// About how many products are read until enough are found.
    pub(super) rows: u64,
}

impl Sample {
    /// Returns the query that reads a sample: for each product one number, as [`Sampled`] has it.
    ///
    /// `last` is the greatest id.
    pub(super) fn sql(
        is_sqlite: bool,
        last: i64,
        columns: &str,
        conditions: &[String],
        order: &str,
    ) -> String {
        let numbered = conditions.iter().take(CONDITIONS).enumerate();
        let flags = numbered.map(|(number, condition)| {
            format!(" + CASE WHEN {condition} THEN {} ELSE 0 END", 1 << number)
        });
        let step = last / PLACES;
        let place = |from: &str| {
            format!(
                "SELECT {columns} FROM products AS p WHERE p.id > {from} ORDER BY p.id LIMIT {AT_EACH}"
            )
        };
        let products = if is_sqlite {
            let place =
                |number| format!("SELECT * FROM ({})", place(&format!("{}", number * step)));
            (0..PLACES).map(place).collect::<Vec<_>>().join(" UNION ALL ")
        } else {
            // Planned once: to plan each place by itself takes longer than to read it.
            let place = place(&format!("place * CAST({step} AS bigint)"));
            let last = PLACES - 1;
            format!("SELECT p.* FROM generate_series(0, {last}) AS place, LATERAL ({place}) AS p")
        };
        format!(
            "SELECT (p.id << {CONDITIONS}){} AS n FROM ({products}) AS p ORDER BY {order}",
            flags.collect::<String>()
        )
    }

    /// Returns the sample from the numbers that the query has read.
    pub(super) fn new(numbers: Vec<i64>, last: i64) -> Self {
        Self { products: numbers.into_iter().map(Sampled).collect(), all: last.unsigned_abs() }
    }

    /// Returns about how many products fulfil a condition.
    pub(super) fn number(&self, condition: usize) -> u64 {
        let found = self.products.iter().filter(|product| product.fulfils(condition)).count();
        self.of_all(found as u64)
    }

    /// Returns what the sample says of a walk in the order of the list, until `wanted` products match.
    pub(super) fn reach(&self, wanted: u64) -> Option<Reach> {
        self.reach_in(self.products.iter(), wanted)
    }

    /// Returns the same of a walk from the newest product on.
    pub(super) fn reach_of_newest(&self, wanted: u64) -> Option<Reach> {
        let mut newest: Vec<_> = self.products.iter().collect();
        newest.sort_by_key(|product| Reverse(product.id()));
        self.reach_in(newest.into_iter(), wanted)
    }

    /// Returns the same of a walk through the products in this order.
    fn reach_in<'s>(
        &self,
        products: impl Iterator<Item = &'s Sampled>,
        wanted: u64,
    ) -> Option<Reach> {
        let size = self.products.len() as u64;
        let matching = (1..).zip(products).filter(|(_, product)| product.fulfils(0));
        let places: Vec<u64> = matching.map(|(place, _)| place).collect();
        let matches = places.len() as u64;
        let number = wanted.saturating_mul(size).checked_div(self.all)?;
        let place = *places.get(usize::try_from(number).ok()?)?;
        // Where these matches are about as dense as all are, the others between them are as well, and those say more.
        // Elsewhere there may be none: teas may be many, and none of them cheap.
        let is_even = place * matches <= EVEN * (number + 1) * size;
        let rows = if is_even { wanted * size / matches } else { self.of_all(place) };
        Some(Reach { matches: self.of_all(matches), rows })
    }

    /// Returns how many of all products a part of the sample stands for.
    fn of_all(&self, part: u64) -> u64 {
        part.saturating_mul(self.all).checked_div(self.products.len() as u64).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_says_how_far_the_walk_goes() {
        let sample = |all: i64, found: &[i64]| {
            let marks = (1..=100).map(|id| (id << CONDITIONS) + i64::from(found.contains(&id)));
            Sample::new(marks.collect(), all)
        };
        let reach = |found: &[i64], wanted| sample(1_000_000, found).reach(wanted);
        let some = |matches, rows| Some(Reach { matches, rows });
        assert_eq!(Sample::new(Vec::new(), 0).reach(25), None);
        assert_eq!(reach(&[], 25), None);
        assert_eq!(reach(&[50], 25), some(10_000, 2_500), "evenly spread, by all that is known");
        assert_eq!(reach(&[10, 40, 70, 100], 25), some(40_000, 625));
        assert_eq!(reach(&[96, 97, 98, 99], 25), some(40_000, 960_000), "none of the first ones");
        assert_eq!(reach(&[10, 40, 70, 100], 10_000), some(40_000, 250_000));
        let last: Vec<i64> = (90..100).collect();
        assert_eq!(reach(&last, 10_000), some(100_000, 910_000));
        assert_eq!(reach(&[50, 51, 52], 30_000), None);
        assert_eq!(sample(100, &[1, 2]).reach(1), some(2, 50));
        let first: Vec<i64> = (1..=10).collect();
        assert_eq!(sample(100, &first).reach_of_newest(1), some(10, 92));
        assert_eq!(sample(1_000, &[1, 2]).number(0), 20);
        assert_eq!(sample(1_000, &[1, 2]).number(1), 0);
    }
}
