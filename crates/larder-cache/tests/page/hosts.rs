//! All spellings of one host share its pages; an invalid host has none.

use larder_cache::page::Rules;

use super::reply::Reply;
use super::site::{Plan, Site};

fn site() -> Site {
    Plan::of(Rules::respecting())
        .replies(|asked| {
            let host = asked.header("host").unwrap_or_default();
            let page = format!("{}://{} {host} {}", asked.scheme, asked.host, asked.target);
            match asked.method.as_str() {
                "GET" => Reply::fresh(page).with("Location", format!("http://{}/", asked.host)),
                _ => Reply::ok(page),
            }
        })
        .open()
}

/// Returns spellings of `good.test` that RFC 3986 §6.2.2 and RFC 9110 §4.2.3 make one host.
fn spellings() -> Vec<String> {
    // All cases of four letters, and two percent-encoded forms.
    let cases = (0..16_u32).map(|bits| {
        let letter = |(nth, letter): (usize, char)| match bits >> nth & 1 {
            1 => letter.to_ascii_uppercase(),
            _ => letter,
        };
        "good".chars().enumerate().map(letter).collect::<String>()
    });
    let names: Vec<_> = cases.chain(["%67ood".into(), "%47%6F%6fD".into()]).collect();
    let tails = [".test", ".TEST", ".test.", "%2Etest", ".t%65st%2e"];
    let ports = ["", ":", ":80", ":080", ":000000080"];
    let with = |name: &String| tails.map(|tail| ports.map(|port| format!("{name}{tail}{port}")));
    names.iter().flat_map(with).flatten().collect()
}

#[test]
fn hundreds_of_spellings_of_a_host_are_one_page() {
    let site = site();
    let spellings = spellings();
    assert!(spellings.len() >= 400, "{}", spellings.len());
    for host in &spellings {
        for (target, line) in
            [("/r".to_owned(), host), (format!("http://{host}/r"), &"x.test".into())]
        {
            // The server refuses percent-encoded hosts in a target before the cache sees them.
            if target.contains('%') {
                continue;
            }
            let answer = site.send(format!("GET {target} HTTP/1.1\r\nHost: {line}\r\n\r\n"));
            assert_eq!(answer.text(), "http://good.test good.test /r", "{target} {line}");
            assert_eq!(answer.header("location"), Some("http://good.test/"), "{target} {line}");
        }
    }
    assert_eq!((site.calls("/r"), site.entries()), (1, 1));
    let addresses = ["[::1]", "[0:0:0:0:0:0:0:1]", "[::0001]:80", "[0::0.0.0.1]:"];
    for host in addresses {
        let answer = site.send(format!("GET /six HTTP/1.1\r\nHost: {host}\r\n\r\n"));
        assert_eq!(answer.text(), "http://[::1] [::1] /six", "{host}");
    }
    assert_eq!((site.calls("/six"), site.entries()), (1, 2));
}

#[test]
fn other_hosts_and_ports_have_pages_of_their_own() {
    let site = site();
    let hosts = [
        "good.test",
        "good.test:443",
        "good.test:8080",
        "goodtest",
        "good_test",
        "good.test..",
        "127.0.0.1",
        "127.1",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "a.good.test",
        "good.test%2C",
        "good!test",
    ];
    for _ in 0..2 {
        for host in hosts {
            let answer = site.send(format!("GET /r HTTP/1.1\r\nHost: {host}\r\n\r\n"));
            assert_eq!(answer.text(), format!("http://{host} {host} /r"));
        }
    }
    assert_eq!((site.calls("/r"), site.entries()), (hosts.len(), hosts.len() as u64));
}

#[test]
fn a_request_with_an_invalid_host_is_never_stored() {
    let site = site();
    let long = "a".repeat(300);
    let hosts = [
        "",
        ":80",
        "good test",
        "u@good.test",
        "good.test:0",
        "good.test:65536",
        "good.test:99999",
        "good.test:8o",
        "good.test:80:80",
        "::1",
        "[::1",
        "[::1%25lo]",
        "[]",
        "good.test/",
        "good.test?",
        "a%",
        "a%zz",
        "a\"><b>",
        "a\\b",
        "a,b c",
        "g\u{f6}\u{f6}d.test",
        &long,
    ];
    for host in hosts {
        for target in ["/r", "http://good.test/r"] {
            let bytes = format!("GET {target} HTTP/1.1\r\nHost: {host}\r\n\r\n");
            let Some(answer) = site.try_send(bytes) else { continue };
            let is_passed = answer.fate() == "larder-cache; fwd=bypass; detail=\"host\"";
            assert!(answer.status == 400 || is_passed, "{host:?} {target}: {answer:?}");
        }
    }
    for first in ["GET https://good.test/r", "GET evil://good.test/r", "GET good.test:80"] {
        let bytes = format!("{first} HTTP/1.1\r\nHost: good.test\r\n\r\n");
        let answer = site.try_send(bytes);
        assert!(answer.is_none_or(|answer| !answer.is_stored()), "{first}");
    }
    for lines in ["", "Host: good.test\r\nHost: good.test\r\n"] {
        let answer = site.send(format!("GET /r HTTP/1.1\r\n{lines}\r\n"));
        assert_eq!(answer.status, 400, "{lines:?}");
    }
    assert_eq!(site.entries(), 0);
    let old = site.send("GET /r HTTP/1.0\r\n\r\n");
    assert!(old.is_stored(), "an old client names no host, and is answered all the same");
}
