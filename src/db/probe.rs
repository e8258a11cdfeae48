//! Checks whether the database is fit to serve the shop from, for load balancers.
//!
//! - It has a connection of its own: a crowd of readers makes no shop look unfit.
//! - It changes nothing, and creates no file where there is none.
//! - A database that a newer program has migrated has all that this one needs.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::r2d2::ManageConnection;
use diesel::sql_types::{Array, Bool, Text};

use larder_sql::db::connect::{Manager, Pooled};
use larder_sql::db::file::Files;
use larder_sql::db::{Conn, Role, Url};
use larder_sql::{Table, triggers};

use super::migrations;

/// How long it waits for locks: less than the client that asks for the readiness waits.
const PATIENCE: Duration = Duration::from_secs(1);

/// The result of one check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Finding {
    /// The check passed.
    Good,
    /// The check failed; the reason is for the log.
    Bad(String),
    /// The check could not be made.
    Unknown,
}

/// The results of all checks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Findings {
    /// The database answers, and takes writes.
    pub database: Finding,
    /// It has all migrations.
    pub migrations: Finding,
    /// Its triggers change the stamps of all tables.
    pub triggers: Finding,
}

impl Findings {
    /// Returns the results for a database that does not answer, with the reason.
    pub fn unreachable(why: impl Into<String>) -> Self {
        Self {
            database: Finding::Bad(why.into()),
            migrations: Finding::Unknown,
            triggers: Finding::Unknown,
        }
    }

    /// Reports whether all checks passed.
    pub fn are_good(&self) -> bool {
        [&self.database, &self.migrations, &self.triggers].iter().all(|f| **f == Finding::Good)
    }
}

/// Checks a database, on a connection that it keeps open.
pub struct Probe {
    manager: Manager,
    tables: &'static [Table],
    kept: Mutex<Option<Pooled>>,
    /// The files as they were at the start: a link may lead to others later.
    files: Option<Arc<Files>>,
}

impl Probe {
    /// Returns a probe of the database at `url`, without connecting to it yet.
    ///
    /// `tables` are those that are read through the cache.
    pub fn new(url: Url, tables: &'static [Table]) -> Self {
        let files = Files::of(&url);
        let manager = Manager { url, role: Role::Reader, lock_timeout: PATIENCE };
        Self { manager, tables, kept: Mutex::new(None), files }
    }

    /// Checks the database now. It blocks for as long as the database takes.
    pub fn ask(&self) -> Findings {
        let mut kept = self.kept.lock().unwrap_or_else(|broken| {
            // The panicking thread took the connection along, so the slot is empty and valid.
            self.kept.clear_poison();
            broken.into_inner()
        });
        let mut pooled = match self.connection(kept.take()) {
            Ok(pooled) => pooled,
            Err(why) => return Findings::unreachable(why),
        };
        let findings = Findings {
            database: self.takes_writes(&mut pooled.conn),
            migrations: migrations_of(&mut pooled.conn),
            triggers: self.triggers_of(&mut pooled.conn),
        };
        // A connection with a failed check may be broken: the next call gets another.
        if findings.are_good() {
            *kept = Some(pooled);
        }
        findings
    }

    /// Returns the open connection if it is still valid, else a new one.
    fn connection(&self, kept: Option<Pooled>) -> Result<Pooled, String> {
        let files = self.files.as_ref();
        files.map_or(Ok(()), |files| files.check()).map_err(|lost| lost.to_string())?;
        if let Some(mut pooled) = kept
            && self.manager.is_valid(&mut pooled).is_ok()
        {
            return Ok(pooled);
        }
        self.manager.connect().map_err(|error| error.to_string())
    }

    /// Reports whether the database takes writes.
    ///
    /// A standby, as after a failover, does not, nor does a server that was set to read-only or that has taken rights
    /// away. SQLite finds out only when it is written to.
    fn takes_writes(&self, conn: &mut Conn) -> Finding {
        let Conn::Postgres(postgres) = conn else { return Finding::Good };
        let is_read_only =
            "pg_is_in_recovery() OR current_setting('default_transaction_read_only')::boolean";
        let names: Vec<&str> = self.tables.iter().map(|table| table.name()).collect();
        // Of a list, `has_table_privilege` asks for any of the rights.
        let may_not = sql::<Bool>(
            "EXISTS (SELECT FROM unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE']) AS kind, unnest(",
        )
        .bind::<Array<Text>, _>(names)
        .sql(") AS name WHERE NOT has_table_privilege(to_regclass(name)::oid, kind))");
        match diesel::select((sql::<Bool>(is_read_only), may_not)).get_result(postgres) {
            Ok((false, false)) => Finding::Good,
            Ok((true, _)) => Finding::Bad("it is read-only".to_owned()),
            Ok((false, true)) => Finding::Bad("it grants no rights on a table".to_owned()),
            Err(error) => Finding::Bad(error.to_string()),
        }
    }

    fn triggers_of(&self, conn: &mut Conn) -> Finding {
        match triggers::check(conn, self.tables) {
            Ok(Ok(())) => Finding::Good,
            Ok(Err(why)) => Finding::Bad(why.to_string()),
            Err(error) => Finding::Bad(format!("its triggers cannot be read: {error}")),
        }
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
