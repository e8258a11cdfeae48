//! Shared pages with holes, which are filled for each visitor.

use std::io::Read;
use std::sync::Arc;
use std::time::Duration;

use actix_web::HttpRequest;
use flate2::read::GzDecoder;
use larder_cache::page::{self, Rules};
use larder_cache::store::{MemoryStore, Store};
use larder_cache::{InProcess, Policy};

use super::line::Answer;
use super::reply::{Asked, Reply};
use super::site::{Plan, Site, keys_in, until};

const MINUTE: Duration = Duration::from_secs(60);

fn user(request: &HttpRequest) -> Option<String> {
    request.cookie("sid").map(|cookie| cookie.value().to_owned())
}

fn rules(policy: Policy) -> Rules {
    Rules::shared(policy).hole("name", |request| user(request).unwrap_or_default()).hole_html(
        "greeting",
        |request| match user(request) {
            Some(_) => "<b>Welcome</b>",
            None => "",
        },
    )
}

/// Prints three holes in a text that is long enough to be compressed.
fn page(_: &Asked) -> Reply {
    let [greeting, name] = ["greeting", "name"].map(page::hole);
    let filler = "All work and no play. ".repeat(100);
    Reply::ok(format!("{greeting}<p title=\"{name}\">{name}</p>{filler}"))
        .with("Content-Type", "text/html")
}

fn expected(greeting: &str, name: &str) -> String {
    let filler = "All work and no play. ".repeat(100);
    format!("{greeting}<p title=\"{name}\">{name}</p>{filler}")
}

fn open(handler: impl Fn(&Asked) -> Reply + Send + Sync + 'static) -> Site {
    Plan::of(rules(Policy::fresh_for(MINUTE))).replies(handler).open()
}

fn of(site: &Site, name: &str, lines: &[&str]) -> Answer {
    let cookie = format!("Cookie: sid={name}");
    let lines: Vec<&str> = lines.iter().copied().chain([cookie.as_str()]).collect();
    site.ask("GET", "/", &lines)
}

/// Asserts that no other visitor may get the answer.
#[track_caller]
fn assert_is_for_one(answer: &Answer) {
    assert_eq!(answer.header("cache-control"), Some("private, no-cache"));
    let vary: Vec<_> = answer.all("vary").flat_map(|line| line.split(", ")).collect();
    assert!(vary.contains(&"cookie"), "{answer:?}");
    for name in ["etag", "last-modified", "repr-digest", "cdn-cache-control"] {
        assert_eq!(answer.header(name), None, "{name}");
    }
}

/// Returns the text of an answer that is compressed.
#[track_caller]
fn unzipped(answer: &Answer) -> String {
    assert_eq!(answer.header("content-encoding"), Some("gzip"), "{answer:?}");
    let mut text = String::new();
    GzDecoder::new(&*answer.body).read_to_string(&mut text).unwrap();
    text
}

#[test]
fn the_holes_of_one_page_are_filled_for_each_visitor() {
    let site = open(|asked| {
        page(asked)
            .with("Cache-Control", "public, max-age=60")
            .with("CDN-Cache-Control", "max-age=60")
            .with("Last-Modified", "Sun, 06 Nov 1994 08:49:37 GMT")
            .with("ETag", "\"v1\"")
            .with("Repr-Digest", "sha-256=:AAAA:")
    });
    for (name, is_hit) in [("ann", false), ("bob", true), ("ann", true)] {
        let answer = of(&site, name, &["Accept-Encoding: gzip, br"]);
        assert_eq!(unzipped(&answer), expected("<b>Welcome</b>", name));
        assert_eq!(answer.is_hit(), is_hit);
        assert_is_for_one(&answer);
    }
    assert_eq!(site.calls("/"), 1);
}

#[test]
fn a_filled_page_is_compressed_without_what_fills_its_holes() {
    let site = open(|asked| match asked.path.as_str() {
        "/plain" => page(asked).with("Cache-Control", "no-transform"),
        _ => page(asked),
    });
    let ask = |method: &str, target: &str, name: &str, codings: &str| {
        let lines = [format!("Cookie: sid={name}"), format!("Accept-Encoding: {codings}")];
        site.ask(method, target, &[&lines[0], &lines[1]])
    };
    for codings in ["gzip", "br;q=1, gzip;q=0.1", "*", "x-gzip"] {
        let answer = ask("GET", "/", "ann", codings);
        assert_eq!(unzipped(&answer), expected("<b>Welcome</b>", "ann"), "{codings}");
        assert!(answer.body.len() < 400, "{} bytes", answer.body.len());
        assert_is_for_one(&answer);
        let vary: Vec<_> = answer.all("vary").flat_map(|line| line.split(", ")).collect();
        assert!(vary.contains(&"accept-encoding"), "{answer:?}");
        let head = ask("HEAD", "/", "ann", codings);
        assert_eq!(head.header("content-length"), answer.header("content-length"));
        // What another visitor has written on the page does not show in the length of a name.
        let [alike, other] =
            ["All%20work", "vXqJ7zkL"].map(|name| ask("GET", "/", name, codings).body.len());
        assert_eq!(alike, other);
    }
    for (target, codings) in [("/", "br"), ("/", "gzip;q=0, *"), ("/", ""), ("/plain", "gzip")] {
        for _ in 0..2 {
            let answer = ask("GET", target, "ann", codings);
            assert_eq!(answer.header("content-encoding"), None, "{target} {codings}");
            assert_eq!(answer.text(), expected("<b>Welcome</b>", "ann"), "{target} {codings}");
        }
    }
    // The page for all has its own compressed form.
    let plain = site.ask("GET", "/", &["Accept-Encoding: gzip"]);
    assert_eq!(unzipped(&plain), expected("", ""));
    assert!(plain.header("etag").is_some_and(|tag| tag.ends_with("-gzip\"")), "{plain:?}");
}

#[test]
fn a_page_whose_holes_are_empty_is_the_page_for_all() {
    let site = open(page);
    of(&site, "ann", &[]);
    let plain = site.get("/");
    assert_eq!((plain.text(), plain.is_hit()), (expected("", ""), true));
    assert!(plain.all("vary").any(|line| line.contains("cookie")), "{plain:?}");
    let tag = plain.header("etag").expect("a validator of the page").to_owned();
    let again = format!("If-None-Match: {tag}");
    assert_eq!(site.ask("GET", "/", &[&again]).status, 304);
    assert_eq!(site.ask("GET", "/", &["Range: bytes=0-1"]).text(), "<p");
    let coded = site.ask("GET", "/", &["Accept-Encoding: gzip"]);
    assert_eq!(coded.header("content-encoding"), Some("gzip"));
    // That this visitor has the page for all says nothing of a page with a name in it.
    let named = of(&site, "ann", &[&again]);
    assert_eq!((named.status, named.text()), (200, expected("<b>Welcome</b>", "ann")));
}

#[test]
fn a_filled_page_is_always_whole() {
    let site = open(page);
    for lines in [
        &["If-None-Match: *"][..],
        &["If-Modified-Since: Fri, 01 Jan 2100 00:00:00 GMT"],
        &["Range: bytes=0-9"],
        &["If-Match: \"x\""],
        &["Range: bytes=99999-"],
    ] {
        for _ in 0..2 {
            let answer = of(&site, "ann", lines);
            assert_eq!(answer.status, 200, "{lines:?}");
            assert_eq!(answer.text(), expected("<b>Welcome</b>", "ann"), "{lines:?}");
        }
    }
    let head = site.ask("HEAD", "/", &["Cookie: sid=ann"]);
    let length = expected("<b>Welcome</b>", "ann").len().to_string();
    assert_eq!(head.header("content-length"), Some(length.as_str()));
    assert_is_for_one(&head);
}

#[test]
fn what_fills_a_hole_is_escaped() {
    let site = open(page);
    for is_hit in [false, true] {
        let answer = of(&site, "%3Cb%3E%22%27%26", &[]);
        assert_eq!(answer.text(), expected("<b>Welcome</b>", "&lt;b&gt;&quot;&#39;&amp;"));
        assert_eq!(answer.is_hit(), is_hit);
    }
}

/// A text that looks like a hole is a text, also if it was copied from a page that leaked.
#[test]
fn visitors_cannot_write_holes() {
    let site = open(|asked| {
        let text = asked.header("x-text").unwrap_or_default();
        Reply::ok(format!("{}|{text}|{}", page::hole("name"), page::hole("name")))
    });
    let forged = format!("hole-{}-name-", "0123456789abcdef".repeat(2));
    let answer = of(&site, "ann", &[&format!("X-Text: {forged}")]);
    assert_eq!(answer.text(), format!("ann|{forged}|ann"));
    let answer = of(&site, "bob", &[]);
    assert!(answer.is_hit());
    assert_eq!(answer.text(), format!("bob|{forged}|bob"));
    let marker = page::hole("name").to_string();
    assert_eq!(marker, "", "outside of a page there are no holes");
}

#[test]
fn pages_that_are_not_stored_are_filled_too() {
    for (name, value) in [("Cache-Control", "no-store"), ("Set-Cookie", "a=b")] {
        let site = open(move |asked| page(asked).with(name, value));
        for nth in 1..3 {
            let answer = of(&site, "ann", &["Range: bytes=0-1"]);
            assert_eq!(answer.text(), expected("<b>Welcome</b>", "ann"), "{name}");
            assert!(answer.header("etag").is_none() && site.calls("/") == nth);
            let said = answer.header("cache-control").unwrap();
            assert!(said.starts_with("private, no-"), "{said}");
        }
        assert_eq!(site.ask("HEAD", "/", &["Cookie: sid=ann"]).header("etag"), None);
        let plain = site.get("/");
        assert_eq!(plain.text(), expected("", ""), "{name}");
    }
    let site = open(page);
    let cookie = "Cookie: sid=ann";
    let posted = site.ask("POST", "/", &[cookie, "Content-Length: 0"]);
    let passed = site.ask("GET", "/", &[cookie, "X-Method-Override: PUT"]);
    for answer in [posted, passed] {
        assert_eq!(answer.text(), expected("<b>Welcome</b>", "ann"));
        assert_is_for_one(&answer);
    }
    let site = Plan::of(rules(Policy::fresh_for(MINUTE)).sessions(&["sid"])).replies(page).open();
    assert_eq!(of(&site, "ann", &[]).text(), expected("<b>Welcome</b>", "ann"));
}

#[test]
fn a_page_that_is_validated_keeps_its_holes() {
    let policy = Policy::fresh_for(Duration::from_millis(1)).stale_if_error(MINUTE);
    let site = Plan::of(rules(policy))
        .replies(|asked| match asked.header("if-none-match") {
            Some(_) => Reply::ok("").status(304).with("ETag", "\"v1\""),
            None => page(asked).with("ETag", "\"v1\""),
        })
        .open();
    let mut is_revalidated = false;
    for _ in 0..20 {
        let answer = of(&site, "ann", &[]);
        assert_eq!(answer.text(), expected("<b>Welcome</b>", "ann"), "{}", answer.fate());
        is_revalidated |= answer.fate().contains("304");
        assert_is_for_one(&answer);
    }
    assert!(is_revalidated);
}

#[test]
fn another_instance_fills_the_holes_of_a_shared_page() {
    let versions = Arc::new(InProcess::new());
    let store: Arc<dyn Store> = Arc::new(MemoryStore::default());
    let [one, other] = [(); 2].map(|()| {
        let plan = Plan::of(rules(Policy::fresh_for(MINUTE))).replies(page);
        plan.sharing(&versions, &store).open()
    });
    assert!(of(&one, "ann", &[]).is_stored());
    until("it is in the store", || (keys_in(&store) > 0).then_some(()));
    let answer = of(&other, "bob", &[]);
    assert_eq!(answer.text(), expected("<b>Welcome</b>", "bob"));
    assert!(answer.is_hit() && other.calls("/") == 0, "{}", answer.fate());
}

#[test]
fn the_canary_finds_no_difference_in_holes() {
    let plan = Plan::of(rules(Policy::fresh_for(MINUTE))).with_canary();
    let site = plan.replies(page).open();
    assert!(of(&site, "ann", &[]).is_stored());
    assert!(of(&site, "bob", &[]).is_hit());
}
