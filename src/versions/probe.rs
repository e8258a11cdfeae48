//! Whether the database is fit to serve the shop from, for whoever decides where requests go.
//!
//! - It asks on a connection of its own: a crowd of readers makes nobody look unfit.
//! - It changes nothing, and makes no file where there is none.
//! - A database that a newer program has migrated has all that this one needs.

use std::sync::Mutex;
use std::time::Duration;

use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::r2d2::ManageConnection;
use diesel::sql_types::Bool;

use super::{Table, triggers};
use crate::cache::view::Unvouched;
use crate::db::connect::{Manager, Pooled};
use crate::db::file::Files;
use crate::db::{Conn, Role, Url, migrations};

/// How long it waits for the locks of others: less than the client who asks for the readiness.
const PATIENCE: Duration = Duration::from_secs(1);

/// What was found, for one thing that has to be so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Finding {
    /// It is so.
    Good,
    /// It is not: why, for the log.
    Bad(String),
    /// It could not be asked.
    Unknown,
}

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Findings {
    /// The database answers, and takes writes.
    pub database: Finding,
    /// It has all migrations.
    pub migrations: Finding,
    /// Its triggers move the stamps of all tables.
    pub triggers: Finding,
}

impl Findings {
    /// Nothing but that the database does not answer: why.
    pub fn unreachable(why: impl Into<String>) -> Self {
        Self {
            database: Finding::Bad(why.into()),
            migrations: Finding::Unknown,
            triggers: Finding::Unknown,
        }
    }

    /// Whether all is well.
    pub fn are_good(&self) -> bool {
        [&self.database, &self.migrations, &self.triggers].iter().all(|f| **f == Finding::Good)
    }
}

/// Asks, on a connection that it keeps.
pub struct Probe {
    manager: Manager,
    tables: &'static [Table],
    kept: Mutex<Option<Pooled>>,
}

impl Probe {
    /// For the database at `url`, of which `tables` are read through the cache. Nothing is connected yet.
    pub fn new(url: Url, tables: &'static [Table]) -> Self {
        let manager = Manager { url, role: Role::Reader, lock_timeout: PATIENCE };
        Self { manager, tables, kept: Mutex::new(None) }
    }

    /// Asks now; waits for the database as long as that takes, so call it where blocking is allowed.
    pub fn ask(&self) -> Findings {
        let mut kept = self.kept.lock().unwrap_or_else(|broken| {
            // Who panicked with a connection in hand took it along.
            self.kept.clear_poison();
            broken.into_inner()
        });
        let mut pooled = match self.connection(kept.take()) {
            Ok(pooled) => pooled,
            Err(why) => return Findings::unreachable(why),
        };
        let findings = Findings {
            database: takes_writes(&mut pooled.conn),
            migrations: migrations_of(&mut pooled.conn),
            triggers: self.triggers_of(&mut pooled.conn),
        };
        // One that has failed may be broken: the next question gets another.
        if findings.are_good() {
            *kept = Some(pooled);
        }
        findings
    }

    /// The kept connection if it is still good for anything, else a new one.
    fn connection(&self, kept: Option<Pooled>) -> Result<Pooled, String> {
        let files = Files::of(&self.manager.url);
        files.map_or(Ok(()), |files| files.check()).map_err(|lost| lost.to_string())?;
        if let Some(mut pooled) = kept
            && self.manager.is_valid(&mut pooled).is_ok()
        {
            return Ok(pooled);
        }
        self.manager.connect().map_err(|error| error.to_string())
    }

    fn triggers_of(&self, conn: &mut Conn) -> Finding {
        let checked = match conn {
            Conn::Sqlite(sqlite) => triggers::check_sqlite(sqlite, self.tables),
            Conn::Postgres(postgres) => triggers::check_postgres(postgres, self.tables),
        };
        match checked {
            Ok(Ok(())) => Finding::Good,
            Ok(Err(Unvouched(why))) => Finding::Bad(why),
            Err(error) => Finding::Bad(format!("it does not say which triggers it has: {error}")),
        }
    }
}

/// A standby, as after a failover, and a server whose administrator has stopped writing do not. SQLite knows only
/// when it is written to.
fn takes_writes(conn: &mut Conn) -> Finding {
    let Conn::Postgres(postgres) = conn else { return Finding::Good };
    let question = sql::<Bool>(
        "pg_is_in_recovery() OR current_setting('default_transaction_read_only')::boolean",
    );
    match diesel::select(question).get_result(postgres) {
        Ok(false) => Finding::Good,
        Ok(true) => Finding::Bad("it is read-only".to_owned()),
        Err(error) => Finding::Bad(error.to_string()),
    }
}

fn migrations_of(conn: &mut Conn) -> Finding {
    match migrations::missing(conn) {
        Ok(0) | Err(migrations::Error::Newer(_)) => Finding::Good,
        Ok(missing) => Finding::Bad(format!("{missing} migrations are missing")),
        Err(error) => Finding::Bad(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use diesel::connection::SimpleConnection;

    use super::*;

    const TABLES: &[Table] = &[Table::named("products")];

    struct Shop {
        folder: tempfile::TempDir,
    }

    impl Shop {
        fn new() -> Self {
            Self { folder: tempfile::tempdir().unwrap() }
        }

        fn url(&self) -> Url {
            format!("sqlite://{}/shop.sqlite3", self.folder.path().display()).parse().unwrap()
        }

        fn open(&self) -> Conn {
            Conn::create(&self.url(), Role::Writer, PATIENCE).unwrap()
        }

        fn migrated() -> Self {
            let shop = Self::new();
            migrations::run(&mut shop.open()).unwrap();
            shop
        }
    }

    #[test]
    fn a_migrated_database_is_fit_until_its_triggers_are_gone() {
        let shop = Shop::migrated();
        let probe = Probe::new(shop.url(), TABLES);
        assert!(probe.ask().are_good() && probe.ask().are_good());
        shop.open().batch_execute("DROP TRIGGER products_cache_update").unwrap();
        let findings = probe.ask();
        assert_eq!((findings.database, findings.migrations), (Finding::Good, Finding::Good));
        assert!(matches!(findings.triggers, Finding::Bad(why) if why.contains("products")));
    }

    #[test]
    fn it_changes_nothing_and_makes_no_file_where_there_is_none() {
        let shop = Shop::new();
        let findings = Probe::new(shop.url(), TABLES).ask();
        assert!(matches!(findings.database, Finding::Bad(why) if why.contains("is gone")));
        assert_eq!(std::fs::read_dir(shop.folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_database_that_lacks_migrations_is_unfit() {
        let shop = Shop::migrated();
        let forget = "DELETE FROM __diesel_schema_migrations WHERE version = \
                      (SELECT max(version) FROM __diesel_schema_migrations)";
        shop.open().batch_execute(forget).unwrap();
        let findings = Probe::new(shop.url(), TABLES).ask();
        assert_eq!(findings.migrations, Finding::Bad("1 migrations are missing".to_owned()));
    }

    #[test]
    fn a_database_that_a_newer_program_has_migrated_has_all_that_this_one_needs() {
        let shop = Shop::migrated();
        let newer = "INSERT INTO __diesel_schema_migrations (version) VALUES ('99991231000000')";
        shop.open().batch_execute(newer).unwrap();
        assert!(Probe::new(shop.url(), TABLES).ask().are_good());
    }
}
