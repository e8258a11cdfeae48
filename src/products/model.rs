//! What a product is, and its rules.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

pub use crate::site::money::Price;
use crate::site::row_id::RowId;
use crate::site::text::{self, TextError};
use crate::site::time::Timestamp;

/// A product in the catalogue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Product {
    /// Its number.
    pub id: ProductId,
    /// What it is called. Raw SQL may have put in what [`Title`] refuses.
    pub title: String,
    /// What one costs.
    pub price: Price,
    /// When it was added.
    pub created_at: Timestamp,
    /// When it was last changed here.
    pub updated_at: Timestamp,
}

/// A product that is to be added, or what a product is to become.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewProduct {
    /// What it is called.
    pub title: Title,
    /// What one costs.
    pub price: Price,
}

/// The number of a product.
pub type ProductId = RowId<Product>;

/// A title: trimmed, 1 to 200 characters of any language, none of them a control character.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Title(String);

impl Title {
    /// Characters (Unicode scalar values, as both databases count) of the longest.
    pub const LONGEST: usize = 200;

    /// The text.
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

/// A page of the catalogue that is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listing {
    /// From 1.
    pub page: u64,
    /// Products on a page.
    pub size: u64,
    /// Part of the title, folded; empty for all.
    pub search: String,
}

impl Listing {
    /// Products before this page; saturating, since nobody has that many.
    pub fn offset(&self) -> u64 {
        (self.page - 1).saturating_mul(self.size)
    }
}

/// A page of the catalogue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProductList {
    /// Those on the page, newest first.
    pub products: Vec<Product>,
    /// How many there are on all pages.
    pub total: u64,
}
