//! A Postgres server of a test's own, in a temporary folder, which is reached through a Unix socket there.

use std::io::{BufRead, BufReader};
use std::os::unix::fs::{MetadataExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Command, Stdio};

use tempfile::TempDir;

/// A running server; it ends when this is dropped.
pub struct Postgres {
    folder: TempDir,
    server: Child,
    /// Read until the server was ready. Kept open, since the server goes on to write to it.
    _log: BufReader<ChildStderr>,
}

impl Postgres {
    /// Starts a server; `None` where Postgres is not installed, unless every test has to run.
    pub fn start() -> Option<Self> {
        let must_run = std::env::var_os("LARDER_TESTS_MUST_RUN_ALL").is_some();
        let Some(programs) = programs() else {
            assert!(!must_run, "Postgres is not installed");
            return None;
        };
        let folder = tempfile::tempdir().unwrap();
        let run = |name: &str| {
            let mut command = Command::new(programs.join(name));
            command.current_dir(folder.path()).args(["-D", "data"]);
            // Postgres refuses to run as root.
            if let Some((user, group)) = servant(folder.path()) {
                command.uid(user).gid(group);
            }
            command
        };
        let made =
            run("initdb").args(["--auth=trust", "--no-sync", "--username=ann"]).output().unwrap();
        assert!(made.status.success(), "{made:?}");
        let mut server = run("postgres");
        server.args(["-c", "listen_addresses=", "-c", "fsync=off", "-k"]).arg(folder.path());
        let mut server = server.stderr(Stdio::piped()).spawn().unwrap();
        let mut log = BufReader::new(server.stderr.take().unwrap());
        let mut line = String::new();
        while !line.contains("ready to accept connections") {
            line.clear();
            assert_ne!(log.read_line(&mut line).unwrap(), 0, "Postgres has not started");
        }
        Some(Self { folder, server, _log: log })
    }

    /// Returns the URL of its database.
    pub fn url(&self) -> String {
        let folder = self.folder.path().display().to_string().replace('/', "%2F");
        format!("postgres://ann@{folder}/postgres")
    }

    /// Runs SQL as another program, and returns what it prints.
    pub fn psql(&self, sql: &str) -> String {
        let mut psql = Command::new("psql");
        psql.args(["-XqtA", "-v", "ON_ERROR_STOP=1", "-U", "ann", "-d", "postgres"]);
        let ran = psql.args(["-c", sql, "-h"]).arg(self.folder.path()).output().unwrap();
        assert!(ran.status.success(), "{sql}: {ran:?}");
        String::from_utf8(ran.stdout).unwrap()
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

/// Returns the folder of the server's programs. Debian does not put them into the PATH.
fn programs() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let debian = versions.map(|version| version.path().join("bin"));
    std::env::split_paths(&path).chain(debian).find(|folder| folder.join("initdb").exists())
}

/// Gives the folder to another user if this one is root; returns its number and that of its group.
fn servant(folder: &Path) -> Option<(u32, u32)> {
    if std::fs::metadata("/proc/self").unwrap().uid() != 0 {
        return None;
    }
    let users = std::fs::read_to_string("/etc/passwd").unwrap();
    let user = users.lines().find(|line| line.starts_with("postgres:"))?;
    let mut numbers = user.split(':').skip(2).map_while(|number| number.parse().ok());
    let ids = (numbers.next()?, numbers.next()?);
    chown(folder, Some(ids.0), Some(ids.1)).unwrap();
    Some(ids)
}
