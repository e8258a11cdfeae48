//! The database: where it is, connections to it, transactions on it. Knows nothing of the cache.
//!
//! - Queries are written once for SQLite and Postgres, on [`Conn`].
//! - SQLite has one writer and several readers; who wants to write waits for the pool, not for the
//!   file.
//! - A read sees one committed state; a write is kept whole or not at all.
//! - Work runs on blocking threads: `read` and `write` can be awaited by a handler.

pub mod binds;
pub mod connect;
pub mod error;
pub mod explain;
pub mod file;
pub mod kind;
pub mod log;
pub mod meter;
pub mod migrations;
pub mod overhear;
mod postgres_url;
pub mod schema;
pub mod secret;
pub mod transaction;
pub mod url;

use std::sync::Arc;
use std::time::Duration;

pub use diesel::QueryResult;
use diesel::r2d2::Pool;
use diesel::result::Error::RollbackTransaction;
use tokio::sync::Semaphore;

use binds::Bind;
use connect::Manager;
pub use connect::{Conn, Role};
pub use error::Error;
pub use log::Origin;
pub use url::Url;

/// How long to wait for a turn, among those who read or write, before the request is answered "busy".
const PATIENCE: Duration = Duration::from_secs(20);

/// How long to try for a connection when it is our turn: where that fails the server is down.
const RECONNECT: Duration = Duration::from_secs(3);

/// More readers than cores gain nothing; fewer would let one slow search block the others.
const READERS: u32 = 4;

/// Postgres sorts its writers out by itself.
const POSTGRES_WRITERS: u32 = 8;

/// A handle to the database. Cloning is cheap.
#[derive(Clone)]
pub struct Db(Arc<Shared>);

struct Shared {
    url: Url,
    readers: Pool<Manager>,
    writers: Pool<Manager>,
    /// As many turns as there are connections: "invalidate everything" cannot drown the database.
    reading: Arc<Semaphore>,
    writing: Arc<Semaphore>,
}

impl Db {
    /// The database at `url`; for SQLite the file is made if it is missing.
    ///
    /// # Errors
    /// When it cannot be reached, as one sentence.
    pub fn open(url: &Url) -> Result<Self, String> {
        // Pools retry until they time out; one connection tells at once what is wrong.
        Conn::open(url, Role::Writer).map_err(|error| explain(url, &error.to_string()))?;
        let writers = match url {
            Url::Sqlite(_) => 1,
            Url::Postgres(_) => POSTGRES_WRITERS,
        };
        let turns = |connections: u32| Arc::new(Semaphore::new(connections as usize));
        Ok(Self(Arc::new(Shared {
            url: url.clone(),
            readers: pool(url, Role::Reader, READERS),
            writers: pool(url, Role::Writer, writers),
            reading: turns(READERS),
            writing: turns(writers),
        })))
    }

    /// Where it is.
    pub fn url(&self) -> &Url {
        &self.0.url
    }

    /// Brings the tables up to date; answers how many migrations it took.
    ///
    /// # Errors
    /// [`migrations::Error`]; nothing was changed.
    pub fn migrate(&self) -> Result<usize, migrations::Error> {
        let mut pooled =
            self.0.writers.get().map_err(|error| migrations::Error::Failed(error.to_string()))?;
        migrations::run(&mut pooled.conn)
    }

    /// How many migrations the database lacks; changes nothing.
    ///
    /// # Errors
    /// As `migrate`, and where there is nothing of ours.
    pub fn missing_migrations(&self) -> Result<usize, migrations::Error> {
        let mut pooled =
            self.0.readers.get().map_err(|error| migrations::Error::Failed(error.to_string()))?;
        migrations::missing(&mut pooled.conn)
    }

    /// Reads from one committed state of the data.
    ///
    /// # Errors
    /// [`Error`], logged by whoever answers the request.
    pub async fn read<T: Send + 'static>(
        &self,
        origin: Origin,
        work: impl FnOnce(&mut Conn) -> QueryResult<T> + Send + 'static,
    ) -> Result<T, Error> {
        let db = self.clone();
        let turn = self.0.reading.clone();
        blocking(turn, Some(origin), move || db.read_now(work)).await
    }

    /// How the database would find what `sql` asks for, a line for each step; see [`explain`].
    ///
    /// # Errors
    /// [`Error`], also where it is no statement that can be explained with these binds.
    pub async fn explain(&self, sql: String, binds: Vec<Bind>) -> Result<Vec<String>, Error> {
        let db = self.clone();
        blocking(self.0.reading.clone(), None, move || {
            let mut plan = Vec::new();
            match db.read_now(|conn| explain::explain(conn, &sql, &binds, &mut plan)) {
                Err(Error::Query(error)) if *error == RollbackTransaction => Ok(plan),
                Err(error) => Err(error),
                Ok(()) => Ok(plan),
            }
        })
        .await
    }

    /// Writes in one transaction; when it answers, the write is durable.
    ///
    /// # Errors
    /// [`Error`]; nothing was kept. Where a connection breaks during the commit nobody knows:
    /// that, too, is an error, and must not be told as success.
    pub async fn write<T: Send + 'static>(
        &self,
        origin: Origin,
        work: impl FnOnce(&mut Conn) -> QueryResult<T> + Send + 'static,
    ) -> Result<T, Error> {
        let db = self.clone();
        let turn = self.0.writing.clone();
        blocking(turn, Some(origin), move || db.write_now(work)).await
    }

    /// [`Db::read`] on this thread, for the command line.
    ///
    /// # Errors
    /// As `read`.
    pub fn read_now<T>(&self, work: impl FnOnce(&mut Conn) -> QueryResult<T>) -> Result<T, Error> {
        Ok(transaction::read(&mut self.0.readers.get()?.conn, work)?)
    }

    /// [`Db::write`] on this thread, for the command line.
    ///
    /// # Errors
    /// As `write`.
    pub fn write_now<T>(&self, work: impl FnOnce(&mut Conn) -> QueryResult<T>) -> Result<T, Error> {
        Ok(transaction::write(&mut self.0.writers.get()?.conn, work)?)
    }
}

/// Runs `work` on a blocking thread when it is its turn, its SQL logged for the task that asked.
///
/// Who waits for a turn holds no thread: a crowd of readers does not keep a writer from its own.
async fn blocking<T: Send + 'static>(
    turns: Arc<Semaphore>,
    origin: Option<Origin>,
    work: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    let turn = tokio::time::timeout(PATIENCE, turns.acquire_owned()).await;
    // The semaphore is never closed; if it were, nobody could have a turn.
    let turn = turn.map_err(|_| Error::Busy)?.map_err(|_| Error::Busy)?;
    let log = log::current();
    let work = move || {
        let _turn = turn;
        work()
    };
    let work = tokio::task::spawn_blocking(move || log::on_this_thread(log, origin, work));
    work.await.unwrap_or(Err(Error::Panicked))
}

fn pool(url: &Url, role: Role, size: u32) -> Pool<Manager> {
    Pool::builder()
        .max_size(size)
        .min_idle(Some(1))
        .connection_timeout(RECONNECT)
        .build_unchecked(Manager { url: url.clone(), role })
}

/// One sentence for who started the program.
fn explain(url: &Url, error: &str) -> String {
    let error = error.lines().map(str::trim).collect::<Vec<_>>().join(" ");
    match url {
        Url::Sqlite(path) => {
            let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
            let folder = folder.map_or_else(|| ".".into(), |folder| folder.display().to_string());
            let path = path.display();
            format!(
                "cannot open the database file {path}: {error}; is {folder} a folder that this user may write to?"
            )
        }
        Url::Postgres(_) => format!(
            "cannot connect to the database {url}: {error}; is the server running, and are user, \
             password and database name right?"
        ),
    }
}
