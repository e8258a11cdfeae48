#![doc = include_str!("../README.md")]
//!
//! # Layout
//!
//! - What every database and driver shares: `table`, `driver`.
//! - The protocol and its SQL: [`triggers`], `stamps`, `schema`, `reading`, and the two sources of stamps, `sqlite` and
//!   `postgres`. How long stamps may be used: `freshness`.
//! - Caches in front of the site: `front`.
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
#[cfg(feature = "postgres")]
mod freshness;
#[cfg(feature = "front")]
pub mod front;
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
pub use database::{Database, fold};
#[cfg(feature = "postgres")]
pub use freshness::{BoundedStamps, Freshness, strictly};
#[cfg(feature = "diesel")]
pub use open::{open, open_on};
#[cfg(feature = "postgres")]
pub use postgres::FRESHNESS_TIMEOUT;
#[cfg(feature = "diesel")]
pub use snapshot::Snapshot;
pub use table::Table;
pub use triggers::{Dialect, migration};
