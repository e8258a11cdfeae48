//! Different requests have different pages, and pipelined requests stay separate.
//!
//! The numbers are those of the attack list in `docs/HTTP-CACHE.md`.

use actix_web::http::header::HeaderName;
use larder_cache::page::Rules;

use super::line::Line;
use super::reply::Reply;
use super::site::{Plan, Site, request};

fn site() -> Site {
    Plan::of(Rules::respecting()).open()
}

/// Attacks 22 and 23.
#[test]
fn a_get_with_a_body_is_not_stored() {
    for lines in [
        "Content-Length: 7\r\n\r\ncb=evil",
        "Transfer-Encoding: chunked\r\n\r\n7\r\ncb=evil\r\n0\r\n",
        "Content-Length: 07\r\n\r\ncb=evil",
    ] {
        let site = site();
        let attack = format!("GET /r?cb=good HTTP/1.1\r\nHost: good.test\r\n{lines}\r\n");
        let attack = site.send(attack);
        assert!(attack.status == 400 || attack.fate().contains("\"body\""), "{attack:?}");
        let answer = site.get("/r?cb=good");
        assert!(answer.is_stored() && !answer.holds("evil"), "{answer:?}");
    }
    let site = site();
    assert!(site.ask("GET", "/r", &["Content-Length: 0"]).is_stored());
}

/// Attack 23.
#[test]
fn a_body_that_never_comes_blocks_no_other_request() {
    let site = site();
    let mut line = site.line();
    line.say("GET /r HTTP/1.1\r\nHost: good.test\r\nContent-Length: 7\r\n\r\nc");
    assert!(site.get("/r").is_stored());
    line.say("b=evil");
    assert!(line.hear().unwrap().holds("evil"));
    assert!(!site.get("/r").holds("evil"));
}

#[test]
fn contradictory_lengths_are_refused_by_the_server() {
    for lines in [
        "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "Content-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        "Content-Length: +1\r\n\r\na",
        "Content-Length: 1, 1\r\n\r\na",
        "Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
        "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "Host: evil.test\r\n\r\n",
    ] {
        let site = site();
        let text = format!(
            "GET /r HTTP/1.1\r\nHost: good.test\r\n{lines}GET /evil HTTP/1.1\r\nHost: good.test\r\n\r\n"
        );
        let mut line = site.line();
        line.say(text);
        let first = line.hear();
        assert!(
            first
                .as_ref()
                .is_none_or(|answer| answer.status == 400 || answer.fate().contains("body")),
            "{lines:?}: {first:?}"
        );
        let answer = site.get("/r");
        assert!(answer.is_stored() && !answer.holds("evil"), "{lines:?}: {answer:?}");
    }
}

/// A smuggled request is answered as itself, and never as the request before it.
#[test]
fn pipelined_requests_are_answered_in_order() {
    let site = site();
    let mut line: Line = site.line();
    let targets = ["/r?1", "/r?2", "/r?1", "/err?s=404", "/r?2", "/r?3", "/r?1"];
    let bytes: Vec<u8> = targets.iter().flat_map(|target| request("GET", target, &[])).collect();
    line.say(bytes);
    for target in targets {
        let answer = line.hear().unwrap();
        let is_it = answer.holds(target) || (answer.status == 404 && target.contains("404"));
        assert!(is_it, "{target}: {answer:?}");
    }
    assert_eq!(site.calls("/r?1"), 1);
    line.say("GET /r?1 HTTP/1.1\r\nHost: good.test\r\nContent-Length: 40\r\n\r\nGET /r?evil HTTP/1.1\r\nHost: good.test\r\n\r");
    line.say("\nGET /r?4 HTTP/1.1\r\nHost: good.test\r\n\r\n");
    let fat = line.hear().unwrap();
    assert!(fat.fate().contains("body"), "{fat:?}");
    line.hear();
    assert_eq!(site.get("/r?1").text(), "http good.test /r?1\n");
}

/// Attack 26.
#[test]
fn queries_that_differ_in_a_byte_have_pages_of_their_own() {
    let site = site();
    let targets = [
        "/r", "/r?", "/r?x", "/r?x=", "/r?x=%41", "/r?x=A", "/r?x=a", "/r?x=%61", "/r?x&", "/r?&x",
        "/r?x=A&y", "/r?y&x=A", "/r/", "/r;", "/r?%22",
    ];
    for target in targets {
        let made = site.get(target);
        assert!(made.is_stored(), "{target}: {made:?}");
    }
    for target in targets {
        let hit = site.get(target);
        assert!(
            hit.is_hit() && hit.text().starts_with(&format!("http good.test {target}\n")),
            "{hit:?}"
        );
    }
}

/// Attack 28.
#[test]
fn each_raw_target_has_its_own_page() {
    let site = site();
    let targets = [
        "/me-maxage",
        "/static/../me-maxage",
        "/static/..%2fme-maxage",
        "/static\\me-maxage",
        "//me-maxage",
        "/%6de-maxage",
        "/ME-MAXAGE",
        "/me-maxage/",
        "/./me-maxage",
        "/me-maxage%00",
        "/me-maxage?",
        "/me%2dmaxage",
        "/static/%2e%2e/me-maxage",
    ];
    for _ in 0..2 {
        for target in targets {
            let Some(answer) = site.try_ask("GET", target, &["Cookie: sid=x"]) else { continue };
            let is_of_another =
                answer.holds("user=") && !answer.text().ends_with(&format!(" at {target}"));
            assert!(!is_of_another, "{target}: {answer:?}");
        }
        for target in targets {
            let Some(answer) = site.try_ask("GET", target, &[]) else { continue };
            assert!(!answer.holds("user=x"), "{target}: {answer:?}");
            if answer.holds("user=") {
                assert_eq!(answer.text(), format!("user=none at {target}"));
            }
        }
    }
}

#[test]
fn any_bytes_of_a_target_can_be_in_a_key() {
    let site = site();
    for byte in 1..=255_u8 {
        let bytes =
            [&b"GET /r"[..], &[byte], b"x?", &[byte], b" HTTP/1.1\r\nHost: good.test\r\n\r\n"]
                .concat();
        for _ in 0..2 {
            let answer = site.try_send(&bytes);
            assert!(
                answer.is_none_or(|answer| [200, 400, 404, 505].contains(&answer.status)),
                "{byte}"
            );
        }
    }
    assert_eq!(site.get("/r").text(), "http good.test /r\n");
}

#[test]
fn a_keyed_header_cannot_forge_another_key() {
    let names = ["x-one", "x-two"].map(HeaderName::from_static);
    let rules = Rules::respecting().keyed_headers(&names);
    let site = Plan::of(rules).open();
    let asks = [
        &["X-One: a"][..],
        &["X-One: a\":header=\"x-two\":is=\"b"],
        &["X-One: a", "X-Two: b"],
        &["X-One: a,"],
        &["X-One: ,a"],
        &["X-One: a,,"],
        &["X-One: a,b"],
        &["X-One: a, b"],
        &["X-One: a", "X-One: b"],
        &["X-Two: a"],
        &["X-One:"],
        &[],
    ];
    for lines in asks {
        assert!(site.ask("GET", "/r", lines).is_stored(), "{lines:?}");
    }
    for lines in asks {
        let hit = site.ask("GET", "/r", lines);
        assert!(hit.is_hit(), "{lines:?}: {hit:?}");
        for line in lines.iter().filter(|line| !line.ends_with(':')) {
            let (_, value) = line.split_once(": ").unwrap();
            assert!(hit.holds(value), "{line}: {hit:?}");
        }
    }
}

#[test]
fn a_varied_header_cannot_forge_another_variant() {
    let site = Plan::of(Rules::respecting())
        .replies(|asked| {
            let lines: Vec<_> = ["x-a", "x-b"]
                .iter()
                .map(|name| {
                    let lines = asked.headers.get_all(*name);
                    lines.map(|line| line.to_str().unwrap().to_owned()).collect::<Vec<_>>()
                })
                .collect();
            Reply::fresh(format!("{lines:?}")).with("Vary", "X-A, X-B")
        })
        .open();
    let asks = [
        &["X-A: 1"][..],
        &["X-B: 1"],
        &["X-A: 1", "X-B: 1"],
        &["X-A: 1\";x-b=\"1"],
        &["X-A:"],
        &[],
        &["X-A: \"1", "X-A: 2\""],
        &["X-A: \"1,2\""],
        &["X-A: a;x-b=1"],
        &["X-A: 1,"],
        &["X-A: ,1"],
        &["X-A: 1,,"],
        &["X-A: 1 ,2"],
        &["X-A: 1,2"],
        &["X-A: 1, 2"],
        &["X-A: 1", "X-A:"],
        &["X-A:", "X-A: 1"],
        &["X-A: ,"],
        &["X-A: 1  2"],
    ];
    let made: Vec<_> = asks.iter().map(|lines| site.ask("GET", "/", lines)).collect();
    for (lines, made) in asks.iter().zip(made) {
        let hit = site.ask("GET", "/", lines);
        assert!(hit.is_hit() && made.is_stored(), "{lines:?}: {hit:?}");
        assert_eq!(hit.body, made.body, "{lines:?}");
    }
}

/// The key decodes cookies as the framework does.
#[test]
fn a_keyed_cookie_is_decoded_as_the_handler_reads_it() {
    let site = Plan::of(Rules::respecting().keyed_cookies(&["lang"]))
        .replies(|asked| {
            let pairs = asked.cookies.split(';').find_map(|pair| pair.strip_prefix("lang="));
            let lang = pairs.unwrap_or("none").to_owned();
            Reply::ok(lang).with("Cache-Control", "public, max-age=60")
        })
        .open();
    let attacks = [
        "l%61ng=evil",
        "lang=%65vil",
        "lang= evil",
        "x=\u{e9}; lang=evil",
        "junk; lang=evil",
        "lang=evil; lang=none",
        "LANG=evil",
        "\tlang=evil",
    ];
    for (nth, cookie) in attacks.iter().enumerate() {
        let target = format!("/{nth}");
        site.ask("GET", &target, &[&format!("Cookie: {cookie}")]);
        assert_eq!(site.get(&target).text(), "none", "{cookie}");
        let other = site.ask("GET", &target, &["Cookie: lang=de"]);
        assert_eq!(other.text(), "de", "{cookie}");
    }
}

/// A cookie that is a session for the framework is one for the rules.
#[test]
fn a_session_bypasses_the_cache_however_its_cookie_is_written() {
    let site = Plan::of(Rules::respecting().sessions(&["sid"]))
        .replies(|asked| {
            let user = asked.user.clone().unwrap_or_else(|| "none".into());
            Reply::ok(user).with("Cache-Control", "public, max-age=60")
        })
        .open();
    for cookie in [
        "sid=evil",
        "s%69d=evil",
        "x=\u{e9}; sid=evil",
        "junk; sid=evil",
        "a=b;sid=evil",
        " sid=evil",
        "sid =evil",
    ] {
        let attack = site.ask("GET", "/r", &[&format!("Cookie: {cookie}")]);
        assert!(!(attack.is_stored() && attack.text() == "evil"), "{cookie}: {attack:?}");
    }
    assert_eq!(site.get("/r").text(), "none");
}
