//! Edits of items that another person may have changed meanwhile.
//!
//! - An edit is merged field by field ([`Edit::merge`]), within the transaction that writes it: a field that was not
//!   touched keeps its current value.
//! - Only a field that both have changed is a conflict; then nothing is stored.
//! - Values are compared, not times or versions. So a change by another program counts, too.

use super::digest;
use super::text::{is_same, nfc};

/// The outcome of a change of an item that the client had seen.
#[derive(Debug, PartialEq, Eq)]
pub enum Change<T> {
    /// The change was made, or the item was like that already.
    Done,
    /// The item was deleted meanwhile.
    Gone,
    /// The change was not made; holds the item as it is now.
    Conflict(T),
    /// Another item has this name.
    Taken,
}

impl<T> Change<T> {
    /// Converts the current item.
    pub fn map<U>(self, convert: impl FnOnce(T) -> U) -> Change<U> {
        match self {
            Self::Done => Change::Done,
            Self::Gone => Change::Gone,
            Self::Conflict(current) => Change::Conflict(convert(current)),
            Self::Taken => Change::Taken,
        }
    }
}

/// An edit: for each field of a form what it had shown and what was typed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Edit {
    was: Vec<String>,
    typed: Vec<String>,
    /// The same values in their normal form.
    parsed: Vec<String>,
}

/// The decision about one field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    /// What was typed is stored.
    Mine,
    /// The current value is kept.
    Theirs,
    /// Both have changed it.
    Both,
}

impl Edit {
    /// Returns the edit of a form that had shown `was`; `parsed` is what was typed, in its normal form.
    pub fn new(was: Vec<String>, typed: Vec<String>, parsed: Vec<String>) -> Self {
        Self { was, typed, parsed }
    }

    /// Decides for each field whether its `current` value is kept; `None` if one was changed by both.
    pub fn merge(&self, current: &[String]) -> Option<Vec<bool>> {
        let sides = current.iter().enumerate().map(|(place, current)| self.side(place, current));
        sides.map(|side| (side != Side::Both).then_some(side == Side::Theirs)).collect()
    }

    /// Decides about the field at `place`.
    pub(super) fn side(&self, place: usize, current: &str) -> Side {
        let of = |values: &[String]| values.get(place).cloned().unwrap_or_default();
        let (was, typed, parsed) = (of(&self.was), of(&self.typed), of(&self.parsed));
        if is_same(&parsed, current) {
            Side::Mine
        } else if shows(&was, &typed) || shows(&was, &parsed) {
            Side::Theirs
        } else if shows(&was, current) {
            Side::Mine
        } else {
            Side::Both
        }
    }

    /// Reports whether the item is still as the client had seen it.
    pub fn is_still(&self, current: &[String]) -> bool {
        let was = self.was.iter().zip(current);
        !self.was.is_empty() && was.into_iter().all(|(was, current)| shows(was, current))
    }
}

/// Reports whether a form that sends `was` had shown `value`.
fn shows(was: &str, value: &str) -> bool {
    is_same(was, value) || was == digest_of(value)
}

/// Returns the digest of a long value. Browsers send other line ends than the form had.
pub(super) fn digest_of(value: &str) -> String {
    digest::of([&*nfc(&value.replace("\r\n", "\n"))])
}
