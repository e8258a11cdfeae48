//! The type of a connection to either database.

// The derive macro adds types without documentation.
#![allow(missing_docs)]

use diesel::prelude::*;

/// A connection to one of the two databases; queries are written once for both.
#[derive(diesel::MultiConnection)]
pub enum Conn {
    /// PostgreSQL.
    Postgres(PgConnection),
    /// SQLite.
    Sqlite(SqliteConnection),
}
