//! Typed ids of database rows, as they appear in addresses.

use std::fmt;
use std::marker::PhantomData;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The id of a `T`, with one spelling only: `7`, not `07`.
pub struct RowId<T>(i64, PhantomData<fn() -> T>);

impl<T> RowId<T> {
    /// Creates an id from the database's number.
    pub const fn new(id: i64) -> Self {
        Self(id, PhantomData)
    }

    /// Returns the database's number.
    pub const fn get(self) -> i64 {
        self.0
    }
}

impl<T> FromStr for RowId<T> {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let id: i64 = text.parse().map_err(|_| ())?;
        // Each row has one address: `+7` and `07` are refused.
        if id.to_string() == text { Ok(Self::new(id)) } else { Err(()) }
    }
}

impl<T> fmt::Display for RowId<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl<T> fmt::Debug for RowId<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{}", self.0)
    }
}

// Deriving these traits would require them of `T`.
impl<T> Clone for RowId<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for RowId<T> {}

impl<T> PartialEq for RowId<T> {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}

impl<T> Eq for RowId<T> {}

impl<T> Serialize for RowId<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<'de, T> Deserialize<'de> for RowId<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        i64::deserialize(deserializer).map(Self::new)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Tea;

    #[test]
    fn ids_are_written_in_one_way_only() {
        assert_eq!("7".parse(), Ok(RowId::<Tea>::new(7)));
        for text in ["", "07", "+7", "-0", " 7", "7.0", "seven", "99999999999999999999"] {
            assert_eq!(text.parse::<RowId<Tea>>(), Err(()), "{text:?}");
        }
    }
}
