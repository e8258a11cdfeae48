//! Leaders whose clients have left: they hold up no other client and do not accumulate.

use larder_cache::page::Rules;

use super::reply::{Gate, Reply};
use super::site::{Plan, Site, request, until};

/// Sends the request of a named client, and waits until it is the `nth` at the handler.
fn begins(site: &Site, name: &str, nth: usize) -> super::line::Line {
    let mut line = site.line();
    line.say(request("GET", "/", &[&format!("X-Client: {name}")]));
    until("it is at the handler", || (site.calls("/") == nth).then_some(()));
    line
}

/// Opens a site whose handlers hang for ever, except the one that is called as `but`.
///
/// So nothing but that response can end the waiting.
fn hanging(but: usize) -> Site {
    let reply = move |nth: usize| match nth {
        nth if nth == but => Reply::fresh("good"),
        _ => Reply::fresh("never").behind(&Gate::closed()),
    };
    Plan::of(Rules::respecting())
        .replies(move |asked| match asked.path.as_str() {
            "/" => reply(asked.nth),
            _ => Reply::ok(""),
        })
        .open()
}

#[test]
fn the_next_request_replaces_a_leader_that_has_left() {
    let site = hanging(2);
    let _first = begins(&site, "first", 1);
    site.leaves("first");
    assert!(site.get("/").is_stored());
    assert_eq!(site.calls("/"), 2);
    assert!(site.get("/").is_hit());
}

#[test]
fn a_waiting_request_replaces_a_leader_that_leaves() {
    let site = hanging(2);
    let _first = begins(&site, "first", 1);
    let mut waiting: Vec<_> = (0..10).map(|_| site.line()).collect();
    waiting.iter_mut().for_each(|line| line.say(request("GET", "/", &[])));
    // A client that connects now is served after all of them.
    site.get("/other");
    assert_eq!(site.calls("/"), 1);
    site.leaves("first");
    for line in &mut waiting {
        assert_eq!(line.hear().unwrap().text(), "good");
    }
    assert_eq!(site.calls("/"), 2);
}

/// However many leave: waiting requests never all build the page, each for itself.
#[test]
fn one_waiting_request_replaces_each_leader_that_leaves() {
    const LEAVERS: usize = 6;
    const VISITORS: usize = 20;
    let site = hanging(LEAVERS + 1);
    let mut lines: Vec<_> = (0..VISITORS).map(|_| site.line()).collect();
    for (nth, line) in lines.iter_mut().enumerate() {
        line.say(request("GET", "/", &[&format!("X-Client: {nth}")]));
    }
    // A client that connects now is served after all of them.
    site.get("/other");
    let mut left = Vec::new();
    for nth in 1..=LEAVERS {
        until("one more is at the handler", || (site.calls("/") >= nth).then_some(()));
        let leader = site.asked("/").last().unwrap().header("x-client").unwrap();
        site.leaves(&leader);
        left.push(leader.parse::<usize>().unwrap());
    }
    let stayed = (0..VISITORS).filter(|nth| !left.contains(nth));
    for nth in stayed {
        assert_eq!(lines[nth].hear().unwrap().text(), "good");
    }
    assert_eq!(site.calls("/"), LEAVERS + 1);
}

#[test]
fn handlers_that_hang_do_not_accumulate() {
    const VISITORS: usize = 20;
    let site = hanging(VISITORS + 1);
    let mut lines = Vec::new();
    for nth in 1..=VISITORS {
        let name = nth.to_string();
        lines.push(begins(&site, &name, nth));
        site.leaves(&name);
    }
    until("most of them were given up", || (site.running() <= 4).then_some(()));
    assert_eq!(site.get("/").text(), "good");
    let given_up = lines.iter_mut().rev().nth(1).unwrap().hear().unwrap();
    assert_eq!((given_up.status, given_up.header("retry-after")), (503, Some("1")));
}

/// A slow page is built in the end, however soon its clients leave.
#[test]
fn a_replaced_leader_that_finishes_first_serves_all_waiting_requests() {
    let gates = [Gate::closed(), Gate::closed()];
    let known = gates.clone();
    let site = Plan::of(Rules::respecting())
        .replies(move |asked| match asked.path.as_str() {
            "/" => Reply::fresh(format!("of {}", asked.nth)).behind(&known[asked.nth - 1]),
            _ => Reply::ok(""),
        })
        .open();
    let mut first = begins(&site, "first", 1);
    site.leaves("first");
    let mut second = begins(&site, "second", 2);
    let mut waiting = site.line();
    waiting.say(request("GET", "/", &[]));
    // A client that connects now is served after that request.
    site.get("/other");
    gates[0].open();
    assert_eq!(waiting.hear().unwrap().text(), "of 1");
    assert_eq!(first.hear().unwrap().text(), "of 1", "its client had closed its own side only");
    gates[1].open();
    assert_eq!(second.hear().unwrap().text(), "of 2");
    assert!(site.get("/").is_hit());
}
