//! Two instances as programs, on a Postgres and a Redis of the test's own, and the Python script.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use support::postgres;

/// A running program, which ends with the test.
struct Program {
    child: Child,
    /// Kept open, since the program may go on to write to it.
    out: BufReader<std::process::ChildStdout>,
}

impl Program {
    /// Starts it, and waits for a line that holds `ready`; returns that line, too.
    fn start(command: &mut Command, ready: &str) -> (Self, String) {
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        while !line.contains(ready) {
            line.clear();
            assert_ne!(out.read_line(&mut line).unwrap(), 0, "{command:?} has ended");
        }
        (Self { child, out }, line)
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        self.out.consume(0);
    }
}

/// Returns `Cache-Status` and the body. Instances share the pages of one host, as behind a load balancer.
fn ask(address: &str) -> (String, String) {
    let mut answer = ureq::get(address).header("Host", "shop.example").call().unwrap();
    let status = answer.headers().get("cache-status").unwrap().to_str().unwrap().to_owned();
    (status, answer.body_mut().read_to_string().unwrap())
}

/// Returns the Python that has the script's driver: `PYTHON`, or else that of this machine.
fn python() -> Option<PathBuf> {
    let python = std::env::var_os("PYTHON").unwrap_or("python3".into());
    let has_driver = Command::new(&python).args(["-c", "import psycopg"]).status();
    let is_here = has_driver.is_ok_and(|status| status.success());
    let must_run = std::env::var_os("LARDER_TESTS_MUST_RUN_ALL").is_some();
    assert!(
        is_here || !must_run,
        "pip install -r requirements.txt, and name that Python in PYTHON"
    );
    is_here.then(|| python.into())
}

/// Waits until Redis has what an instance has built: it is written after the answer.
fn wait_for_an_entry(socket: &Path) {
    let mut keys = Command::new("redis-cli");
    keys.arg("-s").arg(socket).args(["--scan", "--pattern", "fleet:entry:*"]);
    while keys.output().unwrap().stdout.is_empty() {
        std::thread::yield_now();
    }
}

#[test]
fn a_sale_by_the_script_shows_in_both_instances_at_once_with_a_redis_and_without() {
    let (Some(postgres), Some(python)) = (postgres::Postgres::start(), python()) else { return };
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("redis");
    let mut redis = Command::new("redis-server");
    redis.args(["--port", "0", "--save", "", "--unixsocket"]).arg(&socket);
    let (redis, _) = Program::start(&mut redis, "eady to accept connections");
    let start = || {
        let mut instance = Command::new(env!("CARGO_BIN_EXE_fleet"));
        instance.args(["0", &postgres.url(), &format!("redis+unix://{}", socket.display())]);
        // On a busy machine Redis answers late.
        instance.env("SECRET", "a secret of thirty-two letters..").env("REDIS_MS", "20000");
        let (instance, line) = Program::start(&mut instance, "http://");
        (instance, line.trim().to_owned())
    };
    let ((_one, one), (_other, other)) = (start(), start());
    let sell = || {
        let mut writer = Command::new(&python);
        writer.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/writer.py")).arg(postgres.url());
        assert!(writer.status().unwrap().success());
    };

    let (status, page) = ask(&one);
    assert!(status.contains("stored") && page == "Assam: 10\nOolong: 20\n", "{status}: {page}");
    wait_for_an_entry(&socket);
    let (status, same) = ask(&other);
    assert!(status.contains("hit") && same == page, "{status}: {same}");

    sell();
    for address in [&one, &other] {
        let (_, page) = ask(address);
        assert_eq!(page, "Assam: 9\nOolong: 19\n");
        let (status, again) = ask(address);
        assert!(status.contains("hit") && again == page, "{status}: {again}");
    }

    drop(redis);
    sell();
    for address in [&one, &other] {
        assert_eq!(ask(address).1, "Assam: 8\nOolong: 18\n");
        assert!(ask(address).0.contains("hit"));
    }
}
