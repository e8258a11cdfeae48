//! The database's stamps, made visible to the cache.
//!
//! - Triggers move a tag's stamp in the transaction of whoever writes; see `migrations`.
//! - A read names what it reads before it gets the connection, and takes the stamps first.
//! - In debug builds a witness listens whether it has named all that it reads.
//! - SQLite is asked on every request, inline; Postgres once for all requests that wait.
//! - A change of the schema makes everything stale: it may have changed rows without a trigger.
//! - Entries are deleted by stamps of their own, moved here ([`crate::cache::removal`]).
//! - Where a trigger is missing nobody can vouch for what is cached: the cache stands aside.
//!
//! This is the one place that knows both [`crate::cache`] and [`crate::db`].

pub mod database;
mod mentioned;
pub mod moves;
pub mod postgres;
pub mod probe;
mod removal;
mod schema;
pub mod secret;
pub mod snapshot;
pub mod sqlite;
pub mod stamps;
pub mod triggers;
pub mod witness;

use std::sync::Arc;

pub use database::Database;
pub use snapshot::Snapshot;

use crate::cache::tag::Tag;
use crate::cache::view::Versions;
use crate::db::{Db, Url};

/// A table that is read through the cache. Its tag is its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Table {
    name: &'static str,
    derived: &'static [&'static str],
}

impl Table {
    /// A table of the schema; its migration gives it the triggers.
    pub const fn named(name: &'static str) -> Self {
        Self { name, derived: &[] }
    }

    /// The same, where triggers on it keep these tables: they are read under its tag, and nobody else
    /// writes them.
    pub const fn with_derived(self, derived: &'static [&'static str]) -> Self {
        Self { derived, ..self }
    }

    /// What its triggers keep.
    pub const fn derived(self) -> &'static [&'static str] {
        self.derived
    }

    /// Its name.
    pub const fn name(self) -> &'static str {
        self.name
    }

    /// The tag that every write to it moves.
    pub const fn tag(self) -> Tag {
        Tag::named(self.name)
    }
}

/// Who vouches for entries made from the database at `url`.
///
/// # Errors
/// When the database cannot be asked at all; that triggers are missing is no error, but no view.
pub fn open(url: &Url, tables: &'static [Table]) -> Result<Arc<dyn Versions>, String> {
    of(url, None, tables)
}

/// The same of a database that is open: what moves the stamps takes its turn among the writers.
///
/// # Errors
/// As [`open`].
pub fn open_on(db: Db, tables: &'static [Table]) -> Result<Arc<dyn Versions>, String> {
    of(&db.url().clone(), Some(db), tables)
}

fn of(url: &Url, db: Option<Db>, tables: &'static [Table]) -> Result<Arc<dyn Versions>, String> {
    let versions: Arc<dyn Versions> = match url {
        Url::Sqlite(_) => Arc::new(sqlite::SqliteVersions::open(url.clone(), tables)),
        Url::Postgres(_) => Arc::new(postgres::PostgresVersions::open(url.clone(), tables)?),
    };
    Ok(Arc::new(removal::Movable::new(versions, url.clone(), db)))
}
