//! The stamps of the database, as the cache reads and changes them.
//!
//! - Triggers change a tag's stamp in the transaction of the writer; see `migrations`.
//! - A read names its tables before it gets the connection, and takes their stamps first.
//! - Debug builds check that each read has named all that it reads ([`read_checker`]).
//! - SQLite is queried on every request, inline; Postgres once for all requests that wait.
//! - A change of the schema makes everything stale: it may have changed rows without a trigger.
//! - Entries are deleted by stamps of their own, changed here ([`crate::cache::Removal`]).
//! - Where a trigger is missing the stamps are unavailable, and the cache is bypassed.
//!
//! Only this module knows both [`crate::cache`] and [`crate::db`].

pub mod database;
mod derived;
mod mentioned;
pub mod moves;
pub mod postgres;
pub mod probe;
pub mod read_checker;
mod removal;
mod schema;
pub mod secret;
pub mod snapshot;
pub mod sqlite;
pub mod stamps;
pub mod triggers;

use std::sync::Arc;

pub use database::Database;
pub use snapshot::Snapshot;

use crate::cache::Tag;
use crate::cache::stamps::StampSource;
use crate::db::{Db, Url};

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

/// Opens the source of stamps for the database at `url`.
///
/// # Errors
/// If the database cannot be queried at all. Missing triggers are no error here: the stamps are
/// unavailable then.
pub fn open(url: &Url, tables: &'static [Table]) -> Result<Arc<dyn StampSource>, String> {
    of(url, None, tables)
}

/// Opens the source of stamps for an open database; changing stamps queues with its other writes.
///
/// # Errors
/// As [`open`].
pub fn open_on(db: Db, tables: &'static [Table]) -> Result<Arc<dyn StampSource>, String> {
    of(&db.url().clone(), Some(db), tables)
}

fn of(url: &Url, db: Option<Db>, tables: &'static [Table]) -> Result<Arc<dyn StampSource>, String> {
    let versions: Arc<dyn StampSource> = match url {
        Url::Sqlite(_) => Arc::new(sqlite::SqliteVersions::open(url.clone(), tables)),
        Url::Postgres(_) => Arc::new(postgres::PostgresVersions::open(url.clone(), tables)?),
    };
    Ok(Arc::new(removal::Movable::new(versions, url.clone(), db)))
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
