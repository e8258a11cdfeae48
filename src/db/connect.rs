//! One connection, of either database, with its settings.
//!
//! - The scheme of the URL decides which database it is; nothing is tried in turn, since a failing
//!   `postgres://…` would then become a SQLite file of that name.
//! - SQLite: WAL, `synchronous=FULL`, foreign keys; readers refuse to write.

use std::path::Path;
use std::time::Duration;

use diesel::connection::{CacheSize, SimpleConnection, TransactionManager};
use diesel::prelude::*;
use diesel::r2d2::{self, ManageConnection};
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};

use super::codes::Meaning;
use super::file_id::FileId;
use super::kind::IS_ALIVE;
use super::log::{self, Recorder};
use super::role::Role;
use super::url::Url;

/// A connection to one of the two databases; queries are written once for both.
#[derive(diesel::MultiConnection)]
pub enum Conn {
    /// PostgreSQL.
    Postgres(PgConnection),
    /// SQLite.
    Sqlite(SqliteConnection),
}

/// A connection may wait for locks longer or shorter than asked for by one part of this many, before it is told
/// anew: where nothing had to be waited for, that costs no statement.
const TOLERANCE: u32 = 10;

const SQLITE_SETTINGS: &str = "
    PRAGMA journal_mode = WAL;
    PRAGMA synchronous = FULL;
    PRAGMA foreign_keys = ON;
    PRAGMA recursive_triggers = ON;
    PRAGMA temp_store = MEMORY;
    PRAGMA cache_size = -16000;
    PRAGMA mmap_size = 134217728;
";

const POSTGRES_SETTINGS: &str = "
    SET TIME ZONE 'UTC';
    SET client_min_messages = warning;
    SET synchronous_commit = on;
    SET application_name = 'larder';
";

impl Conn {
    /// [`Conn::open`], after making the file of SQLite where there is none.
    ///
    /// # Errors
    /// As `open`.
    pub fn create(url: &Url, role: Role, lock_timeout: Duration) -> ConnectionResult<Self> {
        if let Url::Sqlite(path) = url {
            SqliteConnection::establish(&uri(path, "rwc"))?;
        }
        Self::open(url, role, lock_timeout)
    }

    /// A connection with all its settings, which waits so long for the locks of others.
    ///
    /// # Errors
    /// When the file cannot be opened or the server cannot be reached.
    pub fn open(url: &Url, role: Role, lock_timeout: Duration) -> ConnectionResult<Self> {
        let conn = match url {
            Url::Sqlite(path) => {
                let mut sqlite = SqliteConnection::establish(&uri(path, "rw"))?;
                // First of all: switching to WAL may have to wait, too.
                set_up(&mut sqlite, &sqlite_lock_timeout(lock_timeout))?;
                set_up(&mut sqlite, SQLITE_SETTINGS)?;
                if role == Role::Reader {
                    set_up(&mut sqlite, "PRAGMA query_only = ON;")?;
                }
                Conn::Sqlite(sqlite)
            }
            Url::Postgres(url) => {
                let mut postgres = PgConnection::establish(&with_timeout(url.with_password()))?;
                set_up(&mut postgres, POSTGRES_SETTINGS)?;
                set_up(&mut postgres, &postgres_lock_timeout(lock_timeout))?;
                Conn::Postgres(postgres)
            }
        };
        Ok(conn)
    }
}

/// The path as SQLite's own kind of URI, the only way to tell it not to make a file.
fn uri(path: &Path, mode: &str) -> String {
    // What decides in a URI, and is a letter like others in a path.
    const SPECIAL: &AsciiSet = &CONTROLS.add(b'%').add(b'?').add(b'#');
    let path = path.to_string_lossy();
    // After two slashes it would be the name of a host.
    let slash = if path.starts_with('/') { "/" } else { "" };
    let path = utf8_percent_encode(path.trim_start_matches('/'), SPECIAL);
    format!("file:{slash}{path}?mode={mode}")
}

fn sqlite_lock_timeout(limit: Duration) -> String {
    format!("PRAGMA busy_timeout = {}", limit.as_millis())
}

/// For Postgres 0 is "for ever".
fn postgres_lock_timeout(limit: Duration) -> String {
    format!("SET lock_timeout = {}", limit.as_millis().max(1))
}

/// libpq waits for ever for a host that does not answer, unless it is told not to.
fn with_timeout(url: &str) -> String {
    if url.contains("connect_timeout=") {
        return url.to_owned();
    }
    let separator = if url.contains('?') { '&' } else { '?' };
    format!("{url}{separator}connect_timeout=5")
}

fn set_up(conn: &mut impl SimpleConnection, settings: &str) -> ConnectionResult<()> {
    conn.batch_execute(settings).map_err(ConnectionError::CouldntSetupConfiguration)
}

/// A connection in a pool, and the file that it has open.
pub struct Pooled {
    /// The connection.
    pub conn: Conn,
    file: Option<FileId>,
    lock_timeout: Duration,
    /// Whether it must not be used by the next one who asks.
    is_spoiled: bool,
}

impl Pooled {
    /// Waits no longer than this for the locks of others, from now on.
    ///
    /// # Errors
    /// Those of the database.
    pub(super) fn wait_for_locks(&mut self, limit: Duration) -> QueryResult<()> {
        if self.lock_timeout.abs_diff(limit) <= self.lock_timeout.max(limit) / TOLERANCE {
            return Ok(());
        }
        let sql = match self.conn {
            Conn::Sqlite(_) => sqlite_lock_timeout(limit),
            Conn::Postgres(_) => postgres_lock_timeout(limit),
        };
        log::without_logging(|| self.conn.batch_execute(&sql))?;
        self.lock_timeout = limit;
        Ok(())
    }

    /// Makes the connection fit for another attempt after an error of this meaning, or marks it as unfit.
    pub(super) fn settle(&mut self, meaning: Meaning) {
        match meaning {
            Meaning::Outdated => self.is_spoiled |= self.forget_statements().is_err(),
            Meaning::Disconnected => self.is_spoiled = true,
            _ => {}
        }
    }

    /// Drops what was prepared on this connection, here and on the server.
    fn forget_statements(&mut self) -> QueryResult<()> {
        // diesel goes on with numbers that it has not used for names yet.
        self.conn.set_prepared_statement_cache_size(CacheSize::Disabled);
        self.conn.set_prepared_statement_cache_size(CacheSize::Unbounded);
        match &mut self.conn {
            Conn::Sqlite(_) => Ok(()),
            Conn::Postgres(postgres) => {
                log::without_logging(|| postgres.batch_execute("DEALLOCATE ALL; DISCARD PLANS"))
            }
        }
    }
}

/// Opens connections for a pool.
#[derive(Debug)]
pub struct Manager {
    /// Of which database.
    pub url: Url,
    /// For what.
    pub role: Role,
    /// How long they wait for the locks of others.
    pub lock_timeout: Duration,
}

impl ManageConnection for Manager {
    type Connection = Pooled;
    type Error = r2d2::Error;

    fn connect(&self) -> Result<Pooled, r2d2::Error> {
        let conn = Conn::open(&self.url, self.role, self.lock_timeout);
        let mut conn = conn.map_err(r2d2::Error::ConnectionError)?;
        conn.set_instrumentation(Recorder::new(self.role));
        let (file, lock_timeout) = (FileId::of(&self.url), self.lock_timeout);
        Ok(Pooled { conn, file, lock_timeout, is_spoiled: false })
    }

    /// A server may have gone away; a file may have been replaced by another of the same name.
    fn is_valid(&self, pooled: &mut Pooled) -> Result<(), r2d2::Error> {
        match pooled.conn {
            Conn::Postgres(_) => {
                pooled.conn.batch_execute(IS_ALIVE).map_err(r2d2::Error::QueryError)
            }
            Conn::Sqlite(_) if pooled.file == FileId::of(&self.url) => Ok(()),
            Conn::Sqlite(_) => Err(r2d2::Error::QueryError(diesel::result::Error::NotFound)),
        }
    }

    /// Whether the connection leaves the pool: one dropped by a panic may be inside of a transaction, and so may
    /// one that could not be rolled back; of a broken one diesel knows that it is.
    fn has_broken(&self, pooled: &mut Pooled) -> bool {
        type Transactions = <Conn as Connection>::TransactionManager;
        std::thread::panicking()
            || pooled.is_spoiled
            || Transactions::is_broken_transaction_manager(&mut pooled.conn)
    }
}
