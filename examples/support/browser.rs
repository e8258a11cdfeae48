//! A real browser, which loads a page and prints what its scripts have made of it.

use std::process::{Command, Stdio};

/// Returns the page at this address once its scripts have run; `None` if Chromium is not installed.
pub fn page(address: &str) -> Option<String> {
    let profile = tempfile::tempdir().unwrap();
    let browser = ["chromium", "chromium-browser", "google-chrome"].into_iter().find(|name| {
        let version = Command::new(name).arg("--version").stdout(Stdio::null()).status();
        version.is_ok_and(|status| status.success())
    });
    let Some(browser) = browser else {
        eprintln!("LEFT OUT: Chromium is not there");
        return None;
    };
    let mut command = Command::new(browser);
    for flag in [
        "headless",
        "no-sandbox",
        "disable-gpu",
        "disable-quic",
        "no-first-run",
        "disable-background-networking",
        "disable-component-update",
        "disable-sync",
        "dump-dom",
        // Scripts that wait for an answer have it before the page is printed.
        "virtual-time-budget=10000",
    ] {
        command.arg(format!("--{flag}"));
    }
    command.arg(format!("--user-data-dir={}", profile.path().display())).arg(address);
    let printed = command.stderr(Stdio::null()).output().unwrap();
    Some(String::from_utf8(printed.stdout).unwrap())
}
