//! The form with which staff edit members.

use super::model::{LONGEST_NAME, Member};
use crate::site::form::FormErrors;
use crate::site::sheet::{Kind, Shape, Sheet};
use crate::site::text::{self, Fault};

/// The fields of a member's form.
pub const FIELDS: &[Shape] =
    &[("name", "Name", "", Kind::Line), ("favourite", "Favourite", "", Kind::Line)];

/// Returns the typed member if it is valid.
///
/// # Errors
/// A sentence for each invalid field.
pub fn parse(sheet: &Sheet) -> Result<Member, FormErrors> {
    let mut errors = FormErrors::default();
    let name = errors.keep("name", text::line("a name", sheet.value("name"), LONGEST_NAME));
    let favourite = match text::line("a favourite", sheet.value("favourite"), LONGEST_NAME) {
        Err(error) if error.fault() == Fault::Empty => Ok(String::new()),
        favourite => favourite,
    };
    match (name, errors.keep("favourite", favourite)) {
        (Some(name), Some(favourite)) => Ok(Member { name, favourite }),
        _ => Err(errors),
    }
}
