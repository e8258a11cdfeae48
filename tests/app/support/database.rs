//! A database for each test, and hands that change it behind the shop's back.

use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use super::postgres;
use super::process::{are_installed, find_program};
use super::proxy::Proxy;
use super::shell::OpenShell;

/// Which database a story is told on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Database {
    Sqlite,
    Postgres,
}

impl Database {
    /// Whether its programs are here, and those with which a story changes it by hand.
    pub fn is_here(self, changed_by_hand: bool) -> bool {
        match self {
            Self::Sqlite => !changed_by_hand || are_installed(&["sqlite3"]),
            Self::Postgres => are_installed(&["postgres", "initdb", "psql"]),
        }
    }
}

/// An empty database of one test, gone when the test is.
pub struct TestDatabase {
    pub kind: Database,
    folder: TempDir,
    /// The name of the Postgres database.
    name: String,
}

impl TestDatabase {
    pub fn create(kind: Database) -> Self {
        let folder = tempfile::Builder::new().prefix("larder-").tempdir().unwrap();
        let name = match kind {
            Database::Sqlite => String::new(),
            Database::Postgres => postgres::cluster().create_database(),
        };
        Self { kind, folder, name }
    }

    /// What `--database` is to be.
    pub fn url(&self) -> String {
        match self.kind {
            Database::Sqlite => format!("sqlite://{}", self.file().display()),
            Database::Postgres => postgres::cluster().url(&self.name),
        }
    }

    /// A wire to Postgres, and the URL of the database at its end.
    pub fn through_a_proxy(&self) -> (Proxy, String) {
        let cluster = postgres::cluster();
        let proxy = Proxy::to(cluster.port());
        let url = cluster.url_through(proxy.port(), &self.name);
        (proxy, url)
    }

    /// The folder that belongs to this test; the SQLite file is in it.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub fn file(&self) -> PathBuf {
        self.folder().join("shop.sqlite3")
    }

    /// Runs SQL in the `sqlite3` or `psql` program, as somebody would by hand; answers what it prints.
    #[track_caller]
    pub fn sql(&self, statements: &str) -> String {
        let output = self.shell(statements).output().expect("the shell starts");
        assert!(
            output.status.success(),
            "`{statements}` failed: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    /// Whether the database takes this, run as [`TestDatabase::sql`] runs it.
    pub fn takes(&self, statement: &str) -> bool {
        self.shell(statement).output().expect("the shell starts").status.success()
    }

    /// Runs what differs between the two databases.
    #[track_caller]
    pub fn sql_of_each(&self, sqlite: &str, postgres: &str) -> String {
        match self.kind {
            Database::Sqlite => self.sql(sqlite),
            Database::Postgres => self.sql(postgres),
        }
    }

    /// Runs SQL as the administrator of the Postgres cluster.
    #[track_caller]
    pub fn sql_as_administrator(&self, statements: &str) -> String {
        postgres::cluster().sql(&self.name, statements)
    }

    /// Statements that the Postgres server logs as run in this database, whoever runs them; the shop
    /// must be started after the first call.
    pub fn logged_statements(&self) -> Vec<String> {
        let cluster = postgres::cluster();
        let prefix = "ALTER DATABASE";
        self.sql_as_administrator(&format!("{prefix} {} SET log_statement = 'all'", self.name));
        // What was asked before is in the log when this is.
        let mark = format!("mark {:?}", std::time::SystemTime::now());
        self.sql_as_administrator(&format!("SELECT '{mark}'"));
        let log = cluster.log_with(&mark);
        let said = log.lines().filter_map(|line| {
            let (_, said) = line.split_once("LOG:  ")?;
            let is_statement = said.starts_with("execute ") || said.starts_with("statement: ");
            Some(said.split_once(": ")?.1.to_owned()).filter(|_| is_statement)
        });
        said.collect()
    }

    /// The `sqlite3` or `psql` program, left open.
    pub fn open_shell(&self) -> OpenShell {
        match self.kind {
            Database::Sqlite => {
                let mut command = Command::new(find_program("sqlite3").unwrap());
                command.args(["-init", "/dev/null", "-batch"]).arg(self.file());
                OpenShell::start(command)
            }
            Database::Postgres => OpenShell::start(postgres::cluster().open_psql(&self.name)),
        }
    }

    fn shell(&self, statements: &str) -> Command {
        match self.kind {
            Database::Sqlite => {
                let shell = find_program("sqlite3").expect("`by_hand` stories need sqlite3");
                let mut command = Command::new(shell);
                // Somebody's ~/.sqliterc must not change what is printed.
                command.args(["-init", "/dev/null", "-batch", "-bail"]);
                command.args(["-cmd", ".timeout 10000"]);
                command.arg(self.file()).arg(statements);
                command
            }
            Database::Postgres => postgres::cluster().psql(&self.name, statements),
        }
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        if self.kind == Database::Postgres {
            postgres::cluster().drop_database(&self.name);
        }
    }
}
