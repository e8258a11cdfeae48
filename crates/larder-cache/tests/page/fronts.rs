//! What goes out to a cache in front of the site: keys and a lifetime, for pages that are the same for all.

use std::time::{Duration, Instant};

use actix_web::http::header::{ACCEPT, HeaderName};
use larder_cache::front::{Front, LONGEST_ANSWER, keys};
use larder_cache::page::{self, Rules};
use larder_cache::{Policy, Tag};

use super::line::Answer;
use super::reply::{Gate, Reply};
use super::site::{Plan, Site, until};

const TEAS: Tag = Tag::named("teas#7");
const TAGS: &[Tag] = &[TEAS];
const MINUTE: Policy = Policy::fresh_for(Duration::from_secs(60));

fn behind_varnish(rules: impl Into<Rules>) -> Site {
    Plan::of(rules).reading(TAGS).replies(|_| Reply::ok("tea")).behind(Front::Varnish).open()
}

/// Returns the seconds for which the front may store the answer.
fn lifetime(answer: &Answer) -> Option<u64> {
    let said = answer.header("cdn-cache-control");
    assert_eq!(said.is_some(), answer.header("xkey").is_some(), "{answer:?}");
    said.map(|said| said.strip_prefix("max-age=").unwrap().parse().unwrap())
}

#[test]
fn a_page_for_all_goes_out_with_its_keys_and_the_lifetime_that_is_left() {
    let site = behind_varnish(MINUTE);
    for turn in ["built", "hit"] {
        let page = site.get("/");
        let age: u64 = page.header("age").map_or(0, |age| age.parse().unwrap());
        let left = lifetime(&page).unwrap() - age;
        assert!((1..=60).contains(&left), "{turn}: {page:?}");
        assert_eq!(page.header("cache-control"), Some("private, no-cache"), "{turn}");
        let known: Vec<&str> = page.header("xkey").unwrap().split(' ').collect();
        for tag in [TEAS, Tag::EVERYTHING, Tag::named("!deleted"), Tag::named("!ended")] {
            let purges = keys(&tag).iter().any(|key| known.contains(&key.as_str()));
            assert!(purges, "{turn}: {tag}");
        }
        let other = keys(&Tag::named("teas#8"));
        assert!(!other.iter().any(|key| known.contains(&key.as_str())), "{turn}");
    }
    let tag = site.get("/").header("etag").unwrap().to_owned();
    let same = site.ask("GET", "/", &[&format!("If-None-Match: {tag}")]);
    assert_eq!(same.status, 304);
    assert!(lifetime(&same).is_some(), "it renews what is stored in front");
    let part = site.ask("GET", "/", &["Range: bytes=0-1"]);
    assert_eq!((part.status, lifetime(&part)), (206, None));
}

#[test]
fn a_deleted_page_is_purged_by_the_tag_of_its_key() {
    let site = behind_varnish(MINUTE);
    let page = site.get("/");
    let known = page.header("xkey").unwrap();
    let removed = |number: usize| keys(&Tag::from(format!("!deleted#{number}")));
    let is_known = |number: &usize| removed(*number).iter().any(|key| known.contains(key.as_str()));
    assert_eq!((0..1 << 12).filter(is_known).count(), 1, "of all buckets of keys");
}

#[test]
fn each_kind_of_front_has_headers_of_its_own() {
    for (kind, tags, lifetime, separator) in [
        (Front::Varnish, "xkey", "cdn-cache-control", ' '),
        (Front::Fastly, "surrogate-key", "surrogate-control", ' '),
        (Front::Cloudflare, "cache-tag", "cdn-cache-control", ','),
    ] {
        let site = Plan::of(MINUTE).replies(|_| Reply::ok("tea")).behind(kind).open();
        let page = site.get("/");
        assert!(page.header(tags).unwrap().split(separator).all(|key| key.len() == 13), "{page:?}");
        assert!(page.header(lifetime).unwrap().starts_with("max-age="), "{page:?}");
    }
    let site = Plan::of(MINUTE).replies(|_| Reply::ok("tea")).open();
    assert_eq!(lifetime(&site.get("/")), None, "there is none in front");
}

#[test]
fn the_answer_to_a_request_that_identifies_its_client_has_no_lifetime() {
    let site = behind_varnish(MINUTE);
    for (line, is_stored) in [
        ("X-Forwarded-For: 192.0.2.7", true),
        ("X-Forwarded-Proto: https", true),
        ("X-Forwarded-Host: good.test", true),
        ("Cookie: a=b", false),
        ("Authorization: Basic YTpi", false),
        ("X-Forwarded-Host: evil.test", false),
        ("X-Forwarded-Prefix: /evil", false),
        ("Forwarded: host=evil.test", false),
    ] {
        for turn in ["built", "hit"] {
            let page = site.ask("GET", "/", &[line]);
            assert_eq!(lifetime(&page).is_some(), is_stored, "{line}, {turn}: {page:?}");
        }
    }
}

#[test]
fn what_is_not_the_same_for_all_has_no_lifetime() {
    let shared = || Rules::shared(MINUTE);
    for (what, rules) in [
        ("third-party", Rules::respecting().default_lifetime(Duration::from_secs(60))),
        ("cookies", shared().keyed_cookies(&["a"])),
        ("headers", shared().keyed_headers(&[ACCEPT])),
        ("languages", shared().languages(&["en", "de"])),
        ("values", shared().key_by("country", |_| "")),
        ("users", shared().per_user(|_| None::<u8>)),
        ("holes", shared().hole("name", |_| "")),
        ("writes", shared().emptied_by_writes(true)),
    ] {
        let site = behind_varnish(rules);
        for turn in ["built", "hit"] {
            let page = site.get("/");
            assert_eq!((page.status, lifetime(&page)), (200, None), "{what}, {turn}");
        }
    }
    let vary = |_: &_| Reply::ok("tea").with("Vary", "Accept");
    let site = Plan::of(MINUTE).replies(vary).behind(Front::Varnish).open();
    assert_eq!(lifetime(&site.get("/")), None, "a variant");
    let outer = Plan::of(MINUTE).with_cors(super::surroundings::Side::Outside);
    let site = outer.replies(|_| Reply::ok("tea")).behind(Front::Varnish).open();
    assert_eq!(lifetime(&site.ask("GET", "/", &["Origin: https://a.test"])), None, "a layer");
}

#[test]
fn an_owner_may_say_that_visitors_are_told_apart_by_cookies() {
    const NAME: HeaderName = HeaderName::from_static("x-name");
    fn name(request: &actix_web::HttpRequest) -> String {
        let name = request.headers().get(NAME).map(|name| name.to_str().unwrap().to_owned());
        name.unwrap_or_default()
    }
    for (what, rules) in [
        ("hole", Rules::shared(MINUTE).hole("name", name)),
        ("value", Rules::shared(MINUTE).key_by("name", name)),
        (
            "user",
            Rules::shared(MINUTE)
                .per_user(|request| Some(name(request)).filter(|name| !name.is_empty())),
        ),
    ] {
        let handler = |_: &_| Reply::ok(format!("Hello {}", page::hole("name")));
        let plan = Plan::of(rules.told_apart_by_cookies()).replies(handler);
        let site = plan.behind(Front::Cloudflare).open();
        for turn in ["built", "hit"] {
            let page = site.get("/");
            assert!(page.header("cdn-cache-control").is_some(), "{what}, {turn}: {page:?}");
            let personal = site.ask("GET", "/", &["X-Name: Ann"]);
            for header in ["cdn-cache-control", "cache-tag"] {
                assert_eq!(personal.header(header), None, "{what}, {turn}");
            }
        }
    }
}

/// So a change is purged again after a time that does not depend on how long handlers take.
#[test]
fn an_answer_that_took_long_has_no_lifetime() {
    let gate = Gate::closed();
    let behind = gate.clone();
    let plan = Plan::of(MINUTE).replies(move |_| Reply::ok("tea").behind(&behind));
    let site = plan.behind(Front::Varnish).open();
    let mut line = site.line();
    line.say(super::site::request("GET", "/", &[]));
    until("it is called", || (site.calls("/") == 1).then_some(()));
    let called = Instant::now();
    until("it takes long", || (called.elapsed() > LONGEST_ANSWER).then_some(()));
    gate.open();
    let page = line.hear().unwrap();
    assert_eq!((page.status, lifetime(&page)), (200, None));
    assert!(lifetime(&site.get("/")).is_some(), "a hit takes no time");
}
