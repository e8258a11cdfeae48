//! The forms of the catalogue's pages.

use super::model::NewProduct;
use crate::site::form::FormErrors;
use crate::site::sheet::{Kind, Shape, Sheet};

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
