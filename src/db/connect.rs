//! One connection, of either database, with its settings.
//!
//! - The scheme of the URL decides which database it is; nothing is tried in turn, since a failing
//!   `postgres://…` would then become a SQLite file of that name.
//! - SQLite: WAL, `synchronous=FULL`, foreign keys; readers refuse to write.

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::r2d2::{self, ManageConnection};

use super::file::FileId;
use super::log::{IS_ALIVE, Recorder};
use super::url::Url;

/// A connection to one of the two databases; queries are written once for both.
#[derive(diesel::MultiConnection)]
pub enum Conn {
    /// PostgreSQL.
    Postgres(PgConnection),
    /// SQLite.
    Sqlite(SqliteConnection),
}

/// What a connection is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Refuses to write.
    Reader,
    /// Waits for its turn to write.
    Writer,
}

/// Milliseconds to wait for other processes that write; first, since switching to WAL may wait too.
const SQLITE_FIRST: &str = "PRAGMA busy_timeout = 15000;";

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
    /// A connection with all its settings.
    ///
    /// # Errors
    /// When the file cannot be opened or the server cannot be reached.
    pub fn open(url: &Url, role: Role) -> ConnectionResult<Self> {
        let conn = match url {
            Url::Sqlite(path) => {
                let mut sqlite = SqliteConnection::establish(&path.to_string_lossy())?;
                set_up(&mut sqlite, SQLITE_FIRST)?;
                set_up(&mut sqlite, SQLITE_SETTINGS)?;
                if role == Role::Reader {
                    set_up(&mut sqlite, "PRAGMA query_only = ON;")?;
                }
                Conn::Sqlite(sqlite)
            }
            Url::Postgres(url) => {
                let mut postgres = PgConnection::establish(&with_timeout(url.with_password()))?;
                set_up(&mut postgres, POSTGRES_SETTINGS)?;
                Conn::Postgres(postgres)
            }
        };
        Ok(conn)
    }
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
}

/// Opens connections for a pool.
#[derive(Debug)]
pub struct Manager {
    /// Of which database.
    pub url: Url,
    /// For what.
    pub role: Role,
}

impl ManageConnection for Manager {
    type Connection = Pooled;
    type Error = r2d2::Error;

    fn connect(&self) -> Result<Pooled, r2d2::Error> {
        let mut conn = Conn::open(&self.url, self.role).map_err(r2d2::Error::ConnectionError)?;
        conn.set_instrumentation(Recorder::new(self.role));
        Ok(Pooled { conn, file: FileId::of(&self.url) })
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

    /// A connection dropped by a panic may be inside of a transaction.
    fn has_broken(&self, _: &mut Pooled) -> bool {
        std::thread::panicking()
    }
}
