//! Recognizes secrets by their names and hides their values in recordings, logs and pages.
//!
//! - What has a name of its own is hidden by it, before it becomes part of a text: headers, parameters, columns, fields
//!   of the log ([`is_named`], [`of_field`]).
//! - Texts that others composed (addresses, keys, messages) are searched for names ([`hide`]).
//! - Hiding too much is better than hiding too little, since only what people are shown depends on it.

mod letters;
mod names;
mod text;

use std::borrow::Cow;

pub use self::letters::{bare, decoded};
pub use self::names::{add, is_named};
pub use self::text::{hide, places, without};

/// The text shown in place of a secret.
pub const HIDDEN: &str = "…";

/// Hides secrets in the value of a field of the log: all of it, if the field has a secret's name.
pub fn of_field<'v>(name: &str, value: &'v str) -> Cow<'v, str> {
    if is_named(name) { Cow::Borrowed(HIDDEN) } else { hide(value) }
}
