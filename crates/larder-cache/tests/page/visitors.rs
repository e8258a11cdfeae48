//! Pages that differ by what is computed from a request: a kind of device, a user.

use std::time::Duration;

use actix_web::HttpRequest;
use larder_cache::page::Rules;
use larder_cache::{Policy, Tag};

use super::line::Answer;
use super::reply::Reply;
use super::site::{Plan, Site, wait_for};

const MINUTE: Duration = Duration::from_secs(60);

/// Computes the kind of device, as an owner would.
fn device(request: &HttpRequest) -> String {
    let agent = request.headers().get("user-agent").and_then(|agent| agent.to_str().ok());
    match agent {
        Some(agent) if agent.contains("Mobile") => "phone".to_owned(),
        Some(agent) if agent.starts_with("odd") => agent.replace("odd", "ü\n"),
        Some(agent) if agent.starts_with("nth") => agent.to_owned(),
        _ => "desktop".to_owned(),
    }
}

fn devices(rules: Rules) -> Site {
    Plan::of(rules.key_by("Device", device))
        .replies(|asked| Reply::fresh(asked.header("keyed-device").unwrap_or_default()))
        .open()
}

#[test]
fn each_computed_value_has_its_own_page() {
    for rules in [Rules::from(MINUTE), Rules::respecting()] {
        let site = devices(rules);
        for is_hit in [false, true] {
            for (agent, device) in [("A Mobile 1", "phone"), ("B", "desktop"), ("odd", "ü\\n")] {
                let lines = [format!("User-Agent: {agent}"), "Keyed-Device: forged".to_owned()];
                let answer = site.ask("GET", "/", &[&lines[0], &lines[1]]);
                assert_eq!((answer.text().as_str(), answer.is_hit()), (device, is_hit), "{agent}");
            }
        }
        assert!(site.ask("GET", "/", &["User-Agent: C Mobile 2"]).is_hit());
        assert!(site.get("/").is_hit());
        assert_eq!(site.calls("/"), 3);
    }
}

#[test]
fn ever_new_values_evict_neither_used_ones_nor_other_pages() {
    let site = devices(Rules::from(MINUTE));
    for _ in 0..3 {
        site.get("/");
        site.get("/other");
    }
    for nth in 0..300 {
        let answer = site.ask("GET", "/", &[&format!("User-Agent: nth {nth}")]);
        assert_eq!(answer.text(), format!("nth {nth}"));
    }
    assert!(site.get("/").is_hit() && site.get("/other").is_hit());
    // The variants, two of the other page, and the note of each URL.
    assert!(site.entries() <= 256 + 4, "{}", site.entries());
}

/// Returns the printed keys of what is stored.
fn keys(site: &Site) -> Vec<String> {
    let listing = wait_for(site.cache.inspect().keys("*", 999)).unwrap();
    listing.keys.into_iter().map(|listed| listed.key).collect()
}

/// Returns the only key that has all of these parts.
#[track_caller]
fn the_key(site: &Site, parts: &[&str]) -> String {
    let mut keys = keys(site);
    keys.retain(|key| parts.iter().all(|part| key.contains(part)));
    assert_eq!(keys.len(), 1, "{parts:?}: {keys:?}");
    keys.remove(0)
}

const PHONE: &str = "User-Agent: Mobile";

#[test]
fn a_computed_value_is_part_of_the_key_and_goes_with_its_address() {
    let site = devices(Rules::from(MINUTE));
    let ask = |lines: &[&str]| site.ask("GET", "/", lines).is_hit();
    let hits = || [ask(&[PHONE]), ask(&[])];
    assert_eq!([hits(), hits()], [[false; 2], [true; 2]]);
    // The page itself is under this key: there is no note to be looked up first.
    let phone = the_key(&site, &["value=\"Device\":is=\"phone\""]);
    wait_for(site.cache.inspect().delete(&phone)).unwrap();
    assert_eq!([hits(), hits()], [[false, true], [true; 2]], "the other page stays");
    let all = the_key(&site, &["values_of=[\"Device\",]"]);
    wait_for(site.cache.inspect().delete(&all)).unwrap();
    assert_eq!([hits(), hits()], [[false; 2], [true; 2]]);
    // The values of a page with ever other ones are evicted, and found when they come back.
    for nth in 0..300 {
        site.ask("GET", "/", &[&format!("User-Agent: nth {nth}")]);
    }
    assert!(ask(&["User-Agent: nth 299"]) && !ask(&["User-Agent: nth 0"]));
}

/// A page that is keyed by a value and varies by a header, too.
#[test]
fn values_and_variants_of_one_address_are_counted_together() {
    let rules = Rules::from(MINUTE).key_by("device", device);
    let site = Plan::of(rules)
        .replies(|asked| {
            let of = |name| asked.header(name).unwrap_or_default().to_owned();
            let text = [of("keyed-device"), of("x-kind")].join(" ");
            // What is in the key needs no variant.
            Reply::fresh(text).with("Vary", "X-Kind, Keyed-Device")
        })
        .open();
    let ask = |agent: &str, kind: &str| {
        let lines = [format!("User-Agent: {agent}"), format!("X-Kind: {kind}")];
        let answer = site.ask("GET", "/", &[&lines[0], &lines[1]]);
        (answer.text(), answer.is_hit())
    };
    for is_hit in [false, true, true, true] {
        for (agent, device) in [("Mobile", "phone"), ("B", "desktop")] {
            for kind in ["a", "b"] {
                assert_eq!(ask(agent, kind), (format!("{device} {kind}"), is_hit));
            }
        }
    }
    for nth in 0..300 {
        ask(&format!("nth {nth}"), &format!("{}", nth % 7));
    }
    assert!(ask("Mobile", "a").1, "what is used stays");
    // Values, their variants, and the note that counts them.
    assert!(site.entries() <= 256 + 1, "{}", site.entries());
    let phone = the_key(&site, &["page:", "is=\"phone\""]);
    let all = the_key(&site, &["values_of="]);
    for key in [phone, all] {
        wait_for(site.cache.inspect().delete(&key)).unwrap();
        let hits = [ask("Mobile", "a").1, ask("Mobile", "a").1];
        assert_eq!(hits, [false, true], "the variants of a value go, too");
    }
}

/// Stores pages for the user that the cookie `sid` names.
fn users() -> Rules {
    users_for(Policy::fresh_for(MINUTE))
}

fn users_for(policy: Policy) -> Rules {
    Rules::shared(policy)
        .per_user(|request| request.cookie("sid").map(|cookie| cookie.value().to_owned()))
}

/// Returns the answers to Ann, Bob and an anonymous visitor with another cookie.
fn three(site: &Site, target: &str) -> [Answer; 3] {
    ["sid=ann", "sid=bob", "theme=dark"]
        .map(|line| site.ask("GET", target, &[&format!("Cookie: {line}")]))
}

#[test]
fn each_user_has_pages_of_its_own_and_anonymous_visitors_share_theirs() {
    let site = Plan::of(users()).replies(|asked| Reply::ok(&*asked.cookies)).open();
    for is_hit in [false, true] {
        let answers = three(&site, "/");
        let texts = answers.each_ref().map(Answer::text);
        // The page for all that are anonymous knows nothing of its visitor.
        assert_eq!(texts, ["sid=ann;", "sid=bob;", ""]);
        for answer in answers {
            assert_eq!(answer.is_hit(), is_hit);
            assert_eq!(answer.header("vary"), Some("cookie"));
            assert_eq!(answer.header("cache-control"), Some("private, no-cache"));
        }
    }
    assert!(site.get("/").is_hit());
    let keys = keys(&site);
    assert_eq!(keys.len(), 3);
    assert!(keys.iter().all(|key| !key.contains("ann") && !key.contains("bob")));
}

#[test]
fn the_pages_of_a_user_are_private_for_other_caches() {
    for (said, expected) in [
        ("public, max-age=60, s-maxage=600", "private, max-age=60"),
        ("private, max-age=5", "private, max-age=5"),
        ("max-age=60, must-revalidate", "private, max-age=60, must-revalidate"),
    ] {
        let reply = move |asked: &super::reply::Asked| {
            let reply = Reply::ok(&*asked.cookies).with("Cache-Control", said);
            reply.with("CDN-Cache-Control", "max-age=99").with("Vary", "Accept-Language")
        };
        let site = Plan::of(users()).replies(reply).open();
        for _ in 0..2 {
            let [ann, ..] = three(&site, "/");
            assert_eq!(ann.header("cache-control"), Some(expected), "{said}");
            assert_eq!(ann.header("vary"), Some("Accept-Language, cookie"));
            assert_eq!(ann.header("cdn-cache-control"), None);
        }
        let [ann, _, anonymous] = three(&site, "/");
        assert!(ann.is_hit(), "{said}: {}", ann.fate());
        let is_private = said.starts_with("private");
        assert_eq!(anonymous.is_hit(), !is_private, "{said}: {}", anonymous.fate());
        let tag = ann.header("etag").unwrap();
        let unchanged =
            site.ask("GET", "/", &["Cookie: sid=ann", &format!("If-None-Match: {tag}")]);
        let about = (unchanged.status, unchanged.header("cache-control"));
        assert_eq!(about, (304, Some(expected)), "{said}");
    }
}

#[test]
fn the_pages_of_a_user_end_with_the_tag_of_the_user() {
    let site = Plan::of(users()).replies(|asked| Reply::ok(asked.nth.to_string())).open();
    three(&site, "/");
    site.versions.bump(&[Tag::from("user#ann".to_owned())]);
    let hits = three(&site, "/").map(|answer| answer.is_hit());
    assert_eq!(hits, [false, true, true]);
}

/// In the background there is no user: a rebuild there would store the anonymous page for Ann.
#[test]
fn a_stale_page_of_a_user_is_rebuilt_for_this_user() {
    let policy = Policy::fresh_for(Duration::from_millis(1)).stale_while_revalidate(MINUTE);
    let site = Plan::of(users_for(policy)).replies(|asked| Reply::ok(&*asked.cookies)).open();
    for _ in 0..20 {
        let answer = site.ask("GET", "/", &["Cookie: sid=ann"]);
        assert_eq!(answer.text(), "sid=ann;");
        assert!(!answer.fate().contains("while-revalidate"), "{}", answer.fate());
    }
}
