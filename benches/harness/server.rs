//! Servers in separate processes, and the processor time that they use.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result};
use nix::time::ClockId;
use nix::unistd::Pid;

/// The path of the `larder` program of this build.
pub const LARDER: &str = env!("CARGO_BIN_EXE_larder");

/// A running server process, killed when this is dropped.
pub struct Server {
    child: Child,
    clock: ClockId,
    /// The address at which it listens.
    pub address: SocketAddr,
}

impl Server {
    /// Starts the shop: the `larder` program of this or another build.
    pub fn shop(program: impl AsRef<Path>, arguments: &[&str]) -> Result<Self> {
        let mut program = Command::new(program.as_ref());
        program.args(["serve", "--bind", "127.0.0.1:0"]).args(arguments);
        Self::start(program)
    }

    /// Starts `program`, which prints `http://ADDRESS` when it is ready.
    pub fn start(mut program: Command) -> Result<Self> {
        // Neither the user's settings in the environment nor the log of each request may affect the figures.
        program.env_clear().env("RUST_LOG", "warn").stdin(Stdio::null()).stdout(Stdio::piped());
        let mut child = program.spawn().context("start a server")?;
        let clock = nix::time::clock_getcpuclockid(Pid::from_raw(child.id().cast_signed()))?;
        let said = child.stdout.take().context("its output is ours")?;
        let mut line = String::new();
        BufReader::new(said).read_line(&mut line)?;
        let address = line.trim().rsplit("http://").next().unwrap_or_default();
        let address = address.parse().with_context(|| format!("the server says {line:?}"))?;
        Ok(Self { child, clock, address })
    }

    /// Returns the processor time that all its threads have used so far, user and system.
    pub fn cpu(&self) -> Result<Duration> {
        Ok(self.clock.now().context("ask for its processor time")?.into())
    }

    /// Returns the process ID.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Server {
    /// Kills the process without a graceful shutdown, since no request is running.
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
