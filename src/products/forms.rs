//! The forms and queries of the catalogue's pages.

use serde::Deserialize;

use super::model::NewProduct;
use crate::site::form::FormErrors;
use crate::site::pagination;
use crate::site::sheet::{Kind, Shape, Sheet};
use crate::site::text::{self, TextError};

/// The fields of a product's form.
pub const FIELDS: &[Shape] = &[
    ("title", "Title", "Product name, up to 200 characters.", Kind::Line),
    ("price", "Price", "In US dollars, such as 4.99.", Kind::Decimal),
];

/// Returns the product that was typed, if it is valid.
///
/// # Errors
/// Returns a sentence for each invalid field.
pub fn parse(sheet: &Sheet) -> Result<NewProduct, FormErrors> {
    let mut errors = FormErrors::default();
    let title = errors.keep("title", sheet.value("title").parse());
    let price = errors.keep("price", sheet.value("price").parse());
    match (title, price) {
        (Some(title), Some(price)) => Ok(NewProduct { title, price }),
        _ => Err(errors),
    }
}

/// The query of the homepage.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct IndexQuery {
    /// The page, from 1; empty for the first.
    pub page: String,
    /// The search; empty for all products.
    pub q: String,
}

impl IndexQuery {
    /// Returns the search as it is shown.
    ///
    /// # Errors
    /// Fails if the search is too long.
    pub fn search(&self) -> Result<String, TextError> {
        text::search(&self.q)
    }

    /// Returns the page number, if it is written in the one accepted form: `2`, not `02`.
    pub fn page(&self) -> Option<u64> {
        pagination::page_number(&self.page)
    }
}
