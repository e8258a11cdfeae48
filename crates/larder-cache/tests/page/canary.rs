//! The canary: pages are rendered twice as for two visitors, and refused if the two differ.

use std::time::Duration;

use larder_cache::page::Rules;
use larder_cache::{Policy, Tag};

use super::reply::{Asked, Reply};
use super::site::{Plan, Site};

const MINUTE: Policy = Policy::fresh_for(Duration::from_secs(60));

fn site(replies: impl Fn(&Asked) -> Reply + Send + Sync + 'static) -> Site {
    Plan::of(MINUTE).with_canary().replies(replies).open()
}

fn agent(asked: &Asked) -> Reply {
    Reply::ok(format!("Hello, {}!", asked.header("user-agent").unwrap_or_default()))
}

#[test]
fn a_page_that_shows_its_visitor_is_a_500_and_not_stored() {
    let site = site(agent);
    for calls in [2, 4] {
        let answer = site.ask("GET", "/", &["User-Agent: Ada"]);
        assert_eq!(answer.status, 500);
        assert!(answer.text().contains("at byte 7"), "{answer:?}");
        assert!(answer.text().contains("Hello, canary!"), "{answer:?}");
        assert_eq!(site.calls("/"), calls);
    }
}

#[test]
fn a_page_that_is_the_same_for_all_is_stored() {
    let site = site(|asked| Reply::ok(format!("Welcome to {}.", asked.path)));
    let answer = site.ask("GET", "/", &["User-Agent: Ada", "Cookie: sid=A", "Authorization: a"]);
    assert!(answer.status == 200 && answer.is_stored(), "{answer:?}");
    assert!(site.get("/").is_hit());
    assert_eq!(site.calls("/"), 2);
}

#[test]
fn a_page_may_differ_in_the_headers_that_it_varies_on() {
    let site = site(|asked| agent(asked).with("Vary", "User-Agent"));
    assert!(site.ask("GET", "/", &["User-Agent: Ada"]).is_stored());
    assert!(site.ask("GET", "/", &["User-Agent: Ada"]).is_hit());
    assert_eq!(site.ask("GET", "/", &["User-Agent: Bob"]).text(), "Hello, Bob!");
}

#[test]
fn the_second_render_takes_the_same_route() {
    for plan in [Plan::of(MINUTE), Plan::of(MINUTE).around_the_app()] {
        let site = plan
            .with_canary()
            .replies(|asked| Reply::ok(format!("{:?} {:?}", asked.route, asked.file)))
            .open();
        let answer = site.get("/static/page");
        assert!(answer.is_stored(), "{answer:?}");
        assert_eq!(answer.text(), r#"Some("/static/{file}") Some("page")"#);
    }
}

#[test]
fn pages_of_different_data_are_not_compared() {
    const TEAS: &[Tag] = &[Tag::named("teas")];
    let site = Plan::of(MINUTE)
        .with_canary()
        .reading(TEAS)
        .changing_after_each_call()
        .replies(|asked| Reply::ok(asked.nth.to_string()))
        .open();
    assert_eq!(site.get("/").status, 200);
}

#[test]
fn a_route_can_switch_the_canary_off() {
    let site = Plan::of(Rules::shared(MINUTE).canary(false)).replies(agent).open();
    assert!(site.get("/").is_stored());
    assert_eq!(site.calls("/"), 1);
}
