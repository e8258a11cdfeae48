//! A database for each test, and the means to change it without the shop.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

use tempfile::TempDir;

use super::certificates::Certificates;
use super::postgres;
use super::process::{are_installed, find_program};
use super::proxy::Proxy;
use super::shell::OpenShell;
use super::site::does;

/// The database that a test runs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Database {
    Sqlite,
    Postgres,
}

impl Database {
    /// Reports whether the programs that this database needs are installed.
    ///
    /// `changed_by_hand` adds the shell with which a test changes rows.
    pub fn is_here(self, changed_by_hand: bool) -> bool {
        match self {
            Self::Sqlite => !changed_by_hand || are_installed(&["sqlite3"]),
            Self::Postgres => are_installed(&["postgres", "initdb", "psql"]),
        }
    }
}

/// A database that belongs to one test and is deleted with it.
pub struct TestDatabase {
    pub kind: Database,
    folder: TempDir,
    /// The name of the Postgres database.
    name: String,
}

/// Returns the certificates of Postgres, which are for `localhost` only.
pub fn certificates_of_postgres() -> &'static Certificates {
    &postgres::cluster().certificates
}

impl TestDatabase {
    /// Creates a database without tables, which the shop migrates when it starts.
    pub fn create(kind: Database) -> Self {
        Self::copy(kind, "template0")
    }

    /// Creates a database that `larder migrate` has migrated, by copying the first one of them.
    #[track_caller]
    pub fn migrated(kind: Database) -> Self {
        static SQLITE: LazyLock<Vec<u8>> = LazyLock::new(|| {
            let template = TestDatabase::create(Database::Sqlite);
            template.migrates();
            std::fs::read(template.file()).unwrap()
        });
        static POSTGRES: LazyLock<String> = LazyLock::new(|| {
            let mut template = TestDatabase::create(Database::Postgres);
            template.migrates();
            // The cluster ends with the test process, and the template with it.
            std::mem::take(&mut template.name)
        });
        match kind {
            Database::Sqlite => {
                let database = Self::create(kind);
                std::fs::write(database.file(), &*SQLITE).unwrap();
                database
            }
            Database::Postgres => Self::copy(kind, &POSTGRES),
        }
    }

    fn copy(kind: Database, template: &str) -> Self {
        let folder = tempfile::Builder::new().prefix("larder-").tempdir().unwrap();
        let name = match kind {
            Database::Sqlite => String::new(),
            Database::Postgres => postgres::cluster().create_database(template),
        };
        Self { kind, folder, name }
    }

    fn migrates(&self) {
        does(&["migrate", "--database", &self.url()], "").unwrap();
    }

    /// Returns the value for `--database`.
    pub fn url(&self) -> String {
        match self.kind {
            Database::Sqlite => format!("sqlite://{}", self.file().display()),
            Database::Postgres => postgres::cluster().url(&self.name),
        }
    }

    /// Returns the URL of the database at a host of Postgres, with these parameters.
    pub fn url_at(&self, host: &str, parameters: &str) -> String {
        let url = postgres::cluster().url(&self.name);
        format!("{}&{parameters}", url.replace("127.0.0.1", host))
    }

    /// Starts a proxy in front of Postgres; returns it with the URL of the database behind it.
    pub fn through_a_proxy(&self) -> (Proxy, String) {
        let cluster = postgres::cluster();
        let proxy = Proxy::to(cluster.port());
        let url = self.url_through(proxy.port());
        (proxy, url)
    }

    /// Returns the URL of the Postgres database for a shop that reaches it through another port.
    pub fn url_through(&self, port: u16) -> String {
        postgres::cluster().url_through(port, &self.name)
    }

    /// Returns the folder of this test, which holds the SQLite file.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub fn file(&self) -> PathBuf {
        self.folder().join("shop.sqlite3")
    }

    /// Runs SQL in the `sqlite3` or `psql` program, as an administrator would; returns its output.
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

    /// Reports whether a statement succeeds when it is run as [`TestDatabase::sql`] runs it.
    pub fn takes(&self, statement: &str) -> bool {
        self.shell(statement).output().expect("the shell starts").status.success()
    }

    /// Runs one of two statements, depending on the kind of database.
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

    /// Returns the statements of all clients that the Postgres server has logged for this database.
    ///
    /// The first call switches the logging on; the shop must be started after it.
    pub fn logged_statements(&self) -> Vec<String> {
        let cluster = postgres::cluster();
        let prefix = "ALTER DATABASE";
        self.sql_as_administrator(&format!("{prefix} {} SET log_statement = 'all'", self.name));
        // The log is in order: when it holds the mark, it holds every earlier statement.
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

    /// Starts the `sqlite3` or `psql` program and leaves it open.
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
                // A `~/.sqliterc` must not change what is printed.
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
        if !self.name.is_empty() {
            postgres::cluster().drop_database(&self.name);
        }
    }
}
