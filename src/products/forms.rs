//! The forms of the catalogue's pages.

use serde::Deserialize;

use super::model::{NewProduct, Product};
use super::service::Seen;
use crate::site::form::FormErrors;

/// The fields of a product's form; a field that was not sent is empty.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct ProductForm {
    /// The title, as typed.
    pub title: String,
    /// The price, as typed.
    pub price: String,
    /// The title that the form had shown.
    pub was_title: String,
    /// The price that the form had shown.
    pub was_price: String,
}

impl ProductForm {
    /// Builds a form that shows `product`.
    pub fn showing(product: &Product) -> Self {
        let (title, price) = (product.title.clone(), product.price.plain());
        Self { was_title: title.clone(), was_price: price.clone(), title, price }
    }

    /// Returns the product that was typed, if it is valid.
    ///
    /// # Errors
    /// Returns a sentence for each invalid field.
    pub fn parse(&self) -> Result<NewProduct, FormErrors> {
        let mut errors = FormErrors::default();
        let title = errors.keep("title", self.title.parse());
        let price = errors.keep("price", self.price.parse());
        match (title, price) {
            (Some(title), Some(price)) => Ok(NewProduct { title, price }),
            _ => Err(errors),
        }
    }

    /// Returns the product as the form had shown it.
    pub fn seen(&self) -> Seen {
        Seen { title: self.was_title.clone(), price: self.was_price.clone() }
    }

    /// Reports whether the client sent what the form had shown.
    pub fn has_seen(&self) -> bool {
        !self.was_title.is_empty()
    }
}
