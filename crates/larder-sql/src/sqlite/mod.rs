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
//! - It reads through a connection of its own ([`raw`]), whatever driver the application has.
//! - A change of the schema makes everything stale: it may have changed rows without a trigger.

mod raw;
mod wal_index;

use std::cell::RefCell;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use larder_cache::Tag;
use larder_cache::stamps::{Current, Invalidation, StampSource, StampsResult, StampsUnavailable};
use thread_local::ThreadLocal;

use self::raw::Connection;
use self::wal_index::{Header, WalIndex};
#[cfg(any(feature = "rusqlite", feature = "sqlx"))]
use crate::driver::Driver;
use crate::driver::now;
use crate::stamps::Schema;
use crate::table::Table;
use crate::{stamps, triggers};

/// How long a validator waits for locks.
///
/// It blocks a thread that answers requests. Without an answer the requests bypass the cache, and
/// wait elsewhere.
const LOCK_TIMEOUT: Duration = Duration::from_millis(100);

/// How long a change of stamps waits for the locks of other writers.
const WRITE_TIMEOUT: Duration = Duration::from_secs(5);

/// How long it may go unnoticed that a file was replaced or removed.
const FILE_CHECK: Duration = Duration::from_secs(1);

/// What an adapter adds to the freshness check.
#[derive(Default)]
pub struct Extras {
    /// Checks that the files which this process has open are those at the path.
    pub files: Option<Box<dyn Fn() -> Result<(), String> + Send + Sync>>,
    /// Counts a question: the time that it took, and whether it was answered.
    pub meter: Option<fn(Duration, bool)>,
}

/// A validator for each thread.
pub struct SqliteVersions {
    path: PathBuf,
    tables: &'static [Table],
    extras: Extras,
    validators: ThreadLocal<RefCell<Option<Validator>>>,
    is_off: AtomicBool,
}

impl SqliteVersions {
    /// Returns the source for the file at `path`.
    pub fn open(path: PathBuf, tables: &'static [Table], extras: Extras) -> Self {
        let (validators, is_off) = (ThreadLocal::new(), AtomicBool::new(false));
        Self { path, tables, extras, validators, is_off }
    }

    /// Queries; if the connection fails, queries once more on a new one.
    fn ask(&self) -> StampsResult {
        let mut place = self.validators.get_or_default().borrow_mut();
        if place.as_mut().is_some_and(|validator| validator.is_outdated(&self.path, &self.extras)) {
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
                self.extras.check_files().map_err(StampsUnavailable)?;
                Validator::open(&self.path).map_err(|error| {
                    StampsUnavailable(format!("the database cannot be opened: {error}"))
                })?
            }
        };
        let current = validator
            .ask(self.tables, self.extras.meter)
            .map_err(|error| StampsUnavailable(format!("the freshness check failed: {error}")))?;
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

impl Extras {
    fn check_files(&self) -> Result<(), String> {
        self.files.as_ref().map_or(Ok(()), |check| check())
    }
}

impl StampSource for SqliteVersions {
    fn current(&self) -> Current {
        let current = self.ask();
        self.log(&current);
        Current::Ready(current)
    }

    fn is_shared(&self) -> bool {
        true
    }

    fn invalidate(&self, tags: Vec<Tag>) -> Invalidation<'_> {
        let path = self.path.clone();
        let bump = move || {
            let mut writer = Connection::open(&path, WRITE_TIMEOUT)?;
            now(stamps::bump(&mut writer, &tags))
        };
        Box::pin(async {
            let done = tokio::task::spawn_blocking(bump).await;
            let done = done.map_err(|error| error.to_string()).flatten();
            done.map_err(|error| {
                StampsUnavailable(format!("the database refused the write: {error}"))
            })
        })
    }
}

/// A file that connections of this crate's own write to.
#[cfg(feature = "front")]
pub struct File(pub PathBuf);

#[cfg(feature = "front")]
impl crate::driver::Connect for File {
    type Conn = Connection;

    async fn connect(&self) -> Result<Connection, String> {
        Connection::open(&self.0, WRITE_TIMEOUT)
    }
}

/// A connection that never writes, and the stamps that it read.
struct Validator {
    conn: Connection,
    file: Option<FileId>,
    file_checked: Instant,
    wal_index: Option<WalIndex>,
    /// The header of the WAL index before the stamps were read; `None` if it cannot validate them.
    header: Option<Header>,
    data_version: i64,
    schema_version: i64,
    triggers: Result<(), StampsUnavailable>,
    current: StampsResult,
}

impl Validator {
    fn open(path: &Path) -> Result<Self, String> {
        let file = file_id(path);
        let conn = Connection::open(path, LOCK_TIMEOUT)?;
        conn.execute("PRAGMA query_only = ON")?;
        Ok(Self {
            conn,
            file,
            file_checked: Instant::now(),
            wal_index: WalIndex::open(path),
            header: None,
            // Its own values are positive, so the first request queries.
            data_version: -1,
            schema_version: -1,
            triggers: Ok(()),
            current: Err(StampsUnavailable("not read yet".into())),
        })
    }

    /// Reports whether a file was replaced or removed; checks at most once a second.
    fn is_outdated(&mut self, path: &Path, extras: &Extras) -> bool {
        if self.file_checked.elapsed() < FILE_CHECK {
            return false;
        }
        self.file_checked = Instant::now();
        file_id(path) != self.file || extras.check_files().is_err()
    }

    /// Returns the current stamps.
    fn ask(
        &mut self,
        tables: &[Table],
        meter: Option<fn(Duration, bool)>,
    ) -> Result<StampsResult, String> {
        // Read before the stamps: a commit in between makes the next request read them again.
        let header = self.wal_index.as_ref().and_then(WalIndex::read);
        if header.is_none() || header != self.header {
            self.header = None;
            let began = Instant::now();
            let asked = self.ask_sqlite(tables);
            if let Some(meter) = meter {
                meter(began.elapsed(), asked.is_ok());
            }
            asked?;
            if self.current.is_ok() {
                self.header = header;
            }
        }
        Ok(self.current.clone())
    }

    /// Makes sure that the stamps are current, or stores why they are unavailable.
    fn ask_sqlite(&mut self, tables: &[Table]) -> Result<(), String> {
        let data_version = self.conn.number("PRAGMA data_version")?;
        if data_version != self.data_version {
            self.current = self.read(tables)?;
            // The counter validates only stamps that were read; after a failure they are read
            // again.
            self.data_version = if self.current.is_ok() { data_version } else { -1 };
        }
        Ok(())
    }

    /// Reads the stamps, and checks the triggers if the schema has changed.
    fn read(&mut self, tables: &[Table]) -> Result<StampsResult, String> {
        let schema_version = self.conn.number("PRAGMA schema_version")?;
        if schema_version != self.schema_version {
            self.triggers = now(triggers::check_in(&mut self.conn, tables))?;
            self.schema_version = schema_version;
        }
        if let Err(missing) = &self.triggers {
            return Ok(Err(missing.clone()));
        }
        let current = now(stamps::all(&mut self.conn, Schema(schema_version)))?;
        Ok(Ok(Arc::new(current)))
    }
}

/// Returns the path of the file that the application's connection has open.
///
/// # Errors
/// Those of the database, and a sentence for a database in memory.
#[cfg(any(feature = "rusqlite", feature = "sqlx"))]
pub async fn path<D: Driver>(driver: &mut D) -> Result<PathBuf, D::Error> {
    let path = "SELECT file, 0, 0 FROM pragma_database_list WHERE name = 'main'";
    let row = driver.rows(path, &[]).await?.pop();
    let path = row.map(|row| row.0).filter(|path| !path.is_empty());
    path.map(PathBuf::from).ok_or_else(|| {
        D::refusal("a database in memory has no file whose changes could be watched".to_owned())
    })
}

/// The device and the number of a file: they distinguish files that had the same name one after the other.
type FileId = (u64, u64);

fn file_id(path: &Path) -> Option<FileId> {
    fs::metadata(path).ok().map(|file| (file.dev(), file.ino()))
}
