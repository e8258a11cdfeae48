//! One line of measurements for each test.
//!
//! The line is printed. Since the test runner hides the output of passing tests, the line is also
//! appended to the file that `LARDER_FIGURES` names.

use std::fmt::{Display, Write as _};
use std::fs::OpenOptions;
use std::io::Write as _;
use std::time::Duration;

pub struct Figures {
    line: String,
}

impl Figures {
    /// Starts the line of the running test.
    pub fn new() -> Self {
        let story = std::thread::current().name().unwrap_or("a test").to_owned();
        Self { line: format!("{story:<75}") }
    }

    /// Adds one number, such as `reads 12000`.
    pub fn with(mut self, name: &str, figure: impl Display) -> Self {
        write!(self.line, "  {name} {figure:>5}").expect("a string takes all");
        self
    }

    /// Adds a duration in milliseconds.
    pub fn with_time(self, name: &str, time: Duration) -> Self {
        self.with(name, format!("{:.1} ms", time.as_secs_f64() * 1e3))
    }

    /// Prints the line, and appends it to the file that `LARDER_FIGURES` names.
    pub fn tell(self) {
        println!("{}", self.line);
        if let Some(path) = std::env::var_os("LARDER_FIGURES") {
            let mut file = OpenOptions::new().create(true).append(true).open(path).unwrap();
            // A single write, because several tests may append at once.
            file.write_all(format!("{}\n", self.line.trim_end()).as_bytes()).unwrap();
        }
    }
}
