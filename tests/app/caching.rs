//! Every page's caching headers, one test each, and how browsers revalidate.

use crate::support::{Database, Page, TestSite, on_both_databases};

on_both_databases! {
    the_homepage_and_product_pages_are_stored,
    the_shared_pages_of_every_section_are_stored,
    each_query_string_has_its_own_page,
    a_query_that_means_the_same_is_the_same_page,
    forms_are_not_stored,
    errors_are_not_stored,
    a_product_added_after_a_404_is_found,
    a_browser_that_has_the_page_gets_a_304,
    head_is_answered_as_get_without_a_body,
    a_hit_is_the_same_page_as_the_miss,
    a_hit_reports_its_age_and_ttl,
    a_flash_is_shown_once_and_never_stored,
    a_flash_is_shown_by_whichever_instance_is_asked,
    a_page_under_a_flash_is_stored_for_all_visitors,
    unknown_cookies_change_nothing,
    every_response_reports_what_the_cache_did,
}

fn the_homepage_and_product_pages_are_stored(on: Database) {
    let site = TestSite::start(on);
    let tea = site.has_product("Tea");
    let product = format!("/products/{tea}");
    for path in ["/", "/?q=tea", "/?sort=price", &product] {
        let made = site.get(path);
        made.assert_status(200).assert_cache("stored");
        assert_browsers_must_ask(&made);
        let kept = site.get(path);
        kept.assert_status(200).assert_cache("hit");
        assert_browsers_must_ask(&kept);
        assert_eq!(made.header("etag"), kept.header("etag"), "{path}");
    }
}

fn the_shared_pages_of_every_section_are_stored(on: Database) {
    let site = TestSite::start(on);
    let tea = [("name", "Tea"), ("instructions", "Steep.")];
    let recipe = site.submit("/cookbook", &tea).header("location").unwrap();
    let api = ["/api", "/api/openapi.json", "/api/events", "/api/guests", "/api/guests?limit=1"];
    for path in ["/cookbook", &recipe, "/scoreboard"].into_iter().chain(api) {
        let made = site.get(path);
        made.assert_status(200).assert_cache("stored");
        assert_browsers_must_ask(&made);
        site.get(path).assert_cache("hit");
    }
    // Pages that depend on the time or on the visitor, and forms.
    let forms = [format!("{recipe}/edit"), format!("{recipe}/delete"), "/cookbook/new".into()];
    let others = ["/supplier", "/events", "/staff"];
    for path in forms.iter().map(String::as_str).chain(others) {
        for _ in 0..2 {
            site.get(path).assert_status(200).assert_cache("passed");
        }
    }
}

fn each_query_string_has_its_own_page(on: Database) {
    let site = TestSite::start_with(on, &["--page-size", "1"]);
    site.has_product("Tea");
    site.has_product("Coffee");
    for path in ["/", "/?page=2", "/?q=tea", "/?q=coffee", "/?sort=price", "/?min=1"] {
        site.get(path).assert_cache("stored");
    }
    site.get("/?page=2").assert_cache("hit").assert_sees("Tea").assert_sees_not("Coffee");
    site.get("/?q=coffee").assert_cache("hit").assert_sees("Coffee");
    site.get("/").assert_cache("hit").assert_sees("Coffee").assert_sees_not("Tea $");
}

fn a_query_that_means_the_same_is_the_same_page(on: Database) {
    let site = TestSite::start(on);
    site.has_product("Tea");
    site.get("/").assert_cache("stored");
    let plain = [
        "/?",
        "/?q=",
        "/?q=+%20",
        "/?utm_source=mail",
        "/?page=&fbclid=1",
        "/?page=1",
        "/?sort=-number",
        "/?sort=colour",
        "/?q=&sort=-number&min=&max=&since=",
    ];
    for path in plain {
        site.get(path).assert_cache("hit");
    }
    site.get("/?q=tea&min=1.00&page=1").assert_cache("stored");
    for path in ["/?page=1&utm_source=mail&min=%241&q=tea", "/?q=++TEA+&min=001", "/?min=1.0&q=Tea"]
    {
        site.get(path).assert_cache("hit").assert_sees("Tea");
    }
    // What is shown differs in the word order and accents, what is read does not.
    site.get("/?q=tea+tea&min=1").assert_cache("stored");
}

fn forms_are_not_stored(on: Database) {
    let site = TestSite::start(on);
    let tea = site.has_product("Tea");
    let edit = format!("/products/{tea}/edit");
    let delete = format!("/products/{tea}/delete");
    for path in ["/products/new", &edit, &delete] {
        for _ in 0..2 {
            let page = site.get(path);
            page.assert_status(200).assert_cache("passed");
            let control = page.header("cache-control").unwrap_or_default();
            assert!(control.contains("no-store") || control.contains("no-cache"), "{path}");
        }
    }
    let answer = site.adds("Coffee", "3");
    answer.assert_sends_to("/").assert_cache("passed");
    assert_eq!(answer.cache().parameter("fwd"), Some("method"));
}

fn errors_are_not_stored(on: Database) {
    let site = TestSite::start(on);
    for path in ["/nothing", "/products/new/old"] {
        for _ in 0..2 {
            let page = site.get(path);
            page.assert_status(404);
            let outcome = page.header("cache-status").unwrap_or_default();
            assert!(!outcome.contains("hit"), "{path}: {outcome}");
        }
    }
}

fn a_product_added_after_a_404_is_found(on: Database) {
    let site = TestSite::start(on);
    let tea = site.has_product("Tea");
    let next = format!("/products/{}", tea + 1);
    site.get(&next).assert_status(404);
    site.get(&next).assert_status(404);
    assert_eq!(site.has_product("Coffee"), tea + 1);
    site.get(&next).assert_status(200).assert_sees("Coffee");
}

fn a_browser_that_has_the_page_gets_a_304(on: Database) {
    let site = TestSite::start(on);
    let tea = site.has_product("Tea");
    let path = format!("/products/{tea}");
    let tag = site.get(&path).header("etag").expect("an ETag");
    let weak = format!("W/{}", tag.trim_start_matches("W/"));
    let several = format!("\"other\", {tag}");

    for known in [&tag, &weak, &several, "*"] {
        let answer = site.ask("GET", &path).header("If-None-Match", known).send();
        answer.assert_status(304).assert_header("etag", &tag).assert_cache("hit");
        assert_browsers_must_ask(&answer);
        assert!(answer.body.is_empty());
    }
    let head = site.ask("HEAD", &path).header("If-None-Match", &tag).send();
    head.assert_status(304);
    let other = site.ask("GET", &path).header("If-None-Match", "\"other\"").send();
    other.assert_status(200).assert_sees("Tea");

    site.edits(tea, &[("title", "Green tea")]).assert_sends_to("/");
    let changed = site.ask("GET", &path).header("If-None-Match", &tag).send();
    changed.assert_status(200).assert_sees("Green tea").assert_cache("stored");
    assert_ne!(changed.header("etag"), Some(tag));
}

fn head_is_answered_as_get_without_a_body(on: Database) {
    let site = TestSite::start(on);
    let tea = site.has_product("Tea");
    let product = format!("/products/{tea}");
    for path in ["/", &product, "/products/new", "/nothing"] {
        let get = site.get(path);
        let head = site.head(path);
        head.assert_status(get.status);
        assert!(head.body.is_empty(), "{path}");
        for name in ["content-type", "etag", "cache-control"] {
            assert_eq!(head.header(name), get.header(name), "{path}: {name}");
        }
    }
    // A page that is first requested by HEAD is stored for GET.
    site.head("/?q=tea").assert_cache("stored");
    site.get("/?q=tea").assert_cache("hit").assert_sees("Tea");
    // On the wire: the length of the page, and nothing after the head.
    let request =
        format!("HEAD / HTTP/1.1\r\nHost: 127.0.0.1:{}\r\nConnection: close\r\n\r\n", site.port());
    let head = site.raw(request.as_bytes());
    let length = site.get("/").body.len().to_string();
    head.assert_status(200).assert_header("content-length", &length);
    assert!(head.body.is_empty());
}

fn a_hit_is_the_same_page_as_the_miss(on: Database) {
    let site = TestSite::start(on);
    site.has_products(3);
    let made = site.get("/");
    let kept = site.get("/");
    made.assert_cache("stored");
    kept.assert_cache("hit");
    assert_eq!(made.html(), kept.html());
    let about_the_page = |page: &Page| {
        let varies = ["date", "age", "cache-status", "server-timing"];
        let mut headers = page.headers.clone();
        headers.retain(|(name, _)| !varies.contains(&name.as_str()));
        headers.sort();
        headers
    };
    assert_eq!(about_the_page(&made), about_the_page(&kept));
}

fn a_hit_reports_its_age_and_ttl(on: Database) {
    let site = TestSite::start(on);
    site.get("/");
    let hit = site.get("/");
    hit.assert_cache("hit");
    let status = hit.cache();
    let ttl: u64 = status.parameter("ttl").and_then(|ttl| ttl.parse().ok()).expect("a ttl");
    assert!(ttl > 0);
    let age = hit.header("age").expect("an Age");
    assert!(age.parse::<u64>().is_ok(), "{age}");
    assert!(status.parameter("key").is_none(), "keys are not shown to everybody");
}

fn a_flash_is_shown_once_and_never_stored(on: Database) {
    let site = TestSite::start(on);
    let mut editor = site.visitor();
    let page = editor.submit("/products", &[("title", "Tea"), ("price", "4")]);

    assert!(page.flash().is_some(), "{}", page.text());
    page.assert_header("cache-control", "no-store").assert_no_header("etag");
    assert!(page.header("set-cookie").is_some(), "the flash is taken back");
    assert!(editor.cookies().is_empty());
    let again = editor.get("/");
    assert_eq!(again.flash(), None);
    assert_eq!(site.get("/").assert_cache("hit").flash(), None);
    assert_eq!(site.get("/").header("set-cookie"), None);
}

/// A load balancer may send the redirect's request to another instance.
fn a_flash_is_shown_by_whichever_instance_is_asked(on: Database) {
    let here = TestSite::start(on);
    let there = here.another_instance();
    let answer = here.adds("Tea", "4");
    let cookie = answer.header("set-cookie").expect("a flash");
    let cookie = cookie.split(';').next().unwrap().to_owned();
    let page = there.ask("GET", "/").header("Cookie", &cookie).send();
    assert!(page.flash().is_some_and(|flash| flash.contains("Tea")), "{}", page.text());
}

fn a_page_under_a_flash_is_stored_for_all_visitors(on: Database) {
    let site = TestSite::start(on);
    let mut editor = site.visitor();
    site.get("/").assert_cache("stored");

    // The request after the redirect is a real miss, and its page is stored for the next visitor.
    let after = editor.submit("/products", &[("title", "Tea"), ("price", "4")]);
    after.assert_cache("stored").assert_sees("Tea");
    assert!(after.flash().is_some());
    site.get("/").assert_cache("hit").assert_sees("Tea");

    // A flash on a page that is already stored does not rebuild it.
    site.get("/products/new");
    let answer = site.invalidates("products");
    site.get("/").assert_cache("stored");
    let cookie = answer.header("set-cookie").expect("a flash");
    let cookie = cookie.split(';').next().unwrap().to_owned();
    let flashed = site.ask("GET", "/").header("Cookie", &cookie).send();
    flashed.assert_cache("hit").assert_header("cache-control", "no-store");
    assert!(flashed.flash().is_some());
    // A client with a pending flash must not get a 304.
    let tag = site.get("/").header("etag").unwrap();
    let flashed =
        site.ask("GET", "/").header("Cookie", &cookie).header("If-None-Match", &tag).send();
    flashed.assert_status(200);
    assert!(flashed.flash().is_some());
}

fn unknown_cookies_change_nothing(on: Database) {
    let site = TestSite::start(on);
    site.has_product("Tea");
    site.get("/").assert_cache("stored");
    for cookie in
        ["theme=dark; sid=<script>", "larder-flash=", "=", ";;;", "larder-flash=%FF%00<b>boo</b>"]
    {
        let page = site.ask("GET", "/").header("Cookie", cookie).send();
        page.assert_status(200).assert_sees("Tea");
        assert!(!page.html().contains("<b>boo") && !page.html().contains("<script>"), "{cookie}");
    }
    let plain = site.get("/");
    plain.assert_cache("hit");
    assert_eq!(plain.flash(), None);
}

fn every_response_reports_what_the_cache_did(on: Database) {
    let site = TestSite::start(on);
    let style = site.get("/").tags("link")[0].attribute("href").expect("a style sheet").to_owned();
    let mut answers: Vec<_> = ["/", "/products/new", "/nothing", "/products/tea", &style]
        .map(|path| site.get(path))
        .into();
    answers.push(site.head("/"));
    answers.push(site.adds("Tea", "4"));
    answers.push(site.adds("", ""));
    answers.push(site.invalidates("nothing"));
    answers.push(site.ask("PUT", "/").body("").send());
    answers.push(site.ask("POST", "/products").header("Sec-Fetch-Site", "cross-site").send());
    for answer in answers {
        let status = answer.header("cache-status").unwrap_or_default();
        let is_standard = status.starts_with("larder; hit") || status.starts_with("larder; fwd=");
        assert!(is_standard, "{}: Cache-Status is “{status}”", answer.asked);
    }
}

#[track_caller]
fn assert_browsers_must_ask(page: &Page) {
    page.assert_header("cache-control", "private, no-cache");
    let tag = page.header("etag").expect("an ETag");
    assert!(tag.ends_with('"') && tag.contains('"'), "{tag} is quoted");
}
