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
    has_shared_rows: bool,
}

impl Table {
    /// Returns the table of this name, as in SQL: `guests`, `blog.notes`, `"Users"`.
    pub const fn named(name: &'static str) -> Self {
        Self { name, derived: &[], has_shared_rows: false }
    }

    /// Declares that its rows share one tag, for [`migration`](crate::migration) on SQLite.
    ///
    /// So it is for every table whose key is not an integer `id`, and on SQLite where another column is unique.
    pub const fn with_shared_rows(self) -> Self {
        Self { has_shared_rows: true, ..self }
    }

    /// Reports whether its rows are declared to share one tag.
    pub const fn has_shared_rows(self) -> bool {
        self.has_shared_rows
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

    /// Returns the parts of its name without quotes: the schema, if it has one, and the table.
    pub(crate) fn parts(self) -> Vec<String> {
        let mut parts = vec![String::new()];
        let mut letters = self.name.chars().peekable();
        let mut is_quoted = false;
        while let Some(letter) = letters.next() {
            let part = parts.last_mut().expect("there is always one");
            match letter {
                '"' if is_quoted && letters.next_if_eq(&'"').is_some() => part.push('"'),
                '"' => is_quoted = !is_quoted,
                '.' if !is_quoted => parts.push(String::new()),
                letter => part.push(letter),
            }
        }
        parts
    }

    /// Returns the tag whose stamp every write to it changes.
    pub const fn tag(self) -> Tag {
        Tag::named(self.name)
    }

    /// Returns the tag of a row's bucket, also for rows that do not exist.
    pub fn row_tag(self, id: i64) -> Tag {
        Tag::from(format!("{}#{}", self.name, id & (BUCKETS - 1)))
    }

    /// Returns the tags on which a read of one row depends.
    pub(crate) fn tags_of_row(self, id: i64) -> [Tag; 2] {
        [self.row_tag(id), self.reset_tag()]
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

    #[test]
    fn names_are_taken_apart_as_in_sql() {
        let cases: [(&str, &[&str]); 5] = [
            ("guests", &["guests"]),
            ("blog.notes", &["blog", "notes"]),
            ("\"Users\"", &["Users"]),
            ("\"a.b\".\"c\"\"d\"", &["a.b", "c\"d"]),
            ("", &[""]),
        ];
        for (name, parts) in cases {
            assert_eq!(Table::named(name).parts(), parts, "{name}");
        }
    }
}
