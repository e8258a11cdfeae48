//! What invalidates a page: successful writes and tags; and on which parameters a page depends.
//!
//! The numbers are those of the attack list in `docs/HTTP-CACHE.md`.

use std::time::Duration;

use larder_cache::page::Rules;
use larder_cache::{Policy, Tag};

use super::reply::{Gate, Reply};
use super::site::{Plan, Site, request, until};

const TEAS: &[Tag] = &[Tag::named("teas")];

fn site() -> Site {
    Plan::of(Rules::respecting())
        .replies(|asked| match asked.method.as_str() {
            "GET" => {
                let kind = asked.header("x-kind").unwrap_or_default();
                Reply::fresh(format!("{} {} {kind}", asked.host, asked.nth)).with("Vary", "X-Kind")
            }
            _ => {
                let status = asked.header("x-status").map_or(200, |status| status.parse().unwrap());
                let reply = Reply::ok("written").status(status);
                let named = ["location", "content-location"]
                    .into_iter()
                    .filter_map(|name| Some((name, asked.header(&format!("x-{name}"))?)));
                named.fold(reply, |reply, (name, value)| reply.with(name, value))
            }
        })
        .open()
}

/// Reports whether the page is still stored after a write.
fn is_kept(site: &Site, target: &str, method: &str, lines: &[&str]) -> bool {
    site.get(target);
    assert!(site.get(target).is_hit());
    site.ask(method, "/r", lines);
    site.get(target).is_hit()
}

/// Attack 47.
#[test]
fn only_a_successful_write_invalidates() {
    let site = site();
    for status in [200, 201, 204, 302, 303] {
        assert!(!is_kept(&site, "/r", "POST", &[&format!("X-Status: {status}")]), "{status}");
    }
    for status in [400, 404, 405, 409, 500, 503] {
        assert!(is_kept(&site, "/r", "POST", &[&format!("X-Status: {status}")]), "{status}");
    }
    for method in ["PUT", "DELETE", "PATCH", "PURGE", "STRANGE", "post", "get"] {
        assert!(!is_kept(&site, "/r", method, &[]), "{method}");
    }
    for method in ["OPTIONS", "TRACE", "HEAD"] {
        assert!(is_kept(&site, "/r", method, &[]), "{method}");
    }
}

/// Attack 47.
///
/// There are three sites because two pages share a write epoch once in 65,536 times.
#[test]
fn a_write_invalidates_the_same_origin_pages_that_its_response_names() {
    let sites = [site(), site(), site()];
    for (line, is_named) in [
        ("X-Location: /named", true),
        ("X-Content-Location: /named", true),
        ("X-Location: named", true),
        ("X-Location: http://good.test/named?x#y", true),
        ("X-Content-Location: //GOOD.test:80/named", true),
        ("X-Location: http://other.test/named", false),
        ("X-Content-Location: //other.test/named", false),
        ("X-Location: https://good.test/named", false),
        ("X-Location: http://good.test@other.test/named", false),
        ("X-Location: http://good.test:81/named", false),
        ("X-Location: /other", false),
        ("X-Location: \\named", false),
        ("X-Status: 500\r\nX-Location: /named", false),
    ] {
        let is_kept = sites.iter().any(|site| is_kept(site, "/named", "POST", &[line]));
        assert_eq!(is_kept, !is_named, "{line}");
    }
}

/// Reports for each host whether its page is still stored after this write.
fn are_kept(hosts: &[&str], write: &str) -> Vec<bool> {
    let site = site();
    let get = |host: &str| site.send(format!("GET /r HTTP/1.1\r\nHost: {host}\r\n\r\n"));
    for host in hosts {
        assert!(get(host).is_stored() && get(host).is_hit(), "{host}");
    }
    assert_eq!(site.send(write).status, 200, "{write}");
    hosts.iter().map(|host| get(host).is_hit()).collect()
}

/// Asserts which pages are still stored, in at least one of three tries.
///
/// Two pages share a write epoch once in 65,536 times, and are then both invalidated.
#[track_caller]
fn assert_kept(hosts: &[&str], write: &str, expected: &[bool]) {
    let tries: Vec<_> = (0..3).map(|_| are_kept(hosts, write)).collect();
    assert!(tries.iter().any(|kept| kept == expected), "{write:?}: {tries:?}");
}

#[test]
fn a_write_invalidates_pages_of_its_own_host_only() {
    let hosts = ["other.test", "good.test:8000", "good.test"];
    for write in [
        "POST /r HTTP/1.1\r\nHost: good.test\r\n\r\n",
        "POST /r HTTP/1.1\r\nHost: GOOD.test.:80\r\n\r\n",
        "POST /r?x=1 HTTP/1.1\r\nHost: %67ood.test\r\n\r\n",
        // The host of the target decides.
        "POST http://good.test/r HTTP/1.1\r\nHost: other.test\r\n\r\n",
        // Forwarded headers, which a client may write, must not save the page.
        "POST /r HTTP/1.1\r\nHost: good.test\r\nX-Forwarded-Host: third.test\r\n\r\n",
        "POST /r HTTP/1.1\r\nHost: good.test\r\nForwarded: host=third.test;proto=https\r\n\r\n",
    ] {
        assert_kept(&hosts, write, &[true, true, false]);
    }
    for write in [
        "POST /r HTTP/1.1\r\nHost: good.test:443\r\n\r\n",
        "POST /other HTTP/1.1\r\nHost: good.test\r\n\r\n",
        "POST https://good.test/r HTTP/1.1\r\nHost: good.test\r\n\r\n",
        "POST /r HTTP/1.1\r\nHost: good test\r\n\r\n",
    ] {
        assert_kept(&hosts, write, &[true, true, true]);
    }
}

#[test]
fn location_invalidates_pages_of_its_own_host_only() {
    let hosts = ["other.test", "good.test"];
    let write = |host: &str, location: &str| {
        format!("POST /else HTTP/1.1\r\nHost: {host}\r\nX-Location: {location}\r\n\r\n")
    };
    for location in ["/r", "http://good.test/r", "//GOOD.test.:80/r"] {
        assert_kept(&hosts, &write("good.test", location), &[true, false]);
    }
    for location in ["http://other.test/r", "//other.test/r", "https://good.test/r"] {
        assert_kept(&hosts, &write("good.test", location), &[true, true]);
    }
}

#[test]
fn a_write_invalidates_all_variants_and_queries_of_its_address() {
    let site = site();
    let kinds = [&["X-Kind: a"][..], &["X-Kind: b"], &[]];
    let targets = ["/r", "/r?x=1", "/r?y"];
    for target in targets {
        kinds.iter().for_each(|lines| assert!(site.ask("GET", target, lines).is_stored()));
    }
    site.ask("POST", "/r", &[]);
    for target in targets {
        kinds.iter().for_each(|lines| assert!(site.ask("GET", target, lines).is_stored()));
    }
}

#[test]
fn a_page_begun_before_a_write_is_not_stored_after_it() {
    let gate = Gate::closed();
    let known = gate.clone();
    let site = Plan::of(Rules::respecting())
        .replies(move |asked| match (asked.method.as_str(), asked.nth) {
            ("GET", 1) => Reply::fresh("before").behind(&known),
            ("GET", _) => Reply::fresh("after"),
            _ => Reply::ok("written"),
        })
        .open();
    std::thread::scope(|scope| {
        let before = scope.spawn(|| site.get("/"));
        until("it has begun", || (site.calls("/") == 1).then_some(()));
        site.ask("POST", "/", &[]);
        assert_eq!(
            site.get("/").text(),
            "after",
            "the request does not wait for the page begun before"
        );
        gate.open();
        assert_eq!(before.join().unwrap().text(), "before");
    });
    assert_eq!(site.get("/").text(), "after");
}

#[test]
fn writes_to_shared_pages_invalidate_nothing_by_themselves() {
    let site = Plan::of(Policy::fresh_for(Duration::from_secs(60))).open();
    assert!(is_kept(&site, "/r", "POST", &[]));
    let site = Plan::of(Rules::respecting().emptied_by_writes(false)).open();
    assert!(is_kept(&site, "/r", "POST", &[]));
}

#[test]
fn a_page_is_invalidated_when_its_data_changes() {
    for plan in
        [Plan::of(Rules::respecting()), Plan::of(Policy::fresh_for(Duration::from_secs(60)))]
    {
        let site = plan
            .reading(TEAS)
            .replies(|asked| Reply::fresh(asked.nth.to_string()).with("Vary", "X-Kind"))
            .open();
        assert!(site.get("/").is_stored() && site.get("/").is_hit());
        site.versions.bump(&[Tag::named("milk")]);
        assert!(site.get("/").is_hit());
        site.versions.bump(TEAS);
        let answer = site.get("/");
        assert!(answer.text() == "2" && answer.is_stored(), "{answer:?}");
        assert!(site.get("/").is_hit());
    }
}

/// The handler is called once more, and the router finds it once more.
#[test]
fn a_page_that_mixes_two_states_is_rebuilt() {
    for is_around in [false, true] {
        let gate = Gate::closed();
        let known = gate.clone();
        let plan =
            Plan::of(Rules::respecting()).reading(TEAS).replies(move |asked| match asked.nth {
                1 => Reply::fresh("mixed").behind(&known),
                _ => Reply::fresh(format!("{:?}", asked.route)),
            });
        let site = if is_around { plan.around_the_app() } else { plan }.open();
        let answer = std::thread::scope(|scope| {
            let asked = scope.spawn(|| site.get("/static/page"));
            until("it has begun", || (site.calls("/static/page") == 1).then_some(()));
            site.versions.bump(TEAS);
            gate.open();
            asked.join().unwrap()
        });
        assert_eq!(answer.text(), r#"Some("/static/{file}")"#, "{answer:?}");
        assert!(answer.is_stored() && site.calls("/static/page") == 2, "{answer:?}");
        assert!(site.get("/static/page").is_hit());
    }
}

/// A request that begins after a write waits for the page that is being built, but does not use it.
#[test]
fn a_page_older_than_the_stamps_of_a_request_does_not_serve_it() {
    let gate = Gate::closed();
    let known = gate.clone();
    let site = Plan::of(Rules::respecting())
        .reading_once(TEAS)
        .replies(move |asked| match (asked.path.as_str(), asked.nth) {
            ("/", 1) => Reply::fresh("before").behind(&known),
            _ => Reply::fresh("after"),
        })
        .open();
    std::thread::scope(|scope| {
        let before = scope.spawn(|| site.get("/"));
        until("it has begun", || (site.calls("/") == 1).then_some(()));
        site.versions.bump(TEAS);
        let mut after = site.line();
        after.say(request("GET", "/", &[]));
        // A client that connects now is served after that request.
        site.get("/other");
        gate.open();
        assert_eq!(after.hear().unwrap().text(), "after");
        before.join().unwrap();
    });
    assert_eq!(site.calls("/"), 2);
}

#[test]
fn a_stale_page_whose_data_changed_is_not_served() {
    let said = "max-age=60, stale-while-revalidate=600, stale-if-error=600";
    let site = Plan::of(Rules::respecting())
        .reading(TEAS)
        .replies(move |asked| match asked.nth {
            1 => Reply::ok("old")
                .with("Cache-Control", said)
                .with("Age", "120")
                .with("ETag", "\"v\""),
            _ => Reply::error(),
        })
        .open();
    site.get("/");
    site.versions.bump(TEAS);
    assert_eq!(site.get("/").status, 500);
    assert_eq!(site.asked("/")[1].header("if-none-match"), None);
}

#[test]
fn declared_parameters_are_all_that_a_page_depends_on() {
    let rules = Rules::respecting().parameters(&["page", "q"]);
    let site = Plan::of(rules).replies(|asked| Reply::fresh(&*asked.target)).open();
    for target in [
        "/list?page=2&q=tea",
        "/list?q=tea&page=2",
        "/list?utm_source=evil&q=tea&page=2",
        "/list?page=2&q=tea&",
        "/list?%71=tea&page=2",
        "/list?page=2&q=tea&q=",
        "/list?page=2&q=tea&Q=x",
    ] {
        assert_eq!(site.get(target).text(), "/list?page=2&q=tea", "{target}");
    }
    for target in ["/list", "/list?", "/list?evil=1", "/list?page=", "/list?page"] {
        assert_eq!(site.get(target).text(), "/list", "{target}");
    }
    assert_eq!((site.calls("/list?page=2&q=tea"), site.calls("/list")), (1, 1));
    assert_eq!(site.get("/list?q=a&q=b").text(), "/list?q=a&q=b");
    assert_eq!(site.get("/list?q=b&q=a").text(), "/list?q=b&q=a");
}
