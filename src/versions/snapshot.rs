//! One committed state of the data, read by those who say what they read.
//!
//! - The connection is handed out only in exchange for the name of what will be read.
//! - The stamps are taken first, then the data; both from the same state.
//! - In debug builds a read that touches a table it has not named fails ([`super::witness`]).
//! - What is asked beside the stamps is counted, as what the data cost.

use diesel::QueryResult;

use super::witness::Witness;
use super::{Table, stamps};
use crate::cache::scope::Dependencies;
use crate::cache::tag::Tag;
use crate::db::{Conn, log};

/// A read transaction that remembers what was read in it.
pub struct Snapshot<'c> {
    conn: &'c mut Conn,
    tables: &'static [Table],
    is_collecting: bool,
    dependencies: Dependencies,
    /// Statements on this thread, before it and for its stamps, that are none of its queries.
    uncounted: u64,
    /// In debug builds: that it names what it reads.
    witness: Option<Witness>,
}

impl<'c> Snapshot<'c> {
    /// On `conn`, which is inside of a read transaction. Stamps are taken only if somebody
    /// collects them.
    pub(super) fn new(
        conn: &'c mut Conn,
        tables: &'static [Table],
        is_collecting: bool,
        witness: Option<Witness>,
    ) -> Self {
        let (uncounted, dependencies) = (log::ran(), Dependencies::default());
        Self { conn, tables, is_collecting, dependencies, uncounted, witness }
    }

    /// For questions about the whole of `table`: lists, counts, searches.
    ///
    /// # Errors
    /// Those of the database.
    pub fn table(&mut self, table: Table) -> QueryResult<&mut Conn> {
        self.check(table, true)?;
        self.reads(&[table.tag()])
    }

    /// For questions about one row of `table`, whether it exists or not.
    ///
    /// # Errors
    /// Those of the database.
    pub fn row(&mut self, table: Table, id: i64) -> QueryResult<&mut Conn> {
        self.check(table, false)?;
        self.reads(&[Tag::row(table.name(), id), Tag::generation(table.name())])
    }

    /// What was read, with the stamps it had.
    ///
    /// # Errors
    /// In debug builds, if a table was read that was not named.
    pub(super) fn into_dependencies(mut self) -> QueryResult<Dependencies> {
        self.witness.as_ref().map_or(Ok(()), Witness::check)?;
        let queries = log::ran().saturating_sub(self.uncounted);
        self.dependencies.asked(u32::try_from(queries).unwrap_or(u32::MAX));
        Ok(self.dependencies)
    }

    /// A table whose triggers nobody checks must not be read through the cache.
    fn check(&mut self, table: Table, is_whole: bool) -> QueryResult<()> {
        if self.tables.contains(&table) {
            return self.witness.as_mut().map_or(Ok(()), |witness| witness.names(table, is_whole));
        }
        let error = format!("the table {} is missing in app::TABLES", table.name());
        Err(diesel::result::Error::QueryBuilderError(error.into()))
    }

    fn reads(&mut self, tags: &[Tag]) -> QueryResult<&mut Conn> {
        if self.is_collecting {
            let ran = log::ran();
            for (tag, stamp) in stamps::of(self.conn, tags)? {
                self.dependencies.add(tag, stamp);
            }
            self.uncounted += log::ran() - ran;
        }
        Ok(self.conn)
    }
}
