//! The log: one line for each request, with its id, and without the search texts of visitors.

use std::collections::BTreeSet;
use std::io::Write;
use std::sync::Arc;

use serde_json::Value;

use crate::support::{
    Database, Hold, Page, Program, Proxy, TestDatabase, TestSite, larder, on_both_databases,
};

on_both_databases! {
    each_request_is_one_line,
    a_line_is_readable_and_cannot_be_forged,
    names_of_secrets_in_a_path_change_nothing_else_in_its_line,
    a_filtered_request_has_an_id_and_no_line,
    requests_of_machines_are_logged_at_debug_level,
}

fn each_request_is_one_line(on: Database) {
    let site = TestSite::start_with(on, &["--log", "json"]);
    let sent = [
        (site.get("/"), "stored", "uri-miss"),
        (site.get("/"), "hit", ""),
        (site.head("/"), "hit", ""),
        (site.get("/?q=secret"), "stored", "uri-miss"),
        (site.adds("Tea", "4.99"), "method", ""),
        (site.get("/nothing?secret"), "bypass", "route"),
        (site.ask("GET", "/").header("Host", "secret.example").send(), "bypass", "route"),
        (site.get("/products/new"), "bypass", "route"),
    ];
    let path_of = |page: &Page| page.asked.split_once(' ').unwrap().1.to_owned();
    let (lines, log) = lines_of(site);
    assert!(!log.contains("secret"), "{log}");
    let answered: Vec<&Value> = lines.iter().filter(|line| line["message"] == "request").collect();
    assert_eq!(answered.len(), sent.len(), "{log}");
    for (line, (page, cache, because)) in answered.iter().zip(&sent) {
        let (method, _) = page.asked.split_once(' ').unwrap();
        let path = path_of(page).split('?').next().unwrap().to_owned();
        assert_eq!((&line["method"], &line["path"]), (&method.into(), &path.into()), "{line}");
        assert_eq!(line["status"], page.status, "{line}");
        assert_eq!(line["cache"], *cache, "{line}");
        assert_eq!(line["cache_reason"].as_str().unwrap_or_default(), *because, "{line}");
        assert!(line["took_ms"].as_f64().unwrap() > 0.0, "{line}");
        assert_eq!(line["level"], "INFO", "{line}");
        let name = page.header("x-request-id");
        let is_error = page.status >= 400;
        assert_eq!(name.as_deref(), is_error.then(|| line["request"].as_str().unwrap()), "{line}");
        assert_eq!(line["reason"].is_string(), is_error, "{line}");
    }
    let names: BTreeSet<&str> =
        answered.iter().map(|line| line["request"].as_str().unwrap()).collect();
    assert_eq!(names.len(), answered.len(), "each has a name of its own");
    assert!(names.iter().all(|name| name.len() == 16), "{names:?}");
}

fn a_line_is_readable_and_cannot_be_forged(on: Database) {
    let site = TestSite::start(on);
    site.get("/");
    let odd = "/tea%0d%0aINFO%20forged";
    site.get(odd);
    // A control character that some terminals interpret.
    site.raw("GET /\u{9b}31m HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".as_bytes());
    let long = format!("/{}", "x".repeat(5_000));
    site.get(&long);
    let log = stopped(site);
    let lines: Vec<&str> = log.lines().filter(|line| line.contains(" request request=")).collect();
    assert!(lines.len() >= 3, "{log}");
    assert!(lines[0].contains(r#"method="GET" path="/" status=200"#), "{log}");
    assert!(lines[0].contains(r#"cache="stored" cache_reason="uri-miss""#), "{log}");
    assert!(lines[1].contains(odd) && lines[1].contains("status=404"), "{log}");
    assert!(!log.contains('\u{9b}'), "{log}");
    assert!(lines.iter().all(|line| line.len() < 700), "{log}");
}

fn names_of_secrets_in_a_path_change_nothing_else_in_its_line(on: Database) {
    let paths = [
        "/key=",
        "/a/token=",
        "/token=almond\"walnut",
        "/token=\"almond\"walnut",
        "/password:[almond",
        "/cookie=almond;walnut",
        "/key%2525252525253dalmond",
    ];
    for format in ["json", "text"] {
        let site = TestSite::start_with(on, &["--log", format]);
        let host = format!("Host: 127.0.0.1:{}\r\nConnection: close\r\n", site.port());
        for path in paths {
            let answer = site.raw(format!("GET {path} HTTP/1.1\r\n{host}\r\n").as_bytes());
            assert_eq!(answer.status, 404, "{path}");
        }
        let log = match format {
            "json" => {
                let (lines, log) = lines_of(site);
                let lines = lines.iter().filter(|line| line["message"] == "request");
                let lines: Vec<_> =
                    lines.inspect(|line| assert!(line["took_ms"].is_f64())).collect();
                assert_eq!(lines.len(), paths.len(), "{log}");
                assert!(lines.iter().all(|line| line["status"] == 404), "{log}");
                assert_eq!(lines[0]["path"], "/key=");
                assert_eq!(lines[2]["path"], "/token=…");
                log
            }
            _ => {
                let log = stopped(site);
                let rest = " status=404 took_ms=";
                assert_eq!(log.matches(rest).count(), paths.len(), "{log}");
                assert!(log.contains(r#"path="/token=…" status=404"#), "{log}");
                log
            }
        };
        assert!(!log.contains("almond") && !log.contains("walnut"), "{log}");
    }
}

fn a_filtered_request_has_an_id_and_no_line(on: Database) {
    let database = Arc::new(TestDatabase::create(on));
    let site = with_filter("warn", &database.url(), &database);
    site.get("/");
    let missing = site.get("/nothing");
    missing.assert_status(404);
    let name = missing.header("x-request-id").unwrap();
    let log = stopped(site);
    assert_eq!(log, "", "and yet it had a name: {name}");
}

fn requests_of_machines_are_logged_at_debug_level(on: Database) {
    let paths = ["/static/nothing.css", "/health/live", "/health/ready", "/metrics"];
    let database = Arc::new(TestDatabase::create(on));
    for (filter, expected) in [("larder=info", 0), ("larder=debug", paths.len())] {
        let site = with_filter(filter, &database.url(), &database);
        for path in paths {
            site.get(path);
        }
        let log = stopped(site);
        let lines = log.lines().filter(|line| line.contains(" request request=")).count();
        assert_eq!(lines, expected, "{filter}: {log}");
    }
}

#[test]
fn a_filter_that_is_not_understood_is_replaced_and_reported() {
    let database = Arc::new(TestDatabase::create(Database::Sqlite));
    for (filter, is_understood) in [("larder=loud", false), ("warn,larder=info", true)] {
        let site = with_filter(filter, &database.url(), &database);
        site.get("/");
        let log = stopped(site);
        assert!(log.contains("INFO request "), "{filter}: {log}");
        assert_eq!(log.contains("RUST_LOG is not understood"), !is_understood, "{filter}: {log}");
    }
}

#[test]
fn no_line_is_lost_when_the_program_ends() {
    let site = TestSite::start_with(Database::Sqlite, &["--log", "json"]);
    let mut caller = site.caller();
    for _ in 0..3_000 {
        caller.get("/");
    }
    let (lines, _) = lines_of(site);
    let answered = lines.iter().filter(|line| line["message"] == "request").count();
    assert_eq!(answered, 3_000);
}

#[test]
fn a_failed_request_is_a_warning_with_the_id_of_its_cause() {
    let Some((site, proxy)) = behind_a_wire("warn") else { return };
    site.get("/").assert_status(200);
    proxy.cut();
    let failed = site.get("/");
    failed.assert_status(503);
    let name = failed.header("x-request-id").expect("an error has a name");
    site.wait_for_log(" request request=");
    let log = site.log();
    let lines: Vec<&str> = log.lines().filter(|line| line.contains(&name)).collect();
    let [cause, line] = lines[..] else { panic!("not two lines of {name}: {log}") };
    assert!(cause.contains("ERROR") && cause.contains("request failed"), "{cause}");
    assert!(line.contains("WARN") && line.contains(r#"path="/" status=503"#), "{line}");
    assert!(line.contains(r#"reason="no connection to the database""#), "{line}");
}

#[test]
fn a_client_that_disconnects_is_logged() {
    let Some((site, proxy)) = behind_a_wire("info") else { return };
    site.get("/").assert_status(200);
    proxy.hold(Hold { connection: "", statement: "" });
    let mut stream = site.connect();
    let asked = "GET / HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\n\r\n";
    stream.write_all(asked.as_bytes()).unwrap();
    proxy.wait_until_held();
    // Closing a socket with unread data sends a reset, which the server notices; a plain close
    // would not.
    assert_eq!(stream.peek(&mut [0; 1]).unwrap(), 1, "100 Continue");
    drop(stream);
    site.wait_for_log("client disconnected");
    proxy.let_go();
    site.get("/").assert_status(200);
}

/// Starts a shop whose Postgres is behind a proxy; returns `None` if Postgres is not installed.
fn behind_a_wire(filter: &str) -> Option<(TestSite, Proxy)> {
    if !Database::Postgres.is_here(false) {
        return None;
    }
    let database = Arc::new(TestDatabase::create(Database::Postgres));
    let (proxy, url) = database.through_a_proxy();
    Some((with_filter(filter, &url, &database), proxy))
}

/// Starts a shop whose log shows what passes this filter.
fn with_filter(filter: &str, url: &str, database: &Arc<TestDatabase>) -> TestSite {
    let mut command = larder(&["serve", "--no-samples", "--database", url]);
    command.env("RUST_LOG", filter);
    TestSite::of(Program::start(command), Arc::clone(database))
}

/// Stops a shop with `TERM` and returns its whole log.
#[track_caller]
fn stopped(site: TestSite) -> String {
    site.signal("TERM");
    let ended = site.ends();
    assert!(ended.status.success(), "{ended:?}");
    ended.err
}

/// Does the same and returns the log as JSON lines and as text.
#[track_caller]
fn lines_of(site: TestSite) -> (Vec<Value>, String) {
    let log = stopped(site);
    let line =
        |line: &str| serde_json::from_str(line).unwrap_or_else(|_| panic!("no JSON: {line}"));
    (log.lines().map(line).collect(), log)
}
