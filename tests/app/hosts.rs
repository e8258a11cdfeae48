//! The host of a request: invalid hosts, hosts of other sites, and spellings of one host and of one path.

use crate::support::{Database, Page, TestSite, on_both_databases};

on_both_databases! {
    hundreds_of_spellings_of_a_host_are_one_page,
    hundreds_of_spellings_of_a_path_are_one_page,
    an_invalid_host_is_a_bad_request,
    only_names_and_ports_of_the_shop_are_answered,
    an_absolute_target_decides_over_the_host,
}

/// Sends a request whose only headers are these `Host` and `Connection: close`.
fn ask(site: &TestSite, first: &str, host: &str) -> Page {
    let text = format!("{first} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
    site.raw(text.as_bytes())
}

fn hundreds_of_spellings_of_a_host_are_one_page(on: Database) {
    let site = TestSite::start_with(on, &["--host", "Shop.Example."]);
    let port = site.port();
    for (letters, tails) in [
        ("localhost", [format!(":{port}"), format!(".:{port}"), format!(".:00{port}")]),
        ("shop.example", [String::new(), ".:80".to_owned(), ":080".to_owned()]),
    ] {
        let mut fates = Vec::new();
        for bits in 0..140_usize {
            let letter = |(nth, letter): (usize, char)| match bits >> (nth % 8) & 1 {
                1 => letter.to_ascii_uppercase(),
                _ => letter,
            };
            let name: String = letters.chars().enumerate().map(letter).collect();
            for tail in &tails {
                let page = ask(&site, "GET /?page=1", &format!("{name}{tail}"));
                page.assert_status(200);
                fates.push(page.header("cache-status").unwrap_or_default());
            }
        }
        assert!(fates.len() > 400 && fates[0].ends_with("stored"), "{letters}: {}", fates[0]);
        let hits = fates.iter().filter(|fate| fate.contains("hit")).count();
        assert_eq!(hits, fates.len() - 1, "{letters}: one page was stored");
    }
}

fn hundreds_of_spellings_of_a_path_are_one_page(on: Database) {
    let site = TestSite::start(on);
    let tea = site.has_product("Tea");
    let host = format!("localhost:{}", site.port());
    let spelled = |bits: usize| {
        let letter = |(nth, letter): (usize, char)| match bits >> nth & 1 {
            1 => format!("%{:02x}", u32::from(letter)),
            _ => letter.to_string(),
        };
        let section: String = "products".chars().enumerate().map(letter).collect();
        format!("/{section}/{tea}")
    };
    let reads = |bits| ask(&site, &format!("GET {}", spelled(bits)), &host);
    reads(0).assert_status(200).assert_cache("stored");
    for bits in 1..256 {
        reads(bits).assert_status(200).assert_cache("hit");
    }
    // A write under one spelling is seen under all of them.
    let mut form = site.edit_form(tea);
    form.fill("title", "Oolong");
    form.action = spelled(255);
    site.sends(&form).assert_status(303);
    for bits in [0, 85, 255] {
        reads(bits).assert_sees("Oolong");
    }
    ask(&site, "GET /products%2F1", &host).assert_status(404);
}

fn an_invalid_host_is_a_bad_request(on: Database) {
    let site = TestSite::start(on);
    let port = site.port();
    let long = format!("{}.example", "a".repeat(300));
    let hosts = [
        "",
        ":",
        &format!(":{port}"),
        "local host",
        "user@localhost",
        &format!("a:b@127.0.0.1:{port}"),
        "localhost:0",
        "localhost:65536",
        "localhost:99999",
        "localhost:8o",
        "localhost:-1",
        &format!("localhost:{port}:{port}"),
        "::1",
        "[::1",
        "[::1%25lo]",
        "[]",
        "localhost/",
        "localhost?x",
        "a%",
        "a%4",
        "a%zz",
        "a\"><b>",
        "a\\b",
        "sh\u{f6}p.example",
        &long,
    ];
    for host in hosts {
        for first in ["GET /", "POST /products", "GET /health/live", "HEAD /nothing"] {
            let answer = ask(&site, first, host);
            assert_eq!(answer.status, 400, "{first} {host:?}");
        }
    }
    // The page repeats nothing of the request.
    let answer = ask(&site, "GET /", "user@evil.example");
    answer.assert_is_in_the_shops_dress().assert_sees("65535");
    assert!(!answer.html().contains("evil.example"));
    ask(&site, "GET /api/events", "user@evil.example").assert_problem(400);
    for head in [
        "GET / HTTP/1.1\r\n".to_owned(),
        format!("GET / HTTP/1.1\r\nHost: localhost:{port}\r\nHost: localhost:{port}\r\n"),
        format!("GET / HTTP/1.1\r\nHost: localhost:{port}\r\nHost: evil.example\r\n"),
    ] {
        let answer = site.raw(format!("{head}Connection: close\r\n\r\n").as_bytes());
        assert_eq!(answer.status, 400, "{head:?}");
    }
    site.raw(b"GET / HTTP/1.0\r\n\r\n").assert_status(421);
}

fn only_names_and_ports_of_the_shop_are_answered(on: Database) {
    let flags = ["--host", "shop.example,other.example:8443", "--host", "[2001:DB8::0:1]"];
    let site = TestSite::start_with(on, &flags);
    let (port, other) = (site.port(), site.port() ^ 1);
    let bound = |name: &str| format!("{name}:{port}");
    let names = ["localhost", "127.0.0.1", "[::1]", "shop.example", "[2001:db8:0::1]"];
    for name in names {
        for host in [bound(name), name.to_owned(), format!("{name}:80")] {
            ask(&site, "GET /", &host).assert_status(200);
        }
        for host in [format!("{name}:{other}"), format!("{name}:443"), format!("{name}:8443")] {
            ask(&site, "GET /", &host).assert_status(421).assert_is_in_the_shops_dress();
        }
    }
    ask(&site, "GET /", "OTHER.example.:8443").assert_status(200);
    let hosts = [
        "other.example",
        &bound("other.example"),
        "shop_example",
        "a.shop.example",
        "shop.example..",
        "shop.example,evil.example",
        "evil.example",
        "127.1",
        "2130706433",
        "127.0.0.2",
        "0.0.0.0",
        "[::ffff:127.0.0.1]",
        "[v1.a]",
        "%65vil.example",
        "xn--shp-tna.example",
        "_",
        "*",
    ];
    for host in hosts {
        ask(&site, "GET /", host).assert_status(421);
        ask(&site, "DELETE /products/1", host).assert_status(421);
        ask(&site, "GET /health/live", host).assert_status(200);
    }
}

fn an_absolute_target_decides_over_the_host(on: Database) {
    let site = TestSite::start(on);
    let here = format!("127.0.0.1:{}", site.port());
    ask(&site, "GET /", &here).assert_status(200).assert_cache("stored");
    for target in [format!("http://{here}/"), format!("HTTP://{here}"), format!("http://{here}?")] {
        for host in [&*here, "evil.example", "localhost"] {
            let page = ask(&site, &format!("GET {target}"), host);
            page.assert_status(200);
            assert!(!page.html().contains("evil"), "{target} {host}");
        }
    }
    ask(&site, &format!("GET http://{here}/"), "evil.example").assert_cache("hit");
    for target in ["http://evil.example/", "http://127.0.0.1:1/", "ftp://127.0.0.1/"] {
        ask(&site, &format!("GET {target}"), &here).assert_status(421);
    }
    // The scheme of the target is not that of the connection.
    ask(&site, &format!("GET https://{here}/"), &here).assert_status(421);
    for (target, host) in
        [(format!("http://u@{here}/"), &*here), (format!("http://{here}/"), "a b")]
    {
        ask(&site, &format!("GET {target}"), host).assert_status(400);
    }
    let write = |target: &str, host: &str, origin: &str| {
        let form = "title=Tea&price=4";
        let head = "Content-Type: application/x-www-form-urlencoded\r\nConnection: close\r\n";
        let text = format!(
            "POST {target} HTTP/1.1\r\nHost: {host}\r\nOrigin: {origin}\r\n{head}Content-Length: {}\r\n\r\n{form}",
            form.len()
        );
        site.raw(text.as_bytes())
    };
    let target = format!("http://{here}/products");
    write(&target, "evil.example", &format!("http://{here}")).assert_sends_to("/");
    write(&target, "evil.example", "http://evil.example").assert_status(403);
    write("http://evil.example/products", &here, &format!("http://{here}")).assert_status(421);
    assert_eq!(site.get("/").listed().len(), 1);
}
