//! The prices of the supplier, and how its JSON is validated.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::site::list::{Cell, Column, Kind, List, Row};
use crate::site::money::Price;
use crate::site::text;
use crate::site::time::Timestamp;

/// The maximum number of offers in an answer.
const MOST: usize = 10_000;

/// The maximum length of a name, an SKU or a title, in characters.
const LONGEST: usize = 200;

/// The validated prices of a supplier.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Prices {
    /// The name of the supplier.
    pub supplier: String,
    /// When the prices were fetched.
    pub fetched_at: Timestamp,
    /// The offers, in the supplier's order.
    pub offers: Vec<Offer>,
}

/// The list of offers.
pub const LIST: List = List {
    path: "/supplier",
    title: "Supplier’s prices",
    nouns: ["offer", "offers"],
    columns: &[
        Column::new("number", "Number", Kind::Text),
        Column::new("title", "Title", Kind::Name),
        Column::new("price", "Price", Kind::Price),
    ],
    order: "number",
    has_since: false,
    new: None,
    many: None,
};

/// An item and its price.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Offer {
    /// The supplier's number of the item.
    pub sku: String,
    /// The title of the item.
    pub title: String,
    /// The price of one item.
    pub price: Price,
}

/// The prices as the supplier sends them.
#[derive(Deserialize)]
struct Said {
    supplier: String,
    currency: String,
    prices: Vec<SaidOffer>,
}

#[derive(Deserialize)]
struct SaidOffer {
    sku: String,
    title: String,
    price: String,
}

impl Prices {
    /// Parses and validates an answer of the supplier.
    ///
    /// # Errors
    /// One sentence for the log that says what is invalid.
    pub fn parse(json: &[u8], fetched_at: Timestamp) -> Result<Self, String> {
        let said: Said = serde_json::from_slice(json).map_err(|error| error.to_string())?;
        if said.currency != "USD" {
            return Err(format!("the prices are in {:?}, not in USD", said.currency));
        }
        if said.prices.len() > MOST {
            return Err(format!("there are more than {MOST} prices"));
        }
        let supplier = line("a name", &said.supplier)?;
        let offers = said.prices.into_iter().enumerate().map(|(place, offer)| {
            offer.believed().map_err(|error| format!("price {}: {error}", place + 1))
        });
        Ok(Self { supplier, fetched_at, offers: offers.collect::<Result<_, _>>()? })
    }

    /// Returns the rows of the list, in the supplier's order.
    pub fn rows(&self) -> Vec<Row> {
        let row = |(place, offer): (usize, &Offer)| Row {
            id: place as i64,
            cells: vec![
                Cell::Text(offer.sku.clone()),
                Cell::Text(offer.title.clone()),
                Cell::Price(offer.price),
            ],
            show: None,
            edit: None,
            delete: None,
        };
        self.offers.iter().enumerate().map(row).collect()
    }

    /// Returns the age of the prices at `now`.
    pub fn age(&self, now: Timestamp) -> Duration {
        now.since(self.fetched_at)
    }
}

impl SaidOffer {
    fn believed(self) -> Result<Offer, String> {
        let price = self.price.parse().map_err(|error| format!("{:?}: {error}", self.price))?;
        let (sku, title) = (line("a number", &self.sku)?, line("a title", &self.title)?);
        Ok(Offer { sku, title, price })
    }
}

fn line(noun: &'static str, said: &str) -> Result<String, String> {
    text::line(noun, said, LONGEST).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(json: &str) -> Result<Prices, String> {
        Prices::parse(json.as_bytes(), Timestamp::now())
    }

    #[test]
    fn valid_prices_are_accepted() {
        let json = r#"{"supplier":"Hill","currency":"USD","more":1,
            "prices":[{"sku":"A-1","title":"Tea","price":"4.9"}]}"#;
        let prices = parse(json).unwrap();
        assert_eq!((&*prices.supplier, prices.offers[0].price.cents()), ("Hill", 490));
    }

    #[test]
    fn invalid_prices_are_rejected_with_a_reason() {
        let with = |currency: &str, price: &str| {
            format!(
                r#"{{"supplier":"Hill","currency":"{currency}",
                "prices":[{{"sku":"A","title":"Tea","price":{price}}}]}}"#
            )
        };
        let cases = [
            (String::new(), "EOF"),
            ("[]".into(), "invalid length"),
            ("null".into(), "invalid type"),
            (with("EUR", "\"1\""), "not in USD"),
            (with("USD", "\"-1\""), "price 1"),
            (with("USD", "4.99"), "expected a string"),
            (with("USD", "\"1e9\""), "price 1"),
            (with("USD", "\"1\"").replace("Tea", "a\\u0000b"), "control"),
            (with("USD", "\"1\"").replace("Hill", ""), "Enter a name"),
            (with("USD", "\"1\"")[..40].to_owned(), "EOF"),
        ];
        for (json, reason) in cases {
            let error = parse(&json).unwrap_err();
            assert!(error.contains(reason), "{json}: {error}");
        }
    }
}
