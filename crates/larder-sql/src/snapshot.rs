//! One committed state of the data, for readers that name what they read.
//!
//! - The connection is handed out only in exchange for the name of the table.
//! - The stamps are read first, then the data; both from the same state.
//! - In debug builds a read of a table that it has not named fails ([`super::read_checker`]).
//! - Queries for stamps are not counted as queries for data.

use std::time::Duration;

use diesel::QueryResult;
use larder_cache::tracking::Dependencies;
use larder_cache::{Stamp, Tag};

use crate::db::{Conn, log};
use crate::derived::{self, Derived};
use crate::driver::now;
use crate::read_checker::ReadChecker;
use crate::stamps;
use crate::table::Table;

/// A read transaction that records what was read in it.
pub struct Snapshot<'c> {
    conn: &'c mut Conn,
    tables: &'static [Table],
    is_tracking: bool,
    derived: &'c Derived,
    dependencies: Dependencies,
    /// Statements of this thread before this snapshot or for its stamps, not counted as queries.
    uncounted: u64,
    /// In debug builds: checks that each table is named before it is read.
    checker: Option<ReadChecker>,
}

impl<'c> Snapshot<'c> {
    /// Wraps `conn`, which is inside a read transaction.
    ///
    /// Stamps are read only if dependencies are tracked.
    pub(super) fn new(
        conn: &'c mut Conn,
        tables: &'static [Table],
        is_tracking: bool,
        derived: &'c Derived,
        checker: Option<ReadChecker>,
    ) -> Self {
        let (uncounted, dependencies) = (log::ran(), Dependencies::default());
        Self { conn, tables, is_tracking, derived, dependencies, uncounted, checker }
    }

    /// Returns the connection for queries about the whole of `table`: lists, counts, searches.
    ///
    /// # Errors
    /// Those of the database.
    pub fn table(&mut self, table: Table) -> QueryResult<&mut Conn> {
        self.check(table, true)?;
        self.reads(&[table.tag()])
    }

    /// Returns the connection for queries about one row of `table`, whether it exists or not.
    ///
    /// # Errors
    /// Those of the database.
    pub fn row(&mut self, table: Table, id: i64) -> QueryResult<&mut Conn> {
        self.check(table, false)?;
        self.reads(&table.tags_of_row(id))
    }

    /// Returns how long ago the derived tables of `table` were found right.
    ///
    /// `None` if they never were, or if rows may have changed without a trigger since.
    ///
    /// # Errors
    /// Those of the database.
    pub fn right_for(&mut self, table: Table) -> QueryResult<Option<Duration>> {
        let epoch = self.epoch()?;
        Ok(self.derived.right_for(table, epoch))
    }

    /// Records that the derived tables of `table` are right in this state of the data.
    ///
    /// # Errors
    /// Those of the database.
    pub fn found_right(&mut self, table: Table) -> QueryResult<()> {
        let epoch = self.epoch()?;
        self.derived.found_right(table, epoch);
        Ok(())
    }

    fn epoch(&mut self) -> QueryResult<Stamp> {
        let ran = log::ran();
        let epoch = derived::epoch(self.conn, self.tables);
        self.uncounted += log::ran() - ran;
        epoch
    }

    /// Returns what was read, with its stamps.
    ///
    /// # Errors
    /// In debug builds, if a table was read that was not named.
    pub(super) fn into_dependencies(mut self) -> QueryResult<Dependencies> {
        self.checker.as_ref().map_or(Ok(()), ReadChecker::check)?;
        let queries = log::ran().saturating_sub(self.uncounted);
        self.dependencies.asked(u32::try_from(queries).unwrap_or(u32::MAX));
        Ok(self.dependencies)
    }

    /// Refuses a table whose triggers are not checked: it must not be read through the cache.
    fn check(&mut self, table: Table, is_whole: bool) -> QueryResult<()> {
        if self.tables.contains(&table) {
            return self.checker.as_mut().map_or(Ok(()), |checker| checker.names(table, is_whole));
        }
        let error = format!("the table {} is missing in app::TABLES", table.name());
        Err(diesel::result::Error::QueryBuilderError(error.into()))
    }

    fn reads(&mut self, tags: &[Tag]) -> QueryResult<&mut Conn> {
        let known = self.dependencies.stamps();
        let is_new = |tag: &Tag| known.iter().all(|(known, _)| known != tag);
        if self.is_tracking && tags.iter().any(is_new) {
            let ran = log::ran();
            for (tag, stamp) in now(stamps::of(self.conn, tags))? {
                self.dependencies.add(tag, stamp);
            }
            self.uncounted += log::ran() - ran;
        }
        Ok(self.conn)
    }
}
