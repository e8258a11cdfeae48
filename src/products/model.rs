//! Products, their titles, and the list of the catalogue.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::site::digest;
use crate::site::list::{Cell, Column, Found, Kind, List, Row, Total};
pub use crate::site::money::Price;
use crate::site::row_id::RowId;
use crate::site::text::{self, TextError};
use crate::site::time::Timestamp;

/// A product in the catalogue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Product {
    /// The product's number.
    pub id: ProductId,
    /// The title. Raw SQL may have stored one that [`Title`] rejects.
    pub title: String,
    /// The price of one.
    pub price: Price,
    /// When it was added.
    pub created_at: Timestamp,
    /// When it was last changed by this program.
    pub updated_at: Timestamp,
}

/// The fields of a product to add, or the new fields of an existing one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewProduct {
    /// The title.
    pub title: Title,
    /// The price of one.
    pub price: Price,
}

impl Product {
    /// Returns the values of its form.
    pub fn values(&self) -> Vec<String> {
        vec![self.title.clone(), self.price.plain()]
    }
}

impl NewProduct {
    /// Returns the values of its form.
    pub fn values(&self) -> Vec<String> {
        vec![self.title.as_str().to_owned(), self.price.plain()]
    }

    /// Returns these fields, but those of `current` that are to be kept; `None` if one of them is invalid.
    pub fn merged(&self, current: &Product, keeps: &[bool]) -> Option<Self> {
        let title = if keeps[0] { current.title.parse().ok()? } else { self.title.clone() };
        Some(Self { title, price: if keeps[1] { current.price } else { self.price } })
    }
}

/// The number of a product.
pub type ProductId = RowId<Product>;

/// A valid title: trimmed, 1 to 200 characters of any language, no control characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Title(String);

impl Title {
    /// Length of the longest title, in Unicode scalar values, as both databases count.
    pub const LONGEST: usize = 200;

    /// Returns the text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Title {
    type Err = TextError;

    fn from_str(text: &str) -> Result<Self, TextError> {
        text::line("a title", text, Self::LONGEST).map(Self)
    }
}

/// The list of the catalogue.
pub const LIST: List = List {
    path: "/",
    title: "Products",
    nouns: ["product", "products"],
    columns: &[
        Column::new("number", "ID", Kind::Number),
        Column::new("title", "Title", Kind::Name),
        Column::new("price", "Price", Kind::Price),
        Column::new("created", "Created", Kind::Time),
        Column::new("updated", "Updated", Kind::Time),
    ],
    order: "-number",
    has_since: true,
    new: Some("/products/new"),
    many: Some("/products/selected"),
};

impl Product {
    /// Returns a digest of what can be edited.
    pub fn digest(&self) -> String {
        digest::of([&*self.title, &*self.price.plain()])[..16].to_owned()
    }

    /// Returns the row of the list.
    pub fn row(&self) -> Row {
        let at = format!("/products/{}", self.id);
        Row {
            id: self.id.get(),
            cells: vec![
                Cell::Number(self.id.get()),
                Cell::Text(self.title.clone()),
                Cell::Price(self.price),
                Cell::Time(self.created_at),
                Cell::Time(self.updated_at),
            ],
            edit: Some(format!("{at}/edit")),
            delete: Some(format!("{at}/delete")),
            show: Some(at),
        }
    }
}

/// What is done to many products at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Their prices change by so many hundredths of a percent.
    Percent(i64),
    /// They get this price.
    Price(Price),
    /// They are deleted.
    Delete,
}

impl Action {
    /// Reads what the form names: `percent` with `-10` or `2.5`, `price` with `4.99`, or `delete`.
    ///
    /// # Errors
    /// A sentence for the visitor who typed it.
    pub fn parse(what: &str, amount: &str) -> Result<Self, &'static str> {
        let amount = amount.trim();
        match what {
            "delete" => Ok(Self::Delete),
            "price" => amount.parse().map(Self::Price).map_err(|_| "Enter a price, such as 4.99."),
            "percent" => {
                let (sign, number) = match amount.trim_end_matches('%').trim() {
                    lower if lower.starts_with(['-', '−']) => {
                        (-1, lower.trim_start_matches(['-', '−']))
                    }
                    higher => (1, higher.trim_start_matches('+')),
                };
                let hundredths = number.parse().map(|number: Price| sign * number.cents());
                let is_sound = |hundredths: &i64| (-10_000..=100_000).contains(hundredths);
                hundredths
                    .ok()
                    .filter(is_sound)
                    .map(Self::Percent)
                    .ok_or("Enter a percentage from -100 to 1000, such as -10 or 2.5.")
            }
            _ => Err("Choose an action."),
        }
    }

    /// Returns the price of a product afterwards, rounded to cents; `None` if it is deleted.
    pub fn price(self, before: Price) -> Option<Price> {
        match self {
            Self::Delete => None,
            Self::Price(price) => Some(price),
            Self::Percent(hundredths) => {
                let cents = (before.cents() * (10_000 + hundredths) + 5_000) / 10_000;
                Some(Price::from_cents(cents.min(Price::HIGHEST)))
            }
        }
    }

    /// Whether the products are deleted.
    pub fn is_deletion(&self) -> bool {
        *self == Self::Delete
    }
}

/// One page of the catalogue.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProductList {
    /// The products on the page, in the order of the list.
    pub products: Vec<Product>,
    /// How many products there are on all pages.
    pub total: u64,
    /// Whether there are more than `total`: not all were counted.
    pub has_more: bool,
    /// Where nothing was found: the products with the nearest titles.
    pub nearest: Vec<Product>,
}

impl ProductList {
    /// Returns the rows of the list.
    pub fn found(&self) -> Found {
        let rows = |products: &[Product]| products.iter().map(Product::row).collect();
        Found {
            rows: rows(&self.products),
            total: Total { count: self.total, has_more: self.has_more },
            nearest: rows(&self.nearest),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prices_change_by_percent_or_to_a_value() {
        for (what, amount, before, after) in [
            ("percent", "10", 499, Some(549)),
            ("percent", "-10 %", 499, Some(449)),
            ("percent", "+2.5", 1_000, Some(1_025)),
            ("percent", "-100", 499, Some(0)),
            ("percent", "1000", 999_999_999, Some(Price::HIGHEST)),
            ("price", "$4.99", 1, Some(499)),
            ("delete", "", 1, None),
        ] {
            let action = Action::parse(what, amount).unwrap();
            let price = action.price(Price::from_cents(before)).map(Price::cents);
            assert_eq!(price, after, "{what} {amount}");
        }
        for (what, amount) in
            [("percent", ""), ("percent", "-101"), ("percent", "1e3"), ("price", "-1"), ("", "1")]
        {
            Action::parse(what, amount).unwrap_err();
        }
    }
}
