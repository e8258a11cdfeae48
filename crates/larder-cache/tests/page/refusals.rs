//! Responses that an attacker provokes and that are not stored: errors, upgrades, odd methods.
//!
//! The numbers are those of the attack list in `docs/HTTP-CACHE.md`.

use std::time::Duration;

use actix_web::http::StatusCode;
use larder_cache::Policy;
use larder_cache::page::Rules;

use super::reply::Reply;
use super::site::{Plan, Site, request};

fn site() -> Site {
    Plan::of(Rules::respecting()).open()
}

/// Attacks 12 and 16.
#[test]
fn errors_are_not_stored_whatever_their_headers_say() {
    let site = site();
    for status in [
        400, 401, 403, 405, 406, 408, 411, 412, 413, 414, 415, 416, 417, 421, 425, 426, 428, 429,
        431, 451, 500, 501, 502, 503, 504,
    ] {
        let target = format!("/err?s={status}");
        site.ask("GET", &target, &["X-HTTP-Method-Override: DELETE"]);
        for nth in 2..4 {
            let answer = site.get(&target);
            assert_eq!(answer.text(), format!("GET {status} {nth}"));
            assert!(answer.status == status && !answer.is_stored(), "{answer:?}");
        }
    }
}

/// Errors are not stored even if their status is cacheable and the policy gives a lifetime.
#[test]
fn errors_of_handlers_are_not_stored() {
    let policy = Policy::fresh_for(Duration::from_secs(60));
    let site = Plan::of(policy).replies(|_| Reply::refusal(StatusCode::NOT_FOUND)).open();
    for nth in 1..4 {
        let answer = site.get("/");
        assert!(answer.status == 404 && !answer.is_stored(), "{answer:?}");
        assert!(answer.fate().contains("error") && site.calls("/") == nth, "{answer:?}");
    }
}

#[test]
fn every_cacheable_status_is_stored() {
    let site = site();
    for status in [200, 203, 300, 301, 302, 303, 307, 308, 404, 410] {
        let target = format!("/err?s={status}");
        assert!(site.get(&target).is_stored(), "{status}");
        let hit = site.get(&target);
        assert!(hit.is_hit() && hit.status == status && site.calls(&target) == 1, "{hit:?}");
    }
    let empty = Plan::of(Rules::respecting()).replies(|_| Reply::fresh("").status(204)).open();
    assert!(empty.get("/").is_stored());
    let hit = empty.get("/");
    assert!(hit.is_hit() && hit.status == 204 && hit.header("content-length").is_none());
}

/// Attack 13.
#[test]
fn oversized_headers_are_refused_by_the_server() {
    let site = site();
    let long = format!("X-Long: {}", "a".repeat(200_000));
    let many = vec!["X-Many: a"; 200].join("\r\n");
    for lines in [long, many] {
        let answer = site.try_ask("GET", "/r", &[&lines]);
        assert!(answer.is_none_or(|answer| answer.status == 431 || answer.status == 400));
        assert_eq!(site.calls("/r"), 0);
    }
    assert_eq!(site.get("/r").status, 200);
}

/// Attacks 14 and 19.
#[test]
fn an_error_caused_by_a_header_is_not_stored() {
    let long = format!("X-Long: {}", "a".repeat(20_000));
    for line in [&long, "Accept: application/xml", "Expect: foo"] {
        let site = site();
        let attack = site.ask("GET", "/strict", &[line]);
        assert!(attack.status >= 400 && !attack.is_stored(), "{attack:?}");
        assert_eq!(site.get("/strict").text(), "good");
    }
}

/// Attack 15.
#[test]
fn control_characters_in_headers_are_refused_by_the_server() {
    let site = site();
    for line in
        [&b"X-M: a\x07b"[..], b"X-M: a\x00b", b"X-M: a\r\n b", b"X M: a", b"X-M : a", b": a"]
    {
        let bytes = [b"GET /r HTTP/1.1\r\nHost: good.test\r\n", line, b"\r\n\r\n"].concat();
        let answer = site.try_send(bytes);
        assert!(answer.is_none_or(|answer| answer.status == 400), "{line:?}");
    }
    assert_eq!(site.calls("/r"), 0);
    assert!(site.get("/r").is_stored());
}

/// Attack 18.
#[test]
fn conditions_on_a_cold_cache_do_not_reach_the_handler() {
    let old = "Mon, 01 Jan 1990 00:00:00 GMT";
    let cases = [
        ("If-None-Match: *".to_owned(), 304),
        ("If-Match: \"x\"".to_owned(), 412),
        (format!("If-Unmodified-Since: {old}"), 412),
        ("Range: bytes=0-1".to_owned(), 206),
        ("Range: bytes=99-".to_owned(), 416),
        ("If-Range: \"x\"\r\nRange: bytes=0-1".to_owned(), 200),
    ];
    for (line, status) in cases {
        let site = Plan::of(Rules::respecting())
            .replies(|_| {
                Reply::fresh("a whole page").with("Last-Modified", "Fri, 01 Jan 2010 00:00:00 GMT")
            })
            .open();
        let attack = site.ask("GET", "/r", &[&line, "Pragma: x", "Cache-Control: no-cache"]);
        assert_eq!(attack.status, status, "{line}: {attack:?}");
        let seen = &site.asked("/r")[0];
        for name in [
            "if-none-match",
            "if-match",
            "if-unmodified-since",
            "if-range",
            "range",
            "pragma",
            "cache-control",
        ] {
            assert_eq!(seen.header(name), None);
        }
        let answer = site.get("/r");
        assert!(answer.status == 200 && answer.is_hit(), "{answer:?}");
        assert_eq!(answer.text(), "a whole page");
    }
}

/// Attack 32.
#[test]
fn other_methods_neither_read_nor_write_entries_of_get() {
    let site = Plan::of(Rules::respecting().emptied_by_writes(false)).open();
    for method in ["get", "Get", "PURGE", "TRACE", "BAN", "POST", "OPTIONS"] {
        let answer = site.ask(method, "/r", &[]);
        assert_eq!(answer.fate(), "larder-cache; fwd=method", "{method}");
    }
    assert!(site.get("/r").is_stored());
    let calls = site.calls("/r");
    for method in ["get", "PURGE", "TRACE", "OPTIONS"] {
        assert!(!site.ask(method, "/r", &[]).is_hit(), "{method}");
    }
    assert_eq!(site.calls("/r"), calls + 4);
    assert!(site.try_send("OPTIONS * HTTP/1.1\r\nHost: good.test\r\n\r\n").is_some());
    assert!(site.get("/r").is_hit());
}

/// Attack 46.
#[test]
fn head_neither_creates_nor_damages_entries_of_get() {
    let site = site();
    let head = site.ask("HEAD", "/r?h", &[]);
    assert!(head.status == 500 && !head.is_stored(), "{head:?}");
    let made = site.get("/r?h");
    assert!(made.status == 200 && made.is_stored(), "{made:?}");
    let head = site.ask("HEAD", "/r?h", &[]);
    assert!(head.is_hit() && head.status == 200 && head.header("x-head").is_none(), "{head:?}");
    assert_eq!(head.header("content-length"), made.header("content-length"));
    assert!(site.get("/r?h").is_hit());
}

/// `docs/HTTP-CACHE.md` §2.6.
#[test]
fn an_upgrade_that_hangs_blocks_no_other_request() {
    let site = site();
    let mut line = site.line();
    line.say(request("GET", "/r", &["Connection: Upgrade", "Upgrade: websocket"]));
    assert!(site.get("/r").is_stored());
}

/// Attack 50.
#[test]
fn endless_streams_are_passed_on_and_not_stored() {
    let site = site();
    for target in ["/sse", "/big"] {
        for _ in 0..2 {
            let mut line = site.line();
            line.say(request("GET", target, &[]));
            let head = line.hear_head().unwrap();
            assert!(
                head.status == 200 && head.fate().contains("streaming")
                    || head.fate().contains("too large"),
                "{head:?}"
            );
        }
        assert_eq!(site.calls(target), 2);
    }
    assert!(site.kept() < 10_000, "{}", site.kept());
}

/// Attack 50.
#[test]
fn a_truncated_body_is_not_stored() {
    let site = site();
    for nth in 1..3 {
        assert_eq!(site.try_ask("GET", "/cut", &[]), None, "half a page is no page");
        assert_eq!(site.calls("/cut"), nth);
    }
    for _ in 0..2 {
        let answer = site.get("/short");
        assert_eq!((answer.header("content-length"), answer.text().as_str()), (Some("5"), "short"));
    }
    let head = site.ask("HEAD", "/short", &[]);
    assert_eq!(head.header("content-length"), Some("5"));
}

#[test]
fn a_body_above_the_size_limit_is_not_stored() {
    let rules = Rules::respecting().largest_body(1000);
    let site = Plan::of(rules)
        .replies(|asked| Reply::fresh("x".repeat(asked.query.parse().unwrap())))
        .open();
    assert!(site.get("/?1000").is_stored());
    let large = site.get("/?1001");
    assert_eq!(
        (large.fate(), large.body.len()),
        (r#"larder-cache; fwd=uri-miss; detail="too large""#, 1001)
    );
}
