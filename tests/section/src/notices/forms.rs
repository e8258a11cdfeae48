//! The form that adds a notice.

use super::model::LONGEST_TITLE;
use crate::site::form::FormErrors;
use crate::site::sheet::{Kind, Shape, Sheet};
use crate::site::text;

/// The fields of a notice's form.
pub const FIELDS: &[Shape] = &[("title", "Title", "What visitors should know.", Kind::Line)];

/// Returns the title that was typed, if it is valid.
///
/// # Errors
/// Returns a sentence for the invalid field.
pub fn parse(sheet: &Sheet) -> Result<String, FormErrors> {
    let mut errors = FormErrors::default();
    let title = text::line("a title", sheet.value("title"), LONGEST_TITLE);
    errors.keep("title", title).ok_or(errors)
}
