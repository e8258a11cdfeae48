//! Programs that a test starts. None outlives the test process, however that ends.

use std::io::{BufRead, BufReader, Read, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Instant;

use super::dice::Dice;
use super::until::PATIENCE;

/// The shell script that starts a program and leaves a watcher process behind.
///
/// The watcher reads the test's pipe (standard input). A line on the pipe means that the program
/// has been ended. The pipe closes without a line when the test process dies: then the watcher
/// stops the program and removes its folder.
const LEASHED: &str = r#"
exec 3<&0
( { read -r let_go <&3 || {
      kill -"$LEASH_SIGNAL" $$
      tries=0
      while kill -0 $$ && [ $tries -lt 50 ]; do sleep 0.1; tries=$((tries + 1)); done
      [ -z "$LEASH_FOLDER" ] || rm -rf "$LEASH_FOLDER"
    }; } >/dev/null 2>&1 & )
exec "$@" </dev/null 3<&-
"#;

/// How the watcher ends a program whose test process has died.
pub struct Leash {
    pub signal: &'static str,
    pub folder: String,
}

impl Default for Leash {
    fn default() -> Self {
        Self { signal: "KILL", folder: String::new() }
    }
}

/// Returns a command that can be started with [`Program::start`].
pub fn leashed(program: impl AsRef<std::ffi::OsStr>, leash: Leash) -> Command {
    let mut command = Command::new("sh");
    command
        .args(["-c", LEASHED, "leashed"])
        .arg(program)
        .env("LEASH_SIGNAL", leash.signal)
        .env("LEASH_FOLDER", leash.folder);
    command
}

/// A running program and all its output so far.
pub struct Program {
    child: Child,
    leash: ChildStdin,
    said: Arc<Said>,
}

/// How a program ended.
#[derive(Debug)]
pub struct Ended {
    pub status: ExitStatus,
    pub out: String,
    pub err: String,
}

#[derive(Default)]
struct Said {
    state: Mutex<Streams>,
    changed: Condvar,
}

#[derive(Default)]
struct Streams {
    out: String,
    err: String,
    closed: usize,
}

impl Program {
    pub fn start(mut command: Command) -> Self {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("a POSIX shell is installed");
        let said = Arc::new(Said::default());
        said.hear(child.stdout.take().unwrap(), |streams| &mut streams.out);
        said.hear(child.stderr.take().unwrap(), |streams| &mut streams.err);
        let leash = child.stdin.take().unwrap();
        Self { child, leash, said }
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Returns the standard error output so far.
    pub fn err(&self) -> String {
        self.said.state.lock().unwrap().err.clone()
    }

    /// Waits until `found` finds something in the output; `None` if the program ended before.
    #[track_caller]
    pub fn wait_for<T>(&self, found: impl Fn(&str, &str) -> Option<T>) -> Option<T> {
        let deadline = Instant::now() + PATIENCE;
        let mut streams = self.said.state.lock().unwrap();
        loop {
            if let Some(answer) = found(&streams.out, &streams.err) {
                return Some(answer);
            }
            if streams.closed == 2 {
                return None;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            assert!(
                !left.is_zero(),
                "the program is silent for too long; it said:\n{}{}",
                streams.out,
                streams.err
            );
            streams = self.said.changed.wait_timeout(streams, left).unwrap().0;
        }
    }

    /// Sends a signal by its name, such as `TERM`.
    pub fn signal(&self, name: &str) {
        let command = format!("kill -{name} {}", self.pid());
        let sent = Command::new("sh").args(["-c", &command]).status().unwrap();
        assert!(sent.success(), "`{command}` failed");
    }

    /// Waits until both output streams are closed, which is when the program has ended.
    #[track_caller]
    pub fn ends(mut self) -> Ended {
        let deadline = Instant::now() + PATIENCE;
        let mut streams = self.said.state.lock().unwrap();
        while streams.closed < 2 {
            let left = deadline.saturating_duration_since(Instant::now());
            assert!(
                !left.is_zero(),
                "the program still runs; it said:\n{}{}",
                streams.out,
                streams.err
            );
            streams = self.said.changed.wait_timeout(streams, left).unwrap().0;
        }
        let (out, err) = (streams.out.clone(), streams.err.clone());
        drop(streams);
        let status = self.child.wait().unwrap();
        Ended { status, out, err }
    }
}

impl Drop for Program {
    /// Ends the program at once.
    ///
    /// The watcher is told only afterwards, so that no program is left over.
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = self.leash.write_all(b"let go\n");
    }
}

impl Said {
    /// Starts a thread that collects one stream line by line.
    fn hear(
        self: &Arc<Self>,
        stream: impl Read + Send + 'static,
        place: fn(&mut Streams) -> &mut String,
    ) {
        let said = Arc::clone(self);
        std::thread::spawn(move || {
            let mut lines = BufReader::new(stream);
            let mut line = Vec::new();
            while lines.read_until(b'\n', &mut line).is_ok_and(|read| read > 0) {
                place(&mut said.state.lock().unwrap()).push_str(&String::from_utf8_lossy(&line));
                said.changed.notify_all();
                line.clear();
            }
            said.state.lock().unwrap().closed += 1;
            said.changed.notify_all();
        });
    }
}

/// Returns a free port of the loopback interface, for programs that cannot choose one themselves.
pub fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

/// Returns a free port that no program is given by the system, so that it is still free after a restart.
pub fn lasting_port() -> u16 {
    let mut dice = Dice::of(Dice::any_seed());
    let ports = std::iter::repeat_with(|| 20_000 + dice.roll(12_000) as u16);
    let is_free = |port: &u16| std::net::TcpListener::bind(("127.0.0.1", *port)).is_ok();
    ports.take(100).find(is_free).expect("a free port")
}

/// Returns the full path of a program: the newest Postgres of the distribution first, then `PATH`.
///
/// Debian's `psql` in the `PATH` is a slow script that searches for the right version.
pub fn find_program(name: &str) -> Option<PathBuf> {
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut folders: Vec<_> = versions.map(|version| version.path().join("bin")).collect();
    folders.sort();
    folders.reverse();
    folders.extend(std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()));
    folders.push("/usr/sbin".into());
    folders.into_iter().map(|folder| folder.join(name)).find(|program| program.is_file())
}

/// Reports whether all these programs are installed.
///
/// If one is missing, the test is skipped with a warning. In the full run (`scripts/test`) that is
/// a failure, so that no pipeline passes by skipping tests.
pub fn are_installed(programs: &[&str]) -> bool {
    let missing: Vec<_> = programs.iter().filter(|name| find_program(name).is_none()).collect();
    if missing.is_empty() {
        return true;
    }
    let story = std::thread::current().name().unwrap_or("a test").to_owned();
    assert!(
        std::env::var_os("LARDER_TESTS_MUST_RUN_ALL").is_none(),
        "{story} needs {missing:?}, which is not installed (`scripts/test` installs it)"
    );
    // The test runner captures `eprintln!` of passing tests; this warning must be seen.
    let mut terminal = std::io::stderr();
    let _ = writeln!(terminal, "LEFT OUT: {story}: {missing:?} is not installed");
    false
}
