//! A private Redis that ends with the test.

use std::iter;
use std::path::Path;
use std::process::{Command, Output};
use std::time::Instant;

use tempfile::TempDir;

use super::certificates::Certificates;
use super::process::{Leash, Program, are_installed, find_program, free_port, leashed};
use super::until::PATIENCE;

/// A server, and the folder into which it saves on command.
pub struct Redis {
    port: u16,
    folder: TempDir,
    /// `None` while the server is down.
    server: Option<Program>,
}

impl Redis {
    /// Starts a server; returns `None` if Redis is not installed.
    pub fn start() -> Option<Self> {
        Self::start_with(Vec::new).map(|(redis, _)| redis)
    }

    /// Starts a server that speaks TLS beside plain text, and returns the port of TLS too.
    pub fn start_with_tls(certificates: &Certificates, more: &[&str]) -> Option<(Self, u16)> {
        let path = |path: &Path| path.display().to_string();
        let (redis, flags) = Self::start_with(|| {
            let flags = [
                ["--tls-port".into(), free_port().to_string()],
                ["--tls-cert-file".into(), path(&certificates.certificate)],
                ["--tls-key-file".into(), path(&certificates.key)],
                ["--tls-ca-cert-file".into(), path(&certificates.authority)],
                ["--tls-auth-clients".into(), "no".into()],
            ];
            let more = more.iter().map(|flag| (*flag).to_owned());
            flags.as_flattened().iter().cloned().chain(more).collect()
        })?;
        Some((redis, flags[1].parse().unwrap()))
    }

    /// Starts a server that can be in a cluster.
    pub fn start_for_cluster() -> Option<Self> {
        let started = Self::start_with(|| {
            let bus = free_port().to_string();
            let flags = [
                ["--cluster-enabled", "yes"],
                ["--cluster-port", &bus],
                // Failovers are to be quick, but not those of a busy computer.
                ["--cluster-node-timeout", "3000"],
                ["--repl-diskless-sync-delay", "0"],
            ];
            flags.as_flattened().iter().map(|flag| (*flag).to_owned()).collect()
        });
        started.map(|(redis, _)| redis)
    }

    /// Starts a server with flags, which may hold other free ports, and returns the flags too.
    fn start_with(flags: impl Fn() -> Vec<String>) -> Option<(Self, Vec<String>)> {
        are_installed(&["redis-server", "redis-cli"]).then(|| {
            let folder = tempfile::Builder::new().prefix("larder-redis-").tempdir().unwrap();
            let started = (0..5).find_map(|_| {
                let (port, flags) = (free_port(), flags());
                Some((port, serve(port, folder.path(), &flags)?, flags))
            });
            let (port, server, flags) = started.expect("Redis finds free ports");
            (Self { port, folder, server: Some(server) }, flags)
        })
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    pub fn signal(&self, name: &str) {
        self.server.as_ref().expect("Redis lives").signal(name);
    }

    /// Ends the server with `SIGKILL`.
    pub fn dies(&mut self) {
        self.server = None;
    }

    /// Starts the server again on the same port, with the data that it saved last.
    #[track_caller]
    pub fn returns(&mut self) {
        self.dies();
        let deadline = Instant::now() + PATIENCE;
        while self.server.is_none() {
            assert!(Instant::now() < deadline, "port {} is not free again", self.port);
            self.server = serve(self.port, self.folder.path(), &[]);
        }
    }

    /// Starts `MONITOR`, which prints every command that the server receives from now on.
    pub fn watches(&self) -> Program {
        let mut command = leashed(find_program("redis-cli").unwrap(), Leash::default());
        command.args(["-p", &self.port.to_string(), "MONITOR"]);
        let monitor = Program::start(command);
        let ready = monitor.wait_for(|out, _| out.contains("OK").then_some(()));
        ready.expect("Redis lets itself be watched");
        monitor
    }

    pub fn keys(&self) -> String {
        self.command(&["KEYS", "*"])
    }

    #[track_caller]
    pub fn command(&self, arguments: &[&str]) -> String {
        Self::command_at(self.port, arguments)
    }

    /// Sends a command to the server, or the sentinel, on this port.
    #[track_caller]
    pub fn command_at(port: u16, arguments: &[&str]) -> String {
        Self::shell(&[&["-p", &port.to_string()], arguments].concat())
    }

    /// Runs `redis-cli`, and again if its connection is closed: a sentinel closes those of a server that it promotes.
    #[track_caller]
    pub fn shell(arguments: &[&str]) -> String {
        let mut shell = Command::new(find_program("redis-cli").unwrap());
        shell.args(arguments);
        let mut asked = iter::repeat_with(|| shell.output().unwrap()).take(10);
        let is_closed = |output: &Output| {
            let said = String::from_utf8_lossy(&output.stderr);
            said.contains("Server closed the connection") || said.contains("Connection reset")
        };
        let output = asked.find(|output| !is_closed(output)).expect("a connection is not closed");
        assert!(output.status.success(), "{output:?}");
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }

    /// Returns a number of `INFO`, or zero if it is absent.
    #[track_caller]
    pub fn tells(&self, name: &str) -> u64 {
        let told = self.command(&["INFO", "everything"]);
        let lines = told.lines().filter_map(|line| line.trim().split_once(':'));
        let found = lines.into_iter().find(|(key, _)| *key == name);
        found.map_or(0, |(_, value)| {
            let digits = value.trim_start_matches("count=").chars();
            digits.take_while(char::is_ascii_digit).collect::<String>().parse().unwrap_or(0)
        })
    }
}

/// Starts a server; returns `None` if another process has the port.
fn serve(port: u16, folder: &Path, flags: &[String]) -> Option<Program> {
    let mut command = leashed(find_program("redis-server").unwrap(), Leash::default());
    command.args(["--port", &port.to_string(), "--bind", "127.0.0.1"]);
    command.args(["--save", "", "--appendonly", "no", "--dir"]).arg(folder).args(flags);
    let server = Program::start(command);
    server.wait_for(|out, _| out.contains("Ready to accept connections").then_some(()))?;
    Some(server)
}
