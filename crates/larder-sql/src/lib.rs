//! The stamps of a database, as [`larder_cache`] reads and changes them.
//!
//! - Triggers change a tag's stamp in the transaction of the writer ([`triggers`]).
//! - A read names its tables before it gets the connection, and takes their stamps first.
//! - Debug builds check that each read has named all that it reads (`read_checker`).
//! - SQLite is queried on every request, inline; Postgres once for all requests that wait.
//! - A change of the schema makes everything stale: it may have changed rows without a trigger.
//! - Entries are deleted by stamps of their own, changed here ([`larder_cache::event::Removal`]).
//! - Where a trigger is missing the stamps are unavailable, and the cache is bypassed.
//!
//! # Covering a table
//!
//! ```no_run
//! use larder_sql::db::{Db, Url};
//! use larder_sql::{Database, Table, triggers};
//!
//! // The name is as in SQL: `guests`, `blog.notes`, `"Users"`.
//! const GUESTS: Table = Table::named("guests");
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let url: Url = "sqlite://guests.sqlite3".parse()?;
//! let db = Db::open(&url)?;
//! db.write_now(|conn| triggers::cover(conn, GUESTS))?;
//! let stamps = larder_sql::open(&url, &[GUESTS])?;
//! let database = Database::new(db, &[GUESTS]);
//! # Ok(())
//! # }
//! ```
//!
//! The stamps go to the builder of the cache; [`Database::read`] takes the place of the application's own reads. An
//! application that has migrations prints what `cover` does with [`migration`]. In both cases the triggers
//! are checked while the application runs ([`triggers::check`]): where they are missing, the cache is bypassed.
//!
//! | Rows are told apart by | A write changes the stamps of |
//! |---|---|
//! | an integer `id` | the table, and the bucket of the row's id, one of 256 |
//! | anything else, or nothing | the table, and all of its rows |
//!
//! # Layout
//!
//! - What every database and driver shares: `table`, `mentioned`, [`moves`].
//! - The protocol: [`triggers`], `stamps`, `schema`, and the two sources of stamps, `sqlite` and `postgres`.
//! - The application's side: `database`, `snapshot`, `read_checker`, `removal`, [`secret`].
//! - The adapter for diesel: [`db`]. It does not depend on the cache.

#![warn(missing_docs)]

mod database;
pub mod db;
mod derived;
mod mentioned;
pub mod moves;
mod postgres;
mod read_checker;
mod removal;
mod schema;
pub mod secret;
mod snapshot;
mod sqlite;
mod stamps;
mod table;
pub mod triggers;

use std::sync::Arc;
use std::time::Duration;

pub use database::Database;
use larder_cache::StampSource;

use crate::db::{Db, Url};
pub use snapshot::Snapshot;
pub use table::Table;
pub use triggers::{Dialect, migration};

/// How long a request waits for the freshness check on Postgres, where nothing else is chosen.
pub const FRESHNESS_TIMEOUT: Duration = Duration::from_secs(5);

/// Opens the source of stamps for the database at `url`.
///
/// # Errors
/// If the database cannot be queried at all. Missing triggers are no error here: the stamps are
/// unavailable then.
pub fn open(url: &Url, tables: &'static [Table]) -> Result<Arc<dyn StampSource>, String> {
    of(url, None, FRESHNESS_TIMEOUT, tables)
}

/// Opens the source of stamps for an open database; changing stamps queues with its other writes.
///
/// A request for which Postgres has not answered within `timeout` bypasses the cache.
///
/// # Errors
/// As [`open`].
pub fn open_on(
    db: Db,
    timeout: Duration,
    tables: &'static [Table],
) -> Result<Arc<dyn StampSource>, String> {
    of(&db.url().clone(), Some(db), timeout, tables)
}

fn of(
    url: &Url,
    db: Option<Db>,
    timeout: Duration,
    tables: &'static [Table],
) -> Result<Arc<dyn StampSource>, String> {
    let versions: Arc<dyn StampSource> = match url {
        Url::Sqlite(_) => Arc::new(sqlite::SqliteVersions::open(url.clone(), tables)),
        Url::Postgres(_) => {
            Arc::new(postgres::PostgresVersions::open(url.clone(), timeout, tables)?)
        }
    };
    Ok(Arc::new(removal::Movable::new(versions, url.clone(), db)))
}
