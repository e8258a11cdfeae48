//! The migrations of both databases, embedded in the program.

use diesel::connection::SimpleConnection;
use diesel::migration::MigrationSource;
use diesel::prelude::*;
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

use larder_sql::db::{Conn, Db, Role, secret, transaction};

const SQLITE: EmbeddedMigrations = embed_migrations!("migrations/sqlite");
const POSTGRES: EmbeddedMigrations = embed_migrations!("migrations/postgres");

/// Waits while another program migrates, on a lock of the table of migrations: only roles with rights on it can hold that.
///
/// In an empty database there is no table yet. Any role can hold the advisory lock, so it is not waited for without end.
const POSTGRES_LOCK: &str = "\
    DO $$ BEGIN \
      IF to_regclass('__diesel_schema_migrations') IS NULL THEN \
        SET LOCAL lock_timeout = '60s'; \
        PERFORM pg_advisory_xact_lock(1818325605); \
      END IF; \
      SET LOCAL lock_timeout = 0; \
      IF to_regclass('__diesel_schema_migrations') IS NOT NULL THEN \
        LOCK TABLE __diesel_schema_migrations IN SHARE ROW EXCLUSIVE MODE; \
      END IF; \
    END $$";

/// Why the database cannot be used as it is.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It was migrated by a newer program.
    #[error(
        "the database is newer than this program (it has migration {0}); start the newer program"
    )]
    Newer(String),
    /// A migration failed; none was committed.
    #[error("the database cannot be migrated: {0}")]
    Failed(String),
}

/// A database that can be migrated.
pub trait Migrate {
    /// Runs the pending migrations and returns their number.
    ///
    /// # Errors
    /// [`Error`]; nothing was changed.
    fn migrate(&self) -> Result<usize, Error>;

    /// Returns the number of pending migrations; changes nothing.
    ///
    /// # Errors
    /// Those of `migrate`, and if the database has no table of migrations.
    fn missing_migrations(&self) -> Result<usize, Error>;
}

impl Migrate for Db {
    fn migrate(&self) -> Result<usize, Error> {
        self.with_connection(Role::Writer, run).unwrap_or_else(unreachable)
    }

    fn missing_migrations(&self) -> Result<usize, Error> {
        self.with_connection(Role::Reader, missing).unwrap_or_else(unreachable)
    }
}

fn unreachable(error: larder_sql::db::Error) -> Result<usize, Error> {
    Err(Error::Failed(error.to_string()))
}

/// Runs all pending migrations or none, and returns their number.
///
/// Several programs may call this at once: one migrates, and the others find nothing pending.
///
/// # Errors
/// [`Error::Newer`] before anything was changed; [`Error::Failed`] with nothing committed.
pub fn run(conn: &mut Conn) -> Result<usize, Error> {
    let mut outcome = Ok(0);
    let transaction = transaction::write(conn, |conn| {
        if let Conn::Postgres(pg) = conn {
            pg.batch_execute(POSTGRES_LOCK)?;
        }
        outcome = match conn {
            Conn::Sqlite(sqlite) => run_pending(sqlite, SQLITE),
            Conn::Postgres(pg) => run_pending(pg, POSTGRES),
        };
        if outcome.is_err() {
            return Err(diesel::result::Error::RollbackTransaction);
        }
        // The secret is created under the lock, so only one program at a time does it.
        secret::ensure(conn)
    });
    match (outcome, transaction) {
        (Ok(count), Ok(())) => Ok(count),
        (Ok(_), Err(error)) => Err(Error::Failed(error.to_string())),
        (Err(error), _) => Err(error),
    }
}

/// Returns the number of pending migrations; changes nothing, even in an empty database.
///
/// # Errors
/// [`Error::Newer`]; [`Error::Failed`] if the database is not one of Larder's.
pub fn missing(conn: &mut Conn) -> Result<usize, Error> {
    use applied::__diesel_schema_migrations::dsl::{__diesel_schema_migrations, version};
    let known = match conn {
        Conn::Sqlite(_) => versions::<diesel::sqlite::Sqlite>(&SQLITE)?,
        Conn::Postgres(_) => versions::<diesel::pg::Pg>(&POSTGRES)?,
    };
    let applied = transaction::read(conn, |conn| {
        __diesel_schema_migrations.select(version).load::<String>(conn)
    });
    let applied = applied.map_err(|error| Error::Failed(error.to_string()))?;
    match applied.iter().find(|name| !known.contains(name)) {
        Some(newer) => Err(Error::Newer(newer.clone())),
        None => Ok(known.len() - applied.len()),
    }
}

/// The table in which diesel records the migrations that were run.
mod applied {
    diesel::table! {
        __diesel_schema_migrations (version) {
            version -> Text,
        }
    }
}

fn versions<DB: diesel::backend::Backend>(
    source: &impl MigrationSource<DB>,
) -> Result<Vec<String>, Error> {
    let known = source.migrations().map_err(|error| Error::Failed(error.to_string()))?;
    Ok(known.iter().map(|migration| migration.name().version().to_string()).collect())
}

fn run_pending<DB, C>(conn: &mut C, source: EmbeddedMigrations) -> Result<usize, Error>
where
    DB: diesel::backend::Backend,
    C: MigrationHarness<DB> + diesel::Connection<Backend = DB>,
    EmbeddedMigrations: MigrationSource<DB>,
{
    let failed = |error: Box<dyn std::error::Error + Send + Sync>| Error::Failed(error.to_string());
    let known = MigrationSource::<DB>::migrations(&source).map_err(failed)?;
    let known: Vec<_> =
        known.iter().map(|migration| migration.name().version().as_owned()).collect();
    let applied = conn.applied_migrations().map_err(failed)?;
    if let Some(newer) = applied.iter().find(|name| !known.contains(name)) {
        return Err(Error::Newer(newer.to_string()));
    }
    Ok(conn.run_pending_migrations(source).map_err(failed)?.len())
}

#[cfg(test)]
mod tests {
    use larder_sql::Table;
    use larder_sql::triggers::{self, Dialect};

    use super::*;

    #[test]
    fn the_migration_on_postgres_is_that_of_larder_sql() {
        let migration = "migrations/postgres/2026-11-28-100000-0000_stamps_without_waiting/up.sql";
        let migration = std::fs::read_to_string(migration).unwrap();
        // It begins with the table that an earlier migration has created, and ends with what covers tables.
        let ours = triggers::migration(Dialect::Postgres, &[]);
        let (begin, end) =
            ("-- The changes that", "-- The function of the triggers of tables without");
        let ours = &ours[ours.find(begin).unwrap()..ours.find(end).unwrap()];
        assert!(migration.contains(ours.trim_end()), "{ours}");
    }

    #[test]
    fn the_migrations_give_the_triggers_of_larder_sql_word_for_word() {
        let mut conn = Conn::Sqlite(SqliteConnection::establish(":memory:").unwrap());
        run(&mut conn).unwrap();
        triggers::check(&mut conn, &[Table::named("products")]).unwrap().unwrap();
    }
}
