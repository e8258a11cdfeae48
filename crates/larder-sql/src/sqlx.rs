//! The adapter for sqlx, on SQLite and Postgres.
//!
//! ```no_run
//! # use larder_sql::sqlx::Supported;
//! use larder_sql::Table;
//! use larder_sql::sqlx::{begin, cover, watch};
//!
//! const POSTS: Table = Table::named("posts");
//!
//! # async fn example<DB: Supported>(pool: sqlx::Pool<DB>) -> Result<(), sqlx::Error> {
//! // At the start. The application's own migrations can do the same.
//! cover(&pool, &[POSTS]).await?;
//! let stamps = watch(&pool, &[POSTS]).await?;
//!
//! // In each load: the connection is handed out for the name of the table.
//! let mut read = begin(&pool).await?;
//! let connection = read.reads(POSTS).await?;
//! # let _ = (stamps, connection);
//! # Ok(())
//! # }
//! ```
//!
//! sqlx reports no statements to other crates, so debug builds do not check here which tables a read touches. They do
//! check that a table which is named is covered.

use std::borrow::BorrowMut;
use std::marker::PhantomData;
use std::sync::Arc;

use ::sqlx::encode::Encode;
use ::sqlx::{
    AssertSqlSafe, ConnectOptions, Database, Error, Executor, FromRow, IntoArguments, Pool,
    Transaction, Type,
};
use larder_cache::StampSource;

#[cfg(feature = "postgres")]
use crate::FRESHNESS_TIMEOUT;
use crate::driver::{Dialect, Driver, Row};
#[cfg(feature = "front")]
use crate::freshness::Freshness;
#[cfg(feature = "front")]
use crate::front::{self, Address, Purging};
use crate::table::Table;
use crate::{reading, triggers};

/// A database of sqlx that can be read through the cache: SQLite, Postgres, or either as `Any`.
pub trait Supported: Database {
    /// Runs statements without parameters.
    #[doc(hidden)]
    fn run(
        connection: &mut Self::Connection,
        sql: &str,
    ) -> impl Future<Output = Result<(), Error>> + Send;

    /// Runs a prepared statement.
    #[doc(hidden)]
    fn rows(
        connection: &mut Self::Connection,
        sql: &str,
        texts: &[&str],
    ) -> impl Future<Output = Result<Vec<(String, i64, i64)>, Error>> + Send;
}

impl<DB: Database> Supported for DB
where
    for<'c> &'c mut DB::Connection: Executor<'c, Database = DB>,
    for<'r> (String, i64, i64): FromRow<'r, DB::Row>,
    for<'q> String: Encode<'q, DB> + Type<DB>,
    DB::Arguments: IntoArguments<DB>,
{
    async fn run(connection: &mut DB::Connection, sql: &str) -> Result<(), Error> {
        ::sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(connection).await.map(drop)
    }

    async fn rows(
        connection: &mut DB::Connection,
        sql: &str,
        texts: &[&str],
    ) -> Result<Vec<Row>, Error> {
        let mut query = ::sqlx::query_as::<DB, Row>(AssertSqlSafe(sql.to_owned()));
        for text in texts {
            query = query.bind((*text).to_owned());
        }
        query.fetch_all(connection).await
    }
}

/// A connection of sqlx, borrowed or owned.
struct Through<DB, C> {
    connection: C,
    dialect: Dialect,
    database: PhantomData<DB>,
}

impl<DB: Database, C: BorrowMut<DB::Connection>> Through<DB, C> {
    fn new(connection: C, dialect: Dialect) -> Self {
        Self { connection, dialect, database: PhantomData }
    }
}

impl<DB: Supported, C: BorrowMut<DB::Connection>> Driver for Through<DB, C> {
    type Error = Error;

    fn dialect(&self) -> Dialect {
        self.dialect
    }

    async fn run(&mut self, sql: &str) -> Result<(), Error> {
        DB::run(self.connection.borrow_mut(), sql).await
    }

    async fn rows(&mut self, sql: &str, texts: &[&str]) -> Result<Vec<Row>, Error> {
        DB::rows(self.connection.borrow_mut(), sql, texts).await
    }

    fn refusal(sentence: String) -> Error {
        Error::Configuration(sentence.into())
    }
}

/// Returns the kind of the database of `pool`, by its URL.
fn dialect<DB: Database>(pool: &Pool<DB>) -> Result<Dialect, Error> {
    match pool.connect_options().to_url_lossy().scheme() {
        "sqlite" => Ok(Dialect::Sqlite),
        "postgres" | "postgresql" => Ok(Dialect::Postgres),
        other => Err(Error::Configuration(
            format!("stamps are of SQLite or Postgres, and not of {other}").into(),
        )),
    }
}

/// Creates the triggers of `tables`, as [`triggers`] describes; all or none.
///
/// # Errors
/// Those of the database, and a sentence for what is no table whose changes triggers can see.
pub async fn cover<DB: Supported>(pool: &Pool<DB>, tables: &[Table]) -> Result<(), Error> {
    let (mut transaction, dialect) = write(pool).await?;
    let mut through = Through::<DB, _>::new(&mut *transaction, dialect);
    for table in tables {
        triggers::cover_in(&mut through, *table).await?;
    }
    transaction.commit().await
}

/// Removes the triggers of `tables`; with those of the last table also the stamps and all functions.
///
/// # Errors
/// Those of the database.
pub async fn uncover<DB: Supported>(pool: &Pool<DB>, tables: &[Table]) -> Result<(), Error> {
    let (mut transaction, dialect) = write(pool).await?;
    let mut through = Through::<DB, _>::new(&mut *transaction, dialect);
    for table in tables {
        triggers::uncover_in(&mut through, *table).await?;
    }
    transaction.commit().await
}

/// Checks that `tables` have their triggers.
///
/// # Errors
/// Those of the database, and a sentence that names the first table without them.
pub async fn check<DB: Supported>(pool: &Pool<DB>, tables: &[Table]) -> Result<(), Error> {
    let mut connection = pool.acquire().await?;
    let mut through = Through::<DB, _>::new(&mut *connection, dialect(pool)?);
    reading::check(&mut through, tables).await
}

async fn write<DB: Supported>(
    pool: &Pool<DB>,
) -> Result<(Transaction<'static, DB>, Dialect), Error> {
    let dialect = dialect(pool)?;
    let begin = match dialect {
        Dialect::Sqlite => "BEGIN IMMEDIATE",
        Dialect::Postgres => "BEGIN",
    };
    Ok((pool.begin_with(begin).await?, dialect))
}

/// Begins to read from one committed state.
///
/// # Errors
/// Those of the database.
pub async fn begin<DB: Supported>(pool: &Pool<DB>) -> Result<Snapshot<DB>, Error> {
    let dialect = dialect(pool)?;
    let begin = match dialect {
        Dialect::Sqlite => "BEGIN",
        Dialect::Postgres => "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
    };
    Ok(Snapshot { transaction: pool.begin_with(begin).await?, dialect })
}

/// A transaction that reads from one committed state. It ends when it is dropped.
#[derive(Debug)]
pub struct Snapshot<DB: Database> {
    transaction: Transaction<'static, DB>,
    dialect: Dialect,
}

impl<DB: Supported> Snapshot<DB> {
    /// Returns the connection for queries about the whole of `table`, and records that the current build depends on it.
    ///
    /// # Errors
    /// Those of the database; in debug builds also a sentence for a table that is not covered.
    pub async fn reads(&mut self, table: Table) -> Result<&mut DB::Connection, Error> {
        let mut through = Through::<DB, _>::new(&mut *self.transaction, self.dialect);
        reading::record(&mut through, table, &[table.tag()]).await?;
        Ok(through.connection)
    }

    /// Returns the connection for queries about one row of `table`, whether it exists or not.
    ///
    /// # Errors
    /// Those of [`Snapshot::reads`].
    pub async fn reads_row(&mut self, table: Table, id: i64) -> Result<&mut DB::Connection, Error> {
        let mut through = Through::<DB, _>::new(&mut *self.transaction, self.dialect);
        reading::record(&mut through, table, &table.tags_of_row(id)).await?;
        Ok(through.connection)
    }
}

/// Opens the source of stamps for the database of `pool`. It watches through connections of its own.
///
/// Missing triggers are no error here: the stamps are unavailable then.
///
/// # Errors
/// If the database cannot be watched.
pub async fn watch<DB: Supported>(
    pool: &Pool<DB>,
    tables: &'static [Table],
) -> Result<Arc<dyn StampSource>, Error> {
    match dialect(pool)? {
        #[cfg(feature = "sqlite")]
        kind @ Dialect::Sqlite => {
            let mut connection = pool.acquire().await?;
            let mut through = Through::<DB, _>::new(&mut *connection, kind);
            let path = crate::sqlite::path(&mut through).await?;
            Ok(Arc::new(crate::sqlite::SqliteVersions::open(path, tables, Default::default())))
        }
        #[cfg(feature = "postgres")]
        Dialect::Postgres => {
            let server = postgres::Server::<DB>(pool.connect_options());
            let source = crate::postgres::PostgresVersions::open(server, FRESHNESS_TIMEOUT, tables);
            Ok(Arc::new(source.map_err(|error| Error::Configuration(error.into()))?))
        }
        #[cfg(not(all(feature = "sqlite", feature = "postgres")))]
        other => Err(Error::Configuration(
            format!(
                "larder-sql was built without its feature for {other:?}, so {} tables cannot be watched",
                tables.len()
            )
            .into(),
        )),
    }
}

/// Purges these caches in front of the site when stamps of the database of `pool` change, until the result is dropped.
///
/// `stamps` are those of [`watch`], bounded as `freshness` says. It writes through connections of its own.
///
/// # Errors
/// If the database or a thread cannot be opened.
#[cfg(feature = "front")]
pub async fn purge<DB: Supported>(
    pool: &Pool<DB>,
    stamps: &Arc<dyn StampSource>,
    freshness: Freshness,
    fronts: &[Address],
) -> Result<Purging, Error> {
    let started = match dialect(pool)? {
        #[cfg(feature = "sqlite")]
        kind @ Dialect::Sqlite => {
            let mut connection = pool.acquire().await?;
            let mut through = Through::<DB, _>::new(&mut *connection, kind);
            let path = crate::sqlite::path(&mut through).await?;
            front::start(crate::sqlite::File(path), stamps, freshness, fronts)
        }
        #[cfg(not(feature = "sqlite"))]
        Dialect::Sqlite => Err("larder-sql was built without its feature for SQLite".into()),
        Dialect::Postgres => {
            let server = postgres::Server::<DB>(pool.connect_options());
            front::start(server, stamps, freshness, fronts)
        }
    };
    started.map_err(|error| Error::Configuration(error.into()))
}

/// Watches Postgres.
#[cfg(feature = "postgres")]
mod postgres {
    use ::sqlx::Connection;

    use super::*;
    use crate::driver::Connect;

    /// The address of a database.
    pub(super) struct Server<DB: Database>(pub(super) Arc<<DB::Connection as Connection>::Options>);

    impl<DB: Supported> Connect for Server<DB> {
        type Conn = Through<DB, DB::Connection>;

        async fn connect(&self) -> Result<Self::Conn, String> {
            let connection = DB::Connection::connect_with(&self.0).await;
            let connection = connection.map_err(|error| error.to_string())?;
            Ok(Through::new(connection, Dialect::Postgres))
        }
    }
}
