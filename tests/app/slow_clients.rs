//! Slow clients: they are disconnected, and all others are served meanwhile.
//!
//! The limits are settings. Here they are short, so that the tests end soon; no test measures how
//! long a disconnect took.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use nix::sys::resource::{Resource, getrlimit, setrlimit};

use crate::support::{
    Database, Program, TestDatabase, TestSite, larder, larder_at, on_both_databases, until,
};

on_both_databases! {
    a_body_that_does_not_come_gets_408_and_its_connection_is_closed,
    a_body_that_nothing_reads_keeps_no_connection,
    a_connection_goes_on_after_a_body_in_chunks,
    crowds_of_slow_clients_neither_stop_the_shop_nor_fill_its_memory,
    there_are_never_more_connections_than_allowed,
    few_open_files_are_no_reason_to_fail,
}

/// In seconds: for the first byte of a body, for all of it, and for a reader to take something.
const SHORT: [&str; 6] =
    ["--body-start-timeout", "1", "--body-timeout", "2", "--write-timeout", "2"];

/// More than four times what a debug build needs for 1,300 clients.
const MOST_MEMORY: u64 = 400 << 20;

/// Returns the head of a write whose body is still to come.
fn head(site: &TestSite, lines: &str) -> String {
    let port = site.port();
    format!(
        "POST /api/events HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: application/json\r\n{lines}\r\n"
    )
}

fn begins(site: &TestSite, lines: &str) -> TcpStream {
    let mut stream = site.connect();
    stream.set_read_timeout(Some(Duration::from_secs(120))).unwrap();
    stream.write_all(head(site, lines).as_bytes()).unwrap();
    stream
}

/// Reads until the shop closes the connection.
fn hears(mut stream: TcpStream) -> String {
    let mut heard = Vec::new();
    match stream.read_to_end(&mut heard) {
        Ok(_) => {}
        // The shop closed the connection while data was still arriving.
        Err(error) => assert_eq!(error.kind(), ErrorKind::ConnectionReset, "{error}"),
    }
    String::from_utf8_lossy(&heard).into_owned()
}

/// A body without an end keeps no connection once its request was answered.
fn a_body_that_nothing_reads_keeps_no_connection(on: Database) {
    let site = TestSite::start(on);
    for body in ["Content-Length: 1000000", "Transfer-Encoding: chunked"] {
        let mut stream = site.connect();
        stream.set_read_timeout(Some(Duration::from_secs(120))).unwrap();
        let head =
            format!("POST /logout HTTP/1.1\r\nHost: 127.0.0.1:{}\r\n{body}\r\n\r\n", site.port());
        stream.write_all(head.as_bytes()).unwrap();
        let chunk = format!("10000\r\n{}\r\n", "x".repeat(0x10000));
        let mut sending = stream.try_clone().unwrap();
        let sender =
            std::thread::spawn(move || while sending.write_all(chunk.as_bytes()).is_ok() {});
        assert!(hears(stream).starts_with("HTTP/1.1 "), "{body}");
        sender.join().unwrap();
    }
}

fn a_connection_goes_on_after_a_body_in_chunks(on: Database) {
    let site = TestSite::start(on);
    let mut stream = site.connect();
    stream.set_read_timeout(Some(Duration::from_secs(120))).unwrap();
    let host = format!("Host: 127.0.0.1:{}\r\n", site.port());
    let first = format!("POST /login HTTP/1.1\r\n{host}Transfer-Encoding: chunked\r\n\r\n");
    let last = format!("GET /products/1 HTTP/1.1\r\n{host}Connection: close\r\n\r\n");
    for part in [&first, "5;ext=1\r\nname=\r\n0\r\nTrailer: x\r\n", "\r\n", &last] {
        stream.write_all(part.as_bytes()).unwrap();
    }
    let heard = hears(stream);
    assert_eq!(heard.matches("HTTP/1.1 ").count(), 2, "{heard}");
    assert!(heard.contains("HTTP/1.1 404 "), "{heard}");
}

fn a_body_that_does_not_come_gets_408_and_its_connection_is_closed(on: Database) {
    let site = TestSite::start_with(on, &SHORT);
    let whole = r#"{"name": "Teas", "date": "2026-12-24", "location": "Here"}"#;
    let fixed = format!("Content-Length: {}\r\n", whole.len());
    let kinds = [
        fixed.clone(),
        "Transfer-Encoding: chunked\r\n".to_owned(),
        format!("{fixed}Expect: 100-continue\r\n"),
    ];
    for lines in &kinds {
        let nothing = hears(begins(&site, lines));
        assert!(nothing.contains("HTTP/1.1 408 "), "{lines}: {nothing}");
        assert!(nothing.to_lowercase().contains("connection: close"), "{lines}: {nothing}");
        let dripping = begins(&site, lines);
        drips(&dripping, lines.contains("chunked"));
        let dripping = hears(dripping);
        assert!(dripping.contains("HTTP/1.1 408 "), "{lines}: {dripping}");
    }
    // Forms are bodies like any other.
    let form = head(&site, &fixed).replace("/api/events", "/products");
    let form = form.replace("application/json", "application/x-www-form-urlencoded");
    let mut stream = site.connect();
    stream.write_all(form.as_bytes()).unwrap();
    let told = hears(stream);
    assert!(told.contains("HTTP/1.1 408 ") && told.contains("took too long"), "{told}");
    let mut prompt = begins(&site, &format!("{fixed}Connection: close\r\n"));
    prompt.write_all(whole.as_bytes()).unwrap();
    let prompt = hears(prompt);
    assert!(prompt.starts_with("HTTP/1.1 201 "), "{prompt}");
}

/// Sends a body one byte at a time, until the other end closes the connection.
fn drips(mut stream: &TcpStream, is_chunked: bool) {
    let drop: &[u8] = if is_chunked { b"1\r\n{\r\n" } else { b"{" };
    for _ in 0..20 {
        if stream.write_all(drop).is_err() {
            return;
        }
        std::thread::park_timeout(Duration::from_millis(100));
    }
}

/// Returns the number of open files of the program.
fn open_files(site: &TestSite) -> usize {
    std::fs::read_dir(format!("/proc/{}/fd", site.pid())).unwrap().count()
}

/// Returns the resident memory of the program, in bytes.
fn memory(site: &TestSite) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", site.pid())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    let kilobytes: u64 = line.trim().trim_end_matches("kB").trim().parse().unwrap();
    kilobytes << 10
}

fn crowds_of_slow_clients_neither_stop_the_shop_nor_fill_its_memory(on: Database) {
    let (_, hard) = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
    setrlimit(Resource::RLIMIT_NOFILE, hard, hard).unwrap();
    let database = Arc::new(TestDatabase::create(on));
    let flags = ["--page-size", "1000", "--body-start-timeout", "5", "--write-timeout", "5"];
    let url = database.url();
    let shop = ["serve", "--toolbar", "off", "--database", &url];
    let site = TestSite::of(Program::start(larder(&[&shop[..], &flags].concat())), database);
    let page = site.get("/");
    assert!(page.status == 200 && page.body.len() > 100_000, "{} bytes", page.body.len());
    let (files, before) = (open_files(&site), memory(&site));
    let idle: Vec<_> = (0..1_000).map(|_| begins(&site, "Content-Length: 10\r\n")).collect();
    let asked = format!("GET / HTTP/1.1\r\nHost: 127.0.0.1:{}\r\n\r\n", site.port()).repeat(500);
    // A body in chunks before them changes nothing.
    let chunked = format!(
        "POST /logout HTTP/1.1\r\nHost: 127.0.0.1:{}\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n{asked}",
        site.port()
    );
    let deaf: Vec<_> = (0..300)
        .map(|number| {
            let stream = site.connect();
            // Sends as much of it as the shop reads.
            stream.set_nonblocking(true).unwrap();
            let asked = if number % 2 == 0 { &asked } else { &chunked };
            let _ = (&stream).write(asked.as_bytes());
            stream
        })
        .collect();
    for _ in 0..50 {
        assert_eq!(site.get("/").status, 200);
    }
    let during = memory(&site);
    assert!(during < before + MOST_MEMORY, "{before} bytes before, {during} now");
    // The shop's limits are five seconds; a busy machine may need much longer.
    let deadline = Instant::now() + Duration::from_secs(120);
    while open_files(&site) > files + 100 {
        assert!(Instant::now() < deadline, "{} files are still open", open_files(&site));
        std::thread::park_timeout(Duration::from_millis(50));
    }
    let after = memory(&site);
    assert!(after < before + MOST_MEMORY, "{before} bytes before, {after} afterwards");
    assert_eq!(site.get("/").status, 200);
    drop((idle, deaf));
}

fn there_are_never_more_connections_than_allowed(on: Database) {
    let site = TestSite::start_with(on, &["--max-connections", "8", "--workers", "1"]);
    assert_eq!(site.get("/").status, 200);
    let others = open_sockets(&site);
    let crowd: Vec<_> = (0..100).map(|_| begins(&site, "Content-Length: 10\r\n")).collect();
    until("there is no more room", || open_sockets(&site) >= others + 7);
    for _ in 0..100 {
        assert!(open_sockets(&site) <= others + 8 + 4, "{} of {others}", open_sockets(&site));
    }
    drop(crowd);
    assert_eq!(site.get("/").status, 200);
}

fn open_sockets(site: &TestSite) -> usize {
    let files = std::fs::read_dir(format!("/proc/{}/fd", site.pid())).unwrap();
    let targets = files.filter_map(|file| std::fs::read_link(file.ok()?.path()).ok());
    targets.filter(|target| target.to_string_lossy().starts_with("socket:")).count()
}

fn few_open_files_are_no_reason_to_fail(on: Database) {
    let database = Arc::new(TestDatabase::create(on));
    let url = database.url();
    let shop = [env!("CARGO_BIN_EXE_larder"), "serve", "--no-samples", "--database", &url];
    let few = [&["-c", "ulimit -n 128; exec \"$@\"", "few"], &shop[..]].concat();
    let site = TestSite::of(Program::start(larder_at(Path::new("sh"), &few)), database);
    let crowd: Vec<_> = (0..300).map(|_| begins(&site, "Content-Length: 10\r\n")).collect();
    until("there is a crowd", || open_sockets(&site) > 40);
    drop(crowd);
    assert_eq!(site.get("/").status, 200);
    assert!(!site.log().contains("Too many open files"), "{}", site.log());
}
