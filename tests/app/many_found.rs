//! Searches that find more products than are counted: in each order, whether the newest products are like the others or
//! not.

use crate::support::{Database, TestSite, on_both_databases};

on_both_databases! {
    by_hand:
    each_search_of_many_lists_the_right_products
}

/// More than are looked at first.
const PRODUCTS: u64 = 6_000;

/// The products that are counted, and those on a page.
const COUNTED: usize = 1_000;
const PAGE: usize = 25;

struct Known {
    id: u64,
    text: String,
    price: u64,
}

/// Returns a product: some words are in many titles, in old ones only, in new ones only, or in few.
///
/// Of 300 products that follow each other the first hundred are looked at. A few of those are the first snacks of all
/// titles, but most snacks are at the end, and not looked at.
fn known(id: u64) -> Known {
    let words = [
        (true, "tea"),
        (id.is_multiple_of(3), "mint"),
        (id <= 1_500, "oldie"),
        (id > 5_700, "novel"),
        (id.is_multiple_of(50), "rare"),
    ];
    let words: Vec<&str> = words.iter().filter(|(has, _)| *has).map(|(_, word)| *word).collect();
    let first = match id % 300 {
        1..=10 => "apple snack ",
        200.. => "zest snack ",
        _ => "",
    };
    let text = format!("{first}{} {} v{}x", words.join(" "), id % 7, id % 40);
    Known { id, text, price: id * 7_919 % 10_007 }
}

impl Known {
    fn has(&self, words: &str) -> bool {
        let has = |word: &str| match word.parse::<u64>() {
            Ok(_) => self.text.split(' ').any(|known| known == word),
            Err(_) => self.text.split(' ').any(|known| known.starts_with(word)),
        };
        words.split('+').filter(|word| !word.is_empty()).all(has)
    }
}

fn each_search_of_many_lists_the_right_products(on: Database) {
    let site = TestSite::start(on);
    let products: Vec<Known> = (1..=PRODUCTS).map(known).collect();
    let row = |Known { id, text, price }: &Known| format!("({id}, '{text}', '{text}', {price})");
    for products in products.chunks(500) {
        let rows: Vec<String> = products.iter().map(row).collect();
        site.database.sql(&format!(
            "INSERT INTO products (id, title, search_text, price_cents) VALUES {}",
            rows.join(", ")
        ));
    }
    let searches = [
        ("tea", "", 0, u64::MAX),
        ("mint", "", 0, u64::MAX),
        ("oldie", "", 0, u64::MAX),
        ("oldie+mint", "", 0, u64::MAX),
        ("novel", "", 0, u64::MAX),
        ("rare", "", 0, u64::MAX),
        ("rare+oldie", "", 0, u64::MAX),
        ("v", "", 0, u64::MAX),
        ("v1+te", "", 0, u64::MAX),
        ("v+rare", "", 0, u64::MAX),
        ("mint+3", "", 0, u64::MAX),
        ("tea+absent", "", 0, u64::MAX),
        ("snack", "", 0, u64::MAX),
        ("zest", "", 0, u64::MAX),
        ("snack", "&min=0.01&max=200.00", 1, 20_000),
        ("tea", "&min=10.00&max=60.00", 1_000, 6_000),
        ("mint", "&min=10.00&max=12.00", 1_000, 1_200),
        ("", "&min=10.00&max=60.00", 1_000, 6_000),
    ];
    for (words, filter, min, max) in searches {
        let is_found = |known: &&Known| known.has(words) && (min..=max).contains(&known.price);
        let mut found: Vec<&Known> = products.iter().filter(is_found).collect();
        for sort in ["number", "-number", "title", "-title", "price", "-price"] {
            found.sort_by_key(|known| match sort.trim_start_matches('-') {
                "number" => (String::new(), 0, known.id),
                "title" => (known.text.clone(), 0, known.id),
                _ => (String::new(), known.price, known.id),
            });
            if sort.starts_with('-') {
                found.reverse();
            }
            let counted = found.len().min(COUNTED);
            let last = counted.div_ceil(PAGE).max(1);
            for number in [1, last.div_ceil(2), last] {
                let address = format!("/?q={words}&sort={sort}{filter}&page={number}");
                let page = site.get(&address);
                let expected = found[..counted].iter().skip((number - 1) * PAGE).take(PAGE);
                let expected: Vec<u64> = expected.map(|known| known.id).collect();
                assert_eq!(page.assert_status(200).listed(), expected, "{address}");
                match found.len() {
                    0 => page.assert_sees("No product matches"),
                    len if len > COUNTED => page.assert_sees("More than 1,000 products match"),
                    len => page.assert_sees(&format!("{len} products match")),
                };
            }
            let beyond = format!("/?q={words}&sort={sort}{filter}&page={}", last + 1);
            site.get(&beyond).assert_status(404);
        }
    }
}
