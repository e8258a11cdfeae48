//! A private redis-server on a Unix socket in a temporary folder.
//!
//! A shell, the keeper, is its parent. When the keeper's standard input ends, in whatever way the
//! test process ended, it kills the server and removes the folder.

use std::{
    io::{BufRead, BufReader},
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::{Arc, LazyLock},
    time::{Duration, Instant},
};

use deadpool_redis::redis::{Client, Cmd, Connection, FromRedisValue};

/// Starts the server, prints its process ID, waits for the end of input, and cleans up.
const KEEPER: &str = r#"
dir=$1; shift
trap '' INT TERM HUP
redis-server "$@" --dir "$dir" >"$dir/log" 2>&1 </dev/null & pid=$!
echo $pid
read -r line
kill -9 $pid 2>/dev/null
wait $pid 2>/dev/null
if [ "$line" != keep ]; then rm -rf "$dir"; fi
"#;

/// A running redis-server.
pub(crate) struct Server {
    dir: PathBuf,
    keeper: Child,
    pid: String,
}

/// Returns the server that all tests of the contract share, each under its own prefix.
///
/// Returns `None` if redis-server is not installed.
pub(crate) fn shared() -> Option<&'static Arc<Server>> {
    static SHARED: LazyLock<Option<Arc<Server>>> =
        LazyLock::new(|| Server::start(&[]).map(Arc::new));
    SHARED.as_ref()
}

impl Server {
    /// Starts a server with these options; returns `None` if redis-server is not installed.
    ///
    /// # Panics
    /// If it is not installed but `LARDER_TESTS_MUST_RUN_ALL=1`, or if it does not start.
    pub(crate) fn start(options: &[&str]) -> Option<Self> {
        if !is_installed() {
            let must_run = std::env::var("LARDER_TESTS_MUST_RUN_ALL").is_ok_and(|v| v == "1");
            assert!(!must_run, "redis-server is not installed");
            eprintln!("\n*** SKIPPED: redis-server is not installed, nothing was tested ***\n");
            return None;
        }
        let dir = tempfile::tempdir().unwrap().keep();
        Some(Self::start_in(dir, options))
    }

    fn start_in(dir: PathBuf, options: &[&str]) -> Self {
        let socket = dir.join("socket");
        let mut keeper = Command::new("sh")
            .args(["-c", KEEPER, "keeper"])
            .arg(&dir)
            .args(["--port", "0", "--save", "", "--unixsocket"])
            .arg(&socket)
            .args(options)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut pid = String::new();
        let output = keeper.stdout.as_mut().unwrap();
        BufReader::new(output).read_line(&mut pid).unwrap();
        let server = Self { dir, keeper, pid: pid.trim().to_owned() };
        server.wait_until_it_answers();
        server
    }

    pub(crate) fn url(&self) -> String {
        format!("redis+unix://{}", self.dir.join("socket").display())
    }

    /// Runs a command without the store, as another application would.
    pub(crate) fn run<T: FromRedisValue>(&self, command: &mut Cmd) -> T {
        command.query(&mut self.connect().unwrap()).unwrap()
    }

    pub(crate) fn freeze(&self) {
        self.signal("-STOP");
    }

    pub(crate) fn thaw(&self) {
        self.signal("-CONT");
    }

    /// Kills the server; all its data is lost.
    pub(crate) fn kill(&self) {
        self.signal("-KILL");
        wait_until("the socket is dead", || self.connect().is_none());
    }

    /// Replaces the server by a new and empty one at the same address.
    pub(crate) fn restart(mut self) -> Self {
        self.kill();
        let dir = std::mem::take(&mut self.dir);
        std::io::Write::write_all(self.keeper.stdin.as_mut().unwrap(), b"keep\n").unwrap();
        self.keeper.wait().unwrap();
        Self::start_in(dir, &[])
    }

    fn signal(&self, signal: &str) {
        let mut kill = Command::new("kill");
        assert!(kill.args([signal, &self.pid]).status().unwrap().success());
    }

    fn connect(&self) -> Option<Connection> {
        let client = Client::open(self.url()).unwrap();
        client.get_connection().ok()
    }

    fn wait_until_it_answers(&self) {
        wait_until("redis-server answers", || {
            self.connect()
                .is_some_and(|mut connection| Cmd::new().arg("PING").exec(&mut connection).is_ok())
        });
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // The end of its input makes the keeper clean up.
        drop(self.keeper.stdin.take());
        let _ = self.keeper.wait();
    }
}

fn is_installed() -> bool {
    let mut version = Command::new("redis-server");
    version.arg("--version").stdout(Stdio::null());
    version.status().is_ok_and(|status| status.success())
}

/// Polls a condition until it holds, for at most two minutes, so that a busy machine does not fail it.
pub(crate) fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(start.elapsed() < Duration::from_secs(120), "not so: {what}");
        // The processor is left to what is waited for.
        std::thread::park_timeout(Duration::from_millis(1));
    }
}
