//! What visitors type about products.

use serde::Deserialize;

use super::model::{NewProduct, Product};
use super::service::Seen;
use crate::site::form::FormErrors;
use crate::site::pagination;
use crate::site::text::{self, TextError};

/// The fields of a product; a field that was not sent is empty.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct ProductForm {
    /// As typed.
    pub title: String,
    /// As typed.
    pub price: String,
    /// The title that the form had shown.
    pub was_title: String,
    /// The price that the form had shown.
    pub was_price: String,
}

impl ProductForm {
    /// A form that shows `product` as it is.
    pub fn showing(product: &Product) -> Self {
        let (title, price) = (product.title.clone(), product.price.plain());
        Self { was_title: title.clone(), was_price: price.clone(), title, price }
    }

    /// What was typed, if it can be a product.
    ///
    /// # Errors
    /// A sentence for each field that cannot.
    pub fn parse(&self) -> Result<NewProduct, FormErrors> {
        let mut errors = FormErrors::default();
        let title = errors.keep("title", self.title.parse());
        let price = errors.keep("price", self.price.parse());
        match (title, price) {
            (Some(title), Some(price)) => Ok(NewProduct { title, price }),
            _ => Err(errors),
        }
    }

    /// What the form had shown.
    pub fn seen(&self) -> Seen {
        Seen { title: self.was_title.clone(), price: self.was_price.clone() }
    }

    /// Whether it says what it had shown.
    pub fn has_seen(&self) -> bool {
        !self.was_title.is_empty()
    }
}

/// What stands behind the `?` of the homepage.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct IndexQuery {
    /// The page, from 1; empty for the first.
    pub page: String,
    /// The search; empty for all.
    pub q: String,
}

impl IndexQuery {
    /// The search as it is shown.
    ///
    /// # Errors
    /// Where it is too long.
    pub fn search(&self) -> Result<String, TextError> {
        text::search(&self.q)
    }

    /// The page, if it is written as one: `2`, not `02`.
    pub fn page(&self) -> Option<u64> {
        pagination::page_number(&self.page)
    }
}
