//! Attacks on a page cache: nothing that an attacker sends reaches another visitor's page.
//!
//! The cases are those of the literature on cache poisoning, cache entanglement, cache deception
//! and denial of service by cached errors, as far as the shop's own pages can show them.

use crate::support::{Database, TestSite, address_of_its_own, on_both_databases};

on_both_databases! {
    nothing_that_an_attacker_sends_is_on_the_next_page,
    a_get_with_a_body_bypasses_the_cache,
    each_target_gets_its_own_page,
    invalid_http_is_refused,
    a_client_that_disconnects_harms_no_other,
    requests_that_ask_for_no_cache_do_not_empty_it,
    a_flood_of_addresses_does_not_evict_the_homepage,
    text_that_is_long_to_search_for_secrets_does_not_stop_the_shop,
}

const MARK: &str = "evil.example";

fn nothing_that_an_attacker_sends_is_on_the_next_page(on: Database) {
    let site = TestSite::start(on);
    site.has_product("Tea");
    let host = format!("127.0.0.1:{}", site.port());
    let uncached = site.another_instance_with(&["--cache", "off"]);
    let headers = [
        ("X-Forwarded-Host", MARK),
        ("X-Forwarded-Host", "a\"><script>"),
        ("Forwarded", "host=evil.example;proto=https"),
        ("X-Forwarded-Proto", "nothttps"),
        ("X-Forwarded-Prefix", "/evil.example"),
        ("X-Forwarded-Port", "6666"),
        ("X-Forwarded-Server", MARK),
        ("X-Host", MARK),
        ("X-Original-URL", "/evil.example"),
        ("X-Rewrite-URL", "/evil.example"),
        ("X-HTTP-Method-Override", "DELETE"),
        ("User-Agent", "<script>evil.example</script>"),
        ("Origin", "https://evil.example"),
        ("Referer", "https://evil.example/"),
        ("Cookie", "fehost=x\"-evil.example-\""),
        ("Authorization", "Bearer evil.example"),
        ("Accept", "application/xml"),
        ("Accept-Language", "xx-evil"),
        ("Accept-Encoding", "br, gzip"),
        ("If-None-Match", "*"),
        ("If-Match", "\"evil.example\""),
        ("If-Modified-Since", "Sat, 01 Jan 2050 00:00:00 GMT"),
        ("If-Unmodified-Since", "Mon, 01 Jan 1990 00:00:00 GMT"),
        ("If-Range", "\"evil.example\""),
        ("Range", "bytes=0-9"),
        ("Expect", "evil.example"),
        ("Upgrade", "evil.example"),
        ("X-Filler", &"a".repeat(20_000)),
    ];
    for (number, (name, value)) in headers.into_iter().enumerate() {
        // A new address for each case, so that the attack is the first request for it.
        let path = address_of_its_own(number as u64);
        let clean = uncached.get(&path);
        let request = format!(
            "GET {path} HTTP/1.1\r\nHost: {host}\r\n{name}: {value}\r\nConnection: close\r\n\r\n"
        );
        let attack = site.raw(request.as_bytes());
        assert!(attack.status < 500, "{name}: {value}: {}", attack.status);
        for _ in 0..2 {
            let victim = site.get(&path);
            victim.assert_status(200).assert_no_header("content-encoding");
            assert_eq!(victim.html(), clean.html(), "after {name}: {value}");
        }
    }
}

fn a_get_with_a_body_bypasses_the_cache(on: Database) {
    let site = TestSite::start(on);
    site.has_product("Tea");
    let head = format!("Host: 127.0.0.1:{}\r\nConnection: close\r\n", site.port());
    let type_ = "Content-Type: application/x-www-form-urlencoded\r\n";
    let cases = [
        format!("GET /?q=tea HTTP/1.1\r\n{head}{type_}Content-Length: 6\r\n\r\nq=evil"),
        format!(
            "GET /?q=tea HTTP/1.1\r\n{head}{type_}Transfer-Encoding: chunked\r\n\r\n6\r\nq=evil\r\n0\r\n\r\n"
        ),
    ];
    for fat in cases {
        let answer = site.raw(fat.as_bytes());
        assert!(answer.status < 500, "{}", answer.status);
        if answer.status == 200 {
            answer.assert_cache("passed");
        }
        site.get("/?q=tea").assert_status(200).assert_sees("Tea");
    }
    // A client that announces a body and never sends it blocks no other client.
    let mut slow = site.connect();
    let request = format!("GET /?q=slow HTTP/1.1\r\n{head}{type_}Content-Length: 10\r\n\r\n");
    std::io::Write::write_all(&mut slow, request.as_bytes()).unwrap();
    site.get("/?q=slow").assert_status(200);
}

fn each_target_gets_its_own_page(on: Database) {
    let site = TestSite::start(on);
    let tea = site.has_product("Tea");
    let coffee = site.has_product("Coffee");
    let host = format!("Host: 127.0.0.1:{}\r\nConnection: close\r\n", site.port());
    let get = |target: &str| site.raw(format!("GET {target} HTTP/1.1\r\n{host}\r\n").as_bytes());
    for id in [tea, coffee] {
        get(&format!("/products/{id}")).assert_status(200).assert_cache("stored");
    }
    let odd = [
        format!("/static/../products/{tea}"),
        format!("/static/..%2fproducts/{tea}"),
        format!("/static\\products\\{tea}"),
        format!("//products/{tea}"),
        format!("/PRODUCTS/{tea}"),
        format!("/products/{tea};.css"),
        format!("/products/{tea}%00.css"),
        format!("/products/{tea}/x.css"),
        format!("/products/{tea}%23"),
        format!("/products//{tea}"),
        format!("/products/{tea}/../{coffee}"),
        format!("/products/%2e%2e/{tea}"),
    ];
    for target in odd {
        let answer = get(&target);
        let found = answer.text().contains("Tea") || answer.text().contains("Coffee");
        assert!(answer.status < 500 && !found, "{target}: {}", answer.status);
    }
    // An encoded address may be a 404 or the same product, depending on the router.
    let encoded = get(&format!("/%70roducts/{tea}"));
    assert!(encoded.status == 404 || encoded.text().contains("Tea"), "{}", encoded.status);
    for target in ["http://evil.example/", "http://evil.example/products/1"] {
        let answer = get(target);
        assert!(!answer.html().contains(MARK) && answer.status < 500, "{target}");
    }
    assert!(!site.get("/").html().contains(MARK));
    let pairs = [("/?q=%74ea", "/?q=tea"), ("/?q=", "/?q"), ("/?", "/")];
    for (one, other) in pairs {
        get(one);
        get(other);
        assert_eq!(get(one).html(), site.get(one).html(), "{one}");
        assert_eq!(get(other).html(), site.get(other).html(), "{other}");
    }
}

fn invalid_http_is_refused(on: Database) {
    let site = TestSite::start(on);
    let host = format!("Host: 127.0.0.1:{}\r\nConnection: close\r\n", site.port());
    let large = format!("GET / HTTP/1.1\r\n{host}X-Large: {}\r\n\r\n", "a".repeat(300_000));
    let many: String = (0..300).map(|n| format!("X-{n}: a\r\n")).collect();
    let cases = [
        format!("GET / HTTP/1.1\r\n{host}X-Bell: a\x07b\r\n\r\n"),
        format!("GET / HTTP/1.1\r\n{host}X-Null: a\0b\r\n\r\n"),
        format!("GET / HTTP/1.1\r\n{host}{host}\r\n"),
        format!("GET / HTTP/1.1\r\n{host}Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n"),
        format!("GET / HTTP/1.1\r\n{host}{many}\r\n"),
        format!("get / HTTP/1.1\r\n{host}\r\n"),
        format!("PURGE / HTTP/1.1\r\n{host}\r\n"),
        format!("TRACE / HTTP/1.1\r\n{host}\r\n"),
        format!("OPTIONS * HTTP/1.1\r\n{host}\r\n"),
        format!("CONNECT evil.example:443 HTTP/1.1\r\n{host}\r\n"),
        "GET / HTTP/1.1\r\nConnection: close\r\n\r\n".to_owned(),
    ];
    site.get("/");
    for case in cases {
        let answer = site.raw(case.as_bytes());
        let line = case.lines().next().unwrap();
        assert!((400..500).contains(&answer.status), "{line}: {}", answer.status);
        site.get("/").assert_status(200).assert_cache("hit");
    }
    // The server may close the connection before it has read all this; the shop works either way.
    let mut stream = site.connect();
    let _ = std::io::Write::write_all(&mut stream, large.as_bytes());
    site.get("/").assert_status(200).assert_cache("hit");
}

fn a_client_that_disconnects_harms_no_other(on: Database) {
    let site = TestSite::start(on);
    site.has_products(30);
    let request = format!("GET /?page=2 HTTP/1.1\r\nHost: 127.0.0.1:{}\r\n\r\n", site.port());
    for _ in 0..20 {
        site.invalidates("everything").assert_sends_to("/");
        let mut stream = site.connect();
        std::io::Write::write_all(&mut stream, request.as_bytes()).unwrap();
        drop(stream);
        let page = site.get("/?page=2");
        page.assert_status(200);
        assert_eq!(page.listed().len(), 5);
    }
}

fn requests_that_ask_for_no_cache_do_not_empty_it(on: Database) {
    let site = TestSite::observed(on, &[]);
    site.get("/");
    for (name, value) in [
        ("Cache-Control", "no-cache"),
        ("Cache-Control", "no-store"),
        ("Cache-Control", "max-age=0"),
        ("Cache-Control", "only-if-cached"),
        ("Pragma", "no-cache"),
    ] {
        let page = site.ask("GET", "/").header(name, value).send();
        page.assert_status(200).assert_cache("hit");
        assert_eq!(page.timing().sql_queries(), 0, "{name}: {value}");
    }
}

fn a_flood_of_addresses_does_not_evict_the_homepage(on: Database) {
    let site = TestSite::start(on);
    site.has_product("Tea");
    site.get("/").assert_cache("stored");
    for number in 0..2_000 {
        let path = address_of_its_own(number);
        site.get(&path).assert_status(200);
        if number % 100 == 0 {
            site.get("/").assert_cache("hit");
        }
    }
    site.get("/").assert_cache("hit").assert_sees("Tea");
}

fn text_that_is_long_to_search_for_secrets_does_not_stop_the_shop(on: Database) {
    let site = TestSite::observed(on, &[]);
    let layers = "25".repeat(16_000);
    for query in [
        format!("%{layers}41=x"),
        format!("q=%{layers}3Dx"),
        format!("q=%{layers}"),
        format!("{}token=x", "[".repeat(16_000)),
        // Each of these took a worker for seconds or minutes.
        "%3D".repeat(20_000),
        "token%3Dx%26".repeat(5_000),
        ":%2F%2F".repeat(8_000),
        "k=v&".repeat(15_000),
        (0..2_500).map(|n| format!("token{n}=secret{n}&")).collect(),
    ] {
        let head = format!("Host: 127.0.0.1:{}\r\nConnection: close\r\n", site.port());
        let mut requests = vec![format!("GET /?{query} HTTP/1.1\r\n{head}\r\n")];
        for field in ["X-Filler", "Cookie", "Referer", "X-Api-Key"] {
            requests.push(format!("GET / HTTP/1.1\r\n{head}{field}: {query}\r\n\r\n"));
        }
        for request in requests {
            let answer = site.raw(request.as_bytes());
            assert!(answer.status < 500, "{}: {}", &request[..99], answer.status);
        }
    }
    for path in ["/cache/entries", "/cache/keys"] {
        let page = site.get(&format!("{path}?like={}", "*a".repeat(10_000)));
        page.assert_status(422).assert_sees("at most 500 bytes");
    }
    site.get("/").assert_status(200);
}

#[test]
fn a_malformed_head_is_logged_as_the_fault_of_its_client() {
    let site = TestSite::start(Database::Sqlite);
    for head in ["GET / HTTP/1.1\r\nno header\r\n\r\n", "GET  / HTTP/9\r\n\r\n", "\u{1}\r\n\r\n"] {
        site.raw(head.as_bytes()).assert_status(400);
    }
    site.wait_for_log("malformed request");
    let log = site.log();
    assert!(log.contains("client=127.0.0.1") && !log.contains("ERROR"), "{log}");
}
