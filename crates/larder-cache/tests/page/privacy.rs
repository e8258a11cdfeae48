//! A page that was built for one visitor is never served to another.
//!
//! The numbers are those of the attack list in `docs/HTTP-CACHE.md`.

use std::time::Duration;

use larder_cache::Policy;
use larder_cache::page::Rules;

use super::reply::Reply;
use super::site::{Plan, Site, wait_for};

const MINUTE: Duration = Duration::from_secs(60);

fn site() -> Site {
    Plan::of(Rules::respecting()).open()
}

/// Returns the responses to A, to B, and to a client without a cookie.
fn three(site: &Site, target: &str) -> [String; 3] {
    [&["Cookie: sid=A"][..], &["Cookie: sid=B"], &[]].map(|lines| {
        let answer = site.ask("GET", target, lines);
        answer.text().split(" at ").next().unwrap().to_owned()
    })
}

const EACH_ITS_OWN: [&str; 3] = ["user=A", "user=B", "user=none"];

/// Attack 29.
#[test]
fn a_file_extension_does_not_make_a_page_shared() {
    let site = site();
    for target in [
        "/me/x.css",
        "/me;.css",
        "/me%00.css",
        "/me%23.css",
        "/me%3f.css",
        "/me.js?v=1",
        "/me/%2e%2e/x.png",
    ] {
        for _ in 0..2 {
            assert_eq!(three(&site, target), EACH_ITS_OWN, "{target}");
        }
    }
}

/// Attack 34.
#[test]
fn a_page_built_for_credentials_is_not_shown_without_them() {
    for (said, is_kept) in [
        ("max-age=60", false),
        ("max-age=60, public", true),
        ("s-maxage=60", true),
        ("max-age=60, must-revalidate", true),
        ("max-age=60, proxy-revalidate", false),
        ("max-age=60, private", false),
    ] {
        let site = Plan::of(Rules::respecting())
            .replies(move |asked| {
                let who = asked.header("authorization").unwrap_or_else(|| "none".into());
                Reply::ok(who).with("Cache-Control", said)
            })
            .open();
        let made = site.ask("GET", "/r", &["Authorization: Bearer A"]);
        assert_eq!(made.is_stored(), is_kept, "{said}: {made:?}");
        let answer = site.get("/r");
        assert_eq!(answer.text(), if is_kept { "Bearer A" } else { "none" }, "{said}");
    }
}

/// Attack 35.
#[test]
fn a_handler_that_forgets_to_say_private_leaks_nothing() {
    let site = site();
    for _ in 0..2 {
        // A page that was built without a cookie may be stored and served to A and B, too.
        let [a, b, _] = three(&site, &format!("/me-maxage?{}", site.calls("/me-maxage?0")));
        assert!(a != "user=B" && b != "user=A", "{a} {b}");
    }
    let [a, b, absent] = three(&site, "/me-maxage");
    assert_eq!([a.as_str(), b.as_str(), absent.as_str()], EACH_ITS_OWN);
    assert_eq!(site.get("/me-maxage").text(), "user=none at /me-maxage");
}

/// Attack 36.
#[test]
fn a_default_lifetime_leaks_nothing() {
    let site = Plan::of(Rules::respecting().default_lifetime(MINUTE)).open();
    assert_eq!(three(&site, "/me"), EACH_ITS_OWN);
    assert!(site.get("/me").is_hit());
}

/// Attack 36.
#[test]
fn handlers_of_shared_pages_see_no_credentials() {
    for plan in [
        Plan::of(Policy::fresh_for(MINUTE)),
        Plan::of(Policy::fresh_for(MINUTE)).around_the_app(),
        Plan::of(Policy::fresh_for(MINUTE)).with_cookies_read_before(),
    ] {
        let site = plan.open();
        let lines = ["Cookie: sid=A", "Authorization: Bearer A"];
        // In every way the cache can treat a request: stored, bypassed, with or without a body.
        site.ask("HEAD", "/me?h", &lines);
        site.ask("GET", "/me?b", &[lines[0], lines[1], "Content-Length: 0"]);
        site.ask("GET", "/me?o", &[lines[0], lines[1], "X-Method-Override: x"]);
        assert_eq!(three(&site, "/me"), ["user=none"; 3]);
        for target in ["/me?h", "/me?b", "/me?o", "/me"] {
            let seen = site.asked(target);
            let seen = seen.first().expect("the handler was asked");
            assert!(seen.user.is_none() && seen.header("authorization").is_none(), "{seen:?}");
            assert!(seen.cookies.is_empty() && seen.header("cookie").is_none(), "{seen:?}");
        }
    }
}

/// A middleware around the cache still has the client's cookies, whatever the handler saw.
#[test]
fn middlewares_around_the_cache_still_see_cookies() {
    let site =
        Plan::of(Policy::fresh_for(MINUTE)).with_cookies_read_before().with_an_outer_wait().open();
    for _ in 0..2 {
        let answer = site.ask("GET", "/me", &["Cookie: sid=A; b=c"]);
        assert_eq!(answer.header("x-cookies"), Some("2"), "{answer:?}");
    }
}

/// Attack 37.
#[test]
fn a_response_that_sets_a_cookie_is_not_stored() {
    for plan in [Plan::of(Rules::respecting()), Plan::of(Policy::fresh_for(MINUTE))] {
        let site = plan.open();
        for nth in 1..3 {
            let answer = site.get("/session");
            assert!(
                answer.fate().contains("set-cookie") && site.calls("/session") == nth,
                "{answer:?}"
            );
        }
    }
    let site = Plan::of(Rules::respecting()).with_inner_sessions().open();
    for nth in 1..3 {
        assert!(site.get("/r").header("set-cookie").is_some());
        assert_eq!(site.calls("/r"), nth);
    }
}

#[test]
fn a_page_that_varies_on_cookies_is_stored_for_each_value() {
    let site = Plan::of(Rules::respecting())
        .replies(|asked| {
            Reply::fresh(asked.user.clone().unwrap_or_default()).with("Vary", "Cookie")
        })
        .open();
    for _ in 0..2 {
        for sid in ["A", "B"] {
            assert_eq!(site.ask("GET", "/", &[&format!("Cookie: sid={sid}")]).text(), sid);
        }
        assert_eq!(site.get("/").text(), "");
    }
    assert_eq!(site.calls("/"), 3);
    assert_eq!(site.ask("GET", "/", &["Cookie: sid=A; b=c"]).text(), "A");
    assert_eq!(site.calls("/"), 4, "cookies are no list");
}

/// Handlers of shared pages see no cookie, so their pages do not vary on it.
#[test]
fn a_shared_page_is_stored_once_even_if_it_varies_on_cookies() {
    let site = Plan::of(Policy::fresh_for(MINUTE))
        .replies(|asked| Reply::ok(&*asked.cookies).with("Vary", "Cookie, Authorization"))
        .open();
    site.get("/");
    for line in ["Cookie: sid=A", "Cookie: sid=B", "Authorization: Basic QTpC"] {
        let answer = site.ask("GET", "/", &[line]);
        assert!(answer.is_hit() && answer.text().is_empty(), "{answer:?}");
    }
    assert_eq!(site.calls("/"), 1);
}

#[test]
fn each_value_of_a_keyed_cookie_has_its_own_page() {
    let site = Plan::of(Rules::respecting().keyed_cookies(&["lang"]))
        .replies(|asked| Reply::ok(&*asked.cookies).with("Cache-Control", "public, max-age=60"))
        .open();
    for _ in 0..2 {
        assert_eq!(site.ask("GET", "/", &["Cookie: lang=de"]).text(), "lang=de;");
        assert_eq!(site.ask("GET", "/", &["Cookie: lang=fr; a=b"]).text(), "lang=fr;a=b;");
        assert_eq!(site.get("/").text(), "");
    }
    assert_eq!(site.calls("/"), 3);
}

#[test]
fn a_request_with_a_session_bypasses_the_cache() {
    let site = Plan::of(Rules::respecting().sessions(&["sid"])).open();
    assert!(site.get("/me-maxage").is_stored());
    for nth in 2..4 {
        let answer = site.ask("GET", "/me-maxage", &["Cookie: a=b; sid=A"]);
        assert_eq!(answer.fate(), r#"larder-cache; fwd=bypass; detail="session""#);
        assert_eq!(
            (answer.text().as_str(), site.calls("/me-maxage")),
            ("user=A at /me-maxage", nth)
        );
    }
    assert!(site.ask("GET", "/me-maxage", &["Cookie: a=b"]).is_hit());
}

/// Attack 54.
#[test]
fn no_response_shows_a_key_or_headers_of_others() {
    let site = site();
    site.ask("GET", "/agent?secret-query", &["User-Agent: secret-agent"]);
    for (target, line) in [
        ("/agent?secret-query", "User-Agent: secret-agent"),
        ("/agent?secret-query", "User-Agent: b"),
        ("/agent?secret-query", "If-None-Match: \"x\""),
        ("/agent?secret-query", "If-Match: \"x\""),
        ("/agent?secret-query", "Range: bytes=99-"),
        ("/agent?secret-query", "Upgrade: x"),
    ] {
        let answer = site.ask("GET", target, &[line]);
        for (name, value) in &answer.headers {
            assert!(!value.contains("secret") && !value.contains("good.test"), "{name}: {value}");
        }
    }
}

/// Attack 53.
#[test]
fn request_directives_cause_no_handler_calls() {
    let site = site();
    assert!(site.get("/r").is_stored());
    let mut line = site.line();
    for asks in ["no-cache", "max-age=0", "no-store", "only-if-cached", "min-fresh=99999"] {
        for _ in 0..100 {
            let lines = [format!("Cache-Control: {asks}"), "Pragma: no-cache".to_owned()];
            line.say(super::site::request("GET", "/r", &[&lines[0], &lines[1]]));
            assert!(line.hear().unwrap().is_hit(), "{asks}");
        }
    }
    assert_eq!(site.calls("/r"), 1);
    assert_eq!(site.ask("GET", "/r?cold", &["Cache-Control: only-if-cached"]).status, 200);
}

#[test]
fn request_directives_are_obeyed_where_the_rules_say_so() {
    let site = Plan::of(Rules::respecting().request_directives(true)).open();
    let cold = site.ask("GET", "/r", &["Cache-Control: only-if-cached"]);
    assert_eq!((cold.status, site.calls("/r")), (504, 0));
    assert!(site.get("/r").is_stored());
    assert!(site.ask("GET", "/r", &["Cache-Control: only-if-cached"]).is_hit());
    let new = site.ask("GET", "/r", &["Cache-Control: max-age=60, NO-CACHE"]);
    assert_eq!((new.fate(), site.calls("/r")), ("larder-cache; fwd=request; stored", 2));
    assert!(site.get("/r").is_hit());
}

/// This holds for shared pages, too, whose handlers otherwise see no cookies.
#[test]
fn handlers_of_shared_pages_see_sessions() {
    let site = Plan::of(Rules::shared(Policy::fresh_for(MINUTE)).sessions(&["sid"])).open();
    for user in ["none", "A", "none"] {
        let cookie = format!("Cookie: sid={user}");
        let lines = if user == "none" { vec![] } else { vec![cookie.as_str()] };
        let answer = site.ask("GET", "/me", &lines);
        assert_eq!(answer.text(), format!("user={user} at /me"));
    }
    assert_eq!(site.calls("/me"), 2);
}

/// Keyed means seen: the handler of a shared page sees the cookies in its key, and no others.
#[test]
fn handlers_of_shared_pages_see_the_cookies_by_which_they_are_keyed() {
    let plan = || Plan::of(Rules::shared(Policy::fresh_for(MINUTE)).keyed_cookies(&["lang"]));
    for plan in [plan(), plan().with_cookies_read_before(), plan().with_canary()] {
        let site = plan.replies(|asked| Reply::ok(&*asked.cookies)).open();
        for is_hit in [false, true] {
            for (cookies, seen) in [
                ("sid=A; lang=german", "lang=german;"),
                ("lang=french; theme=dark", "lang=french;"),
                ("sid=B", ""),
            ] {
                let answer = site.ask("GET", "/", &[&format!("Cookie: {cookies}")]);
                assert_eq!((answer.text().as_str(), answer.is_hit()), (seen, is_hit), "{answer:?}");
            }
        }
        let keys = wait_for(site.cache.inspect().keys("*", 10)).unwrap().keys;
        assert_eq!(keys.len(), 3);
        for key in keys {
            assert!(!key.key.contains("german") && !key.key.contains("french"), "{}", key.key);
        }
    }
}
