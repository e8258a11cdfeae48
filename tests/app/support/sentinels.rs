//! A Redis with a replica, and three sentinels that watch over both.

use std::fs;

use tempfile::TempDir;

use super::process::{Leash, Program, find_program, free_port, leashed};
use super::redis::Redis;
use super::until::until;

/// The name under which the sentinels know the primary.
const NAME: &str = "shop";

/// Three sentinels, of which two can agree on a failover, and their servers.
pub struct Sentinels {
    pub primary: Redis,
    pub replica: Redis,
    sentinels: Vec<(u16, Program)>,
    _folder: TempDir,
}

impl Sentinels {
    /// Starts all five; returns `None` if Redis is not installed.
    pub fn start() -> Option<Self> {
        let (primary, replica) = (Redis::start()?, Redis::start()?);
        // Otherwise a primary waits 5 s for other replicas that need its data.
        primary.command(&["CONFIG", "SET", "repl-diskless-sync-delay", "0"]);
        replica.command(&["REPLICAOF", "127.0.0.1", &primary.port().to_string()]);
        until("the replica has the data", || {
            replica.command(&["INFO", "replication"]).contains("master_link_status:up")
        });
        let folder = tempfile::Builder::new().prefix("larder-sentinels-").tempdir().unwrap();
        let sentinels = (0..3).map(|_| {
            let started = (0..5).find_map(|_| watch(free_port(), primary.port(), &folder));
            started.expect("a sentinel finds a free port")
        });
        let sentinels = sentinels.collect();
        let all = Self { primary, replica, sentinels, _folder: folder };
        until("the sentinels know each other and the replica", || {
            (0..3).all(|one| {
                let known = all.asks(one, &["SENTINEL", "MASTER", NAME]);
                let known: Vec<_> = known.lines().collect();
                let has = |pair: [&str; 2]| known.windows(2).any(|two| two == pair);
                has(["num-other-sentinels", "2"]) && has(["num-slaves", "1"])
            })
        });
        Some(all)
    }

    /// Returns the URL of the primary with this name.
    pub fn url(&self, name: &str) -> String {
        let hosts: Vec<_> =
            self.sentinels.iter().map(|(port, _)| format!("127.0.0.1:{port}")).collect();
        format!("redis-sentinel://{}/{name}", hosts.join(","))
    }

    /// Freezes the sentinel that the URL names first.
    pub fn freeze_the_first(&self) {
        self.sentinels[0].1.signal("STOP");
    }

    /// Has the replica promoted while the primary lives.
    pub fn switch(&self) {
        assert_eq!(self.asks(2, &["SENTINEL", "FAILOVER", NAME]), "OK");
    }

    pub fn is_promoted(&self) -> bool {
        self.replica.command(&["INFO", "replication"]).contains("role:master")
    }

    fn asks(&self, sentinel: usize, arguments: &[&str]) -> String {
        Redis::command_at(self.sentinels[sentinel].0, arguments)
    }
}

/// Starts a sentinel; returns `None` if another process has the port.
fn watch(port: u16, primary: u16, folder: &TempDir) -> Option<(u16, Program)> {
    let settings = folder.path().join(format!("{port}.conf"));
    let text = format!(
        "port {port}\nbind 127.0.0.1\nsentinel monitor {NAME} 127.0.0.1 {primary} 2\n\
         sentinel down-after-milliseconds {NAME} 2000\nsentinel failover-timeout {NAME} 10000\n"
    );
    fs::write(&settings, text).unwrap();
    let mut command = leashed(find_program("redis-server").unwrap(), Leash::default());
    command.arg(&settings).arg("--sentinel").arg("--dir").arg(folder.path());
    let sentinel = Program::start(command);
    sentinel.wait_for(|out, _| out.contains("+monitor master").then_some(()))?;
    Some((port, sentinel))
}
