//! A stale page is asked about, or answered where it says that it may be.

use std::sync::Arc;
use std::time::Duration;

use larder_cache::page::Rules;
use larder_cache::policy::Policy;
use larder_cache::store::Store;
use larder_cache::store::memory::{Limits, MemoryStore};
use larder_cache::view::InProcess;

use super::reply::{Asked, Gate, Reply};
use super::site::{Plan, Site, keys_in, request, until};

/// A page that is two minutes old when it is made, and so stale at once: it may be used by `said` only.
fn stale(reply: Reply, said: &str) -> Reply {
    reply.but("Cache-Control", said).with("Age", "120")
}

/// Stale at once, for ten minutes of use while it is made anew.
const REVALIDATING: &str = "max-age=60, stale-while-revalidate=600";
/// Stale at once, for ten minutes of use where it cannot be made anew.
const FOR_ERRORS: &str = "max-age=60, stale-if-error=600";

fn site(handler: impl Fn(&Asked) -> Reply + Send + Sync + 'static) -> Site {
    Plan::of(Rules::respecting()).replies(handler).open()
}

#[test]
fn a_stale_page_is_answered_while_one_request_makes_it_anew() {
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
        assert!(answer.fate().starts_with("larder; hit; ttl=-6"), "{answer:?}");
        assert!(answer.age().unwrap() >= 120);
    }
    until("one asks", || (site.calls("/") == 2).then_some(()));
    gate.open();
    let new = until("the new page", || Some(site.get("/")).filter(|answer| answer.text() == "new"));
    assert!(new.is_hit() && site.calls("/") == 2, "{new:?}");
}

/// 43 of the attack list: the framework would panic if handler and middleware shared a request.
#[test]
fn a_page_is_made_anew_although_somebody_around_the_cache_waits() {
    for is_around in [false, true] {
        let plan = Plan::of(Rules::respecting()).with_an_outer_wait();
        let plan = if is_around { plan.around_the_app() } else { plan };
        let site = plan
            .replies(|asked| match asked.nth {
                1 => stale(Reply::ok("old"), REVALIDATING),
                _ => Reply::fresh(format!("{} {}", asked.target, asked.route.is_some())),
            })
            .open();
        // Routed by the router, and with parts of the path.
        let target = "/static/a%20b?x=%41";
        site.get(target);
        assert_eq!(site.ask("GET", target, &["Cookie: a=b", "X-Y: z"]).text(), "old");
        until("the new page", || {
            Some(site.get(target)).filter(|answer| answer.text() == format!("{target} true"))
        });
    }
}

/// 44 of the attack list.
#[test]
fn a_refresh_that_fails_is_tried_again_and_hides_nothing() {
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
fn the_stale_page_stands_in_for_a_handler_that_panics() {
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

/// Who has waited for it is told how old it is, as any other is.
#[test]
fn a_page_that_is_stale_when_it_is_made_is_not_fresh_for_who_waited() {
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
            // Whoever connects now is heard after that.
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

/// What another instance has kept for bad times is no answer in good ones.
#[test]
fn a_stale_page_of_another_instance_is_asked_about() {
    let versions = Arc::new(InProcess::new());
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new(Limits::default()));
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
fn a_stale_page_replaces_an_error_only_where_it_says_so() {
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

/// The owner's windows are for answers that forbid none.
#[test]
fn an_answer_that_must_be_asked_about_beats_the_owners_windows() {
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

/// A stale page is not answered by who sends what visitors may not.
#[test]
fn a_visitor_with_a_cookie_takes_no_stale_page_away() {
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
fn the_handler_is_asked_about_the_stored_page_with_its_validators() {
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
    assert_eq!(answer.fate(), "larder; fwd=stale; fwd-status=304; stored");
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
fn a_304_about_another_page_freshens_nothing() {
    for (name, value) in [
        ("ETag", "\"w\""),
        ("ETag", "W/\"w\""),
        ("X-Nothing", "x"),
        ("Last-Modified", "Sat, 02 Jan 2010 00:00:00 GMT"),
    ] {
        let site = site(move |asked| match asked.nth {
            1 => stale(Reply::ok("page"), FOR_ERRORS)
                .with("ETag", "\"v\"")
                .with("Last-Modified", "Fri, 01 Jan 2010 00:00:00 GMT"),
            2 => Reply::fresh("").status(304).with(name, value),
            _ => Reply::fresh("new"),
        });
        site.get("/");
        let answer = site.get("/");
        assert!(answer.text() == "new" && answer.is_stored(), "nobody asked for a 304: {answer:?}");
        assert_eq!(site.asked("/")[2].header("if-none-match"), None);
        assert_eq!(site.calls("/"), 3);
    }
}

#[test]
fn what_a_304_says_is_judged_afresh() {
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
fn nothing_is_asked_where_the_owner_does_not_want_it() {
    let site = Plan::of(Rules::respecting().revalidation(false))
        .replies(|_| stale(Reply::ok("page"), FOR_ERRORS).with("ETag", "\"v\""))
        .open();
    site.get("/");
    site.get("/");
    assert_eq!(site.asked("/")[1].header("if-none-match"), None);
}

/// A real lifetime: no clock is turned.
#[test]
fn a_page_ends_when_it_says() {
    let site = site(|asked| Reply::ok(asked.nth.to_string()).with("Cache-Control", "max-age=1"));
    site.get("/");
    assert!(site.get("/").is_hit());
    let new = until("the second page", || Some(site.get("/")).filter(|a| a.text() == "2"));
    assert_eq!(new.fate(), "larder; fwd=stale; stored");
}

#[test]
fn a_stale_page_is_asked_about_by_one_and_the_others_wait() {
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
        // Whoever connects now is heard after them.
        site.ask("OPTIONS", "/other", &[]);
        gate.open();
        asked.into_iter().map(|answer| answer.join().unwrap()).collect::<Vec<_>>()
    });
    assert!(answers.iter().all(|answer| answer.text() == "page"), "{answers:?}");
    assert_eq!(site.calls("/"), 2, "one asked for all");
}

#[test]
fn head_makes_nothing_anew_and_frees_what_it_took() {
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

/// Some handlers need what is known of a request only while that lasts, as of `ReqData`.
#[test]
fn what_cannot_be_made_anew_behind_an_answer_is_awaited_by_one() {
    let site = site(|asked| match (asked.nth, asked.is_marked) {
        (1, _) => stale(Reply::ok("old"), REVALIDATING),
        (_, true) => Reply::fresh("new"),
        (_, false) => Reply::error(),
    });
    site.get("/");
    assert_eq!(site.get("/").text(), "old");
    until("somebody has waited", || Some(site.get("/")).filter(|answer| answer.text() == "new"));
    assert!(site.get("/").is_hit());
    assert_eq!(site.calls("/"), 3);
}

#[test]
fn nobody_is_seen_by_what_is_made_anew_behind_an_answer() {
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
