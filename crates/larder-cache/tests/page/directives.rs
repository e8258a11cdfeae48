//! Cache directives of requests, where the rules obey them. RFC 9111 §5.2.1.

use larder_cache::page::Rules;

use super::line::Answer;
use super::reply::{Asked, Reply};
use super::site::{Plan, Site};

fn site(handler: impl Fn(&Asked) -> Reply + Send + Sync + 'static) -> Site {
    Plan::of(Rules::respecting().request_directives(true)).replies(handler).open()
}

/// Opens a site with a page that is 30 s old and has this `Cache-Control`, and stores it.
fn aged(said: &'static str) -> Site {
    let site = site(move |asked| {
        if asked.header("if-none-match").is_some() {
            return Reply::ok("").status(304).with("ETag", "\"v\"");
        }
        let page = Reply::ok("page").with("Cache-Control", said).with("ETag", "\"v\"");
        if asked.nth == 1 { page.with("Age", "30") } else { page }
    });
    assert!(site.get("/").is_stored());
    site
}

fn ask(site: &Site, line: &str) -> Answer {
    let answer = site.ask("GET", "/", &[line]);
    assert_eq!((answer.status, answer.text().as_str()), (200, "page"), "{line}: {answer:?}");
    answer
}

#[test]
fn a_page_that_is_too_old_for_the_client_is_revalidated() {
    for (line, is_hit) in [
        ("Cache-Control: max-age=40", true),
        ("Cache-Control: max-age=20", false),
        ("Cache-Control: max-age=0", false),
        ("Cache-Control: min-fresh=10", true),
        ("Cache-Control: min-fresh=40", false),
        ("Cache-Control: no-cache", false),
        ("Pragma: no-cache", false),
        ("Pragma: no-cache\r\nCache-Control: max-age=40", true),
        ("Cache-Control: max-stale=9", true),
        ("Cache-Control: no-store", true),
        ("Cache-Control: only-if-cached", true),
    ] {
        let site = aged("max-age=60");
        let answer = ask(&site, line);
        assert_eq!(answer.is_hit(), is_hit, "{line}: {answer:?}");
        if !is_hit {
            assert_eq!(
                answer.fate(),
                "larder-cache; fwd=request; fwd-status=304; stored",
                "{line}"
            );
            let seen = site.asked("/").pop().unwrap().header("if-none-match");
            assert_eq!(seen.as_deref(), Some("\"v\""));
            // It is new for the next client.
            assert!(site.get("/").age().unwrap() < 20);
        }
        assert_eq!(site.calls("/"), if is_hit { 1 } else { 2 }, "{line}");
    }
}

#[test]
fn a_stale_page_is_served_as_far_as_the_client_permits() {
    for (said, line, is_hit) in [
        ("max-age=20", "max-stale=99", true),
        ("max-age=20", "max-stale", true),
        ("max-age=20", "max-stale=9", false),
        ("max-age=20", "max-stale, max-age=25", false),
        ("max-age=20", "max-stale, min-fresh=1", false),
        ("max-age=20", "max-stale, only-if-cached", true),
        ("max-age=20, must-revalidate", "max-stale", false),
        ("max-age=20, proxy-revalidate", "max-stale", false),
        ("s-maxage=20", "max-stale", false),
        ("no-cache", "max-stale", false),
    ] {
        let site = aged(said);
        let answer = ask(&site, &format!("Cache-Control: {line}"));
        assert_eq!(answer.is_hit(), is_hit, "{said} {line}: {answer:?}");
        if is_hit {
            assert!(answer.fate().starts_with("larder-cache; hit; ttl=-1"), "{answer:?}");
            assert!(answer.age().unwrap() >= 30, "{answer:?}");
        }
    }
}

/// A client that wants a validated page gets neither a stale one, nor one from before a failure.
#[test]
fn strict_clients_get_no_stale_page() {
    let said = "max-age=20, stale-while-revalidate=600, stale-if-error=600";
    for line in ["no-cache", "max-age=25", "min-fresh=1"] {
        let answer = ask(&aged(said), &format!("Cache-Control: {line}"));
        assert!(answer.fate().ends_with("; fwd-status=304; stored"), "{line}: {answer:?}");
    }
    let site = site(move |asked| match asked.nth {
        1 => Reply::ok("page").with("Cache-Control", "max-age=60, stale-if-error=600"),
        _ => Reply::error(),
    });
    site.get("/");
    assert_eq!(site.ask("GET", "/", &["Cache-Control: no-cache"]).status, 500);
    assert!(site.get("/").is_hit(), "a failure says nothing about the page");
}

#[test]
fn a_response_to_no_store_is_not_stored() {
    let site = site(|_| Reply::fresh("page"));
    for _ in 0..2 {
        let answer = site.ask("GET", "/", &["Cache-Control: no-store", "Range: bytes=0-1"]);
        assert_eq!((answer.status, answer.text().as_str()), (206, "pa"));
        assert_eq!(answer.fate(), "larder-cache; fwd=uri-miss; detail=\"no-store\"");
    }
    assert_eq!(site.ask("GET", "/", &["Cache-Control: no-store, only-if-cached"]).status, 504);
    assert!(site.get("/").is_stored());
    assert!(site.ask("GET", "/", &["Cache-Control: no-store"]).is_hit());
    assert_eq!(site.calls("/"), 3);
}

#[test]
fn only_if_cached_calls_no_handler() {
    let site = aged("max-age=60");
    let asks = "Cache-Control: only-if-cached, max-age=10";
    assert_eq!((site.ask("GET", "/", &[asks]).status, site.calls("/")), (504, 1));
    assert!(site.get("/").is_hit());
}

/// RFC 9111 §4.3.5.
#[test]
fn a_head_with_another_validator_retires_the_page() {
    let changed = ("Last-Modified", "Fri, 01 Jan 2010 00:00:00 GMT");
    for (shown, status, is_retired) in [
        (("ETag", "\"w\""), 200, true),
        (("ETag", "\"v\""), 200, false),
        (("X-A", "1"), 200, false),
        (("Last-Modified", "Sat, 02 Jan 2010 00:00:00 GMT"), 200, true),
        (changed, 200, false),
        (("ETag", "\"w\""), 500, false),
    ] {
        let site = site(move |asked| match asked.method.as_str() {
            "HEAD" => Reply::fresh("page").status(status).with(shown.0, shown.1),
            _ => {
                Reply::fresh(asked.nth.to_string()).with("ETag", "\"v\"").with(changed.0, changed.1)
            }
        });
        assert!(site.get("/").is_stored());
        let head = site.ask("HEAD", "/", &["Cache-Control: no-cache"]);
        assert_eq!(head.header(&shown.0.to_lowercase()), Some(shown.1), "it reached the handler");
        assert_eq!(site.get("/").is_hit(), !is_retired, "{shown:?} {status}");
    }
}

/// What the handler says to one client is not about the page of all.
#[test]
fn a_head_for_one_client_retires_nothing() {
    let site = site(|asked| match asked.method.as_str() {
        "HEAD" => Reply::fresh("mine").with("ETag", "\"mine\""),
        _ => Reply::fresh("page").with("ETag", "\"v\""),
    });
    site.get("/");
    site.ask("HEAD", "/", &["Cache-Control: no-cache", "Cookie: a=b"]);
    assert!(site.get("/").is_hit());
}
