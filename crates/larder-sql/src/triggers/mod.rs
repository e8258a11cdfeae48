//! Creates the triggers that change the stamps of a table, checks them and removes them.
//!
//! - A table is covered when each insert, update and delete changes the stamps of its tags; on Postgres a truncate,
//!   too, for every role, and in its partitions.
//! - Every kind of table can be covered. Where rows are told apart by an integer `id`, a row's tag is the bucket that
//!   its id falls in. The rows of every other table share the table's reset tag, on which all reads of rows depend.
//! - What triggers cannot see is refused with the reason: views, virtual, temporary and unlogged tables.
//! - Names of triggers and functions begin with `larder_` and a version. Covering a table again replaces older ones.

mod postgres;
mod sqlite;

use diesel::prelude::*;
use larder_cache::stamps::StampsUnavailable;

use crate::db::Conn;
use crate::table::Table;

/// A kind of database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// SQLite.
    Sqlite,
    /// PostgreSQL.
    Postgres,
}

/// Creates the triggers of `table`, and the table of stamps where there is none; all of it or nothing.
///
/// It may be repeated: older triggers are replaced. A write to the table that changes no row then shows that the
/// triggers work, so that no later write fails because of them.
///
/// # Errors
/// Those of the database, and a sentence if it is no table whose changes triggers can see.
pub fn cover(conn: &mut Conn, table: Table) -> QueryResult<()> {
    match conn {
        Conn::Sqlite(conn) => conn.transaction(|conn| sqlite::cover(conn, table)),
        Conn::Postgres(conn) => conn.transaction(|conn| postgres::cover(conn, table)),
    }
}

/// Removes the triggers of `table`; with those of the last table also the stamps and all functions.
///
/// # Errors
/// Those of the database.
pub fn uncover(conn: &mut Conn, table: Table) -> QueryResult<()> {
    match conn {
        Conn::Sqlite(conn) => conn.transaction(|conn| sqlite::uncover(conn, table)),
        Conn::Postgres(conn) => conn.transaction(|conn| postgres::uncover(conn, table)),
    }
}

/// Returns the SQL that covers `tables`, for the application's own migrations; [`cover`] does the same.
///
/// On Postgres the stamps are in the schema `public`. SQLite needs to be told of tables whose rows share a tag
/// ([`Table::with_shared_rows`]); Postgres sees that itself.
pub fn migration(dialect: Dialect, tables: &[Table]) -> String {
    match dialect {
        Dialect::Sqlite => sqlite::migration(tables),
        Dialect::Postgres => postgres::migration(tables),
    }
}

/// Checks the triggers of `tables`.
///
/// [`StampsUnavailable`] names the first table that is not covered.
///
/// # Errors
/// Those of the database.
pub fn check(conn: &mut Conn, tables: &[Table]) -> QueryResult<Result<(), StampsUnavailable>> {
    match conn {
        Conn::Sqlite(sqlite) => check_sqlite(sqlite, tables),
        Conn::Postgres(postgres) => check_postgres(postgres, tables),
    }
}

/// Checks the triggers of `tables` on SQLite, as [`check`] does.
pub(crate) fn check_sqlite(
    conn: &mut SqliteConnection,
    tables: &[Table],
) -> QueryResult<Result<(), StampsUnavailable>> {
    for table in tables {
        if !sqlite::is_covered(conn, *table)? {
            return Ok(Err(missing(*table)));
        }
    }
    Ok(Ok(()))
}

/// Checks the triggers of `tables` on Postgres, as [`check`] does.
pub(crate) fn check_postgres(
    conn: &mut PgConnection,
    tables: &[Table],
) -> QueryResult<Result<(), StampsUnavailable>> {
    for table in tables {
        if !postgres::is_covered(conn, *table)? {
            return Ok(Err(missing(*table)));
        }
    }
    Ok(Ok(()))
}

fn missing(table: Table) -> StampsUnavailable {
    StampsUnavailable(format!(
        "the table {} does not have the triggers that move its stamps, so its changes would go unseen; \
         create them as the migration does, and the cache goes on by itself",
        table.name()
    ))
}
