//! The shop under test: the real program, requested over real HTTP.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use super::database::{Database, TestDatabase};
use super::exposition::Exposition;
use super::page::Page;
use super::process::{Ended, Leash, Program, leashed};
use super::request::Request;
use super::until::PATIENCE;

/// The flags with which the shop shows the toolbar to the clients that may see it.
const OBSERVED: [&str; 2] = ["--toolbar", "auto"];

/// One instance of the shop. Several may share a database.
pub struct TestSite {
    program: Program,
    port: u16,
    agent: ureq::Agent,
    /// Whether all requests ask to be answered strictly.
    is_strict: bool,
    pub database: Arc<TestDatabase>,
}

impl TestSite {
    /// Starts an empty shop.
    #[track_caller]
    pub fn start(on: Database) -> Self {
        Self::start_with(on, &[])
    }

    /// Starts an empty shop with these flags.
    #[track_caller]
    pub fn start_with(on: Database, flags: &[&str]) -> Self {
        Self::open(Arc::new(TestDatabase::migrated(on)), flags)
    }

    /// Starts an empty shop that reports what cache and database did, with these flags.
    #[track_caller]
    pub fn observed(on: Database, flags: &[&str]) -> Self {
        Self::start_with(on, &[flags, &OBSERVED].concat())
    }

    /// Starts a second process on the same database that reports what cache and database did.
    #[track_caller]
    pub fn another_observed(&self, flags: &[&str]) -> Self {
        self.another_instance_with(&[flags, &OBSERVED].concat())
    }

    /// Starts a second process on the same database.
    #[track_caller]
    pub fn another_instance(&self) -> Self {
        self.another_instance_with(&[])
    }

    #[track_caller]
    pub fn another_instance_with(&self, flags: &[&str]) -> Self {
        Self::open(Arc::clone(&self.database), flags)
    }

    /// Starts an empty shop in which only staff may write, with an account for each of these names.
    #[track_caller]
    pub fn with_staff(on: Database, names: &[&str], flags: &[&str]) -> Self {
        let database = Arc::new(TestDatabase::migrated(on));
        for name in names {
            account(&database, &["add", name], PASSWORD);
        }
        Self::open(database, &[&["--access", "staff"], flags].concat())
    }

    /// Starts the program and waits for the line with its address.
    #[track_caller]
    pub fn open(database: Arc<TestDatabase>, flags: &[&str]) -> Self {
        let mut command = larder(&["serve", "--no-samples", "--database", &database.url()]);
        command.args(flags);
        // Without this flag the toolbar would change the pages that tests compare.
        if !flags.contains(&"--toolbar") {
            command.args(["--toolbar", "off"]);
        }
        Self::of(Program::start(command), database)
    }

    /// Wraps a program that was started in another way.
    #[track_caller]
    pub fn of(program: Program, database: Arc<TestDatabase>) -> Self {
        let port = program.wait_for(|out, _| port_in(out));
        let port = port.unwrap_or_else(|| panic!("the shop did not open: {}", program.err()));
        Self { program, port, agent: agent(), is_strict: false, database }
    }

    /// Makes all requests ask to be answered strictly, whatever `--freshness` says.
    pub fn asked_strictly(self) -> Self {
        Self { is_strict: true, ..self }
    }

    pub fn is_strict(&self) -> bool {
        self.is_strict
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    pub fn pid(&self) -> u32 {
        self.program.pid()
    }

    pub fn address(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Returns the number of threads of the program.
    pub fn threads(&self) -> usize {
        let tasks = std::fs::read_dir(format!("/proc/{}/task", self.program.pid()));
        tasks.expect("Linux tells threads").count()
    }

    /// Returns the log so far.
    pub fn log(&self) -> String {
        self.program.err()
    }

    /// Waits until the log contains a word.
    #[track_caller]
    pub fn wait_for_log(&self, word: &str) {
        let found = self.program.wait_for(|_, err| err.contains(word).then_some(()));
        assert!(found.is_some(), "no “{word}” in {}", self.program.err());
    }

    pub fn signal(&self, name: &str) {
        self.program.signal(name);
    }

    #[track_caller]
    pub fn ends(self) -> Ended {
        self.program.ends()
    }

    /// Sends a `GET` without cookies; redirects are not followed.
    #[track_caller]
    pub fn get(&self, path: &str) -> Page {
        self.ask("GET", path).send()
    }

    /// Returns the current metrics.
    #[track_caller]
    pub fn figures(&self) -> Exposition {
        Exposition::of(&self.get("/metrics"))
    }

    #[track_caller]
    pub fn head(&self, path: &str) -> Page {
        self.ask("HEAD", path).send()
    }

    /// Sends a form and returns the response itself, usually a redirect.
    #[track_caller]
    pub fn submit(&self, path: &str, fields: &[(&str, &str)]) -> Page {
        self.ask("POST", path).form(fields).send()
    }

    /// Begins a request to which headers and a body can be added.
    pub fn ask<'a>(&'a self, method: &'a str, path: &'a str) -> Request<'a> {
        let request = Request::new(&self.agent, self.address(), method, path);
        if self.is_strict { request.header("Larder-Freshness", "strict") } else { request }
    }

    /// Sends these bytes unchanged and reads until the server closes the connection.
    ///
    /// The bytes should contain `Connection: close`.
    #[track_caller]
    pub fn raw(&self, bytes: &[u8]) -> Page {
        let mut stream = self.connect();
        stream.write_all(bytes).unwrap();
        Pending { asked: String::from_utf8_lossy(bytes).into_owned(), stream }.answer()
    }

    /// Requests a page without waiting for the response.
    pub fn begins(&self, path: &str) -> Pending {
        let asked = format!(
            "GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{}\r\nConnection: close\r\n\r\n",
            self.port
        );
        self.begins_to_send(asked)
    }

    /// Sends a request without waiting for the response. It should contain `Connection: close`.
    pub fn begins_to_send(&self, asked: String) -> Pending {
        let mut stream = self.connect();
        stream.write_all(asked.as_bytes()).unwrap();
        Pending { asked, stream }
    }

    /// Opens a connection on which the test plays the client itself.
    pub fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream
    }
}

/// A request whose response has not been read.
pub struct Pending {
    asked: String,
    stream: TcpStream,
}

impl Pending {
    /// Waits for the response.
    #[track_caller]
    pub fn answer(mut self) -> Page {
        let mut answer = Vec::new();
        self.stream.read_to_end(&mut answer).expect("an answer in time");
        super::request::parse_answer(&self.asked, &answer)
    }
}

/// The password of all staff accounts in the tests.
pub const PASSWORD: &str = "tea and toast";

/// Runs `larder account …` on this database with a password on standard input; returns its output.
#[track_caller]
pub fn account(database: &TestDatabase, arguments: &[&str], password: &str) -> String {
    tries_account(database, arguments, password)
        .unwrap_or_else(|why| panic!("{arguments:?}: {why}"))
}

/// Does the same as [`account`], and returns the error output as an error.
pub fn tries_account(
    database: &TestDatabase,
    arguments: &[&str],
    password: &str,
) -> Result<String, String> {
    let url = database.url();
    let arguments = [&["account", "--database", &url], arguments].concat();
    does(&arguments, &format!("{password}\n"))
}

/// Runs `larder load … FILE` on this database with a file that holds `json`.
pub fn load(database: &TestDatabase, what: &str, json: &str) -> Result<String, String> {
    let file = database.folder().join(what).with_extension("json");
    std::fs::write(&file, json).unwrap();
    does(&["load", "--database", &database.url(), what, &file.to_string_lossy()], "")
}

/// Runs a command that ends by itself; returns its output, or its error output as an error.
///
/// It has no leash, because the leash takes the place of standard input.
pub fn does(arguments: &[&str], input: &str) -> Result<String, String> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_larder"));
    without_settings(&mut command);
    command.args(arguments);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut program = command.spawn().unwrap();
    // The write fails if a command reads no input and has already ended.
    let _ = program.stdin.take().unwrap().write_all(input.as_bytes());
    let ended = program.wait_with_output().unwrap();
    let told = if ended.status.success() { &ended.stdout } else { &ended.stderr };
    let told = String::from_utf8_lossy(told).into_owned();
    if ended.status.success() { Ok(told) } else { Err(told) }
}

/// Returns the program on any free port, without the settings in the developer's environment.
pub fn larder(arguments: &[&str]) -> Command {
    larder_at(Path::new(env!("CARGO_BIN_EXE_larder")), arguments)
}

/// The value of `--redis-timeout` that operators get.
pub const DEFAULT_REDIS_TIMEOUT: &str = "80";

/// Returns the same program from another path.
pub fn larder_at(path: &Path, arguments: &[&str]) -> Command {
    let mut command = leashed(path, Leash::default());
    without_settings(&mut command);
    command.args(arguments).env("LARDER_BIND", "127.0.0.1:0");
    // On a busy machine Redis answers late. Stories about a Redis in trouble set the default again.
    command.env("LARDER_REDIS_TIMEOUT", "20000");
    // So does Postgres.
    command.env("LARDER_FRESHNESS_TIMEOUT", "120");
    command
}

/// Removes the settings of the developer's environment.
pub fn without_settings(command: &mut Command) {
    for (name, _) in std::env::vars_os() {
        let name = name.to_string_lossy().into_owned();
        let is_setting = name.starts_with("LARDER_") || name.starts_with("RUST_");
        if is_setting || ["DATABASE_URL", "REDIS_URL"].contains(&name.as_str()) {
            command.env_remove(name);
        }
    }
}

/// Returns a client that follows no redirects.
pub fn agent() -> ureq::Agent {
    ureq::Agent::config_builder()
        .http_status_as_error(false)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .proxy(None)
        .timeout_global(Some(PATIENCE))
        // Shorter than the server's keep-alive limit, so that no request meets a closing
        // connection.
        .max_idle_age(Duration::from_secs(2))
        .build()
        .into()
}

fn port_in(out: &str) -> Option<u16> {
    let line = out.lines().find(|line| line.starts_with("Larder is open at http://"))?;
    line.trim_end_matches('/').rsplit(':').next()?.parse().ok()
}
