//! Stale pages: they are revalidated, or served where the response allows it.

use std::sync::Arc;
use std::time::Duration;

use larder_cache::page::Rules;
use larder_cache::store::MemoryStore;
use larder_cache::store::Store;
use larder_cache::{InProcess, Policy};

use super::reply::{Asked, Gate, Reply};
use super::site::{Plan, Site, keys_in, request, until};

/// Returns a page that is two minutes old when it is built, so that only `said` allows its use.
fn stale(reply: Reply, said: &str) -> Reply {
    reply.but("Cache-Control", said).with("Age", "120")
}

/// Stale at once; may be served for ten minutes while it is rebuilt.
const REVALIDATING: &str = "max-age=60, stale-while-revalidate=600";
/// Stale at once; may be served for ten minutes if it cannot be rebuilt.
const FOR_ERRORS: &str = "max-age=60, stale-if-error=600";

fn site(handler: impl Fn(&Asked) -> Reply + Send + Sync + 'static) -> Site {
    Plan::of(Rules::respecting()).replies(handler).open()
}

#[test]
fn a_stale_page_is_served_while_one_request_refreshes_it() {
    let gate = Gate::closed();
    let known = gate.clone();
    let site = site(move |asked| match asked.nth {
        1 => stale(Reply::ok("old"), REVALIDATING),
        _ => Reply::fresh("new").behind(&known),
    });
    assert!(site.get("/").is_stored());
    for _ in 0..20 {
        let answer = site.get("/");
        assert_eq!(answer.text(), "old");
        assert!(answer.fate().starts_with("larder-cache; hit; ttl=-6"), "{answer:?}");
        assert!(answer.age().unwrap() >= 120);
    }
    until("one asks", || (site.calls("/") == 2).then_some(()));
    gate.open();
    let new = until("the new page", || Some(site.get("/")).filter(|answer| answer.text() == "new"));
    assert!(new.is_hit() && site.calls("/") == 2, "{new:?}");
}

/// Attack 43 of `docs/HTTP-CACHE.md`.
///
/// The framework would panic if handler and middleware shared a request.
#[test]
fn a_page_is_refreshed_although_an_outer_middleware_waits() {
    for is_around in [false, true] {
        let plan = Plan::of(Rules::respecting()).with_an_outer_wait();
        let plan = if is_around { plan.around_the_app() } else { plan };
        let site = plan
            .replies(|asked| match asked.nth {
                1 => stale(Reply::ok("old"), REVALIDATING),
                _ => Reply::fresh(format!("{} {}", asked.target, asked.route.is_some())),
            })
            .open();
        // The router must match it, and it has parts that must stay encoded.
        let target = "/static/a%20b?x=%41";
        site.get(target);
        assert_eq!(site.ask("GET", target, &["Cookie: a=b", "X-Y: z"]).text(), "old");
        until("the new page", || {
            Some(site.get(target)).filter(|answer| answer.text() == format!("{target} true"))
        });
    }
}

/// Attack 44 of `docs/HTTP-CACHE.md`.
#[test]
fn a_failed_refresh_is_retried_and_hides_no_page() {
    for failure in [Reply::panic(), Reply::error(), Reply::ok("evil").status(503)] {
        let site = site(move |asked| match asked.nth {
            1 => stale(Reply::ok("old"), REVALIDATING),
            2..6 => failure.clone(),
            _ => Reply::fresh("new"),
        });
        site.get("/");
        until("the new page", || {
            let answer = site.get("/");
            assert!(["old", "new"].contains(&answer.text().as_str()), "{answer:?}");
            (answer.text() == "new").then_some(())
        });
        assert_eq!(site.calls("/"), 6);
    }
}

#[test]
fn the_stale_page_replaces_a_panic() {
    let site = site(move |asked| match asked.nth {
        1 => stale(Reply::ok("old"), FOR_ERRORS),
        2..5 => Reply::panic(),
        _ => Reply::fresh("new"),
    });
    site.get("/");
    for _ in 2..5 {
        let answer = site.get("/");
        assert!(answer.text() == "old" && answer.fate().contains("stale-if-error"), "{answer:?}");
    }
    assert_eq!(site.get("/").text(), "new");
}

/// The age of a page is checked for waiting requests as for all others.
#[test]
fn a_page_that_is_built_stale_is_not_fresh_for_waiting_requests() {
    for (said, are_served) in [(REVALIDATING, true), (FOR_ERRORS, false)] {
        let gate = Gate::closed();
        let known = gate.clone();
        let site = site(move |asked| match (asked.path.as_str(), asked.nth) {
            ("/", 1) => stale(Reply::ok("old"), said).behind(&known),
            _ => Reply::fresh("new"),
        });
        std::thread::scope(|scope| {
            let leader = scope.spawn(|| site.get("/"));
            until("it has begun", || (site.calls("/") == 1).then_some(()));
            let mut waiting = site.line();
            waiting.say(request("GET", "/", &[]));
            // A client that connects now is served after that request.
            site.get("/other");
            gate.open();
            let waited = waiting.hear().unwrap();
            assert_eq!(waited.text(), if are_served { "old" } else { "new" });
            assert_eq!(waited.fate().contains("stale-while-revalidate"), are_served, "{waited:?}");
            assert!(!waited.fate().contains("collapsed"), "{waited:?}");
            leader.join().unwrap();
        });
    }
}

/// A page that another instance stored for errors is not served while the handler works.
#[test]
fn a_stale_page_of_another_instance_is_revalidated() {
    let versions = Arc::new(InProcess::new());
    let store: Arc<dyn Store> = Arc::new(MemoryStore::default());
    let instance = |handler: fn(&Asked) -> Reply| {
        Plan::of(Rules::respecting()).sharing(&versions, &store).replies(handler).open()
    };
    let one = instance(|_| stale(Reply::ok("old"), FOR_ERRORS));
    let other = instance(|_| Reply::fresh("new"));
    let failing = instance(|_| Reply::error());
    assert!(one.get("/").is_stored());
    until("it is in the store", || (keys_in(&store) > 0).then_some(()));
    let answer = failing.get("/");
    assert!(answer.text() == "old" && answer.fate().contains("stale-if-error"), "{answer:?}");
    let answer = other.get("/");
    assert!(answer.text() == "new" && answer.is_stored(), "{answer:?}");
}

#[test]
fn a_stale_page_replaces_an_error_only_if_its_headers_allow_it() {
    for (said, is_for_errors) in [
        (FOR_ERRORS, true),
        ("s-maxage=60, stale-if-error=600", true),
        ("max-age=60, stale-if-error=600, must-revalidate, stale-while-revalidate=600", false),
        ("max-age=60, stale-if-error=600, proxy-revalidate", false),
        ("s-maxage=60", false),
        ("max-age=60", false),
        ("max-age=60, stale-if-error=1", false),
    ] {
        for failure in [Reply::error(), Reply::fresh("down").status(503)] {
            let site = site(move |asked| match asked.nth {
                1 => stale(Reply::ok("old"), said),
                _ => failure.clone(),
            });
            site.get("/");
            for _ in 0..2 {
                let answer = site.get("/");
                let status = if is_for_errors { 200 } else { answer.status.max(500) };
                assert_eq!(answer.status, status, "{said}: {answer:?}");
                assert_eq!(answer.text() == "old", is_for_errors, "{said}: {answer:?}");
                assert_eq!(answer.fate().contains("stale-if-error"), is_for_errors, "{answer:?}");
            }
        }
    }
}

/// The policy's windows apply only to responses that forbid none.
#[test]
fn must_revalidate_beats_the_windows_of_the_policy() {
    let minute = Duration::from_secs(60);
    let policy = Policy::fresh_for(Duration::ZERO).stale_if_error(minute);
    for (said, is_kept) in [("max-age=60", true), ("max-age=60, must-revalidate", false)] {
        let site = Plan::of(policy)
            .replies(move |asked| match asked.nth {
                1 => Reply::ok("old").with("Cache-Control", said),
                _ => Reply::error(),
            })
            .open();
        assert_eq!(site.get("/").is_stored(), is_kept, "{said}");
        assert_eq!(site.get("/").text() == "old", is_kept, "{said}");
    }
}

/// A request that is not answered from the cache must not remove a stale page.
#[test]
fn a_request_with_a_cookie_removes_no_stale_page() {
    let site = site(|asked| match asked.nth {
        1 => stale(Reply::ok("old"), FOR_ERRORS),
        2 => Reply::fresh("mine"),
        _ => Reply::error(),
    });
    site.get("/");
    let mine = site.ask("GET", "/", &["Cookie: a=b"]);
    assert!(mine.text() == "mine" && mine.fate().contains("cookie"), "{mine:?}");
    assert_eq!(site.get("/").text(), "old");
}

#[test]
fn the_stored_page_is_revalidated_with_its_validators() {
    let changed = "Fri, 01 Jan 2010 00:00:00 GMT";
    let site = site(move |asked| match asked.nth {
        1 => stale(Reply::ok("page"), FOR_ERRORS)
            .with("ETag", "\"v\"")
            .with("Last-Modified", changed)
            .with("Content-Type", "text/plain")
            .with("X-Old", "kept")
            .with("X-New", "old"),
        _ => Reply::ok("")
            .status(304)
            .with("Cache-Control", "max-age=60")
            .with("ETag", "\"v\"")
            .with("X-New", "new"),
    });
    site.get("/");
    let asked = ["If-None-Match: \"mine\"", "Range: bytes=0-0", "If-Match: \"mine\""];
    let answer = site.ask("GET", "/", &asked[..1]);
    assert_eq!((answer.status, answer.text().as_str()), (200, "page"));
    assert_eq!(answer.fate(), "larder-cache; fwd=stale; fwd-status=304; stored");
    let seen = &site.asked("/")[1];
    assert_eq!(seen.header("if-none-match").as_deref(), Some("\"v\""));
    assert_eq!(seen.header("if-modified-since").as_deref(), Some(changed));
    let hit = site.ask("GET", "/", &["If-None-Match: \"v\""]);
    assert_eq!(hit.status, 304);
    let hit = site.get("/");
    assert!(hit.is_hit() && hit.age().unwrap() < 60, "{hit:?}");
    assert_eq!((hit.header("x-old"), hit.header("x-new")), (Some("kept"), Some("new")));
    assert_eq!((hit.all("x-new").count(), hit.all("age").count()), (1, 1));
    assert_eq!(site.calls("/"), 2);
}

#[test]
fn a_304_with_other_validators_freshens_nothing() {
    for (name, value) in
        [("ETag", "\"w\""), ("ETag", "W/\"w\""), ("Last-Modified", "Sat, 02 Jan 2010 00:00:00 GMT")]
    {
        let site = site(move |asked| match asked.nth {
            1 => stale(Reply::ok("page"), FOR_ERRORS)
                .with("ETag", "\"v\"")
                .with("Last-Modified", "Fri, 01 Jan 2010 00:00:00 GMT"),
            2 => Reply::fresh("").status(304).with(name, value),
            _ => Reply::fresh("new"),
        });
        site.get("/");
        let answer = site.get("/");
        assert!(
            answer.text() == "new" && answer.is_stored(),
            "no client asked for a 304: {answer:?}"
        );
        assert_eq!(site.asked("/")[2].header("if-none-match"), None);
        assert_eq!(site.calls("/"), 3);
    }
}

#[test]
fn the_headers_of_a_304_are_checked_for_storability() {
    let site = site(|asked| match asked.nth {
        1 => stale(Reply::ok("page"), FOR_ERRORS).with("ETag", "\"v\""),
        2 => Reply::ok("").status(304).with("ETag", "\"v\"").with("Cache-Control", "private"),
        _ => Reply::fresh("new"),
    });
    site.get("/");
    let answer = site.get("/");
    assert_eq!((answer.status, answer.text().as_str()), (200, "page"));
    assert!(answer.fate().contains("private"), "{answer:?}");
    assert_eq!(site.get("/").text(), "new");
}

#[test]
fn nothing_is_revalidated_where_the_rules_say_so() {
    let site = Plan::of(Rules::respecting().revalidation(false))
        .replies(|_| stale(Reply::ok("page"), FOR_ERRORS).with("ETag", "\"v\""))
        .open();
    site.get("/");
    site.get("/");
    assert_eq!(site.asked("/")[1].header("if-none-match"), None);
}

/// A real lifetime: the clock is not mocked.
#[test]
fn a_page_expires_after_its_lifetime() {
    let site = site(|asked| Reply::ok(asked.nth.to_string()).with("Cache-Control", "max-age=1"));
    site.get("/");
    assert!(site.get("/").is_hit());
    let new = until("the second page", || Some(site.get("/")).filter(|a| a.text() == "2"));
    assert_eq!(new.fate(), "larder-cache; fwd=stale; stored");
}

#[test]
fn a_stale_page_is_revalidated_once_while_others_wait() {
    let gate = Gate::closed();
    let known = gate.clone();
    let site = site(move |asked| match asked.nth {
        1 => stale(Reply::ok("page"), FOR_ERRORS).with("ETag", "\"v\""),
        _ => Reply::fresh("").status(304).with("ETag", "\"v\"").behind(&known),
    });
    site.get("/");
    let answers = std::thread::scope(|scope| {
        let asked: Vec<_> = (0..10).map(|_| scope.spawn(|| site.get("/"))).collect();
        until("one is at the handler", || (site.calls("/") == 2).then_some(()));
        // A client that connects now is served after them.
        site.ask("OPTIONS", "/other", &[]);
        gate.open();
        asked.into_iter().map(|answer| answer.join().unwrap()).collect::<Vec<_>>()
    });
    assert!(answers.iter().all(|answer| answer.text() == "page"), "{answers:?}");
    assert_eq!(site.calls("/"), 2, "one asked for all");
}

#[test]
fn head_refreshes_nothing_and_releases_its_lease() {
    let site = site(|asked| match (asked.method.as_str(), asked.nth) {
        (_, 1) => stale(Reply::ok("old"), REVALIDATING),
        ("HEAD", _) => Reply::error(),
        _ => Reply::fresh("new"),
    });
    site.get("/");
    let head = site.ask("HEAD", "/", &[]);
    assert_eq!((head.status, head.header("content-length")), (200, Some("3")));
    until("the new page", || Some(site.get("/")).filter(|answer| answer.text() == "new"));
    let mut line = site.line();
    line.say(request("HEAD", "/", &[]));
    assert!(line.hear_of("HEAD").unwrap().is_hit());
}

/// Some handlers need request extensions (`ReqData`), which a background rebuild lacks.
#[test]
fn a_page_that_cannot_be_refreshed_in_the_background_is_rebuilt_by_one_request() {
    let site = site(|asked| match (asked.nth, asked.is_marked) {
        (1, _) => stale(Reply::ok("old"), REVALIDATING),
        (_, true) => Reply::fresh("new"),
        (_, false) => Reply::error(),
    });
    site.get("/");
    assert_eq!(site.get("/").text(), "old");
    until("one request has waited", || Some(site.get("/")).filter(|answer| answer.text() == "new"));
    assert!(site.get("/").is_hit());
    assert_eq!(site.calls("/"), 3);
}

#[test]
fn a_background_refresh_sees_no_credentials() {
    let rules = Rules::respecting().keyed_cookies(&["lang"]);
    let site = Plan::of(rules)
        .replies(|asked| match asked.nth {
            1 => stale(Reply::ok("old"), REVALIDATING).with("Cache-Control", "public"),
            _ => Reply::ok("new").with("Cache-Control", "public, max-age=60"),
        })
        .open();
    let lines = ["Cookie: sid=A; lang=de", "Authorization: Bearer A"];
    site.ask("GET", "/", &["Cookie: lang=de"]);
    assert_eq!(site.ask("GET", "/", &lines).text(), "old");
    until("it is made anew", || (site.calls("/") == 2).then_some(()));
    let asked = site.asked("/").remove(1);
    assert_eq!(asked.header("cookie").as_deref(), Some("lang=de"));
    assert_eq!(asked.header("authorization"), None);
}
