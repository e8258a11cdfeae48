//! The log panel: the lines that this request wrote to the log.
//!
//! - Warnings and errors call attention.

use askama::Template;

use super::super::record::{LogLine, Record};
use super::Panel;
use crate::figures::{count, took};

#[derive(Template)]
#[template(path = "toolbar/log.html")]
pub struct Log<'a> {
    lines: Vec<Line<'a>>,
    serious: u64,
}

struct Line<'a> {
    at: String,
    look: &'static str,
    line: &'a LogLine,
}

impl<'a> Log<'a> {
    pub fn new(record: &'a Record) -> Self {
        let lines = record.log.iter();
        let lines: Vec<_> =
            lines.map(|line| Line { at: took(line.at), look: look(&line.level), line }).collect();
        let serious = lines.iter().filter(|line| line.look != "plain").count() as u64;
        Self { lines, serious }
    }
}

impl Panel for Log<'_> {
    const TITLE: &'static str = "Log";

    fn subtitle(&self) -> String {
        match self.lines.len() as u64 {
            0 => "none".to_owned(),
            n if self.serious == 0 => count(n, "line", "lines"),
            n => format!("{}, {} serious", count(n, "line", "lines"), self.serious),
        }
    }

    fn calls_attention(&self) -> bool {
        self.serious > 0
    }
}

fn look(level: &str) -> &'static str {
    match level.to_ascii_uppercase().as_str() {
        "ERROR" => "bad",
        "WARN" => "old",
        _ => "plain",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::toolbar::stories;

    #[test]
    fn warnings_and_errors_call_attention() {
        let record = stories::failure();
        let log = Log::new(&record);
        assert!(log.calls_attention());
        assert!(log.subtitle().ends_with("serious"), "{}", log.subtitle());
        assert_eq!(Log::new(&stories::hit()).subtitle(), "none");
    }
}
