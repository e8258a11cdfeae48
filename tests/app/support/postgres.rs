//! One private Postgres for the whole test process, in a temporary folder.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU32, Ordering};

use super::certificates::Certificates;
use super::process::{Leash, Program, find_program, free_port, leashed};

/// The shop's own role. As in production, it owns its databases and has no other rights.
pub const SHOP: &str = "grocer";
const ADMINISTRATOR: &str = "administrator";

pub struct Cluster {
    port: u16,
    /// Those of the server, for `localhost` only.
    pub certificates: Certificates,
    databases: AtomicU32,
    server: Program,
}

/// Returns the cluster. The first test that needs it starts it; it ends with the test process.
pub fn cluster() -> &'static Cluster {
    static CLUSTER: LazyLock<Cluster> = LazyLock::new(Cluster::start);
    &CLUSTER
}

impl Cluster {
    fn start() -> Self {
        let folder = tempfile::Builder::new().prefix("larder-postgres-").tempdir().unwrap().keep();
        let servant = Servant::of(&folder);
        let data = folder.join("data");
        let output = servant
            .dress(Command::new(find_program("initdb").unwrap()))
            .args(["--auth=trust", "--no-sync", "--encoding=UTF8"])
            // This locale folds only ASCII letters: the shop's search must not depend on the
            // locale.
            .args(["--locale=C", "--username", ADMINISTRATOR, "--pgdata"])
            .arg(&data)
            .output()
            .unwrap();
        assert!(output.status.success(), "initdb failed: {output:?}");
        let certificates = Certificates::issue(&folder, "localhost");
        servant.owns(&certificates.key);
        let (port, server) = (0..5)
            .find_map(|_| serve(&servant, &folder, &data, &certificates))
            .expect("Postgres finds a free port");
        let cluster = Self { port, certificates, databases: AtomicU32::new(0), server };
        cluster.sql("postgres", &format!("CREATE ROLE {SHOP} LOGIN"));
        cluster
    }

    pub fn url(&self, database: &str) -> String {
        // A busy machine may need longer than the shop's five seconds.
        format!("postgres://{SHOP}@127.0.0.1:{}/{database}?connect_timeout=120", self.port)
    }

    /// Waits until the server's log contains `word`, and returns the log.
    pub fn log_with(&self, word: &str) -> String {
        let log = self.server.wait_for(|_, err| err.contains(word).then(|| err.to_owned()));
        log.expect("Postgres logs what it is asked")
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// Returns the URL of a database for a shop that reaches the server through another port.
    pub fn url_through(&self, port: u16, database: &str) -> String {
        self.url(database).replace(&format!(":{}/", self.port), &format!(":{port}/"))
    }

    /// Creates a copy of a database that has no connections; returns its name.
    pub fn create_database(&self, template: &str) -> String {
        let name = format!("shop_{}", self.databases.fetch_add(1, Ordering::Relaxed));
        let create = format!("CREATE DATABASE {name} OWNER {SHOP} TEMPLATE {template}");
        self.sql("postgres", &create);
        name
    }

    pub fn drop_database(&self, name: &str) {
        // A test may leave its database broken; the cluster is deleted in any case.
        let drop = format!("DROP DATABASE {name} WITH (FORCE)");
        let _ = self.psql_as(ADMINISTRATOR, "postgres", &drop).output();
    }

    /// Runs SQL as the administrator; returns what is printed.
    #[track_caller]
    pub fn sql(&self, database: &str, statements: &str) -> String {
        let mut command = self.psql_as(ADMINISTRATOR, database, statements);
        let output = command.output().unwrap();
        assert!(output.status.success(), "`{statements}` failed: {output:?}");
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    /// Returns `psql` as the shop's role.
    pub fn psql(&self, database: &str, statements: &str) -> Command {
        self.psql_as(SHOP, database, statements)
    }

    /// Returns `psql` as the administrator, reading statements from its input.
    pub fn open_psql(&self, database: &str) -> Command {
        self.any_psql(ADMINISTRATOR, database)
    }

    fn psql_as(&self, role: &str, database: &str, statements: &str) -> Command {
        let mut command = self.any_psql(role, database);
        command.args(["-c", statements]);
        command
    }

    fn any_psql(&self, role: &str, database: &str) -> Command {
        let mut command = Command::new(find_program("psql").unwrap());
        // Debian's psql would otherwise use TLS, which costs each test of SQL a handshake.
        command.env("PGSSLMODE", "disable");
        command
            .args(["-XqAt", "-v", "ON_ERROR_STOP=1", "-h", "127.0.0.1"])
            .args(["-p", &self.port.to_string(), "-U", role, "-d", database])
            // The statements are UTF-8, whatever the locale of the machine is.
            .env("PGCLIENTENCODING", "UTF8");
        command
    }
}

/// Starts the server; returns `None` if another process took the port before it.
fn serve(
    servant: &Servant,
    folder: &Path,
    data: &Path,
    certificates: &Certificates,
) -> Option<(u16, Program)> {
    let port = free_port();
    let leash = Leash { signal: "QUIT", folder: folder.display().to_string() };
    let mut command = servant.dress(leashed(find_program("postgres").unwrap(), leash));
    command
        .arg("-D")
        .arg(data)
        .args(["-p", &port.to_string(), "-k"])
        .arg(folder)
        .args(["-c", "listen_addresses=127.0.0.1"])
        // Clients may use TLS, and need not.
        .args(["-c", "ssl=on"])
        .args(["-c", &format!("ssl_cert_file={}", certificates.certificate.display())])
        .args(["-c", &format!("ssl_key_file={}", certificates.key.display())])
        // Nothing here must survive a power cut; `synchronous_commit` stays as in production.
        .args(["-c", "fsync=off", "-c", "full_page_writes=off"])
        .args(["-c", "max_connections=200", "-c", "log_destination=stderr"])
        .args(["-c", "max_prepared_transactions=8"]);
    let server = Program::start(command);
    server.wait_for(|_, err| err.contains("ready to accept connections").then_some(port))?;
    Some((port, server))
}

/// The user as which Postgres runs, since it refuses to run as root.
pub struct Servant {
    ids: Option<(u32, u32)>,
    folder: PathBuf,
}

impl Servant {
    /// Gives the folder to an unprivileged user if the tests run as root.
    pub fn of(folder: &Path) -> Self {
        let is_root = fs::metadata(folder).unwrap().uid() == 0;
        let ids = is_root
            .then(|| user("postgres").or_else(|| user("nobody")).expect("an unprivileged user"));
        if let Some((uid, gid)) = ids {
            chown(folder, Some(uid), Some(gid)).unwrap();
        }
        fs::set_permissions(folder, fs::Permissions::from_mode(0o700)).unwrap();
        Self { ids, folder: folder.to_owned() }
    }

    /// Makes a file its own, which no other user may read.
    pub fn owns(&self, file: &Path) {
        if let Some((uid, gid)) = self.ids {
            chown(file, Some(uid), Some(gid)).unwrap();
        }
        fs::set_permissions(file, fs::Permissions::from_mode(0o600)).unwrap();
    }

    pub fn dress(&self, mut command: Command) -> Command {
        // Its own process group: Ctrl-C at the terminal reaches the test, whose leash then ends
        // this.
        command.current_dir(&self.folder).process_group(0);
        if let Some((uid, gid)) = self.ids {
            command.uid(uid).gid(gid);
        }
        command
    }
}

/// Returns the user and group id of a name in `/etc/passwd`.
pub fn user(name: &str) -> Option<(u32, u32)> {
    let passwd = fs::read_to_string("/etc/passwd").ok()?;
    let line = passwd.lines().find(|line| line.split(':').next() == Some(name))?;
    let mut fields = line.split(':').skip(2);
    Some((fields.next()?.parse().ok()?, fields.next()?.parse().ok()?))
}
