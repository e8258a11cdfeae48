//! Cache poisoning: what an attacker sends must not reach the next client.
//!
//! The numbers are those of the attack list in `docs/HTTP-CACHE.md`.

use std::time::Duration;

use larder_cache::Policy;
use larder_cache::page::Rules;

use super::line::Answer;
use super::site::{Plan, Site};
use super::surroundings::Side;

fn site() -> Site {
    Plan::of(Rules::respecting()).open()
}

/// Requests a page after an attack, and asserts that it holds no trace of the attack.
#[track_caller]
fn clean(site: &Site, target: &str, traces: &[&str]) -> Answer {
    let answer = site.get(target);
    assert!([200, 302].contains(&answer.status), "{answer:?}");
    for trace in traces {
        assert!(!answer.holds(trace), "{trace} in {answer:?}");
    }
    answer
}

/// Attacks 1, 2 and 3.
#[test]
fn a_forwarded_host_has_its_own_page() {
    for line in [
        "X-Forwarded-Host: evil.test",
        "Forwarded: host=evil.test;proto=https",
        "Forwarded: for=\"evil.test\", for=x;HOST=\"evil.test\"",
        "X-Forwarded-Host: evil.test\"><script>",
        "Forwarded: host=\"evil.test\\\"><script>\"",
        "X-Forwarded-Host: good.test\r\nX-Forwarded-Host: evil.test",
        "X-Forwarded-Host: evil.test, good.test",
    ] {
        let site = site();
        let attack = site.ask("GET", "/r", &[line]);
        assert!(attack.status == 200 && attack.holds("evil.test"), "{attack:?}");
        clean(&site, "/r", &["evil.test", "script"]);
        assert!(site.get("/r").is_hit());
    }
}

/// Attack 3.
#[test]
fn a_host_of_any_characters_has_its_own_page() {
    for host in
        ["a\"><b>", "evil test", "evil\\", "[evil", "evil:99999", "evil@good.test", "", "EVIL"]
    {
        let site = site();
        let attack = site.try_send(format!("GET /r HTTP/1.1\r\nHost: {host}\r\n\r\n"));
        assert!(attack.is_none_or(|answer| [200, 400].contains(&answer.status)), "{host}");
        clean(&site, "/r", &["evil", "EVIL", "<b>"]);
    }
    let site = site();
    let mut attack = b"GET /r HTTP/1.1\r\nHost: evil\xff\xfe\r\n\r\n".to_vec();
    assert!([200, 400].contains(&site.send(&attack).status));
    clean(&site, "/r", &["evil"]);
    attack.splice(..3, *b"PUT");
    assert!([200, 400].contains(&site.send(&attack).status), "a write is no different");
}

/// Attack 4.
#[test]
fn a_forwarded_scheme_redirects_no_other_client() {
    for line in [
        "X-Forwarded-Proto: nothttps",
        "Forwarded: proto=nothttps",
        "X-Forwarded-Proto: nothttps, https",
        "X-Forwarded-Scheme: nothttps",
    ] {
        let site = site();
        assert_eq!(site.ask("GET", "/redir", &[line]).status, 302);
        let answer = clean(&site, "/redir", &["nothttps"]);
        assert_eq!(answer.header("location"), Some("http://good.test/login"));
    }
}

/// Attack 7.
#[test]
fn a_request_with_an_override_header_is_not_stored() {
    for line in [
        "X-Original-URL: /evil",
        "X-Rewrite-URL: /evil",
        "X-HTTP-Method-Override: evil",
        "X-HTTP-Method: evil",
        "X-Method-Override: evil",
        "X-Forwarded-Prefix: /evil",
        "X-Forwarded-Port: 1evil",
        "X-Host: evil.test",
        "X-Forwarded-Server: evil.test",
        "X-Forwarded-SSL: evil",
        "X-Forwarded-Protocol: evil",
        "X-Forwarded-Scheme: evil",
        "X-Forwarded-Path: /evil",
        "X-Forwarded-Uri: /evil",
        "X-Forwarded-By: evil",
        "X-Forwarded-Anything: evil",
        "X-Forwarded-For: evil",
        "X-Forwarded-User: evil",
        "X-URL-Scheme: evil",
        "X-Scheme: evil",
        "X-Original-Host: evil.test",
        "X-Original-Anything: evil",
        "X-Real-IP: evil",
        "X-Cluster-Client-IP: evil",
        "X-ProxyUser-Ip: evil",
        "X-ATT-DeviceId: evil",
        "X-WAP-Profile: evil",
        "X-Api-Key: evil",
        "X-Forwarded-SSL: on\r\nX-Forwarded-SSL: evil",
    ] {
        let site = site();
        assert_eq!(site.ask("GET", "/r", &[line]).status, 200);
        clean(&site, "/r", &["evil"]);
        assert!(site.ask("GET", "/r", &[line]).holds("evil"), "nor is the clean page for {line}");
    }
}

/// Headers that handlers of other frameworks read, including names that do not begin with `X-`.
#[test]
fn a_proxys_header_is_keyed_or_hidden_from_the_handler() {
    const NAMES: [&str; 14] = [
        "front-end-https",
        "x-forwarded-ssl",
        "x-url-scheme",
        "cf-visitor",
        "fastly-ssl",
        "wl-proxy-ssl",
        "cloudfront-forwarded-proto",
        "cloudfront-is-mobile-viewer",
        "cf-connecting-ip",
        "true-client-ip",
        "client-ip",
        "fastly-client-ip",
        "remote-user",
        "x-forwarded-for",
    ];
    let page = |asked: &super::reply::Asked| {
        let seen =
            NAMES.iter().filter_map(|name| Some(format!("{name}: {}\n", asked.header(name)?)));
        super::reply::Reply::fresh(seen.collect::<String>())
    };
    for rules in [Rules::respecting(), Rules::from(Policy::fresh_for(Duration::from_secs(60)))] {
        for name in NAMES {
            let site = Plan::of(rules.clone()).replies(page).open();
            let ask = |value: &str| site.ask("GET", "/", &[&format!("{name}: {value}")]);
            for _ in 0..2 {
                for value in ["evil", "other"] {
                    let own = ask(value).text();
                    assert!(own == format!("{name}: {value}\n") || own.is_empty(), "{name}: {own}");
                }
                assert_eq!(site.get("/").text(), "", "{name}");
            }
            assert!(ask("evil").is_hit() && site.get("/").is_hit(), "{name}");
        }
    }
}

/// A shared page is one page for all clients; otherwise each client would have its own.
#[test]
fn behind_a_proxy_all_clients_share_one_page() {
    let site = Plan::of(Policy::fresh_for(Duration::from_secs(60))).open();
    for nth in 0..5 {
        let lines =
            [format!("X-Forwarded-For: 192.0.2.{nth}"), format!("X-Real-IP: 192.0.2.{nth}")];
        let answer = site.ask("GET", "/r", &[&lines[0], &lines[1]]);
        assert!(!answer.holds("192.0.2"), "{answer:?}");
    }
    assert_eq!((site.calls("/r"), site.entries()), (1, 1));
}

/// Attack 8.
#[test]
fn the_content_of_a_cookie_reaches_no_other_client() {
    let site = site();
    let attack = site.ask("GET", "/r", &["Cookie: fehost=x\"-alert(1)-\""]);
    assert!(attack.holds("alert(1)") && !attack.is_stored(), "{attack:?}");
    clean(&site, "/r", &["alert"]);
}

/// Attack 9.
#[test]
fn a_page_that_varies_on_the_user_agent_is_served_to_that_agent_only() {
    let site = site();
    assert!(site.ask("GET", "/agent", &["User-Agent: <script>"]).is_stored());
    let answer = site.ask("GET", "/agent", &["User-Agent: Firefox"]);
    assert_eq!(answer.text(), "Firefox");
    clean(&site, "/agent", &["script"]);
    for agent in ["<script> ", "<SCRIPT>", "<script>,<script>", "a, <script>"] {
        let answer = site.ask("GET", "/agent", &[&format!("User-Agent: {agent}")]);
        assert_eq!(answer.text(), agent.trim());
    }
}

/// Attack 10.
#[test]
fn cors_headers_are_not_shared_between_origins() {
    for side in [Side::Inside, Side::Outside] {
        let site = Plan::of(Rules::respecting())
            .with_cors(side)
            .replies(|_| super::reply::Reply::fresh("page"))
            .open();
        let allowed = |origin: Option<&str>| {
            let line = origin.map(|origin| format!("Origin: {origin}"));
            let lines: Vec<_> = line.as_deref().into_iter().collect();
            let answer = site.ask("GET", "/r", &lines);
            assert!(answer.all("vary").any(|vary| vary.contains("Origin")), "{answer:?}");
            answer.header("access-control-allow-origin").map(str::to_owned)
        };
        for _ in 0..2 {
            for origin in [Some("https://evil.test"), Some("https://ok.test"), None] {
                assert_eq!(allowed(origin).as_deref(), origin, "{side:?}");
            }
        }
    }
}

/// Attack 20.
#[test]
fn a_coded_body_is_served_to_clients_that_accept_the_coding() {
    let site = site();
    assert!(site.ask("GET", "/coded", &["Accept-Encoding: br"]).is_stored());
    let plain = site.ask("GET", "/coded", &["Accept-Encoding: identity"]);
    assert_eq!((plain.header("content-encoding"), plain.text().as_str()), (None, "good"));
    clean(&site, "/coded", &["evil"]);
    let coded = site.ask("GET", "/coded", &["Accept-Encoding:  br"]);
    assert!(coded.is_hit() && coded.holds("evil"), "{coded:?}");
}

/// Attack 30.
#[test]
fn the_fragment_of_a_target_is_not_in_the_page() {
    let site = site();
    let attack = site.try_send("GET /r#<script> HTTP/1.1\r\nHost: good.test\r\n\r\n");
    assert!(attack.is_none_or(|answer| [200, 400].contains(&answer.status)));
    clean(&site, "/r", &["script"]);
}

/// Attack 30, also with the versions and hosts for which the target decides more.
#[test]
fn an_absolute_target_has_its_own_page() {
    let host = "Host: good.test\r\n";
    for (first, host) in [
        ("GET http://evil.test/r HTTP/1.1", host),
        ("GET http://EVIL.test.:080/r HTTP/1.1", host),
        ("GET https://evil.test/r HTTP/1.1", host),
        ("GET http://evil@good.test/r HTTP/1.1", host),
        ("GET evil.test:80 HTTP/1.1", host),
        ("GET evil://good.test/r HTTP/1.1", host),
        ("GET http://evil.test/r HTTP/1.0", ""),
        ("GET http://evil.test/r HTTP/1.1", "Host: \u{e9}\r\n"),
        ("GET //evil.test/r HTTP/1.1", host),
    ] {
        let site = site();
        let attack = site.try_send(format!("{first}\r\n{host}\r\n"));
        assert!(attack.is_none_or(|answer| [200, 400].contains(&answer.status)), "{first}");
        clean(&site, "/r", &["evil"]);
        let nameless = site.try_send("GET /r HTTP/1.0\r\n\r\n").unwrap();
        assert!(!nameless.holds("evil"), "{first}: {nameless:?}");
        let strange = site.try_send("GET /r HTTP/1.1\r\nHost: \u{e9}\r\n\r\n").unwrap();
        assert!(!strange.holds("evil"), "{first}: {strange:?}");
    }
    let site = site();
    site.send("GET evil://good.test/redir HTTP/1.1\r\nHost: good.test\r\n\r\n");
    let answer = clean(&site, "/redir", &["evil"]);
    assert_eq!(answer.header("location"), Some("http://good.test/login"));
}
