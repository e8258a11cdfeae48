//! Conditional requests, ranges, codings and `HEAD` are answered from the one stored page.

use larder_cache::page::Rules;

use super::line::Answer;
use super::reply::Reply;
use super::site::{Plan, Site};

const CHANGED: &str = "Fri, 01 Jan 2010 00:00:00 GMT";
const LATER: &str = "Sat, 02 Jan 2010 00:00:00 GMT";
const BEFORE: &str = "Thu, 31 Dec 2009 23:59:59 GMT";

/// Opens a site whose page `/` has ten characters and is stored.
fn letters() -> Site {
    let site = Plan::of(Rules::respecting())
        .replies(|_| {
            Reply::fresh("0123456789")
                .with("ETag", "\"v\"")
                .with("Last-Modified", CHANGED)
                .with("X-Other", "kept")
                .with("Content-Type", "text/plain")
        })
        .open();
    assert!(site.get("/").is_stored());
    site
}

#[test]
fn head_is_answered_from_get() {
    let site = letters();
    let (get, head) = (site.get("/"), site.ask("HEAD", "/", &[]));
    let told = |answer: &Answer| {
        let mut headers = answer.headers.clone();
        headers.retain(|(name, _)| !["age", "cache-status"].contains(&name.as_str()));
        headers.sort();
        headers
    };
    assert_eq!((head.status, told(&head)), (200, told(&get)));
    assert_eq!(site.ask("HEAD", "/", &["If-None-Match: \"v\""]).status, 304);
    // The connection is still in step, so no body was sent after the head.
    let mut line = site.line();
    line.say("HEAD / HTTP/1.1\r\nHost: good.test\r\n\r\nGET / HTTP/1.1\r\nHost: good.test\r\n\r\n");
    assert_eq!(line.hear_of("HEAD").unwrap().status, 200);
    assert_eq!(line.hear().unwrap().text(), "0123456789");
    assert_eq!(site.calls("/"), 1);
}

#[test]
fn conditions_are_evaluated_in_the_order_of_the_rfc() {
    let site = letters();
    let cases = [
        ("If-None-Match: \"v\"".to_owned(), 304),
        ("If-None-Match: W/\"v\"".to_owned(), 304),
        ("If-None-Match: \"a\", \"v\"".to_owned(), 304),
        ("If-None-Match: \"a\"\r\nIf-None-Match: \"v\"".to_owned(), 304),
        ("If-None-Match: *".to_owned(), 304),
        ("If-None-Match: v".to_owned(), 200),
        ("If-None-Match: \"V\"".to_owned(), 200),
        (format!("If-None-Match: \"a\"\r\nIf-Modified-Since: {LATER}"), 200),
        (format!("If-Modified-Since: {LATER}"), 304),
        (format!("If-Modified-Since: {CHANGED}"), 304),
        (format!("If-Modified-Since: {BEFORE}"), 200),
        ("If-Modified-Since: Fri, 01 Jan 2010 00:00:00 CET".to_owned(), 200),
        ("If-Match: \"v\"".to_owned(), 200),
        ("If-Match: W/\"v\"".to_owned(), 412),
        ("If-Match: \"a\"".to_owned(), 412),
        ("If-Match: *".to_owned(), 200),
        ("If-Match: \"a\"\r\nIf-None-Match: \"v\"".to_owned(), 412),
        (format!("If-Unmodified-Since: {BEFORE}"), 412),
        (format!("If-Unmodified-Since: {LATER}"), 200),
        (format!("If-Match: \"v\"\r\nIf-Unmodified-Since: {BEFORE}"), 200),
    ];
    for (lines, status) in cases {
        let answer = site.ask("GET", "/", &[&lines]);
        assert_eq!(answer.status, status, "{lines}");
        assert!(answer.is_hit() && (status != 412 || answer.body.is_empty()), "{answer:?}");
        if status == 304 {
            assert_eq!(answer.header("etag"), Some("\"v\""));
            assert!(answer.header("date").is_some() && answer.header("cache-control").is_some());
            assert!(answer.header("x-other").is_none() && answer.header("content-type").is_none());
        }
    }
    assert_eq!(site.calls("/"), 1);
}

#[test]
fn conditions_apply_to_successful_responses_only() {
    let site = Plan::of(Rules::respecting())
        .replies(|_| {
            let gone = Reply::fresh("gone").status(410).with("ETag", "\"v\"");
            gone.with("Last-Modified", CHANGED)
        })
        .open();
    assert!(site.get("/").is_stored());
    let since = format!("If-Modified-Since: {LATER}");
    for line in
        ["If-None-Match: \"v\"", "If-None-Match: *", &since, "If-Match: \"a\"", "Range: bytes=0-0"]
    {
        let answer = site.ask("GET", "/", &[line]);
        assert_eq!((answer.status, answer.text().as_str()), (410, "gone"), "{line}");
        assert!(answer.is_hit(), "{answer:?}");
    }
}

#[test]
fn a_single_range_is_answered_with_that_part() {
    let site = letters();
    let part = |lines: &str| {
        let answer = site.ask("GET", "/", &[lines]);
        assert!(answer.is_hit(), "{answer:?}");
        let range = answer.header("content-range").unwrap_or_default().to_owned();
        (answer.status, answer.text(), range)
    };
    let whole = || (200, "0123456789".to_owned(), String::new());
    let bytes = |text: &str, range: &str| (206, text.to_owned(), format!("bytes {range}/10"));
    let none = || (416, String::new(), "bytes */10".to_owned());
    let dated = format!("Range: bytes=0-0\r\nIf-Range: {CHANGED}");
    let otherwise = format!("Range: bytes=0-0\r\nIf-Range: {LATER}");
    let cases = [
        ("Range: bytes=2-4", bytes("234", "2-4")),
        ("Range: bytes=8-", bytes("89", "8-9")),
        ("Range: bytes=-3", bytes("789", "7-9")),
        ("Range: bytes=0-99", bytes("0123456789", "0-9")),
        ("Range: bytes=10-", none()),
        ("Range: bytes=-0", none()),
        ("Range: bytes=4-2", whole()),
        ("Range: bytes=0-1,3-4", whole()),
        ("Range: lines=0-1", whole()),
        ("Range: bytes=a-b", whole()),
        ("Range: bytes=0-0\r\nRange: bytes=1-1", whole()),
        ("Range: bytes=0-0\r\nIf-Range: \"v\"", bytes("0", "0-0")),
        ("Range: bytes=0-0\r\nIf-Range: W/\"v\"", whole()),
        ("Range: bytes=0-0\r\nIf-Range: \"a\"", whole()),
        (&dated, bytes("0", "0-0")),
        (&otherwise, whole()),
        ("Range: bytes=99999999999999999999-", none()),
    ];
    for (lines, expected) in cases {
        assert_eq!(part(lines), expected, "{lines}");
    }
    assert_eq!(site.ask("GET", "/", &["Range: bytes=0-0", "If-None-Match: \"v\""]).status, 304);
    assert_eq!(site.ask("HEAD", "/", &["Range: bytes=0-0"]).status, 200, "ranges are for GET");
    assert_eq!(site.calls("/"), 1);
}

#[test]
fn ranges_are_ignored_where_the_rules_say_so() {
    let site = Plan::of(Rules::respecting().ranges(false)).replies(|_| Reply::fresh("0123")).open();
    for _ in 0..2 {
        assert_eq!(site.ask("GET", "/", &["Range: bytes=0-0"]).text(), "0123");
    }
}

/// Returns a text that is long enough for a coding to shorten it.
fn text() -> String {
    "All work and no play. ".repeat(200)
}

fn texts(rules: Rules) -> Site {
    Plan::of(rules)
        .replies(|asked| {
            let reply = Reply::fresh(text()).with("Content-Type", "text/plain; charset=utf-8");
            match asked.query.as_str() {
                "tagged" => reply.with("ETag", "\"v\""),
                "weak" => reply.with("ETag", "W/\"v\""),
                "fixed" => reply.but("Cache-Control", "max-age=60, no-transform"),
                "varied" => reply.with("Vary", "Accept-Language"),
                _ => reply,
            }
        })
        .open()
}

#[test]
fn each_client_gets_the_page_in_an_accepted_coding() {
    let site = texts(Rules::respecting());
    let mut sizes = Vec::new();
    for (accepted, coding) in [
        ("gzip", Some("gzip")),
        ("br", Some("br")),
        ("gzip, br", Some("br")),
        ("gzip;q=1, br;q=0.5", Some("gzip")),
        ("identity", None),
        ("br;q=0", None),
        ("*", Some("br")),
        ("*;q=0", None),
        ("x-gzip", Some("gzip")),
        ("deflate", None),
        ("gzip;q=x", None),
        ("", None),
    ] {
        let answer = site.ask("GET", "/?tagged", &[&format!("Accept-Encoding: {accepted}")]);
        assert_eq!(answer.header("content-encoding"), coding, "{accepted}");
        assert!(answer.header("vary").unwrap().to_ascii_lowercase().contains("accept-encoding"));
        let tag = coding.map_or("\"v\"".to_owned(), |coding| format!("\"v-{coding}\""));
        assert_eq!(answer.header("etag"), Some(tag.as_str()), "{accepted}");
        assert_eq!(answer.header("content-length"), Some(answer.body.len().to_string().as_str()));
        assert_eq!(answer.body == text().as_bytes(), coding.is_none());
        let head = site.ask("HEAD", "/?tagged", &[&format!("Accept-Encoding: {accepted}")]);
        assert_eq!(head.header("content-length"), answer.header("content-length"));
        sizes.push(answer.body.len());
        let known = format!("Accept-Encoding: {accepted}\r\nIf-None-Match: {tag}");
        let same = site.ask("GET", "/?tagged", &[&known]);
        assert_eq!((same.status, same.header("etag")), (304, Some(tag.as_str())), "{accepted}");
        let other = if coding == Some("br") { "\"v-gzip\"" } else { "\"v-br\"" };
        let known = format!("Accept-Encoding: {accepted}\r\nIf-None-Match: {other}");
        assert_eq!(site.ask("GET", "/?tagged", &[&known]).status, 200, "{accepted}");
    }
    assert!(sizes[0] < text().len() / 2 && sizes[1] < text().len() / 2);
    assert_eq!(site.calls("/?tagged"), 1, "one page is stored, and coded");
}

#[test]
fn ranges_apply_to_the_coded_page() {
    let site = texts(Rules::respecting());
    let whole = site.ask("GET", "/", &["Accept-Encoding: gzip"]);
    let part = site.ask("GET", "/", &["Accept-Encoding: gzip", "Range: bytes=2-9"]);
    assert_eq!((part.status, part.body.as_slice()), (206, &whole.body[2..10]));
    assert_eq!(part.header("etag"), whole.header("etag"));
    assert_eq!(
        part.header("content-range"),
        Some(format!("bytes 2-9/{}", whole.body.len()).as_str())
    );
    let plain = site.ask(
        "GET",
        "/",
        &["Range: bytes=2-9", &format!("If-Range: {}", whole.header("etag").unwrap())],
    );
    assert_eq!(plain.status, 200, "the tag is of the other coding");
}

#[test]
fn pages_that_must_not_be_coded_are_not() {
    let site = texts(Rules::respecting());
    let lines = ["Accept-Encoding: br, gzip"];
    let fixed = site.ask("GET", "/?fixed", &lines);
    assert_eq!((fixed.header("content-encoding"), fixed.header("vary")), (None, None));
    let weak = site.ask("GET", "/?weak", &lines);
    assert_eq!(weak.header("etag"), Some("W/\"v-br\""));
    let varied = site.ask("GET", "/?varied", &lines);
    assert_eq!(varied.header("vary"), Some("Accept-Language, accept-encoding"));
    let site = texts(Rules::respecting().codings(false));
    let plain = site.ask("GET", "/", &lines);
    assert_eq!((plain.header("content-encoding"), plain.header("vary")), (None, None));
}

/// `Range` is for `GET`: a handler that supports ranges sees none in a `HEAD`.
#[test]
fn a_head_with_a_range_is_answered_as_without_it() {
    let site = Plan::of(Rules::respecting())
        .replies(|asked| {
            let reply = match asked.header("range").or(asked.header("if-range")) {
                None => Reply::ok("0123456789"),
                Some(_) => Reply::ok("34").status(206).with("Content-Range", "bytes 3-4/10"),
            };
            let said = if asked.path == "/stored" { "max-age=60" } else { "no-store" };
            reply.with("Cache-Control", said).with("ETag", "\"v\"")
        })
        .open();
    for (target, body) in [("/stored", ""), ("/passed", ""), ("/bodied", "Content-Length: 0")] {
        for range in ["bytes=3-4", "bytes=99-", "bytes=5-2", "bytes=0-1,3-4", "lines=3-4"] {
            for condition in ["X-None: 1", "If-Range: \"v\"", "If-Range: \"w\""] {
                let range = format!("Range: {range}");
                let extra = if body.is_empty() { "X-Body: 0" } else { body };
                let head = site.ask("HEAD", target, &[&range, condition, extra]);
                let seen =
                    (head.status, head.header("content-length"), head.header("content-range"));
                assert_eq!(seen, (200, Some("10"), None), "{target} {range} {condition}: {head:?}");
            }
        }
        // From here on the cache knows how the address is answered.
        site.get(target);
        let head = site.ask("HEAD", target, &["Range: bytes=3-4"]);
        assert_eq!((head.status, head.header("content-length")), (200, Some("10")), "{head:?}");
        let part = site.ask("GET", target, &["Range: bytes=3-4"]);
        assert_eq!((part.status, part.text().as_str()), (206, "34"), "{target}");
    }
}

/// A client can resume the download of a large file that is not stored.
#[test]
fn a_range_of_an_uncacheable_page_reaches_the_handler() {
    let site = Plan::of(Rules::respecting())
        .replies(|asked| match asked.header("range") {
            None => Reply::ok("0123456789").with("Cache-Control", "no-store"),
            Some(_) => Reply::ok("34").status(206).with("Content-Range", "bytes 3-4/10"),
        })
        .open();
    let part = ["Range: bytes=3-4"];
    // Before the page is known to be uncacheable, a fetch is for the whole page.
    for (detail, range) in [("no-store", None), ("uncacheable", Some("bytes=3-4"))] {
        let answer = site.ask("GET", "/", &part);
        assert_eq!((answer.status, answer.text().as_str()), (206, "34"));
        assert_eq!(answer.header("content-range"), Some("bytes 3-4/10"));
        assert_eq!(answer.fate(), format!("larder-cache; fwd=uri-miss; detail=\"{detail}\""));
        let seen = site.asked("/").pop().unwrap().header("range");
        assert_eq!(seen.as_deref(), range);
    }
    assert_eq!(site.get("/").text(), "0123456789");
}
