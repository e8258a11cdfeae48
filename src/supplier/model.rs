//! What the supplier offers, as it says it and as it is believed.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::site::money::Price;
use crate::site::text;
use crate::site::time::Timestamp;

/// Offers that are taken at once.
const MOST: usize = 10_000;

/// Characters of a name, a number or a title.
const LONGEST: usize = 200;

/// The prices of a supplier.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Prices {
    /// Who it is.
    pub supplier: String,
    /// When they were asked.
    pub fetched_at: Timestamp,
    /// What they offer, in their order.
    pub offers: Vec<Offer>,
}

/// One thing, and what it costs there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Offer {
    /// The supplier's number for it.
    pub sku: String,
    /// What it is.
    pub title: String,
    /// What one costs.
    pub price: Price,
}

/// The same as the supplier writes it.
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
    /// What the supplier said, if all of it can be believed.
    ///
    /// # Errors
    /// One sentence for the log, which says what is wrong.
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

    /// How old they are.
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
    fn whole_prices_are_believed() {
        let json = r#"{"supplier":"Hill","currency":"USD","more":1,
            "prices":[{"sku":"A-1","title":"Tea","price":"4.9"}]}"#;
        let prices = parse(json).unwrap();
        assert_eq!((&*prices.supplier, prices.offers[0].price.cents()), ("Hill", 490));
    }

    #[test]
    fn what_is_not_whole_is_not_believed_and_it_is_said_why() {
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
