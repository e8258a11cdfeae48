//! The stamps of a database, as [`larder_cache`] reads and changes them.
//!
//! - Triggers change a tag's stamp in the transaction of the writer ([`triggers`]).
//! - A read names its tables before it gets the connection, and takes their stamps first.
//! - Debug builds check that each read has named all that it reads, where the driver reports what is read.
//! - SQLite is queried on every request, inline; Postgres once for all requests that wait.
//! - A change of the schema makes everything stale: it may have changed rows without a trigger.
//! - Entries are deleted by stamps of their own, changed here ([`larder_cache::event::Removal`]).
//! - Where a trigger is missing the stamps are unavailable, and the cache is bypassed.
//!
//! # Features
//!
//! | Feature | Brings |
//! |---|---|
//! | `sqlite` | the freshness check on SQLite |
//! | `postgres` | the freshness check on Postgres |
//! | `diesel` | the adapter for diesel, with both databases |
//! | `postgres-tls` | TLS to Postgres in that adapter, by rustls |
//! | `rusqlite` | the adapter for rusqlite, with SQLite |
//! | `sqlx` | the adapter for sqlx, with those databases whose features are chosen |
//!
//! No feature is on by default, and none builds SQLite: the application's driver does. The ranges of versions are
//! wide, so that the newest sqlx or rusqlite decides the one `libsqlite3-sys` that a program can have. A program with
//! two drivers for SQLite needs versions of them that agree on it.
//!
//! # Reading through the cache
//!
//! | Driver | Covers | Watches | Reads | A table, a row |
//! |---|---|---|---|---|
//! | diesel | `triggers::cover` | `open` | `Database::read` | `Snapshot::table`, `Snapshot::row` |
//! | rusqlite | `rusqlite::cover` | `rusqlite::watch` | `rusqlite::read` | `Snapshot::reads`, `Snapshot::reads_row` |
//! | sqlx | `sqlx::cover` | `sqlx::watch` | `sqlx::begin` | `Snapshot::reads`, `Snapshot::reads_row` |
//!
//! The stamps go to the builder of the cache. An application that has migrations prints what `cover` does with
//! [`migration`]. In both cases the triggers are checked while the application runs: where they are missing, the cache
//! is bypassed.
//!
//! | Rows are told apart by | A write changes the stamps of |
//! |---|---|
//! | an integer `id` | the table, and the bucket of the row's id, one of 256 |
//! | anything else, or nothing | the table, and all of its rows |
//!
//! With diesel:
//!
#![cfg_attr(feature = "diesel", doc = "```no_run")]
#![cfg_attr(not(feature = "diesel"), doc = "```ignore")]
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
//! # Layout
//!
//! - What every database and driver shares: `table`, `driver`.
//! - The protocol and its SQL: [`triggers`], `stamps`, `schema`, `reading`, and the two sources of stamps, `sqlite` and
//!   `postgres`.
//! - The adapters: `rusqlite`, `sqlx`, and for diesel `open`, `database`, `snapshot`, `mentioned`, `read_checker`,
//!   `moves`, `derived`, `secret`. The connections of diesel, in `db`, do not depend on the cache.

#![warn(missing_docs)]
// A part of the protocol is used by one adapter only.
#![cfg_attr(not(feature = "diesel"), allow(dead_code))]

#[cfg(feature = "diesel")]
mod database;
#[cfg(feature = "diesel")]
pub mod db;
#[cfg(feature = "diesel")]
mod derived;
mod driver;
#[cfg(feature = "diesel")]
mod mentioned;
#[cfg(feature = "diesel")]
pub mod moves;
#[cfg(feature = "diesel")]
mod open;
#[cfg(feature = "postgres")]
mod postgres;
#[cfg(feature = "diesel")]
mod read_checker;
#[cfg(any(feature = "rusqlite", feature = "sqlx"))]
mod reading;
#[cfg(feature = "rusqlite")]
pub mod rusqlite;
mod schema;
#[cfg(feature = "diesel")]
pub mod secret;
#[cfg(feature = "diesel")]
mod snapshot;
#[cfg(feature = "sqlite")]
mod sqlite;
#[cfg(feature = "sqlx")]
pub mod sqlx;
mod stamps;
mod table;
pub mod triggers;

#[cfg(feature = "diesel")]
pub use database::Database;
#[cfg(feature = "diesel")]
pub use open::{open, open_on};
#[cfg(feature = "postgres")]
pub use postgres::FRESHNESS_TIMEOUT;
#[cfg(feature = "diesel")]
pub use snapshot::Snapshot;
pub use table::Table;
pub use triggers::{Dialect, migration};
