//! The adapter for diesel: a database by its URL, its connections, and transactions on them.
//!
//! - It does not depend on the cache.
//! - Queries are written once for SQLite and Postgres, on [`Conn`].
//! - SQLite has one writer and several readers. A second write waits for the pool, not for the file lock.
//! - A read sees one committed state; a write is committed as a whole or not at all.
//! - Work runs on blocking threads: a handler awaits `read` and `write`.

mod attempts;
pub mod binds;
mod blocking;
mod codes;
mod conn;
pub mod connect;
mod deadline;
mod error;
pub mod explain;
pub mod file;
pub mod file_id;
pub mod kind;
pub mod log;
pub mod meter;
mod pooler;
mod postgres_url;
mod role;
pub mod secret;
mod sqlstate;
pub mod statement_probe;
pub(crate) mod tables;
mod tls;
pub mod transaction;
mod url;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

pub use diesel::QueryResult;
use diesel::RunQueryDsl;
use diesel::r2d2::Pool;
use diesel::result::Error::RollbackTransaction;
use tokio::sync::Semaphore;

use attempts::{Limits, Work, keep};
use binds::Bind;
pub use conn::Conn;
use connect::Manager;
pub use error::Error;
use file::Files;
pub use log::Origin;
pub use role::{LOCK_TIMEOUT, Role};
use transaction::Access;
pub use url::Url;

/// Limit of one attempt to connect. If it fails, the server is down.
const RECONNECT: Duration = Duration::from_secs(3);

/// The same for programs that start: nothing waits for them, and a busy machine may need longer.
const CONNECT: Duration = Duration::from_secs(60);

/// How long they wait for locks: another program may be migrating a large database.
const MIGRATION: Duration = Duration::from_secs(3600);

/// How long the database may take beyond the time for locks, before a request gives up.
const STALLED: Duration = Duration::from_secs(20);

/// More readers than cores gain nothing; fewer would let one slow search block the others.
const READERS: u32 = 4;

/// Postgres coordinates concurrent writers by itself.
const POSTGRES_WRITERS: u32 = 8;

/// A handle to the database. Cloning is cheap.
#[derive(Clone)]
pub struct Db(Arc<Shared>);

struct Shared {
    url: Url,
    readers: Pool<Manager>,
    writers: Pool<Manager>,
    /// One permit per connection, so that "invalidate everything" cannot overload the database.
    reading: Arc<Semaphore>,
    writing: Arc<Semaphore>,
    /// How long a read or write waits for its permit and for the locks of other transactions.
    lock_timeout: Duration,
    files: Option<Arc<Files>>,
    /// Whether a write was refused temporarily, and none has changed anything since.
    is_refusing: AtomicBool,
    /// The number of writes that have ended.
    writes: Arc<AtomicU64>,
}

impl Db {
    /// Opens the database at `url`; creates the file of an SQLite database if it is missing.
    ///
    /// # Errors
    /// If the database cannot be reached; the error is one sentence.
    pub fn open(url: &Url) -> Result<Self, String> {
        Self::open_with(url, LOCK_TIMEOUT)
    }

    /// Like [`Db::open`], with a limit for waiting for permits and for the locks of other transactions.
    ///
    /// # Errors
    /// Those of `open`.
    pub fn open_with(url: &Url, lock_timeout: Duration) -> Result<Self, String> {
        // Pools retry until they time out; a single connection reports at once what is wrong.
        let first = Conn::create(url, Role::Writer, lock_timeout);
        let mut first = first.map_err(|error| explain(url, &error.to_string()))?;
        if let Url::Postgres(_) = url {
            let second = Conn::open(url, Role::Reader, lock_timeout);
            let mut second = second.map_err(|error| explain(url, &error.to_string()))?;
            pooler::check(&mut first, &mut second)
                .map_err(|error| format!("cannot use the database {url}: {error}"))?;
        }
        drop(first);
        let writers = match url {
            Url::Sqlite(_) => 1,
            Url::Postgres(_) => POSTGRES_WRITERS,
        };
        let turns = |connections: u32| Arc::new(Semaphore::new(connections as usize));
        let files = Files::of(url);
        // The identity of the files is recorded now, before they can be replaced.
        files.as_ref().map_or(Ok(()), |files| files.check()).map_err(|lost| lost.to_string())?;
        let pool = |role, size| pool(Manager { url: url.clone(), role, lock_timeout }, size);
        Ok(Self(Arc::new(Shared {
            url: url.clone(),
            lock_timeout,
            files,
            is_refusing: AtomicBool::new(false),
            writes: Arc::default(),
            readers: pool(Role::Reader, READERS),
            writers: pool(Role::Writer, writers),
            reading: turns(READERS),
            writing: turns(writers),
        })))
    }

    /// Returns the URL of the database.
    pub fn url(&self) -> &Url {
        &self.0.url
    }

    /// Returns the name and the version of the database, such as `SQLite 3.50.2`.
    ///
    /// # Errors
    /// [`Error`], if the database does not answer.
    pub fn version(&self) -> Result<String, Error> {
        let (name, version) = match &self.0.url {
            Url::Sqlite(_) => ("SQLite", "sqlite_version()"),
            Url::Postgres(_) => ("PostgreSQL", "current_setting('server_version')"),
        };
        let version = diesel::dsl::sql::<diesel::sql_types::Text>(version);
        let version =
            self.read_now(|conn| diesel::select(version.clone()).get_result::<String>(conn))?;
        Ok(format!("{name} {version}"))
    }

    /// Runs `work` on a connection of this role, outside of a transaction, before the program serves.
    ///
    /// It waits for locks as long as another program may take to migrate.
    ///
    /// # Errors
    /// [`Error::Unreachable`] if no connection could be opened in time, and those of the database.
    pub fn with_connection<T>(
        &self,
        role: Role,
        work: impl FnOnce(&mut Conn) -> T,
    ) -> Result<T, Error> {
        let pool = match role {
            Role::Reader => &self.0.readers,
            Role::Writer => &self.0.writers,
        };
        let mut pooled = pool.get_timeout(CONNECT)?;
        pooled.wait_for_locks(MIGRATION).map_err(Error::of)?;
        Ok(work(&mut pooled.conn))
    }

    /// Reads from one committed state of the data. `work` runs again if the connection breaks.
    ///
    /// # Errors
    /// [`Error`]; the handler's error response logs it.
    pub async fn read<T: Send + 'static>(
        &self,
        origin: Origin,
        work: impl FnMut(&mut Conn) -> QueryResult<T> + Send + 'static,
    ) -> Result<T, Error> {
        let read = move |db: &Shared, limits: &Limits| {
            keep(work, |work| db.run(Access::Read, limits, work))
        };
        self.blocking(Access::Read, Some(origin), read).await
    }

    /// Returns the query plan of `sql`, one line per step, and runs it for that if `runs`; see [`explain`].
    ///
    /// # Errors
    /// [`Error`], also if `sql` is not a statement that can be explained with these binds.
    pub async fn explain(
        &self,
        sql: String,
        binds: Vec<Bind>,
        runs: bool,
    ) -> Result<Vec<String>, Error> {
        self.blocking(Access::Read, None, move |db, limits| {
            let mut plan = Vec::new();
            let mut explain =
                |conn: &mut Conn| explain::explain(conn, (&sql, &binds), runs, &mut plan);
            match db.run(Access::Read, limits, &mut explain) {
                Err(Error::Query(error)) if *error == RollbackTransaction => Ok(plan),
                Err(error) => Err(error),
                Ok(()) => Ok(plan),
            }
        })
        .await
    }

    /// Writes in one transaction. When it returns `Ok`, the write is durable.
    ///
    /// `work` runs again if nothing was committed and a retry can help, as after a deadlock.
    ///
    /// # Errors
    /// [`Error`]; nothing was committed. If the connection breaks during the commit, or the database does not answer,
    /// the error is [`Error::Uncertain`] or [`Error::Unanswered`], and the caller must not report success.
    pub async fn write<T: Send + 'static>(
        &self,
        origin: Origin,
        work: impl FnMut(&mut Conn) -> QueryResult<T> + Send + 'static,
    ) -> Result<T, Error> {
        let write = move |db: &Shared, limits: &Limits| keep(work, |work| db.write(limits, work));
        let written = self.blocking(Access::Write, Some(origin), write).await;
        if written.as_ref().is_err_and(Error::is_refusal) {
            self.0.is_refusing.store(true, Ordering::Relaxed);
        }
        written
    }

    /// Reports whether a [`Db::write`] was refused temporarily, and none has changed anything since.
    ///
    /// The database was locked, full, read-only or unreachable.
    pub fn is_refusing_writes(&self) -> bool {
        self.0.is_refusing.load(Ordering::Relaxed)
    }

    /// Returns the counter of the writes that have ended, whether they were committed or not.
    ///
    /// It is raised before a write is answered.
    pub(crate) fn writes(&self) -> Arc<AtomicU64> {
        self.0.writes.clone()
    }

    /// Does the same as [`Db::read`] on this thread, for the command line.
    ///
    /// # Errors
    /// Those of `read`.
    pub fn read_now<T>(&self, work: impl FnMut(&mut Conn) -> QueryResult<T>) -> Result<T, Error> {
        let limits = Limits::of(self.0.lock_timeout);
        keep(work, |work| self.0.run(Access::Read, &limits, work))
    }

    /// Does the same as [`Db::write`] on this thread, for the command line.
    ///
    /// # Errors
    /// Those of `write`.
    pub fn write_now<T>(&self, work: impl FnMut(&mut Conn) -> QueryResult<T>) -> Result<T, Error> {
        let limits = Limits::of(self.0.lock_timeout);
        keep(work, |work| self.0.run(Access::Write, &limits, work))
    }
}

impl Shared {
    /// Writes, and takes note when a database that has refused writes has taken one.
    fn write(&self, limits: &Limits, work: &mut Work<'_>) -> Result<(), Error> {
        if !self.is_refusing.load(Ordering::Relaxed) {
            return self.run(Access::Write, limits, work);
        }
        // A full disk commits what has changed nothing, such as a form that was sent twice.
        let mut has_changed = false;
        self.run(Access::Write, limits, &mut |conn| {
            let before = transaction::changes(conn)?;
            work(conn)?;
            has_changed = transaction::changes(conn)? != before;
            Ok(())
        })?;
        if has_changed {
            self.is_refusing.store(false, Ordering::Relaxed);
        }
        Ok(())
    }

    fn run(&self, access: Access, limits: &Limits, work: &mut Work<'_>) -> Result<(), Error> {
        self.files.as_ref().map_or(Ok(()), |files| files.check())?;
        let pool = match access {
            Access::Read => &self.readers,
            Access::Write => &self.writers,
        };
        let done = attempts::run(pool, access, limits, work);
        if access == Access::Write {
            // On this thread, which goes on where the caller has left. Also after an error: a commit that was not
            // answered may have succeeded.
            self.writes.fetch_add(1, Ordering::Release);
        }
        done
    }
}

fn pool(manager: Manager, size: u32) -> Pool<Manager> {
    Pool::builder()
        .max_size(size)
        .min_idle(Some(1))
        .connection_timeout(RECONNECT)
        .build_unchecked(manager)
}

/// Returns one sentence for the person who started the program.
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
