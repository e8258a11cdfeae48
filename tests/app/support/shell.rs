//! A `sqlite3` or `psql` that stays open, so that a test can hold locks in it.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

/// An open shell. Its input is closed when it is dropped, so it ends with its test.
pub struct OpenShell {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl OpenShell {
    pub fn start(command: Command) -> Self {
        // A pipe is not a terminal: without this the shell would buffer its lines.
        let mut unbuffered = Command::new("stdbuf");
        unbuffered.arg("-oL").arg(command.get_program()).args(command.get_args());
        for (name, value) in command.get_envs() {
            unbuffered.env(name, value.unwrap_or_default());
        }
        unbuffered.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::inherit());
        let mut child = unbuffered.spawn().expect("the shell starts");
        let (input, output) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        Self { child, input, output: BufReader::new(output) }
    }

    /// Sends statements without waiting for them.
    pub fn begins(&mut self, statements: &str) {
        writeln!(self.input, "{statements};\nSELECT '-- done';").expect("the shell reads");
        self.input.flush().unwrap();
    }

    /// Waits until the statements that were sent are done; returns what was printed.
    #[track_caller]
    pub fn finishes(&mut self) -> String {
        let mut said = String::new();
        loop {
            let mut line = String::new();
            let length = self.output.read_line(&mut line).unwrap();
            assert!(length > 0, "the shell has ended; it said {said}");
            if line.trim_end() == "-- done" {
                return said;
            }
            said.push_str(&line);
        }
    }

    /// Runs statements and waits for them; returns what was printed.
    #[track_caller]
    pub fn does(&mut self, statements: &str) -> String {
        self.begins(statements);
        self.finishes()
    }
}

impl Drop for OpenShell {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
