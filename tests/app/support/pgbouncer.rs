//! A private PgBouncer in front of the Postgres of the tests.

use std::fs;
use std::process::Command;

use tempfile::TempDir;

use super::postgres::{self, Servant};
use super::process::{Leash, Program, are_installed, find_program, free_port, leashed};

/// A pooler; it ends with the test.
pub struct PgBouncer {
    port: u16,
    _folder: TempDir,
    _server: Program,
}

impl PgBouncer {
    /// Starts a pooler with this `pool_mode`; returns `None` if PgBouncer is not installed.
    pub fn start(mode: &str) -> Option<Self> {
        are_installed(&["pgbouncer"]).then(|| {
            let started = (0..5).find_map(|_| Self::try_port(free_port(), mode));
            started.expect("PgBouncer finds a free port")
        })
    }

    fn try_port(port: u16, mode: &str) -> Option<Self> {
        let folder = tempfile::Builder::new().prefix("larder-pgbouncer-").tempdir().unwrap();
        // Like Postgres, it refuses to run as root.
        let servant = Servant::of(folder.path());
        let settings = folder.path().join("pgbouncer.ini");
        let text = format!(
            "[databases]\n* = host=127.0.0.1 port={} user={}\n[pgbouncer]\nlisten_addr = 127.0.0.1\n\
             listen_port = {port}\nunix_socket_dir =\nauth_type = any\npool_mode = {mode}\n\
             default_pool_size = 30\n",
            postgres::cluster().port(),
            postgres::SHOP,
        );
        fs::write(&settings, text).unwrap();
        servant.owns(&settings);
        let mut command: Command =
            servant.dress(leashed(find_program("pgbouncer").unwrap(), Leash::default()));
        command.arg(&settings);
        let server = Program::start(command);
        server.wait_for(|_, err| err.contains("process up").then_some(()))?;
        Some(Self { port, _folder: folder, _server: server })
    }

    pub fn port(&self) -> u16 {
        self.port
    }
}
