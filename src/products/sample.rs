//! Sample products, which fill an empty shop.
//!
//! The words are in `sample_titles.txt`, written by hand: departments of *families*, such as
//! `3.80 {Gala|Braeburn} Apples{, 500 g*55|, 1 kg}`, each standing for every *combination* of its choices.
//! This module only puts them into an order. It stores nothing and draws nothing at random; `seed` adds the
//! products to a database.
//!
//! - The order is the same on every machine and for ever: it uses whole numbers and its own hash.
//! - Departments take turns: every round of 24 products comes from all 24.
//! - Within a department families take turns, so the first pages show its whole breadth.
//! - A department repeats a product only after every combination of every family.

use std::collections::BTreeMap;
use std::sync::LazyLock;

/// The departments in the list, parsed once by the first caller.
static DEPARTMENTS: LazyLock<Vec<Department>> =
    LazyLock::new(|| parse(include_str!("sample_titles.txt")));

/// A sample product.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sample {
    /// The title: 1 to 80 characters, some of them beyond Latin; trimmed.
    pub title: String,
    /// The price of one: 20 cents to 200 dollars, with an ending that is usual in shops.
    pub price_cents: i64,
}

/// Returns the `number`-th sample product, from 0.
///
/// It is the same on every machine and in every version of Rust.
/// The first 1,000 have distinct titles; among a million each title occurs about fifty times. Equal titles
/// have equal prices.
pub fn sample(number: u64) -> Sample {
    let department = &DEPARTMENTS[department_of(number)];
    let round = number / DEPARTMENTS.len() as u64;
    let place = round % department.order.len() as u64;
    let (family, combination) = department.order[place as usize];
    department.families[family].sample(combination)
}

/// Returns the index of the department whose turn it is.
///
/// Each round visits every department once, in steps that differ from round to round.
fn department_of(number: u64) -> usize {
    let count = DEPARTMENTS.len() as u64;
    let (round, turn) = (number / count, number % count);
    let step = coprime(count, mix(round, 0) % count);
    ((turn * step + mix(round, 1) % count) % count) as usize
}

/// The families of one department and their order.
struct Department {
    families: Vec<Family>,
    /// Each combination of each family once: the family's index and the combination's number.
    order: Vec<(usize, u64)>,
}

impl Department {
    /// Builds a department whose families take turns, in another order in each turn.
    ///
    /// The turns end when the longest family has shown its last combination.
    fn new(seed: u64, families: Vec<Family>) -> Self {
        let turns = families.iter().map(Family::len).max().unwrap_or(0);
        let mut order = Vec::new();
        for turn in 0..turns {
            let from = order.len();
            for (index, family) in families.iter().enumerate() {
                if turn < family.len() {
                    order.push((index, family.combination(mix(seed, index as u64), turn)));
                }
            }
            order[from..].sort_by_key(|&(index, _)| (mix(mix(seed, turn), index as u64), index));
        }
        Self { families, order }
    }
}

/// Products that differ in their choices: sort, origin, size.
struct Family {
    /// The price before the choices change it, in cents.
    cents: u64,
    /// The title from left to right; plain text is a choice of one.
    choices: Vec<Vec<Piece>>,
}

/// One possible part of a title.
#[derive(Clone, Copy)]
struct Piece {
    text: &'static str,
    /// The price with this piece, in percent of the price without it.
    percent: u64,
}

impl Family {
    /// Returns the number of combinations.
    fn len(&self) -> u64 {
        self.choices.iter().map(|pieces| pieces.len() as u64).product()
    }

    /// Returns the combination shown at this turn.
    ///
    /// Steps of the golden section keep neighbouring turns unlike each other. The step is coprime to the
    /// number of combinations, so every combination is visited before the first one recurs.
    fn combination(&self, seed: u64, turn: u64) -> u64 {
        let len = self.len();
        (seed % len + turn * coprime(len, len * 618 / 1000)) % len
    }

    /// Builds the product of this combination, of which each choice takes one digit.
    fn sample(&self, mut combination: u64) -> Sample {
        let mut title = String::with_capacity(80);
        let mut cents = self.cents;
        for pieces in &self.choices {
            let len = pieces.len() as u64;
            let piece = pieces[(combination % len) as usize];
            combination /= len;
            title.push_str(piece.text);
            cents = cents * piece.percent / 100;
        }
        Sample { title, price_cents: shop_price(cents) }
    }
}

/// Rounds `cents` to a price that is usual in shops: 2.89, 2.95, 3.00, 12.49, 64.00.
fn shop_price(cents: u64) -> i64 {
    let step = match cents {
        ..1_000 => 5,
        1_000..5_000 => 50,
        _ => 100,
    };
    let round = (cents + step / 2) / step * step;
    let stays = round % 10 == 5 || round.is_multiple_of(100) && mix(round, 0).is_multiple_of(2);
    (if stays { round } else { round - 1 }) as i64
}

/// Parses the list of departments; its first lines explain the format.
///
/// # Panics
/// Panics on a line of the wrong format. The list is compiled in, so tests find such a line.
fn parse(list: &'static str) -> Vec<Department> {
    let mut named = BTreeMap::new();
    let mut departments: Vec<Vec<Family>> = Vec::new();
    for line in list.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        if line.starts_with("== ") {
            departments.push(Vec::new());
        } else if let Some(choice) = line.strip_prefix('@') {
            let (name, body) = choice.split_once(" = ").expect("a choice is `@name = body`");
            named.insert(name, pieces(body));
        } else {
            let (price, title) = line.split_once(' ').expect("a family is a price and a title");
            let cents = price.replace('.', "").parse().expect("a price is `dollars.cents`");
            let family = Family { cents, choices: choices(title, &named) };
            departments.last_mut().expect("a department comes first").push(family);
        }
    }
    (0..).zip(departments).map(|(seed, families)| Department::new(seed, families)).collect()
}

/// Parses the choices of a title, from left to right.
fn choices(mut title: &'static str, named: &BTreeMap<&'static str, Vec<Piece>>) -> Vec<Vec<Piece>> {
    let mut choices = Vec::new();
    while let Some((text, rest)) = title.split_once('{') {
        let (body, rest) = rest.split_once('}').expect("a choice is closed");
        choices.push(vec![Piece { text, percent: 100 }]);
        choices.push(match body.strip_prefix('@') {
            Some(name) => named.get(name).expect("a choice is named before its use").clone(),
            None => pieces(body),
        });
        title = rest;
    }
    choices.push(vec![Piece { text: title, percent: 100 }]);
    choices.retain(|pieces| pieces.len() > 1 || !pieces[0].text.is_empty());
    choices
}

/// Parses the pieces of one choice, as in `a|b*130`.
fn pieces(body: &'static str) -> Vec<Piece> {
    let piece = |part: &'static str| match part.rsplit_once('*') {
        Some((text, percent)) => {
            Piece { text, percent: percent.parse().expect("a percentage follows `*`") }
        }
        None => Piece { text: part, percent: 100 },
    };
    body.split('|').map(piece).collect()
}

/// Returns the first number from `wanted` on, and at least 1, that is coprime to `len`.
fn coprime(len: u64, wanted: u64) -> u64 {
    (wanted.max(1)..).find(|&step| common_factor(len, step) == 1).expect("primes do not end")
}

/// Returns the greatest common divisor (Euclid).
fn common_factor(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { common_factor(b, a % b) }
}

/// Returns a number that looks random but depends on the arguments alone.
///
/// Source: splitmix64 (Steele, Lea and Flood, 2014); the second number chooses the stream.
fn mix(number: u64, stream: u64) -> u64 {
    let mut mixed = number
        .wrapping_mul(0xD129_0D3A_5B1C_72F1)
        .wrapping_add(stream.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15));
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    mixed ^ (mixed >> 31)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// A change of the list or of the order changes these two; that is fine before a release.
    const GOLDEN_TITLES: [&str; 5] = [
        "Rose Petals, for baking, 5 g",
        "Popping Candy, 10 sachets",
        "Round Lettuce, pack of 2",
        "Prunes in Light Syrup, 820 g",
        "Cardamom (قهوة) Ground Coffee, 250 g",
    ];
    const GOLDEN_HASH: u64 = 0x5629_EF6D_A809_2A5F;

    /// Returns every sample product, department by department.
    fn all() -> impl Iterator<Item = Sample> {
        DEPARTMENTS.iter().flat_map(|department| {
            department
                .order
                .iter()
                .map(|&(family, combination)| department.families[family].sample(combination))
        })
    }

    #[test]
    fn the_first_thousand_titles_are_distinct() {
        let titles: BTreeSet<_> = (0..1_000).map(|number| sample(number).title).collect();
        assert_eq!(titles.len(), 1_000);
    }

    #[test]
    fn no_title_is_written_twice_in_a_catalogue_of_twenty_thousand() {
        let mut titles = BTreeSet::new();
        let twice: Vec<_> =
            all().map(|s| s.title).filter(|title| !titles.insert(title.clone())).collect();
        assert_eq!(twice, Vec::<String>::new());
        assert!(titles.len() >= 20_000, "only {} titles", titles.len());
    }

    #[test]
    fn products_are_the_same_on_every_machine() {
        let titles: Vec<_> = (0..5).map(|number| sample(number).title).collect();
        assert_eq!(titles, GOLDEN_TITLES);
        let bytes = (0..10_000).map(sample).flat_map(|Sample { title, price_cents }| {
            [title.into_bytes(), price_cents.to_le_bytes().to_vec()].concat()
        });
        // FNV-1a, 64 bits.
        let hash = bytes.fold(0xCBF2_9CE4_8422_2325, |hash: u64, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01B3)
        });
        assert_eq!(hash, GOLDEN_HASH, "{hash:#X}");
    }

    #[test]
    fn prices_are_those_of_a_grocer() {
        for Sample { title, price_cents } in all() {
            assert!((20..=20_000).contains(&price_cents), "{title}: {price_cents}");
            let ending = price_cents % 100;
            assert!(ending == 0 || [5, 9].contains(&(ending % 10)), "{title}: {price_cents}");
        }
    }

    #[test]
    fn titles_are_clean_and_short() {
        for Sample { title, .. } in all() {
            assert!((1..=80).contains(&title.chars().count()), "{title:?}");
            assert_eq!(title, title.trim());
            assert!(!title.contains(char::is_control), "{title:?}");
            for slip in ["  ", " ,", ",,", "{", "}", "|", "*", "@", "'"] {
                assert!(!title.contains(slip), "{title:?}");
            }
        }
    }

    #[test]
    fn a_page_shows_many_departments() {
        for first in 0..10_000 {
            let departments: BTreeSet<_> = (first..first + 25).map(department_of).collect();
            assert!(departments.len() >= 12, "{first}: {departments:?}");
        }
    }

    #[test]
    fn every_number_has_a_product() {
        for number in [0, 999_999, u64::from(u32::MAX), u64::MAX] {
            assert!(!sample(number).title.is_empty());
        }
    }
}
