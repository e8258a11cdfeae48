//! The read checker: checks that each read has named every table that its statements mention.
//!
//! - In debug builds only, so that every test of the shop checks its reads; a release build pays
//!   nothing.
//! - A table counts as named after `Snapshot::table` or `Snapshot::row`, its derived tables only
//!   after the former: the count of all rows does not depend on one of them.
//! - All tables of the database are known, listed in `app::TABLES` or not.
//!
//! Not here: which words of a statement are tables (`mentioned`); whether listed tables have their
//! triggers ([`super::triggers`]).

use std::panic::Location;
use std::sync::{Arc, OnceLock};

use diesel::prelude::*;
use diesel::sql_types::Text;

use crate::db::statement_probe::StatementProbe;
use crate::db::{Conn, log};
use crate::mentioned;
use crate::table::Table;

/// Selects the names of all tables and views but those of the stamps.
const SQLITE: &str =
    "SELECT name FROM sqlite_master WHERE type IN ('table', 'view') AND name <> 'cache_versions'";
const POSTGRES: &str = "SELECT table_name::text AS name FROM information_schema.tables \
                        WHERE table_name NOT IN ('cache_versions', 'cache_changes') \
                        AND table_schema = current_schema()";

/// The names of all tables, read once.
pub type Schema = Arc<OnceLock<Vec<String>>>;

#[derive(QueryableByName)]
struct Name {
    #[diesel(sql_type = Text)]
    name: String,
}

/// Checks the statements of one read.
#[derive(Debug)]
pub struct ReadChecker {
    ear: StatementProbe,
    schema: Schema,
    caller: &'static Location<'static>,
    /// The tables' own names, in lower case.
    named: Vec<String>,
}

impl ReadChecker {
    /// Begins to check a read that was called at `caller`; `None` in a release build.
    ///
    /// # Errors
    /// Those of the database, which is queried for its tables the first time.
    pub fn open(
        conn: &mut Conn,
        schema: Schema,
        caller: &'static Location<'static>,
    ) -> QueryResult<Option<Self>> {
        if !cfg!(debug_assertions) {
            return Ok(None);
        }
        if schema.get().is_none() {
            let names = log::without_logging(|| names(conn))?;
            // Another read may have set the same names meanwhile.
            let _ = schema.set(names);
        }
        Ok(Some(Self { ear: StatementProbe::open(), schema, caller, named: Vec::new() }))
    }

    /// Records that the read names a table, or one row of it.
    ///
    /// # Errors
    /// If it has already read a table that it had not named.
    pub fn names(&mut self, table: Table, is_whole: bool) -> QueryResult<()> {
        self.check()?;
        self.named.extend(table.parts().pop().map(|name| name.to_lowercase()));
        if is_whole {
            self.named.extend(table.derived().iter().map(|name| (*name).to_owned()));
        }
        Ok(())
    }

    /// Checks the statements since the last call.
    ///
    /// # Errors
    /// If a table was not named: the table, the statement and the caller.
    pub fn check(&self) -> QueryResult<()> {
        for sql in self.ear.take() {
            let is_table = |name: &str| {
                let known = self.schema.get().is_some_and(|names| names.iter().any(|n| n == name));
                known && !self.named.iter().any(|named| named == name)
            };
            if let Some(table) = mentioned::tables(&sql, is_table).into_iter().next() {
                return Err(self.unnamed(&table, &sql));
            }
        }
        Ok(())
    }

    fn unnamed(&self, table: &str, sql: &str) -> diesel::result::Error {
        let (file, line) = (self.caller.file(), self.caller.line());
        let error = format!(
            "the read at {file}:{line} has not named the table {table}, so what is made from it would \
             outlive a change of {table}: say read.table(…) or read.row(…) of it before {sql}"
        );
        diesel::result::Error::QueryBuilderError(error.into())
    }
}

fn names(conn: &mut Conn) -> QueryResult<Vec<String>> {
    let sql = match conn {
        Conn::Sqlite(_) => SQLITE,
        Conn::Postgres(_) => POSTGRES,
    };
    let names: Vec<Name> = diesel::sql_query(sql).load(conn)?;
    Ok(names.into_iter().map(|name| name.name.to_lowercase()).collect())
}

#[cfg(all(test, debug_assertions))]
mod tests {
    use diesel::connection::SimpleConnection;
    use diesel::sql_types::BigInt;

    use super::*;
    use crate::db::{Db, Url};
    use crate::{Database, Snapshot};

    const EVENTS: Table = Table::named("events").with_derived(&["event_counts"]);
    const GUESTS: Table = Table::named("guests");
    const TABLES: &[Table] = &[EVENTS, GUESTS];

    const SCHEMA: &str = "CREATE TABLE events (id INTEGER PRIMARY KEY, guests INTEGER); \
                          CREATE TABLE guests (id INTEGER PRIMARY KEY, event_id INTEGER); \
                          CREATE TABLE event_counts (n INTEGER); CREATE TABLE secrets (id INTEGER); \
                          CREATE TABLE cache_versions (tag TEXT PRIMARY KEY, n INTEGER, r INTEGER)";

    #[derive(QueryableByName)]
    struct Count {
        #[diesel(sql_type = BigInt)]
        n: i64,
    }

    async fn read(
        work: impl FnMut(&mut Snapshot<'_>) -> QueryResult<i64> + Send + 'static,
    ) -> Result<i64, String> {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}", folder.path().join("test.sqlite3").display());
        let db = Db::open(&url.parse::<Url>().unwrap()).unwrap();
        db.write_now(|conn| conn.batch_execute(SCHEMA)).unwrap();
        let read = Database::new(db, TABLES).read(work).await;
        read.map_err(|error| {
            format!("{error}: {:?}", std::error::Error::source(&error).map(ToString::to_string))
        })
    }

    fn ask(conn: &mut Conn, sql: &str) -> QueryResult<i64> {
        Ok(diesel::sql_query(sql).get_result::<Count>(conn)?.n)
    }

    #[tokio::test]
    async fn a_read_that_names_what_it_reads_passes() {
        let one = "SELECT count(*) AS n FROM events WHERE events.guests > 1";
        assert_eq!(read(move |read| ask(read.table(EVENTS)?, one)).await, Ok(0));
        assert_eq!(read(move |read| ask(read.row(EVENTS, 1)?, one)).await, Ok(0));
        let derived = "SELECT count(*) AS n FROM event_counts";
        assert_eq!(read(move |read| ask(read.table(EVENTS)?, derived)).await, Ok(0));
        let both = "SELECT count(*) AS n FROM events JOIN guests ON event_id = events.id";
        let joined = read(move |read| {
            read.row(EVENTS, 1)?;
            ask(read.table(GUESTS)?, both)
        });
        assert_eq!(joined.await, Ok(0));
    }

    #[track_caller]
    fn assert_refused(answer: Result<i64, String>, table: &str) {
        let error = answer.unwrap_err();
        let named = format!("has not named the table {table}");
        assert!(error.contains(&named) && error.contains("read_checker.rs:"), "{error}");
    }

    #[tokio::test]
    async fn a_read_of_what_it_has_not_named_fails() {
        let guests = "SELECT count(*) AS n FROM guests";
        assert_refused(read(move |read| ask(read.table(EVENTS)?, guests)).await, "guests");
        let joined = "SELECT count(*) AS n FROM events JOIN guests ON event_id = events.id";
        assert_refused(read(move |read| ask(read.table(EVENTS)?, joined)).await, "guests");
        assert_refused(read(move |read| ask(read.row(EVENTS, 1)?, joined)).await, "guests");
        let derived = "SELECT count(*) AS n FROM event_counts";
        assert_refused(read(move |read| ask(read.row(EVENTS, 1)?, derived)).await, "event_counts");
        let listed_nowhere = "SELECT count(*) AS n FROM secrets";
        assert_refused(read(move |read| ask(read.table(EVENTS)?, listed_nowhere)).await, "secrets");
    }

    #[tokio::test]
    async fn naming_it_afterwards_is_too_late() {
        let guests = "SELECT count(*) AS n FROM guests";
        let late = read(move |read| {
            let n = ask(read.table(EVENTS)?, guests)?;
            read.table(GUESTS)?;
            Ok(n)
        });
        assert_refused(late.await, "guests");
    }
}
