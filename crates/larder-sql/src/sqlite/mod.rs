//! Freshness on SQLite: each request finds out whether there was a commit.
//!
//! - The WAL index shows it, in memory shared with all writers ([`wal_index`]). Where it has
//!   changed, or there is none, SQLite is queried: `PRAGMA data_version`.
//! - Each thread has a validator: a connection that never writes, so that every commit by any other
//!   connection, in any process, changes its counter.
//! - A validator owns the stamps that it read. Stamps shared between threads could be overwritten
//!   by older ones, while the counter of their reader stays the same.
//! - Index and counter are read before the stamps, so that they are never newer than the stamps
//!   that they validate.
//! - A file that was replaced or removed is noticed within a second.
//! - A change of the schema makes everything stale: it may have changed rows without a trigger.

mod wal_index;

use std::cell::RefCell;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::sql_types::Integer;
use diesel::sqlite::Sqlite;
use larder_cache::stamps::{Current, StampSource, StampsResult, StampsUnavailable};
use thread_local::ThreadLocal;

use self::wal_index::{Header, WalIndex};
use crate::db::file::Files;
use crate::db::file_id::FileId;
use crate::db::{Conn, Role, Url, meter};
use crate::stamps::Schema;
use crate::table::Table;
use crate::{stamps, triggers};

/// How long a validator waits for locks.
///
/// It blocks a thread that answers requests. Without an answer the requests bypass the cache, and
/// wait elsewhere.
const LOCK_TIMEOUT: Duration = Duration::from_millis(100);

/// How long it may go unnoticed that a file was replaced or removed.
const FILE_CHECK: Duration = Duration::from_secs(1);

/// A validator for each thread.
pub struct SqliteVersions {
    url: Url,
    tables: &'static [Table],
    files: Option<Arc<Files>>,
    validators: ThreadLocal<RefCell<Option<Validator>>>,
    is_off: AtomicBool,
}

impl SqliteVersions {
    /// Returns the source for the migrated file at `url`.
    pub fn open(url: Url, tables: &'static [Table]) -> Self {
        let (files, validators, is_off) =
            (Files::of(&url), ThreadLocal::new(), AtomicBool::new(false));
        Self { url, tables, files, validators, is_off }
    }

    /// Queries; if the connection fails, queries once more on a new one.
    fn ask(&self) -> StampsResult {
        let mut place = self.validators.get_or_default().borrow_mut();
        if place
            .as_mut()
            .is_some_and(|validator| validator.is_outdated(&self.url, self.files.as_deref()))
        {
            *place = None;
        }
        let had_connection = place.is_some();
        match self.ask_in(&mut place) {
            Err(_) if had_connection && place.is_none() => self.ask_in(&mut place),
            answer => answer,
        }
    }

    fn ask_in(&self, place: &mut Option<Validator>) -> StampsResult {
        let mut validator = match place.take() {
            Some(validator) => validator,
            None => {
                let lost = self.files.as_ref().map_or(Ok(()), |files| files.check());
                lost.map_err(|lost| StampsUnavailable(lost.to_string()))?;
                Validator::open(&self.url)?
            }
        };
        let current = validator.ask(self.tables).map_err(unanswered)?;
        // Stored only after it has answered: a failed validator is dropped on an early return.
        *place = Some(validator);
        current
    }

    /// Logs when the cache goes off and on, once each.
    fn log(&self, current: &StampsResult) {
        let is_off = current.is_err();
        if self.is_off.swap(is_off, Ordering::Relaxed) != is_off {
            match current {
                Err(StampsUnavailable(reason)) => tracing::error!(reason, "the cache is off"),
                Ok(_) => tracing::info!("the cache is on again"),
            }
        }
    }
}

impl StampSource for SqliteVersions {
    fn current(&self) -> Current {
        let current = self.ask();
        self.log(&current);
        Current::Ready(current)
    }
}

/// A connection that never writes, and the stamps that it read.
struct Validator {
    conn: SqliteConnection,
    file: Option<FileId>,
    file_checked: Instant,
    wal_index: Option<WalIndex>,
    /// The header of the WAL index before the stamps were read; `None` if it cannot validate them.
    header: Option<Header>,
    data_version: i32,
    schema_version: i32,
    triggers: Result<(), StampsUnavailable>,
    current: StampsResult,
}

impl Validator {
    fn open(url: &Url) -> Result<Self, StampsUnavailable> {
        let file = FileId::of(url);
        match Conn::open(url, Role::Reader, LOCK_TIMEOUT) {
            Ok(Conn::Sqlite(conn)) => Ok(Self {
                conn: watched(conn),
                file,
                file_checked: Instant::now(),
                wal_index: path(url).and_then(WalIndex::open),
                header: None,
                data_version: -1,
                schema_version: -1,
                triggers: Ok(()),
                current: Err(StampsUnavailable("not read yet".into())),
            }),
            Ok(Conn::Postgres(_)) => Err(StampsUnavailable("this is not SQLite".into())),
            Err(error) => Err(StampsUnavailable(format!("the database cannot be opened: {error}"))),
        }
    }

    /// Reports whether a file was replaced or removed; checks at most once a second.
    fn is_outdated(&mut self, url: &Url, files: Option<&Files>) -> bool {
        if self.file_checked.elapsed() < FILE_CHECK {
            return false;
        }
        self.file_checked = Instant::now();
        FileId::of(url) != self.file || files.is_some_and(|files| files.check().is_err())
    }

    /// Returns the current stamps.
    fn ask(&mut self, tables: &[Table]) -> QueryResult<StampsResult> {
        // Read before the stamps: a commit in between makes the next request read them again.
        let header = self.wal_index.as_ref().and_then(WalIndex::read);
        if header.is_none() || header != self.header {
            self.header = None;
            self.ask_sqlite(tables)?;
            if self.current.is_ok() {
                self.header = header;
            }
        }
        Ok(self.current.clone())
    }

    /// Makes sure that the stamps are current, or stores why they are unavailable.
    fn ask_sqlite(&mut self, tables: &[Table]) -> QueryResult<()> {
        let data_version = DataVersion.get_result(&mut self.conn)?;
        if data_version != self.data_version {
            self.current = self.read(tables)?;
            // The counter validates only stamps that were read; after a failure they are read
            // again.
            self.data_version = if self.current.is_ok() { data_version } else { -1 };
        }
        Ok(())
    }

    /// Reads the stamps, and checks the triggers if the schema has changed.
    fn read(&mut self, tables: &[Table]) -> QueryResult<StampsResult> {
        let schema_version = sql::<Integer>("PRAGMA schema_version").get_result(&mut self.conn)?;
        if schema_version != self.schema_version {
            self.triggers = triggers::check_sqlite(&mut self.conn, tables)?;
            self.schema_version = schema_version;
        }
        if let Err(missing) = &self.triggers {
            return Ok(Err(missing.clone()));
        }
        let current = stamps::all_sqlite(&mut self.conn, Schema(schema_version.into()))?;
        Ok(Ok(Arc::new(current)))
    }
}

/// `PRAGMA data_version`, as a query that diesel prepares once for each connection.
///
/// It runs on every request where there is no WAL index, and after each commit where there is one.
#[derive(Debug, Clone, Copy, QueryId)]
struct DataVersion;

impl Query for DataVersion {
    type SqlType = Integer;
}

impl QueryFragment<Sqlite> for DataVersion {
    fn walk_ast<'b>(&'b self, mut sql: AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
        sql.push_sql("PRAGMA data_version");
        Ok(())
    }
}

impl RunQueryDsl<SqliteConnection> for DataVersion {}

/// Counts the statements on behalf of all requests.
fn watched(mut conn: SqliteConnection) -> SqliteConnection {
    conn.set_instrumentation(meter::OfStamps::default());
    conn
}

fn path(url: &Url) -> Option<&Path> {
    match url {
        Url::Sqlite(path) => Some(path),
        Url::Postgres(_) => None,
    }
}

fn unanswered(error: diesel::result::Error) -> StampsUnavailable {
    StampsUnavailable(format!("the freshness check failed: {error}"))
}
