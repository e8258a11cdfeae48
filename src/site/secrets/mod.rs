//! Recognizes secrets by their names and hides their values in recordings, logs and pages.
//!
//! Hiding too much is better than hiding too little, since only what people are shown depends on it.

mod names;
mod text;

pub use self::names::{add, is_named};
pub use self::text::hide;

/// The text shown in place of a secret.
pub const HIDDEN: &str = "…";
