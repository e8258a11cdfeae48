//! Which clients may write, from which site and under which host; and the security headers.

use crate::support::{Database, Page, TestSite, on_both_databases};

on_both_databases! {
    writes_from_other_sites_are_refused,
    writes_of_this_site_and_of_plain_clients_are_allowed,
    reading_from_other_sites_is_allowed,
    writes_that_a_proxy_forwarded_are_refused,
    a_site_open_to_the_network_is_read_only_and_says_so,
    hosts_that_are_not_allowed_are_misdirected,
    hosts_of_this_machine_and_allowed_ones_are_answered,
    every_response_has_the_security_headers,
    the_content_security_policy_forbids_inline_code,
    cookies_are_kept_from_scripts_and_other_sites,
    a_forged_flash_is_never_shown,
    remote_clients_see_no_timing,
}

const FORM: &str = "title=Tea&price=4";

fn writes_from_other_sites_are_refused(on: Database) {
    let site = TestSite::start(on);
    let port = site.port();
    let here = format!("http://127.0.0.1:{port}");
    let other_port = format!("http://127.0.0.1:{}", port ^ 1);
    let https = format!("https://127.0.0.1:{port}");
    let lookalike = format!("{here}.evil.example");
    let cases: Vec<Vec<(&str, &str)>> = vec![
        vec![("Sec-Fetch-Site", "cross-site")],
        vec![("Sec-Fetch-Site", "same-site")],
        vec![("Sec-Fetch-Site", "anything")],
        vec![("Sec-Fetch-Site", "")],
        vec![("Sec-Fetch-Site", "cross-site"), ("Origin", &here)],
        vec![("Sec-Fetch-Site", "same-site"), ("Origin", &other_port)],
        vec![("Sec-Fetch-Site", "same-origin"), ("Sec-Fetch-Site", "cross-site")],
        vec![("Origin", "https://evil.example")],
        vec![("Origin", &other_port)],
        vec![("Origin", "http://127.0.0.1")],
        vec![("Origin", &https)],
        vec![("Origin", &lookalike)],
        vec![("Origin", "null")],
        vec![("Origin", "")],
        vec![("Origin", &here), ("Origin", "https://evil.example")],
    ];
    for path in ["/products", "/products/1", "/products/1/delete", "/cache/invalidate"] {
        for headers in &cases {
            let answer = write(&site, path, headers);
            assert_eq!(answer.status, 403, "{path} {headers:?}: {}", answer.excerpt());
            answer.assert_is_in_the_shops_dress().assert_no_header("set-cookie");
        }
    }
    assert!(site.get("/").listed().is_empty());
}

fn writes_of_this_site_and_of_plain_clients_are_allowed(on: Database) {
    let site = TestSite::start(on);
    let here = format!("http://127.0.0.1:{}", site.port());
    let cases: Vec<Vec<(&str, &str)>> = vec![
        vec![],
        vec![("Sec-Fetch-Site", "same-origin")],
        vec![("Sec-Fetch-Site", "none")],
        vec![("Sec-Fetch-Site", "same-origin"), ("Origin", &here)],
        vec![("Origin", &here)],
    ];
    for (number, headers) in cases.iter().enumerate() {
        write(&site, "/products", headers).assert_sends_to("/");
        assert_eq!(site.get("/").listed().len(), number + 1, "{headers:?}");
    }
}

fn reading_from_other_sites_is_allowed(on: Database) {
    let site = TestSite::start(on);
    let page = site
        .ask("GET", "/")
        .header("Sec-Fetch-Site", "cross-site")
        .header("Origin", "https://evil.example")
        .send();
    page.assert_status(200).assert_no_header("access-control-allow-origin");
}

fn writes_that_a_proxy_forwarded_are_refused(on: Database) {
    let site = TestSite::start(on);
    let host = format!("127.0.0.1:{}", site.port());
    let cases = [
        ("Forwarded", "for=203.0.113.7"),
        ("Forwarded", "for=127.0.0.1"),
        ("X-Forwarded-For", "127.0.0.1"),
        ("X-Forwarded-Host", host.as_str()),
        ("X-Forwarded-Proto", "http"),
        ("X-Forwarded-Port", "80"),
        ("x-forwarded-anything", "1"),
        ("Via", "1.1 proxy"),
    ];
    for (name, value) in cases {
        let answer = write(&site, "/products", &[(name, value)]);
        assert_eq!(answer.status, 403, "{name}: {value}");
        answer.assert_is_in_the_shops_dress();
        // Reading is allowed for all.
        site.ask("GET", "/").header(name, value).send().assert_status(200);
    }
    assert!(site.get("/").listed().is_empty());
}

fn a_site_open_to_the_network_is_read_only_and_says_so(on: Database) {
    let staff = TestSite::start(on);
    let tea = staff.has_product("Tea");
    let public = staff.another_instance_with(&["--bind", "0.0.0.0:0", "--host", "shop.example"]);
    let product = format!("/products/{tea}");

    for host in ["shop.example", "127.0.0.1"] {
        let host = format!("{host}:{}", public.port());
        let home = public.ask("GET", "/").header("Host", &host).send();
        home.assert_status(200).assert_sees("Tea");
        assert!(home.text().to_lowercase().contains("read-only"), "{}", home.text());
        let paths = ["/products", &product, &format!("{product}/delete"), "/cache/invalidate"];
        for path in paths {
            let answer = write(&public, path, &[("Host", &host)]);
            answer.assert_status(403).assert_is_in_the_shops_dress();
            assert!(answer.text().to_lowercase().contains("read-only"), "{}", answer.text());
        }
    }
    staff.get("/").assert_sees("Tea");
    assert!(!staff.get("/").text().to_lowercase().contains("read-only"));
    staff.edits(tea, &[("title", "Green tea")]).assert_sends_to("/");
    public.get("/").assert_sees("Green tea");
}

fn hosts_that_are_not_allowed_are_misdirected(on: Database) {
    let site = TestSite::start(on);
    site.has_product("Tea");
    let port = site.port();
    let evil_with_port = format!("evil.example:{port}");
    let suffix = format!("127.0.0.1.evil.example:{port}");
    let user = format!("localhost@evil.example:{port}");
    let hosts =
        ["evil.example", &evil_with_port, &suffix, &user, "127.0.0.2", "0.0.0.0", "localhost.", ""];
    for host in hosts {
        let request = format!("GET / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
        let answer = site.raw(request.as_bytes());
        let is_refused = [400, 421].contains(&answer.status);
        assert!(is_refused || host == "localhost.", "Host {host:?}: {}", answer.status);
        assert!(!answer.text().contains("evil.example"), "{host:?} is not repeated");
    }
    let answer = write(&site, "/products", &[("Host", "evil.example")]);
    answer.assert_status(421).assert_is_in_the_shops_dress();
    assert_eq!(site.get("/").listed().len(), 1);
}

fn hosts_of_this_machine_and_allowed_ones_are_answered(on: Database) {
    let site = TestSite::start_with(on, &["--host", "shop.example", "--host", "other.example"]);
    let port = site.port();
    for name in ["127.0.0.1", "localhost", "LOCALHOST", "[::1]", "shop.example", "other.example"] {
        for host in [format!("{name}:{port}"), name.to_owned()] {
            let page = site.ask("GET", "/").header("Host", &host).send();
            page.assert_status(200);
            assert!(!page.html().contains("shop.example"), "links are paths");
        }
        let (host, origin) = (format!("{name}:{port}"), format!("http://{name}:{port}"));
        if !name.chars().any(|c| c.is_uppercase()) {
            write(&site, "/products", &[("Host", &host), ("Origin", &origin)]).assert_sends_to("/");
        }
    }
}

fn every_response_has_the_security_headers(on: Database) {
    let site = TestSite::start(on);
    let tea = site.has_product("Tea");
    let edit = format!("/products/{tea}/edit");
    let mut answers: Vec<Page> = ["/", "/", &edit, "/products/new", "/nothing", "/products/x"]
        .map(|path| site.get(path))
        .into();
    answers.push(site.adds("", ""));
    answers.push(site.adds("Coffee", "3"));
    answers.push(write(&site, "/products", &[("Sec-Fetch-Site", "cross-site")]));
    answers.push(write(&site, "/products", &[("Host", "evil.example")]));
    answers.push(site.ask("PUT", "/").body("").send());
    for answer in answers {
        answer
            .assert_header("x-content-type-options", "nosniff")
            .assert_header("referrer-policy", "same-origin");
        let policy = answer.header("content-security-policy").unwrap_or_default();
        assert!(policy.contains("frame-ancestors 'none'"), "{}: {policy}", answer.asked);
        answer.assert_no_header("x-powered-by").assert_no_header("server");
    }
}

fn the_content_security_policy_forbids_inline_code(on: Database) {
    let site = TestSite::start(on);
    let policy = site.get("/").header("content-security-policy").unwrap();
    assert!(!policy.contains("unsafe") && !policy.contains('*'), "{policy}");
    for directive in ["default-src", "base-uri", "form-action", "frame-ancestors"] {
        assert!(policy.contains(directive), "{directive} in {policy}");
    }
    let default = policy.split(';').find(|part| part.trim().starts_with("default-src")).unwrap();
    assert!(default.contains("'none'") || default.contains("'self'"), "{default}");
}

fn cookies_are_kept_from_scripts_and_other_sites(on: Database) {
    let site = TestSite::start(on);
    let cookie = site.adds("Tea", "4").header("set-cookie").expect("a flash");
    let attributes: Vec<_> =
        cookie.split(';').skip(1).map(|part| part.trim().to_lowercase()).collect();
    for attribute in ["httponly", "path=/"] {
        assert!(attributes.contains(&attribute.to_owned()), "{attribute} in {cookie}");
    }
    assert!(attributes.iter().any(|part| part.starts_with("samesite=")), "{cookie}");
    assert!(!cookie.contains("<"), "{cookie}");
}

fn a_forged_flash_is_never_shown(on: Database) {
    let site = TestSite::start(on);
    let own = site.adds("Tea", "4").header("set-cookie").expect("a flash");
    let own = own.split(';').next().unwrap();
    let shows = |cookie: &str| site.ask("GET", "/").header("Cookie", cookie).send();
    assert_eq!(shows(own).flash().as_deref(), Some("Added “Tea”."));
    let (front, sentence) = own.rsplit_once('.').unwrap();
    let forged = [
        "larder-flash=Call%2001234".to_owned(),
        format!("{front}.Call%2001234"),
        format!("{front}.{sentence}%20Call%2001234"),
        format!("larder-flash=9999999999.{}.{sentence}", "A".repeat(43)),
    ];
    for cookie in forged {
        let page = shows(&cookie);
        page.assert_status(200).assert_sees_not("Call 01234");
        assert_eq!(page.flash(), None, "{cookie}");
        assert_ne!(page.header("cache-control").as_deref(), Some("no-store"), "{cookie}");
    }
}

fn remote_clients_see_no_timing(on: Database) {
    let site = TestSite::observed(on, &[]);
    assert!(site.get("/").header("server-timing").is_some());
    for (name, value) in [("X-Forwarded-For", "203.0.113.7"), ("Via", "1.1 proxy")] {
        let page = site.ask("GET", "/").header(name, value).send();
        page.assert_no_header("server-timing");
    }
    let public = site.another_observed(&["--bind", "0.0.0.0:0"]);
    public.get("/").assert_status(200).assert_no_header("server-timing");
    let without = site.another_instance_with(&["--toolbar", "off"]);
    without.get("/").assert_status(200).assert_no_header("server-timing");
}

#[track_caller]
fn write(site: &TestSite, path: &str, headers: &[(&str, &str)]) -> Page {
    let mut request = site
        .ask("POST", path)
        .header("Content-Type", "application/x-www-form-urlencoded")
        .body(FORM);
    for (name, value) in headers {
        request = request.header(name, value);
    }
    request.send()
}
