//! Tags: the names of what can change, and their stamps.
//!
//! - A tag is named by whoever keeps the data: `products`, or `products#17` for a bucket of rows.
//! - A stamp changes whenever its tag's data does; equal stamps mean equal data.
//! - A tag that was never stamped has [`Stamp::NONE`].
//! - Two tags are everybody's: [`Tag::ANY`] moves with every other, [`Tag::EVERYTHING`] is the
//!   generation on which each entry depends without saying so.

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Serialize};

/// Rows are told apart by the low bits of their id: so many buckets for each table.
///
/// The triggers in `migrations` compute the same bucket.
pub const BUCKETS: i64 = 256;

/// The name of something that can change.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Tag(Cow<'static, str>);

impl Tag {
    /// Moves whenever any tag does: equal here means equal everywhere.
    pub const ANY: Tag = Tag::named("*");

    /// The generation of all entries; moved by *Invalidate cache*.
    pub const EVERYTHING: Tag = Tag::named("!");

    /// The tag of something that is known when the program is written, such as a table.
    pub const fn named(name: &'static str) -> Self {
        Self(Cow::Borrowed(name))
    }

    /// The tag of the bucket that a row falls in; also of rows that do not exist.
    pub fn row(table: &str, id: i64) -> Self {
        Self(Cow::Owned(format!("{table}#{}", id & (BUCKETS - 1))))
    }

    /// The generation of a whole table, moved by `TRUNCATE`: every row tag depends on it.
    pub fn generation(table: &str) -> Self {
        Self(Cow::Owned(format!("{table}!")))
    }

    /// The tag as the database writes it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<String> for Tag {
    fn from(name: String) -> Self {
        Self(Cow::Owned(name))
    }
}

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A tag's version: how often it changed, and a random number drawn at the last change.
///
/// The counter orders stamps of one history; the nonce tells histories apart, as after a backup
/// was restored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub struct Stamp {
    /// Changes so shared, at least 0.
    pub count: i64,
    /// Drawn anew at each change.
    pub nonce: i64,
}

impl Stamp {
    /// The stamp of a tag that never changed.
    pub const NONE: Stamp = Stamp { count: 0, nonce: 0 };

    /// Whether data at this stamp is at least as new as data at `other`.
    pub fn is_at_least(self, other: Stamp) -> bool {
        self == other || self.count > other.count
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_share_their_bucket_with_the_ids_256_apart() {
        assert_eq!(Tag::row("products", 17), Tag::row("products", 17 + 256));
        assert_ne!(Tag::row("products", 17), Tag::row("products", 18));
        assert_eq!(Tag::row("products", -1).as_str(), "products#255");
    }

    #[test]
    fn a_restored_history_is_never_newer_by_equal_count() {
        let ours = Stamp { count: 3, nonce: 1 };
        let restored = Stamp { count: 3, nonce: 2 };
        assert!(!restored.is_at_least(ours));
        assert!(ours.is_at_least(ours));
    }
}
