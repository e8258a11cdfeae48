//! What a story has measured, in one line.
//!
//! The line is printed. The test runner keeps to itself what passing tests print; so the line is also
//! added to the file that `LARDER_FIGURES` names, for whoever wants a table at the end of the run.

use std::fmt::{Display, Write as _};
use std::fs::OpenOptions;
use std::io::Write as _;
use std::time::Duration;

pub struct Figures {
    line: String,
}

impl Figures {
    /// The figures of the test that is running.
    pub fn new() -> Self {
        let story = std::thread::current().name().unwrap_or("a test").to_owned();
        Self { line: format!("{story:<75}") }
    }

    /// Adds one: `reads 12000`.
    pub fn with(mut self, name: &str, figure: impl Display) -> Self {
        write!(self.line, "  {name} {figure:>5}").expect("a string takes all");
        self
    }

    /// Adds a time, in milliseconds.
    pub fn with_time(self, name: &str, time: Duration) -> Self {
        self.with(name, format!("{:.1} ms", time.as_secs_f64() * 1e3))
    }

    /// Prints the line.
    pub fn tell(self) {
        println!("{}", self.line);
        if let Some(path) = std::env::var_os("LARDER_FIGURES") {
            let mut file = OpenOptions::new().create(true).append(true).open(path).unwrap();
            // In one go: several tests may write at once.
            file.write_all(format!("{}\n", self.line.trim_end()).as_bytes()).unwrap();
        }
    }
}
