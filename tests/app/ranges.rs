//! Range requests: `Range` is for `GET`, and for no other method (RFC 9110 §14.2).

use crate::support::{Database, Page, TestSite, on_both_databases};

on_both_databases! {
    a_head_with_a_range_is_answered_as_without_it,
    a_write_with_a_range_is_answered_as_without_it,
}

const RANGES: [&str; 6] =
    ["bytes=0-0", "bytes=-1", "bytes=99999999-", "bytes=5-2", "bytes=0-1,3-4", "lines=0-1"];

fn a_head_with_a_range_is_answered_as_without_it(on: Database) {
    let site = TestSite::start_with(on, &["--toolbar", "off"]);
    let tea = site.has_product("Tea");
    let style = site.get("/").tags("link").iter().find_map(|tag| {
        tag.attribute("href").filter(|path| path.ends_with(".css")).map(str::to_owned)
    });
    let product = format!("/products/{tea}");
    let edit = format!("{product}/edit");
    let paths = [
        // Pages, hits and misses; static files; the API; what is never stored; errors.
        ("/", 200),
        ("/?q=nothing", 200),
        (&product, 200),
        (&style.expect("a style sheet"), 200),
        ("/api/events", 200),
        (&edit, 200),
        ("/health/live", 200),
        ("/nothing", 404),
        ("/products/x", 404),
        ("/api/events/999999", 404),
    ];
    for (path, status) in paths {
        for cookie in ["a=b", "larder-session=x"] {
            let head = |name: &str, value: &str| {
                let head = site.ask("HEAD", path).header("Cookie", cookie);
                head.header(name, value).header("If-Range", "\"x\"").send()
            };
            // The first one may be a miss.
            let plain = head("X-None", "1");
            plain.assert_status(status);
            for range in RANGES {
                let ranged = head("Range", range);
                assert_eq!(told(&ranged), told(&plain), "{path} {range}");
                assert!(ranged.header("content-range").is_none(), "{path} {range}");
            }
        }
    }
    let part = site.ask("GET", "/").header("Range", "bytes=0-0").send();
    assert_eq!(part.status, 206, "a GET does get a part");
}

fn a_write_with_a_range_is_answered_as_without_it(on: Database) {
    let site = TestSite::start(on);
    for range in RANGES {
        let write = |title: &str| {
            let form = [("title", title), ("price", "4")];
            site.ask("POST", "/products").form(&form).header("Range", range).send()
        };
        write("Tea").assert_sends_to("/").assert_no_header("content-range");
        write("").assert_status(422).assert_no_header("content-range");
        let odd = site.ask("PUT", "/").header("Range", range).body("").send();
        odd.assert_status(405).assert_no_header("content-range");
    }
}

/// Returns status and headers, without those that differ between two responses.
fn told(page: &Page) -> (u16, Vec<(String, String)>) {
    let own = ["date", "age", "cache-status", "x-request-id"];
    let mut headers = page.headers.clone();
    headers.iter_mut().for_each(|(name, _)| name.make_ascii_lowercase());
    headers.retain(|(name, _)| !own.contains(&name.as_str()));
    headers.sort();
    (page.status, headers)
}
