//! Sample products: what an empty shop is filled with.
//!
//! The words are in `sample_titles.txt`, written by hand: departments of *families*, such as
//! `3.80 {Gala|Braeburn} Apples{, 500 g*55|, 1 kg}`, each standing for every *combination* of its
//! choices. Here is only the arithmetic that puts them into an order. Nothing is stored or drawn
//! at random; adding products to a database is `seed`'s task.
//!
//! - Whole numbers only and our own hash, so the order is the same everywhere, for ever.
//! - Departments take turns: every round of 24 products comes from all 24.
//! - Within a department families take turns, so the first pages show its whole breadth.
//! - A department repeats itself only after every combination of every family has been on.

use std::collections::BTreeMap;
use std::sync::LazyLock;

/// The departments as they are read from the list, once, by the first caller.
static DEPARTMENTS: LazyLock<Vec<Department>> =
    LazyLock::new(|| parse(include_str!("sample_titles.txt")));

/// A product for an empty shop.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sample {
    /// 1 to 80 characters, some of them beyond Latin; trimmed.
    pub title: String,
    /// What one costs, 20 cents to 200 dollars, ending as prices in a shop do.
    pub price_cents: i64,
}

/// The `number`-th sample product (from 0): the same on every machine and in every version of Rust.
///
/// The first 1,000 have titles of their own; at a million each title has come about fifty times.
/// Equal titles have equal prices.
pub fn sample(number: u64) -> Sample {
    let department = &DEPARTMENTS[department_of(number)];
    let round = number / DEPARTMENTS.len() as u64;
    let place = round % department.order.len() as u64;
    let (family, combination) = department.order[place as usize];
    department.families[family].sample(combination)
}

/// The department whose turn it is.
///
/// Each round visits every department once, in steps that differ from round to round.
fn department_of(number: u64) -> usize {
    let count = DEPARTMENTS.len() as u64;
    let (round, turn) = (number / count, number % count);
    let step = coprime(count, mix(round, 0) % count);
    ((turn * step + mix(round, 1) % count) % count) as usize
}

/// The families of one department and the order they are shown in.
struct Department {
    families: Vec<Family>,
    /// Each combination of each family once: index of the family, number of the combination.
    order: Vec<(usize, u64)>,
}

impl Department {
    /// A department in which the families take turns, shuffled anew for each turn, until the
    /// longest has shown its last combination.
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
    /// The price when no choice changes it.
    cents: u64,
    /// The title from left to right; plain text is a choice of one.
    choices: Vec<Vec<Piece>>,
}

/// One possible part of a title.
#[derive(Clone, Copy)]
struct Piece {
    text: &'static str,
    /// What it makes of the price.
    percent: u64,
}

impl Family {
    /// How many combinations there are.
    fn len(&self) -> u64 {
        self.choices.iter().map(|pieces| pieces.len() as u64).product()
    }

    /// The combination shown at this turn.
    ///
    /// Steps of the golden section keep neighbouring turns unlike each other, and being coprime
    /// to the length they pass every combination before the first comes back.
    fn combination(&self, seed: u64, turn: u64) -> u64 {
        let len = self.len();
        (seed % len + turn * coprime(len, len * 618 / 1000)) % len
    }

    /// The product with this combination, of which each choice takes one digit.
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

/// The price a shop would ask for something worth `cents`: 2.89, 2.95, 3.00, 12.49, 64.00.
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

/// The departments of a list; its first lines explain how to write one.
///
/// # Panics
/// On a line that breaks those rules. The list is part of the program, so a test sees it first.
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

/// The choices of a title, from left to right.
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

/// The pieces of one choice, as in `a|b*130`.
fn pieces(body: &'static str) -> Vec<Piece> {
    let piece = |part: &'static str| match part.rsplit_once('*') {
        Some((text, percent)) => {
            Piece { text, percent: percent.parse().expect("a percentage follows `*`") }
        }
        None => Piece { text: part, percent: 100 },
    };
    body.split('|').map(piece).collect()
}

/// The first whole number from `wanted` on that shares no factor with `len`, and at least 1.
fn coprime(len: u64, wanted: u64) -> u64 {
    (wanted.max(1)..).find(|&step| common_factor(len, step) == 1).expect("primes do not end")
}

/// The greatest number that divides both (Euclid).
fn common_factor(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { common_factor(b, a % b) }
}

/// A number that looks random but follows from these two alone.
///
/// # Source
/// splitmix64 (Steele, Lea and Flood, 2014), with the second number choosing the stream.
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

    /// Changing the list or the order changes these two; that is fine before a release.
    const GOLDEN_TITLES: [&str; 5] = [
        "Rose Petals, for baking, 5 g",
        "Popping Candy, 10 sachets",
        "Round Lettuce, pack of 2",
        "Prunes in Light Syrup, 820 g",
        "Cardamom (قهوة) Ground Coffee, 250 g",
    ];
    const GOLDEN_HASH: u64 = 0x5629_EF6D_A809_2A5F;

    /// Every product there is, department by department.
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
