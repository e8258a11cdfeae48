//! The adapter for rusqlite.
//!
//! ```no_run
//! use larder_sql::Table;
//! use larder_sql::rusqlite::{cover, read, watch};
//!
//! const NOTES: Table = Table::named("notes");
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let mut connection = rusqlite::Connection::open("notes.sqlite3")?;
//! // At the start. The application's own migrations can do the same.
//! cover(&mut connection, &[NOTES])?;
//! let stamps = watch(&connection, &[NOTES])?;
//!
//! // In each load: the connection is handed out for the name of the table.
//! let notes: i64 = read(&mut connection, |read| {
//!     read.reads(NOTES)?.query_row("SELECT count(*) FROM notes", [], |row| row.get(0))
//! })?;
//! # let _ = (stamps, notes);
//! # Ok(())
//! # }
//! ```
//!
//! A load that reads on another thread wraps its work in [`tracking::carried`](larder_cache::tracking::carried).
//!
//! In debug builds a read fails that touches a table which it has not named. SQLite's authorizer reports the tables of
//! each statement, also those of views; so while a read lasts, an authorizer of the application is not asked.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ::rusqlite::hooks::{AuthAction, AuthContext, Authorization};
use ::rusqlite::{
    Connection, Error, Result, Transaction, TransactionBehavior, ffi, params_from_iter,
};
use larder_cache::{StampSource, Tag};

use crate::driver::{Dialect, Driver, Row, now};
#[cfg(feature = "front")]
use crate::freshness::Freshness;
#[cfg(feature = "front")]
use crate::front::{self, Address, Purging};
#[cfg(feature = "front")]
use crate::sqlite::File;
use crate::sqlite::{Extras, SqliteVersions, path};
use crate::table::Table;
use crate::{reading, triggers};

/// A connection of rusqlite.
struct Through<'c>(&'c Connection);

impl Driver for Through<'_> {
    type Error = Error;

    fn dialect(&self) -> Dialect {
        Dialect::Sqlite
    }

    async fn run(&mut self, sql: &str) -> Result<()> {
        self.0.execute_batch(sql)
    }

    async fn rows(&mut self, sql: &str, texts: &[&str]) -> Result<Vec<Row>> {
        let mut statement = self.0.prepare(sql)?;
        let row = |row: &::rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?));
        statement.query_map(params_from_iter(texts), row)?.collect()
    }

    fn refusal(sentence: String) -> Error {
        Error::SqliteFailure(ffi::Error::new(ffi::SQLITE_AUTH), Some(sentence))
    }
}

/// Creates the triggers of `tables`, as [`triggers`] describes; all or none.
///
/// # Errors
/// Those of the database, and a sentence for what is no table whose changes triggers can see.
pub fn cover(connection: &mut Connection, tables: &[Table]) -> Result<()> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    for table in tables {
        now(triggers::cover_in(&mut Through(&transaction), *table))?;
    }
    transaction.commit()
}

/// Removes the triggers of `tables`; with those of the last table also the stamps.
///
/// # Errors
/// Those of the database.
pub fn uncover(connection: &mut Connection, tables: &[Table]) -> Result<()> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    for table in tables {
        now(triggers::uncover_in(&mut Through(&transaction), *table))?;
    }
    transaction.commit()
}

/// Checks that `tables` have their triggers.
///
/// # Errors
/// Those of the database, and a sentence that names the first table without them.
pub fn check(connection: &Connection, tables: &[Table]) -> Result<()> {
    now(reading::check(&mut Through(connection), tables))
}

/// Opens the source of stamps for the file of `connection`. It watches through connections of its own.
///
/// Missing triggers are no error here: the stamps are unavailable then.
///
/// # Errors
/// If the database cannot be watched.
pub fn watch(connection: &Connection, tables: &'static [Table]) -> Result<Arc<dyn StampSource>> {
    let path = now(path(&mut Through(connection)))?;
    Ok(Arc::new(SqliteVersions::open(path, tables, Extras::default())))
}

/// Purges these caches in front of the site when stamps of the file of `connection` change, until the result is dropped.
///
/// `stamps` are those of [`watch`]. It writes through connections of its own.
///
/// # Errors
/// If the file or a thread cannot be opened.
#[cfg(feature = "front")]
pub fn purge(
    connection: &Connection,
    stamps: &Arc<dyn StampSource>,
    fronts: &[Address],
) -> Result<Purging> {
    let path = now(path(&mut Through(connection)))?;
    front::start(File(path), stamps, Freshness::Strict, fronts).map_err(Through::refusal)
}

/// Reads from one committed state.
///
/// # Errors
/// Those of `work` and of the database; in debug builds also a sentence for a table that was not named.
pub fn read<T>(
    connection: &mut Connection,
    work: impl FnOnce(&mut Snapshot<'_>) -> Result<T>,
) -> Result<T> {
    let checker = cfg!(debug_assertions).then(|| ReadChecker::open(connection)).transpose()?;
    let mut snapshot = Snapshot { transaction: connection.transaction()?, checker };
    let done = work(&mut snapshot);
    match snapshot.checker.as_ref().and_then(ReadChecker::unnamed) {
        Some(table) => Err(Through::refusal(format!(
            "the read has not named the table {table}, so what is built from it would outlive a change of {table}: \
             call reads or reads_row for it first"
        ))),
        None => done,
    }
}

/// A transaction that reads from one committed state.
pub struct Snapshot<'c> {
    transaction: Transaction<'c>,
    checker: Option<ReadChecker>,
}

impl Snapshot<'_> {
    /// Returns the connection for queries about the whole of `table`, and records that the current build depends on it.
    ///
    /// # Errors
    /// Those of the database; in debug builds also a sentence for a table that is not covered.
    pub fn reads(&mut self, table: Table) -> Result<&Connection> {
        self.record(table, &[table.tag()], table.derived())
    }

    /// Returns the connection for queries about one row of `table`, whether it exists or not.
    ///
    /// # Errors
    /// Those of [`Snapshot::reads`].
    pub fn reads_row(&mut self, table: Table, id: i64) -> Result<&Connection> {
        self.record(table, &table.tags_of_row(id), &[])
    }

    fn record(&mut self, table: Table, tags: &[Tag], derived: &[&str]) -> Result<&Connection> {
        if let Some(checker) = &self.checker {
            checker.pause();
        }
        now(reading::record(&mut Through(&self.transaction), table, tags))?;
        if let Some(checker) = &self.checker {
            let own = table.parts().pop();
            checker.name(own.iter().map(String::as_str).chain(derived.iter().copied()));
        }
        Ok(&self.transaction)
    }
}

/// Checks in debug builds that a read names each table before it reads it.
struct ReadChecker(Arc<Mutex<Checks>>);

#[derive(Default)]
struct Checks {
    is_on: bool,
    /// The tables that hold data, in lower case, without those of this crate.
    tables: BTreeSet<String>,
    named: BTreeSet<String>,
    unnamed: Option<String>,
}

impl ReadChecker {
    fn open(connection: &mut Connection) -> Result<Self> {
        let tables = "SELECT lower(name) FROM pragma_table_list \
                      WHERE schema = 'main' AND type IN ('table', 'virtual') \
                      AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' AND name <> 'cache_versions'";
        let tables =
            connection.prepare(tables)?.query_map([], |row| row.get(0))?.collect::<Result<_>>()?;
        let checks = Arc::new(Mutex::new(Checks { is_on: true, tables, ..Checks::default() }));
        let authorizing = checks.clone();
        let authorizer = move |context: AuthContext<'_>| match context.action {
            AuthAction::Read { table_name, .. } => lock(&authorizing).permit(table_name),
            _ => Authorization::Allow,
        };
        // In some versions of rusqlite this cannot fail.
        let _ = connection.authorizer(Some(authorizer));
        Ok(Self(checks))
    }

    /// Permits everything until a table is named.
    fn pause(&self) {
        lock(&self.0).is_on = false;
    }

    fn name<'n>(&self, tables: impl Iterator<Item = &'n str>) {
        let mut checks = lock(&self.0);
        checks.named.extend(tables.map(str::to_lowercase));
        checks.is_on = true;
    }

    /// Returns the table that was read first without being named.
    fn unnamed(&self) -> Option<String> {
        lock(&self.0).unnamed.clone()
    }
}

impl Checks {
    fn permit(&mut self, table: &str) -> Authorization {
        let table = table.to_lowercase();
        if !self.is_on || !self.tables.contains(&table) || self.named.contains(&table) {
            return Authorization::Allow;
        }
        self.unnamed.get_or_insert(table);
        Authorization::Deny
    }
}

impl Drop for ReadChecker {
    /// Permits everything from now on: the authorizer stays, also after a panic.
    fn drop(&mut self) {
        self.pause();
    }
}

fn lock(checks: &Mutex<Checks>) -> MutexGuard<'_, Checks> {
    checks.lock().unwrap_or_else(PoisonError::into_inner)
}
