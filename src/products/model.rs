//! Products, their titles, and the list of the catalogue.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

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
};

impl Product {
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
