//! Many concurrent sign-ins: their memory, and that right passwords never count as failures.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::thread;

use crate::support::{Database, PASSWORD, TestSite};

/// Returns the bytes of a request that signs in.
fn sign_in(port: u16, name: &str, password: &str, address: &str) -> String {
    let body = form_urlencoded::Serializer::new(String::new())
        .extend_pairs([("name", name), ("password", password)])
        .finish();
    format!(
        "POST /login HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nX-Forwarded-For: {address}\r\n\
         Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\
         Connection: close\r\n\r\n{body}",
        body.len()
    )
}

/// Sends all requests before reading any response; returns the statuses.
fn at_once(site: &TestSite, requests: &[String]) -> Vec<u16> {
    let mut streams: Vec<TcpStream> = requests.iter().map(|_| site.connect()).collect();
    for (stream, request) in streams.iter_mut().zip(requests) {
        stream.write_all(request.as_bytes()).unwrap();
    }
    let status = |mut stream: TcpStream| {
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0)
    };
    streams.into_iter().map(status).collect()
}

/// Returns the current and the peak memory of the program, in MiB.
fn memory(site: &TestSite) -> (u64, u64) {
    let status = std::fs::read_to_string(format!("/proc/{}/status", site.pid())).unwrap();
    let field = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
        line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() / 1024
    };
    (field("VmRSS:"), field("VmHWM:"))
}

#[test]
fn five_hundred_concurrent_attempts_do_not_grow_the_memory() {
    let site = TestSite::with_staff(Database::Sqlite, &["Mina"], &[]);
    site.get("/login").assert_status(200);
    // Resets the peak: the start of the program needs memory of its own.
    std::fs::write(format!("/proc/{}/clear_refs", site.pid()), "5").unwrap();
    let (before, _) = memory(&site);
    let attempt = |number: usize| {
        let address = format!("198.51.{}.{}", number / 250, number % 250);
        sign_in(site.port(), &format!("name {number}"), "wrong pass", &address)
    };
    for round in 0..2 {
        let requests: Vec<String> = (0..500).map(|n| attempt(500 * round + n)).collect();
        let statuses = at_once(&site, &requests);
        let count = |status: u16| statuses.iter().filter(|is| **is == status).count();
        assert_eq!(count(422) + count(503), 500, "{statuses:?}");
        assert!(count(422) >= 100, "so many wait for their turn: {}", count(422));
    }
    let (after, most) = memory(&site);
    assert!(after < before + 80, "{before} MiB became {after} MiB");
    assert!(most < before + 80, "{before} MiB became {most} MiB for a while");
}

#[test]
fn a_right_password_is_never_counted_as_a_failure() {
    let site = TestSite::with_staff(Database::Sqlite, &["Mina"], &[]);
    let right = sign_in(site.port(), "Mina", PASSWORD, "192.0.2.7");
    // More than the number of failures that one address may have, in sequence and concurrently.
    let statuses = thread::scope(|scope| {
        let halves: Vec<_> =
            (0..2).map(|_| scope.spawn(|| at_once(&site, &vec![right.clone(); 30]))).collect();
        halves.into_iter().flat_map(|half| half.join().unwrap()).collect::<Vec<u16>>()
    });
    assert_eq!(statuses, vec![303; 60]);
    // Ten wrong attempts are checked, even if they come concurrently.
    let wrong = sign_in(site.port(), "Mina", "wrong pass", "192.0.2.7");
    let statuses = at_once(&site, &vec![wrong; 40]);
    assert_eq!(statuses.iter().filter(|status| **status == 422).count(), 10, "{statuses:?}");
    assert_eq!(statuses.iter().filter(|status| **status == 429).count(), 30, "{statuses:?}");
}
