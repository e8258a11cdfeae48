//! Collapsing: one request builds a page and others wait for it, if it can be shared.
//!
//! The numbers are those of the attack list in `docs/HTTP-CACHE.md`.

use std::collections::BTreeSet;

use larder_cache::page::Rules;

use super::line::Answer;
use super::reply::{Gate, Reply};
use super::site::{Plan, Site, request, until};

const CROWD: usize = 20;

/// Sends 20 requests at once, and opens the gate when at least `are_here` handlers wait at it.
fn crowd(
    site: &Site,
    gate: &Gate,
    are_here: usize,
    lines: impl Fn(usize) -> String + Sync,
) -> Vec<Answer> {
    std::thread::scope(|scope| {
        let ask = |nth| {
            let line = lines(nth);
            scope.spawn(move || site.ask("GET", "/", &[&line]))
        };
        let asked: Vec<_> = (0..CROWD).map(ask).collect();
        until("handlers are called", || (site.calls("/") >= are_here).then_some(()));
        gate.open();
        asked.into_iter().map(|answer| answer.join().unwrap()).collect()
    })
}

/// Attack 38.
#[test]
fn private_pages_are_not_waited_for() {
    let gates = [Gate::closed(), Gate::closed()];
    let known = gates.clone();
    let site = Plan::of(Rules::respecting())
        .replies(move |asked| {
            let gate = &known[usize::from(asked.nth > CROWD)];
            let user = asked.user.clone().unwrap_or_default();
            Reply::ok(user).with("Cache-Control", "private, max-age=60").behind(gate)
        })
        .open();
    // In the first round the pages turn out to be private; in the second all handlers run at once.
    for (gate, are_here) in gates.iter().zip([1, 2 * CROWD]) {
        let answers = crowd(&site, gate, are_here, |nth| format!("Cookie: sid={nth}"));
        let users: BTreeSet<_> = answers.iter().map(Answer::text).collect();
        assert_eq!(users.len(), CROWD);
    }
    assert_eq!(site.calls("/"), 2 * CROWD);
}

/// Attack 39.
#[test]
fn each_variant_is_built_once() {
    for workers in [1, 2] {
        let gate = Gate::closed();
        let known = gate.clone();
        let site = Plan::of(Rules::respecting())
            .workers(workers)
            .replies(move |asked| {
                let language = asked.header("accept-language").unwrap();
                Reply::fresh(language).with("Vary", "Accept-Language").behind(&known)
            })
            .open();
        let language = |nth: usize| if nth.is_multiple_of(2) { "de" } else { "fr" };
        let answers = crowd(&site, &gate, 1, |nth| format!("Accept-Language: {}", language(nth)));
        for (nth, answer) in answers.iter().enumerate() {
            assert_eq!(answer.text(), language(nth));
        }
        assert!(site.calls("/") <= 3, "{}", site.calls("/"));
    }
}

#[test]
fn a_cold_page_is_built_once_for_all() {
    for workers in [1, 2] {
        let gate = Gate::closed();
        let known = gate.clone();
        let site = Plan::of(Rules::respecting())
            .workers(workers)
            .replies(move |_| Reply::fresh("page").behind(&known))
            .open();
        let answers = crowd(&site, &gate, 1, |nth| format!("X-Nth: {nth}"));
        assert!(answers.iter().all(|answer| answer.text() == "page"));
        assert_eq!(site.calls("/"), 1);
        let made = answers.iter().filter(|answer| answer.is_stored()).count();
        assert_eq!(made, 1);
        let shared = answers.iter().filter(|a| a.fate().ends_with("collapsed") || a.is_hit());
        assert_eq!(shared.count(), CROWD - 1);
    }
}

/// Attack 40.
#[test]
fn a_leader_that_disconnects_fails_no_other_request() {
    let gate = Gate::closed();
    let known = gate.clone();
    let site =
        Plan::of(Rules::respecting()).replies(move |_| Reply::fresh("page").behind(&known)).open();
    let mut leader = site.line();
    leader.say(request("GET", "/", &[]));
    until("the leader is at the handler", || (site.calls("/") == 1).then_some(()));
    let answers = std::thread::scope(|scope| {
        let asked: Vec<_> = (0..10).map(|_| scope.spawn(|| site.get("/"))).collect();
        drop(leader);
        gate.open();
        asked.into_iter().map(|answer| answer.join().unwrap()).collect::<Vec<_>>()
    });
    assert!(answers.iter().all(|answer| answer.status == 200 && answer.text() == "page"));
    assert!(site.calls("/") <= 2);
}

/// Attack 41: when the leader panics, the waiting requests call the handler concurrently.
///
/// None of them is answered before the last one has called the handler.
#[test]
fn after_a_panic_waiting_requests_run_concurrently() {
    let (first, others) = (Gate::closed(), Gate::closed());
    let known = (first.clone(), others.clone());
    let site = Plan::of(Rules::respecting())
        .replies(move |asked| match (asked.path.as_str(), asked.nth) {
            ("/", 1) => Reply::panic().behind(&known.0),
            ("/", _) => Reply::panic().behind(&known.1),
            _ => Reply::ok(""),
        })
        .open();
    let mut lines: Vec<_> = (0..10)
        .map(|_| {
            let mut line = site.line();
            line.say(request("GET", "/", &[]));
            line
        })
        .collect();
    // A client that connects now is served after all of them.
    site.get("/other");
    assert_eq!(site.calls("/"), 1);
    first.open();
    until("all others are at the handler together", || (site.calls("/") == 10).then_some(()));
    assert_eq!(site.running(), 9);
    others.open();
    for line in &mut lines {
        assert_eq!(line.hear().unwrap().status, 500);
    }
    assert_eq!(site.get("/other").status, 200, "the worker is well");
}

/// A panic is a 500, too, if it occurs between the cache and the handler or bypasses the cache.
#[test]
fn a_panic_is_a_500_on_every_path_through_the_cache() {
    let site = Plan::of(Rules::respecting()).replies(|_| Reply::panic()).open();
    for (method, lines) in [
        ("GET", &[][..]),
        ("HEAD", &[]),
        ("POST", &[]),
        ("GET", &["Cookie: a=b"]),
        ("GET", &["Cache-Control: no-cache"]),
        ("GET", &["Content-Length: 1", "Connection: close", "", "x"]),
        ("GET", &["Range: bytes=0-1"]),
    ] {
        assert_eq!(site.ask(method, "/", lines).status, 500, "{method} {lines:?}");
    }
    assert_eq!(site.running(), 0);
}

/// Attack 41.
#[test]
fn an_error_is_not_stored_and_blocks_no_request() {
    for reply in [Reply::error(), Reply::fresh("evil").status(500)] {
        let gate = Gate::closed();
        let known = gate.clone();
        let site = Plan::of(Rules::respecting())
            .replies(move |asked| match asked.nth {
                1..=CROWD => reply.clone().behind(&known),
                _ => Reply::fresh("good"),
            })
            .open();
        let answers = crowd(&site, &gate, 1, |nth| format!("X-Nth: {nth}"));
        assert!(answers.iter().all(|answer| answer.status == 500), "{answers:?}");
        assert_eq!(site.get("/").text(), "good");
    }
}

/// Attack 41.
#[test]
fn the_wait_for_a_handler_that_hangs_is_limited() {
    let site = Plan::of(Rules::respecting())
        .replies(|asked| match asked.nth {
            1 => Reply::fresh("never").behind(&Gate::closed()),
            _ => Reply::fresh("good"),
        })
        .open();
    let mut leader = site.line();
    leader.say(request("GET", "/", &[]));
    until("the leader is at the handler", || (site.calls("/") == 1).then_some(()));
    let answers = site.together(vec![request("GET", "/", &[]); 10]);
    assert!(answers.iter().all(|answer| answer.as_ref().unwrap().text() == "good"));
    assert_eq!(site.calls("/"), 2, "one of those who waited asked, for all of them");
    assert!(site.get("/").is_hit());
}

/// A shareable page replaces the marker that no request waits for this page.
#[test]
fn a_page_that_becomes_shareable_is_shared() {
    let site = Plan::of(Rules::respecting())
        .replies(|asked| match asked.nth {
            1 => Reply::ok("mine").with("Cache-Control", "no-store"),
            _ => Reply::fresh("everybody's"),
        })
        .open();
    assert_eq!(site.get("/").text(), "mine");
    assert!(site.get("/").is_stored());
    assert!(site.get("/").is_hit());
}

/// A request with a cookie must not remove entries that other clients use.
#[test]
fn a_request_with_a_cookie_removes_no_entry() {
    let site = Plan::of(Rules::respecting())
        .replies(|asked| {
            let language = asked.header("accept-language").unwrap_or_default();
            Reply::fresh(language).with("Vary", "Accept-Language")
        })
        .open();
    assert!(site.ask("GET", "/", &["Accept-Language: de"]).is_stored());
    let attack = site.ask("GET", "/", &["Accept-Language: xx", "Cookie: a=b"]);
    assert!(attack.fate().contains("cookie"), "{attack:?}");
    assert!(site.ask("GET", "/", &["Accept-Language: de"]).is_hit());
}

#[test]
fn a_cache_around_another_one_does_not_wait_for_itself() {
    let site = Plan::of(Rules::respecting()).around_itself().open();
    // A request that waited for itself would time out and call the handler a second time.
    assert!(site.get("/r").is_stored());
    assert_eq!(site.calls("/r"), 1);
    assert!(site.get("/r").is_hit());
}

#[test]
fn the_number_of_waiting_requests_is_limited() {
    let gate = Gate::closed();
    let known = gate.clone();
    let site = Plan::of(Rules::respecting())
        .waiting(3)
        .replies(move |_| Reply::fresh("page").behind(&known))
        .open();
    std::thread::scope(|scope| {
        let asked: Vec<_> = (0..10).map(|_| scope.spawn(|| site.get("/"))).collect();
        until("some are turned away", || {
            (asked.iter().filter(|answer| answer.is_finished()).count() == 6).then_some(())
        });
        gate.open();
        let answers: Vec<_> = asked.into_iter().map(|answer| answer.join().unwrap()).collect();
        let away: Vec<_> = answers.iter().filter(|answer| answer.status == 503).collect();
        assert_eq!(away.len(), 6);
        assert!(away.iter().all(|answer| answer.header("retry-after") == Some("1")));
        assert!(away[0].fate().ends_with(r#"detail="too many wait""#), "{:?}", away[0]);
        let served = answers.iter().filter(|answer| answer.text() == "page");
        assert_eq!(served.count(), 4);
    });
    assert_eq!(site.calls("/"), 1);
}
