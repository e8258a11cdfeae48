//! One connection to either database, with its settings.
//!
//! - The scheme of the URL decides which database it is. The two are not tried in turn, since a failing
//!   `postgres://…` would then create an SQLite file of that name.
//! - SQLite: WAL, `synchronous=FULL`, foreign keys; readers refuse to write.

use std::path::Path;
use std::time::{Duration, Instant};

use diesel::connection::{CacheSize, SimpleConnection, TransactionManager};
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::r2d2::{self, ManageConnection};
use diesel::sql_types::Integer;
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};

use super::codes::Meaning;
use super::conn::Conn;
use super::file_id::FileId;
use super::kind::IS_ALIVE;
use super::log::{self, Recorder};
use super::role::Role;
use super::url::Url;

/// Tolerance of the lock timeout: a tenth of it.
///
/// The timeout of a connection is set again only if it differs by more, so a transaction that has waited
/// for nothing needs no extra statement.
const TOLERANCE: u32 = 10;

const SQLITE_SETTINGS: &str = "
    PRAGMA synchronous = FULL;
    PRAGMA foreign_keys = ON;
    PRAGMA recursive_triggers = ON;
    PRAGMA temp_store = MEMORY;
    PRAGMA cache_size = -16000;
";

const POSTGRES_SETTINGS: &str = "
    SET TIME ZONE 'UTC';
    SET client_min_messages = warning;
    SET synchronous_commit = on;
    SET application_name = 'larder';
";

impl Conn {
    /// Like [`Conn::open`], but creates the file of an SQLite database if it is missing.
    ///
    /// # Errors
    /// Those of `open`.
    pub fn create(url: &Url, role: Role, lock_timeout: Duration) -> ConnectionResult<Self> {
        if let Url::Sqlite(path) = url {
            let mut sqlite = SqliteConnection::establish(&uri(path, "rwc"))?;
            set_up(&mut sqlite, &sqlite_lock_timeout(lock_timeout))?;
            // Gives the file its first page: an empty one is not opened.
            switch_to_wal(&mut sqlite, lock_timeout)?;
        }
        Self::open(url, role, lock_timeout)
    }

    /// Opens a connection with all its settings; `lock_timeout` limits its waits for locks.
    ///
    /// # Errors
    /// If the file cannot be opened or the server cannot be reached.
    pub fn open(url: &Url, role: Role, lock_timeout: Duration) -> ConnectionResult<Self> {
        let conn = match url {
            Url::Sqlite(path) => {
                // It was emptied: the settings below would write into it.
                if FileId::is_of_nothing(path) {
                    return Err(ConnectionError::BadConnection("the file is empty".to_owned()));
                }
                let mut sqlite = SqliteConnection::establish(&uri(path, "rw"))?;
                // The lock timeout is set first, since switching to WAL may have to wait, too.
                set_up(&mut sqlite, &sqlite_lock_timeout(lock_timeout))?;
                switch_to_wal(&mut sqlite, lock_timeout)?;
                set_up(&mut sqlite, SQLITE_SETTINGS)?;
                if role == Role::Reader {
                    set_up(&mut sqlite, "PRAGMA query_only = ON;")?;
                }
                Conn::Sqlite(sqlite)
            }
            Url::Postgres(url) => {
                let url = url.with_password();
                let url = url.map_err(|error| ConnectionError::BadConnection(error.to_string()))?;
                let mut postgres = PgConnection::establish(&with_timeout(&url))?;
                set_up(&mut postgres, POSTGRES_SETTINGS)?;
                set_up(&mut postgres, &postgres_lock_timeout(lock_timeout))?;
                Conn::Postgres(postgres)
            }
        };
        Ok(conn)
    }
}

/// Returns the path as a `file:` URI, the only way to tell SQLite not to create the file.
fn uri(path: &Path, mode: &str) -> String {
    // Characters with a meaning in a URI, but not in a path.
    const SPECIAL: &AsciiSet = &CONTROLS.add(b'%').add(b'?').add(b'#');
    let path = path.to_string_lossy();
    // After two slashes the path would be the name of a host.
    let slash = if path.starts_with('/') { "/" } else { "" };
    let path = utf8_percent_encode(path.trim_start_matches('/'), SPECIAL);
    format!("file:{slash}{path}?mode={mode}")
}

fn sqlite_lock_timeout(limit: Duration) -> String {
    format!("PRAGMA busy_timeout = {}", limit.as_millis())
}

/// Postgres waits without limit for a timeout of 0, so 1 ms is the least.
fn postgres_lock_timeout(limit: Duration) -> String {
    format!("SET lock_timeout = {}", limit.as_millis().max(1))
}

/// Parameters of libpq, which waits without limit for a host that does not answer.
const TIMEOUTS: [(&str, &str); 5] = [
    ("connect_timeout", "5"),
    ("tcp_user_timeout", "20000"),
    ("keepalives_idle", "10"),
    ("keepalives_interval", "5"),
    ("keepalives_count", "3"),
];

/// Adds the timeouts that the URL does not set.
fn with_timeout(url: &str) -> String {
    let mut url = url.to_owned();
    for (name, value) in TIMEOUTS {
        if !url.contains(&format!("{name}=")) {
            let separator = if url.contains('?') { '&' } else { '?' };
            url = format!("{url}{separator}{name}={value}");
        }
    }
    url
}

fn set_up(conn: &mut impl SimpleConnection, settings: &str) -> ConnectionResult<()> {
    conn.batch_execute(settings).map_err(ConnectionError::CouldntSetupConfiguration)
}

/// Switches the file to WAL, which SQLite refuses at once while another connection holds a lock.
///
/// It runs on a thread that may block, and no event reports the end of another program's lock: so it sleeps.
fn switch_to_wal(sqlite: &mut SqliteConnection, limit: Duration) -> ConnectionResult<()> {
    let began = Instant::now();
    loop {
        match set_up(sqlite, "PRAGMA journal_mode = WAL") {
            Err(error) if error.to_string().contains("locked") && began.elapsed() < limit => {
                std::thread::sleep(Duration::from_millis(10));
            }
            done => return done,
        }
    }
}

/// A connection in a pool, and the file that it has open.
pub struct Pooled {
    /// The connection.
    pub conn: Conn,
    file: Option<FileId>,
    lock_timeout: Duration,
    /// The process of a Postgres server that serves it.
    pub(super) backend: Option<i32>,
    /// Whether the connection must not be reused.
    is_spoiled: bool,
}

impl Pooled {
    /// Sets how long the connection waits for the locks of other transactions from now on.
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

    /// Prepares the connection for another attempt after an error, or marks it as unusable.
    pub(super) fn settle(&mut self, meaning: Meaning) {
        match meaning {
            Meaning::Outdated => self.is_spoiled |= self.forget_statements().is_err(),
            Meaning::Disconnected => self.is_spoiled = true,
            _ => {}
        }
    }

    /// Drops the prepared statements of this connection, here and on the server.
    fn forget_statements(&mut self) -> QueryResult<()> {
        // diesel goes on numbering where it was, so no name of a prepared statement is used twice.
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
    /// The database.
    pub url: Url,
    /// What the connections are for.
    pub role: Role,
    /// How long they wait for the locks of other transactions.
    pub lock_timeout: Duration,
}

impl ManageConnection for Manager {
    type Connection = Pooled;
    type Error = r2d2::Error;

    fn connect(&self) -> Result<Pooled, r2d2::Error> {
        let conn = Conn::open(&self.url, self.role, self.lock_timeout);
        let mut conn = conn.map_err(r2d2::Error::ConnectionError)?;
        let backend = match &mut conn {
            Conn::Sqlite(_) => None,
            Conn::Postgres(postgres) => {
                let pid = sql::<Integer>("SELECT pg_backend_pid()").get_result(postgres);
                Some(pid.map_err(r2d2::Error::QueryError)?)
            }
        };
        conn.set_instrumentation(Recorder::new(self.role));
        let (file, lock_timeout) = (FileId::of(&self.url), self.lock_timeout);
        Ok(Pooled { conn, file, lock_timeout, backend, is_spoiled: false })
    }

    /// Checks that the server answers, or that the path still leads to the file that was opened.
    fn is_valid(&self, pooled: &mut Pooled) -> Result<(), r2d2::Error> {
        match pooled.conn {
            Conn::Postgres(_) => {
                pooled.conn.batch_execute(IS_ALIVE).map_err(r2d2::Error::QueryError)
            }
            Conn::Sqlite(_) if pooled.file == FileId::of(&self.url) => Ok(()),
            Conn::Sqlite(_) => Err(r2d2::Error::QueryError(diesel::result::Error::NotFound)),
        }
    }

    /// Decides whether the connection leaves the pool.
    ///
    /// A connection that is dropped by a panic, or that could not be rolled back, may be inside a
    /// transaction. diesel itself knows about a broken connection.
    fn has_broken(&self, pooled: &mut Pooled) -> bool {
        type Transactions = <Conn as Connection>::TransactionManager;
        std::thread::panicking()
            || pooled.is_spoiled
            || Transactions::is_broken_transaction_manager(&mut pooled.conn)
    }
}
