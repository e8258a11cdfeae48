//! A table that is read through the cache, and the names of its tags.

use larder_cache::Tag;

/// The number of buckets of each table: the low bits of a row's ID select its bucket.
///
/// The triggers in `migrations` compute the same bucket.
const BUCKETS: i64 = 256;

/// A table that is read through the cache. Its tag is its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Table {
    name: &'static str,
    derived: &'static [&'static str],
}

impl Table {
    /// Returns a table of the schema, which has its triggers from its migration.
    pub const fn named(name: &'static str) -> Self {
        Self { name, derived: &[] }
    }

    /// Adds the derived tables that triggers on this one maintain.
    ///
    /// They are read under its tag, and nothing else writes them.
    pub const fn with_derived(self, derived: &'static [&'static str]) -> Self {
        Self { derived, ..self }
    }

    /// Returns the tables that its triggers maintain.
    pub const fn derived(self) -> &'static [&'static str] {
        self.derived
    }

    /// Returns its name.
    pub const fn name(self) -> &'static str {
        self.name
    }

    /// Returns the tag whose stamp every write to it changes.
    pub const fn tag(self) -> Tag {
        Tag::named(self.name)
    }

    /// Returns the tag of a row's bucket, also for rows that do not exist.
    pub fn row_tag(self, id: i64) -> Tag {
        Tag::from(format!("{}#{}", self.name, id & (BUCKETS - 1)))
    }

    /// Returns the tag that `TRUNCATE` changes; every read of a row depends on it.
    pub fn reset_tag(self) -> Tag {
        Tag::from(format!("{}!", self.name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_share_their_bucket_with_the_ids_256_apart() {
        const PRODUCTS: Table = Table::named("products");
        assert_eq!(PRODUCTS.row_tag(17), PRODUCTS.row_tag(17 + 256));
        assert_ne!(PRODUCTS.row_tag(17), PRODUCTS.row_tag(18));
        assert_eq!(PRODUCTS.row_tag(-1).as_str(), "products#255");
    }
}
