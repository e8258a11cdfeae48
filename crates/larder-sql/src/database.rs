//! The database as the sections use it: each read names its tables, and the cache tracks them.

use std::panic::Location;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use diesel::QueryResult;
use larder_cache::{Tag, tracking};

use crate::db::binds::Bind;
use crate::db::{Conn, Db, Error, Origin, log};
use crate::derived::Derived;
use crate::driver::now;
use crate::read_checker::{ReadChecker, Schema};
use crate::snapshot::Snapshot;
use crate::table::Table;
use crate::{moves, stamps};

/// How many changes are added to the totals by one statement.
const FOLDED_AT_ONCE: i64 = 1_000;

/// Adds changes of stamps on Postgres, at most a thousand, to their totals: each question for stamps reads them all.
///
/// Instances that serve do it by themselves. For programs that write many statements, and may be alone with the
/// database.
///
/// # Errors
/// Those of the database: the role may lack the right to. The changes stay, and count.
pub fn fold(db: &Db) -> Result<(), Error> {
    db.write_now(|conn| match conn {
        Conn::Sqlite(_) => Ok(()),
        Conn::Postgres(postgres) => now(stamps::fold(postgres, FOLDED_AT_ONCE)).map(|_| ()),
    })
}

/// A handle to the database. Cloning is cheap.
#[derive(Clone)]
pub struct Database {
    db: Db,
    tables: &'static [Table],
    invalidations: Arc<AtomicU64>,
    /// The names of all tables, for the read checker.
    schema: Schema,
    derived: Arc<Derived>,
}

impl Database {
    /// Returns a handle to the migrated database `db`, whose `tables` are read through the cache.
    pub fn new(db: Db, tables: &'static [Table]) -> Self {
        Self {
            db,
            tables,
            invalidations: Arc::default(),
            schema: Schema::default(),
            derived: Arc::default(),
        }
    }

    /// Returns the tags to invalidate for `name`, or `None` if no entry can depend on it.
    ///
    /// Names are `products` (its lists and its rows), `products#17` (the rows in that bucket) and
    /// `everything`.
    pub fn tags_named(&self, name: &str) -> Option<Vec<Tag>> {
        if name == "everything" {
            return Some(vec![Tag::EVERYTHING]);
        }
        let (table, bucket) = name.split_once('#').unwrap_or((name, ""));
        let table = self.tables.iter().find(|known| known.name() == table)?;
        if !name.contains('#') {
            return Some(vec![table.tag(), table.reset_tag()]);
        }
        let row = table.row_tag(bucket.parse().ok()?);
        // A bucket has one spelling and is below 256: any other number would name a tag without
        // rows.
        (row.as_str() == name).then(|| vec![row])
    }

    /// Reads from one committed state, and records what `work` reads as dependencies.
    ///
    /// Like [`Db::read`], it may run `work` again.
    ///
    /// # Errors
    /// Those of the database.
    #[track_caller]
    pub fn read<T: Send + 'static>(
        &self,
        mut work: impl FnMut(&mut Snapshot<'_>) -> QueryResult<T> + Send + 'static,
    ) -> impl Future<Output = Result<T, Error>> {
        let caller = Location::caller();
        async move {
            let is_tracking = tracking::is_tracking();
            let tables = self.tables;
            let (schema, derived) = (self.schema.clone(), self.derived.clone());
            let read = self.db.read(origin(caller), move |conn| {
                let checker = ReadChecker::open(conn, schema.clone(), caller)?;
                let mut snapshot = Snapshot::new(conn, tables, is_tracking, &derived, checker);
                let data = work(&mut snapshot)?;
                Ok((data, snapshot.into_dependencies()?))
            });
            let (data, dependencies) = read.await?;
            tracking::record(&dependencies);
            Ok(data)
        }
    }

    /// Writes in one transaction, in which the triggers change the stamps.
    ///
    /// When this returns, no reader can be served the old state any more. Like [`Db::write`], it
    /// may run `work` again.
    ///
    /// # Errors
    /// Those of [`Db::write`].
    #[track_caller]
    pub fn write<T: Send + 'static>(
        &self,
        mut work: impl FnMut(&mut Conn) -> QueryResult<T> + Send + 'static,
    ) -> impl Future<Output = Result<T, Error>> {
        let caller = Location::caller();
        async move {
            if !moves::is_observed() {
                return self.db.write(origin(caller), work).await;
            }
            let write = self.db.write(origin(caller), move |conn| moves::within(conn, &mut work));
            let (done, moved) = write.await?;
            moves::tell(moved);
            Ok(done)
        }
    }

    /// Makes every entry that depends on one of `tags` stale, in every instance.
    ///
    /// # Errors
    /// Those of the database. On Postgres a tag has at most 600 characters.
    pub async fn invalidate(&self, tags: Vec<Tag>) -> Result<(), Error> {
        self.write(move |conn| now(stamps::bump(conn, &tags))).await?;
        self.invalidations.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    /// Returns the number of calls of [`Database::invalidate`] by this handle and its clones.
    pub fn invalidations(&self) -> u64 {
        self.invalidations.load(Ordering::Relaxed)
    }

    /// Returns the query plan of `sql`, and runs it for that if `runs`; see [`Db::explain`].
    ///
    /// # Errors
    /// As there.
    pub async fn explain(
        &self,
        sql: String,
        binds: Vec<Bind>,
        runs: bool,
    ) -> Result<Vec<String>, Error> {
        self.db.explain(sql, binds, runs).await
    }
}

/// Returns the origin of a statement for the log; the key is formatted only while a log is read.
fn origin(caller: &'static Location<'static>) -> Origin {
    let key = if log::is_observed() { tracking::current_key() } else { None };
    Origin { caller, purpose: key.map(|key| key.to_string()) }
}
