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

#[cfg(feature = "diesel")]
use diesel::prelude::*;
use larder_cache::stamps::StampsUnavailable;

#[cfg(feature = "diesel")]
use crate::db::Conn;
pub use crate::driver::Dialect;
use crate::driver::Driver;
#[cfg(feature = "diesel")]
use crate::driver::now;
use crate::table::Table;

/// Creates the triggers of `table`, and the table of stamps where there is none; all of it or nothing.
///
/// It may be repeated: older triggers are replaced, and those of this version stay. A write to the table that changes
/// no row then shows that the triggers work, so that no later write fails because of them.
///
/// # Errors
/// Those of the database, and a sentence if it is no table whose changes triggers can see.
#[cfg(feature = "diesel")]
pub fn cover(conn: &mut Conn, table: Table) -> QueryResult<()> {
    conn.transaction(|conn| now(cover_in(conn, table)))
}

/// Removes the triggers of `table`; with those of the last table also the stamps and all functions.
///
/// # Errors
/// Those of the database.
#[cfg(feature = "diesel")]
pub fn uncover(conn: &mut Conn, table: Table) -> QueryResult<()> {
    conn.transaction(|conn| now(uncover_in(conn, table)))
}

/// Checks the triggers of `tables`.
///
/// [`StampsUnavailable`] names the first table that is not covered.
///
/// # Errors
/// Those of the database.
#[cfg(feature = "diesel")]
pub fn check(conn: &mut Conn, tables: &[Table]) -> QueryResult<Result<(), StampsUnavailable>> {
    now(check_in(conn, tables))
}

/// Returns the SQL that covers `tables`, for the application's own migrations; `cover` does the same.
///
/// On Postgres the stamps are in the schema `public`. SQLite needs to be told of tables whose rows share a tag
/// ([`Table::with_shared_rows`]); Postgres sees that itself.
pub fn migration(dialect: Dialect, tables: &[Table]) -> String {
    match dialect {
        Dialect::Sqlite => sqlite::migration(tables),
        Dialect::Postgres => postgres::migration(tables),
    }
}

/// Covers `table` within a transaction of the caller.
pub(crate) async fn cover_in<D: Driver>(driver: &mut D, table: Table) -> Result<(), D::Error> {
    match driver.dialect() {
        Dialect::Sqlite => sqlite::cover(driver, table).await,
        Dialect::Postgres => postgres::cover(driver, table).await,
    }
}

/// Uncovers `table` within a transaction of the caller.
pub(crate) async fn uncover_in<D: Driver>(driver: &mut D, table: Table) -> Result<(), D::Error> {
    match driver.dialect() {
        Dialect::Sqlite => sqlite::uncover(driver, table).await,
        Dialect::Postgres => postgres::uncover(driver, table).await,
    }
}

/// Checks the triggers of `tables`; the second result names the first table that is not covered.
pub(crate) async fn check_in<D: Driver>(
    driver: &mut D,
    tables: &[Table],
) -> Result<Result<(), StampsUnavailable>, D::Error> {
    for table in tables {
        let is_covered = match driver.dialect() {
            Dialect::Sqlite => sqlite::is_covered(driver, *table).await?,
            Dialect::Postgres => postgres::is_covered(driver, *table).await?,
        };
        if !is_covered {
            return Ok(Err(StampsUnavailable(format!(
                "the table {} does not have the triggers that move its stamps, so its changes would go unseen; \
                 create them as the migration does, and the cache goes on by itself",
                table.name()
            ))));
        }
    }
    Ok(Ok(()))
}
