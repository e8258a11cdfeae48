//! SQLite's command line: another program that writes to the file of a test.

use std::path::Path;
use std::process::Command;

/// Runs SQL on this file, and returns what is printed.
pub fn sqlite3(file: &Path, sql: &str) -> String {
    let ran = Command::new("sqlite3").arg(file).args([".timeout 10000", sql]).output().unwrap();
    assert!(ran.status.success(), "{sql}: {ran:?}");
    String::from_utf8(ran.stdout).unwrap()
}
