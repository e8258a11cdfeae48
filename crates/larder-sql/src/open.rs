//! The sources of stamps for the adapter of diesel: databases by their URL.

use std::panic::Location;
use std::sync::Arc;
use std::time::Duration;

use diesel::PgConnection;
use diesel::connection::Connection;
use larder_cache::Tag;
use larder_cache::stamps::{Current, Invalidation, StampSource, StampsUnavailable};

use crate::db::file::Files;
use crate::db::{Conn, Db, Origin, Role, Url, meter};
use crate::driver::{Connect, now};
use crate::freshness::Freshness;
use crate::postgres::{FRESHNESS_TIMEOUT, PostgresVersions};
use crate::sqlite::{Extras, SqliteVersions};
use crate::stamps;
use crate::table::Table;

/// How long the question for stamps waits for the locks of other transactions.
const LOCK_TIMEOUT: Duration = Duration::from_secs(2);

/// Opens the source of stamps for the database at `url`.
///
/// # Errors
/// If the database cannot be queried at all. Missing triggers are no error here: the stamps are
/// unavailable then.
pub fn open(url: &Url, tables: &'static [Table]) -> Result<Arc<dyn StampSource>, String> {
    of(url, FRESHNESS_TIMEOUT, tables)
}

fn of(
    url: &Url,
    timeout: Duration,
    tables: &'static [Table],
) -> Result<Arc<dyn StampSource>, String> {
    match url {
        Url::Sqlite(path) => {
            let files = Files::of(url).map(|files| {
                let check = move || files.check().map_err(|lost| lost.to_string());
                Box::new(check) as Box<dyn Fn() -> Result<(), String> + Send + Sync>
            });
            let extras = Extras { files, meter: Some(meter::count_stamps) };
            Ok(Arc::new(SqliteVersions::open(path.clone(), tables, extras)))
        }
        Url::Postgres(_) => Ok(Arc::new(PostgresVersions::open(url.clone(), timeout, tables)?)),
    }
}

/// Opens the source of stamps for an open database; changing stamps queues with its other writes.
///
/// A request for which Postgres has not answered within `timeout` bypasses the cache. `freshness` is chosen for
/// Postgres: on SQLite each request is answered strictly, since that waits for nothing.
///
/// # Errors
/// As [`open`].
pub fn open_on(
    db: Db,
    freshness: Freshness,
    timeout: Duration,
    tables: &'static [Table],
) -> Result<Arc<dyn StampSource>, String> {
    let versions = of(db.url(), timeout, tables)?;
    let freshness = freshness.on(db.url());
    let writes = db.writes();
    Ok(freshness.around(Arc::new(Queued { versions, db }), writes))
}

impl Connect for Url {
    type Conn = PgConnection;

    async fn connect(&self) -> Result<PgConnection, String> {
        match Conn::open(self, Role::Reader, LOCK_TIMEOUT) {
            Ok(Conn::Postgres(mut conn)) => {
                conn.set_instrumentation(meter::OfStamps::default());
                Ok(conn)
            }
            Ok(Conn::Sqlite(_)) => Err("this is not Postgres".into()),
            Err(error) => Err(error.to_string()),
        }
    }
}

/// A source of stamps that changes them in the queue of other writes.
struct Queued {
    versions: Arc<dyn StampSource>,
    db: Db,
}

impl StampSource for Queued {
    fn current(&self) -> Current {
        self.versions.current()
    }

    fn is_shared(&self) -> bool {
        self.versions.is_shared()
    }

    fn invalidate(&self, tags: Vec<Tag>) -> Invalidation<'_> {
        let origin = Origin { caller: Location::caller(), purpose: None };
        let moved = self.db.write(origin, move |conn| now(stamps::bump(conn, &tags)));
        let unmoved = |error| StampsUnavailable(format!("the database refused the write: {error}"));
        Box::pin(async move { moved.await.map_err(unmoved) })
    }
}
