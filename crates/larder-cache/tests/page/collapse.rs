//! One request makes a page, the others wait for it; and nobody waits for what cannot be shared.
//!
//! The numbers are those of the attack list.

use std::collections::BTreeSet;

use larder_cache::page::Rules;

use super::line::Answer;
use super::reply::{Gate, Reply};
use super::site::{Plan, Site, request, until};

const CROWD: usize = 20;

/// All of a crowd at once; the gate is opened when `are_here` so many handlers wait at it.
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

/// 38.
#[test]
fn nobody_waits_for_what_is_for_one_only() {
    let gates = [Gate::closed(), Gate::closed()];
    let known = gates.clone();
    let site = Plan::of(Rules::respecting())
        .replies(move |asked| {
            let gate = &known[usize::from(asked.nth > CROWD)];
            let user = asked.user.clone().unwrap_or_default();
            Reply::ok(user).with("Cache-Control", "private, max-age=60").behind(gate)
        })
        .open();
    // In the first round they find out; in the second all are at the handler at the same time.
    for (gate, are_here) in gates.iter().zip([1, 2 * CROWD]) {
        let answers = crowd(&site, gate, are_here, |nth| format!("Cookie: sid={nth}"));
        let users: BTreeSet<_> = answers.iter().map(Answer::text).collect();
        assert_eq!(users.len(), CROWD);
    }
    assert_eq!(site.calls("/"), 2 * CROWD);
}

/// 39.
#[test]
fn each_variant_is_made_once() {
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
fn a_cold_page_is_made_once_for_all() {
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

/// 40.
#[test]
fn a_leader_that_hangs_up_takes_nobody_along() {
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

/// Case 41: those who wait are told once, and are then at the handler all at the same time: none of them
/// answers before the last of them is there.
#[test]
fn a_handler_that_panics_is_not_asked_by_one_after_the_other() {
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
    // A client that connects now is heard after all of them.
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

/// A panic between the cache and the handler, or where the cache has no part, is a 500, too.
#[test]
fn a_panic_is_a_500_whichever_way_the_request_took() {
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

/// 41.
#[test]
fn a_handler_that_fails_keeps_nothing_and_holds_nobody_up() {
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

/// 41.
#[test]
fn a_handler_that_never_answers_is_waited_for_so_long_only() {
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

/// A page for nobody in particular replaces the note that nobody need wait.
#[test]
fn what_becomes_shareable_is_shared() {
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

/// A visitor with a cookie must not be able to take away what others have.
#[test]
fn who_cannot_be_answered_from_the_cache_takes_nothing_out_of_it() {
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
fn a_cache_around_another_one_waits_not_for_itself() {
    let site = Plan::of(Rules::respecting()).around_itself().open();
    // One that waited for itself would be given up, and asked once more.
    assert!(site.get("/r").is_stored());
    assert_eq!(site.calls("/r"), 1);
    assert!(site.get("/r").is_hit());
}

#[test]
fn only_so_many_wait_for_one_page() {
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
