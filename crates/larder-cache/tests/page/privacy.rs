//! A page that was made for one visitor is never another's.
//!
//! The numbers are those of the attack list.

use std::time::Duration;

use larder_cache::page::Rules;
use larder_cache::policy::Policy;

use super::reply::Reply;
use super::site::{Plan, Site};

const MINUTE: Duration = Duration::from_secs(60);

fn site() -> Site {
    Plan::of(Rules::respecting()).open()
}

/// What the signed-in A is answered, B, and somebody without a cookie.
fn three(site: &Site, target: &str) -> [String; 3] {
    [&["Cookie: sid=A"][..], &["Cookie: sid=B"], &[]].map(|lines| {
        let answer = site.ask("GET", target, lines);
        answer.text().split(" at ").next().unwrap().to_owned()
    })
}

const EACH_ITS_OWN: [&str; 3] = ["user=A", "user=B", "user=nobody"];

/// 29.
#[test]
fn a_page_that_is_called_like_a_picture_is_no_picture() {
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

/// 34.
#[test]
fn what_was_made_for_a_password_is_not_shown_without() {
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
                let who = asked.header("authorization").unwrap_or_else(|| "nobody".into());
                Reply::ok(who).with("Cache-Control", said)
            })
            .open();
        let made = site.ask("GET", "/r", &["Authorization: Bearer A"]);
        assert_eq!(made.is_stored(), is_kept, "{said}: {made:?}");
        let answer = site.get("/r");
        assert_eq!(answer.text(), if is_kept { "Bearer A" } else { "nobody" }, "{said}");
    }
}

/// 35.
#[test]
fn a_handler_that_forgets_to_say_private_leaks_nothing() {
    let site = site();
    for _ in 0..2 {
        // Once a page for nobody is kept, everybody is nobody.
        let [a, b, _] = three(&site, &format!("/me-maxage?{}", site.calls("/me-maxage?0")));
        assert!(a != "user=B" && b != "user=A", "{a} {b}");
    }
    let [a, b, nobody] = three(&site, "/me-maxage");
    assert_eq!([a.as_str(), b.as_str(), nobody.as_str()], EACH_ITS_OWN);
    assert_eq!(site.get("/me-maxage").text(), "user=nobody at /me-maxage");
}

/// 36.
#[test]
fn a_default_lifetime_leaks_nothing() {
    let site = Plan::of(Rules::respecting().default_lifetime(MINUTE)).open();
    assert_eq!(three(&site, "/me"), EACH_ITS_OWN);
    assert!(site.get("/me").is_hit());
}

/// 36.
#[test]
fn handlers_of_pages_for_everybody_see_nobody() {
    for plan in [
        Plan::of(Policy::fresh_for(MINUTE)),
        Plan::of(Policy::fresh_for(MINUTE)).around_the_app(),
        Plan::of(Policy::fresh_for(MINUTE)).with_cookies_read_before(),
    ] {
        let site = plan.open();
        let lines = ["Cookie: sid=A", "Authorization: Bearer A"];
        // Whatever the cache makes of them: stored, passed by, without a body or with one.
        site.ask("HEAD", "/me?h", &lines);
        site.ask("GET", "/me?b", &[lines[0], lines[1], "Content-Length: 0"]);
        site.ask("GET", "/me?o", &[lines[0], lines[1], "X-Method-Override: x"]);
        assert_eq!(three(&site, "/me"), ["user=nobody"; 3]);
        for target in ["/me?h", "/me?b", "/me?o", "/me"] {
            let seen = site.asked(target);
            let seen = seen.first().expect("the handler was asked");
            assert!(seen.user.is_none() && seen.header("authorization").is_none(), "{seen:?}");
            assert!(seen.cookies.is_empty() && seen.header("cookie").is_none(), "{seen:?}");
        }
    }
}

/// What is around the cache still has the visitor's cookies, whatever the handler saw.
#[test]
fn what_is_around_the_cache_keeps_what_it_knows() {
    let site =
        Plan::of(Policy::fresh_for(MINUTE)).with_cookies_read_before().with_an_outer_wait().open();
    for _ in 0..2 {
        let answer = site.ask("GET", "/me", &["Cookie: sid=A; b=c"]);
        assert_eq!(answer.header("x-cookies"), Some("2"), "{answer:?}");
    }
}

/// 37.
#[test]
fn a_cookie_is_set_once_and_for_one() {
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
fn what_says_that_it_depends_on_cookies_is_kept_for_each() {
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

/// Handlers of pages for everybody see no cookie, so that there is nothing to keep one for each of.
#[test]
fn what_is_for_everybody_is_kept_once_whatever_it_says_of_cookies() {
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
fn a_keyed_cookie_makes_pages_of_each_value() {
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
fn who_has_signed_in_passes_by() {
    let site = Plan::of(Rules::respecting().sessions(&["sid"])).open();
    assert!(site.get("/me-maxage").is_stored());
    for nth in 2..4 {
        let answer = site.ask("GET", "/me-maxage", &["Cookie: a=b; sid=A"]);
        assert_eq!(answer.fate(), r#"larder; fwd=bypass; detail="session""#);
        assert_eq!(
            (answer.text().as_str(), site.calls("/me-maxage")),
            ("user=A at /me-maxage", nth)
        );
    }
    assert!(site.ask("GET", "/me-maxage", &["Cookie: a=b"]).is_hit());
}

/// 54.
#[test]
fn nothing_shows_a_key_or_what_others_sent() {
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

/// 53.
#[test]
fn visitors_cannot_make_the_site_work() {
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
fn visitors_may_ask_for_more_where_the_owner_lets_them() {
    let site = Plan::of(Rules::respecting().request_directives(true)).open();
    let cold = site.ask("GET", "/r", &["Cache-Control: only-if-cached"]);
    assert_eq!((cold.status, site.calls("/r")), (504, 0));
    assert!(site.get("/r").is_stored());
    assert!(site.ask("GET", "/r", &["Cache-Control: only-if-cached"]).is_hit());
    let new = site.ask("GET", "/r", &["Cache-Control: max-age=60, NO-CACHE"]);
    assert_eq!((new.fate(), site.calls("/r")), ("larder; fwd=request; stored", 2));
    assert!(site.get("/r").is_hit());
}

/// Also where pages are for everybody, whose handlers else see nobody.
#[test]
fn who_has_signed_in_is_seen() {
    let site = Plan::of(Rules::shared(Policy::fresh_for(MINUTE)).sessions(&["sid"])).open();
    for user in ["nobody", "A", "nobody"] {
        let cookie = format!("Cookie: sid={user}");
        let lines = if user == "nobody" { vec![] } else { vec![cookie.as_str()] };
        let answer = site.ask("GET", "/me", &lines);
        assert_eq!(answer.text(), format!("user={user} at /me"));
    }
    assert_eq!(site.calls("/me"), 2);
}
