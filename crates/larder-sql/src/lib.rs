#![doc = include_str!("../README.md")]
//!
//! # Layout
//!
//! - What every database and driver shares: `table`, `mentioned`, [`moves`].
//! - The protocol: [`triggers`], `stamps`, `schema`, and the two sources of stamps, `sqlite` and `postgres`.
//! - The application's side: `database`, `snapshot`, `read_checker`, `removal`, [`secret`]. Entries are deleted by stamps
//!   of their own, changed here ([`larder_cache::event::Removal`]).
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

pub use database::Database;
use larder_cache::StampSource;

use crate::db::{Db, Url};
pub use snapshot::Snapshot;
pub use table::Table;
pub use triggers::{Dialect, migration};

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
