//! Products, their titles, and pages of the catalogue.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

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

/// A request for one page of the catalogue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listing {
    /// The page, from 1.
    pub page: u64,
    /// How many products a page holds.
    pub size: u64,
    /// The folded text that titles must contain; empty for all products.
    pub search: String,
}

impl Listing {
    /// Returns how many products come before this page. Saturates: no shop has that many.
    pub fn offset(&self) -> u64 {
        (self.page - 1).saturating_mul(self.size)
    }
}

/// One page of the catalogue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProductList {
    /// The products on the page, newest first.
    pub products: Vec<Product>,
    /// How many products there are on all pages.
    pub total: u64,
}
