//! `/cache`: the pages about the cache report what was done, and their buttons do what they say.

use crate::support::{
    Database, Exposition, Page, Redis, Tag, TestSite, Visitor, address_of_its_own,
    on_both_databases, until,
};

on_both_databases! {
    the_numbers_match_what_was_done,
    the_dry_run_counts_what_a_tag_then_invalidates,
    the_dry_run_counts_what_everything_then_invalidates,
    an_unknown_tag_is_refused,
    invalidations_and_deletions_are_listed_with_their_source,
    invalidations_by_the_toolbar_are_listed_as_such,
    entries_are_found_by_key_tag_and_level,
    entries_are_listed_in_pages,
    an_entry_is_shown_with_its_stamps_its_cost_and_its_body,
    a_deleted_entry_is_rebuilt,
    what_visitors_wrote_is_shown_as_text,
    strangers_are_refused,
    pages_about_the_cache_are_not_stored,
    redis_and_its_outage_are_shown,
    a_public_shop_has_no_buttons,
}

const ADDRESSES: [&str; 3] = ["/cache", "/cache/entries", "/cache/invalidate?tag=products"];

impl TestSite {
    /// Returns the links to the entries that match a query.
    #[track_caller]
    fn entries(&self, query: &str) -> Vec<String> {
        let page = self.get(&format!("/cache/entries?{query}"));
        hrefs(page.assert_status(200), "/cache/entry?")
    }
}

fn hrefs(page: &Page, front: &str) -> Vec<String> {
    let links = page.tags("a");
    let found = links.iter().filter_map(|link| link.attribute("href"));
    found.filter(|href| href.starts_with(front)).map(str::to_owned).collect()
}

/// Submits a form of the page and follows the redirect.
#[track_caller]
fn presses(visitor: &mut Visitor<'_>, page: &Page, action: &str) -> Page {
    let form = page.form(action);
    let fields: Vec<_> = form.fields.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
    visitor.submit(action, &fields)
}

fn the_numbers_match_what_was_done(on: Database) {
    let site = TestSite::start(on);
    site.get("/cache").assert_status(200).assert_sees("No invalidations yet");
    for _ in 0..4 {
        site.get("/");
    }
    let page = site.get("/cache");
    page.assert_sees("Pages Whole responses. A hit runs no query and renders no template. 75.0 %");
    page.assert_sees("3 hits of 4 lookups. In the last hour: 3 hits of 4 lookups, 75.0 %");
    // The metrics count the same events.
    let counted = Exposition::of(&site.get("/metrics"));
    let count = |outcome: &str| {
        let parts = [r#"level="query""#, &format!("outcome=\"{outcome}\"")];
        counted.sum("larder_cache_requests_total", &parts)
    };
    let (hits, misses) = (count("hit"), count("miss"));
    assert!(misses >= 1.0, "the list was not there");
    let hit = if hits == 1.0 { "hit" } else { "hits" };
    page.assert_sees(&format!("{hits} {hit} of {} lookup", hits + misses));
    // Both happened within the last two minutes, so there is a bar for hits and one for the miss.
    let bars = page.tags("rect");
    for class in ["hits", "others"] {
        let has = bars.iter().any(|bar| bar.attribute("class") == Some(class));
        assert!(has, "no bar of {class}");
    }
    let by_minute = by_minute(&page, "Pages by minute");
    let sums = [1, 2, 3, 4].map(|column| by_minute.iter().map(|row| row[column]).sum::<u64>());
    assert_eq!(sums, [3, 1, 0, 1], "hits, misses, served old, made");
    page.assert_sees("Cached now 1 entry, ");
    let best = &hrefs(&page, "/cache/entry?key=page")[0];
    site.get(best).assert_sees("3 hits").assert_sees("build");
    page.assert_sees("off This process shares its entries with no other instance");
}

/// Returns the rows of the table of this name, as numbers.
fn by_minute(page: &Page, name: &str) -> Vec<Vec<u64>> {
    let html = page.html();
    let start = html.find(&format!("aria-label=\"{name}\"")).expect("the table");
    let table = &html[start..start + html[start..].find("</table>").unwrap()];
    let rows = table.split("<tr>").skip(2);
    let cells = |row: &str| {
        let cells = row.split("<td>").skip(1);
        cells.map(|cell| cell.split('<').next().unwrap().parse().unwrap()).collect()
    };
    rows.map(cells).collect()
}

fn the_dry_run_counts_what_a_tag_then_invalidates(on: Database) {
    let site = TestSite::start(on);
    let tea = site.has_product("Tea");
    let show = format!("/products/{tea}");
    for path in ["/", "/", &show, &show, "/cache"] {
        site.get(path);
    }
    // The homepage, its other address and the product, with their queries; no header and no footer.
    let ask = site.get("/cache/invalidate?tag=products");
    ask.assert_status(200).assert_sees("3 pages, 0 fragments");
    site.get("/").assert_cache("hit");
    let said = figure(&ask);
    let mut visitor = site.visitor();
    let after = presses(&mut visitor, &ask, "/cache/invalidate");
    assert!(after.flash().is_some_and(|flash| flash.contains("products")), "{}", after.text());
    after.assert_sees(&format!("dashboard {said}"));
    site.get("/cache/invalidate?tag=products").assert_sees("0 entries");
    for path in ["/", &show] {
        site.get(path).assert_cache("stored");
        site.get(path).assert_cache("hit");
    }
    // A row's tag covers its page and its query, and not the list.
    let row = format!("/cache/invalidate?tag=products%23{}", tea & 255);
    site.get(&row).assert_sees("1 page, 0 fragments, 1 query");
}

/// Returns the number in the confirmation question.
#[track_caller]
fn figure(page: &Page) -> u64 {
    let figures = page.tags("p");
    let is_figure = |tag: &&Tag| tag.attribute("class") == Some("figure");
    let text = page.text_of(figures.iter().find(is_figure).expect("a figure"));
    text.split(' ').next().unwrap().parse().unwrap_or_else(|_| panic!("no number in {text}"))
}

fn the_dry_run_counts_what_everything_then_invalidates(on: Database) {
    let site = TestSite::start(on);
    site.has_product("Tea");
    // One request before, so that the header and footer of this page are cached, too.
    site.get("/cache/invalidate");
    site.get("/");
    let ask = site.get("/cache/invalidate?tag=everything");
    let (said, kept) = (figure(&ask), site.entries("").len());
    assert_eq!(said, kept as u64, "all that is kept is valid");
    let after = presses(&mut site.visitor(), &ask, "/cache/invalidate");
    after.assert_sees(&format!("dashboard {said}"));
    site.get("/").assert_cache("stored");
}

fn an_unknown_tag_is_refused(on: Database) {
    let site = TestSite::start(on);
    for tag in ["*", "!", "customers", "products%23256", "%3Cscript%3E"] {
        let page = site.get(&format!("/cache/invalidate?tag={tag}"));
        page.assert_status(422).assert_is_in_the_shops_dress();
    }
}

fn invalidations_and_deletions_are_listed_with_their_source(on: Database) {
    let site = TestSite::start_with(on, &["--clear-cache"]);
    site.has_product("Tea");
    let mut visitor = site.visitor();
    visitor.get("/");
    visitor.submit("/cache/invalidate", &[("tag", "everything"), ("back", "/")]);
    site.invalidates("products");
    site.submit("/cache/key", &[("key", "motd"), ("value", "Fresh bread")]);
    site.submit("/cache/key/delete", &[("key", "motd")]).assert_status(204);
    site.submit("/cache/key/delete", &[("key", "motd")]).assert_status(404);
    let page = site.get("/cache");
    let text = page.text();
    let at = |what: &str| text.find(what).unwrap_or_else(|| panic!("no {what} in {text}"));
    let last = at("deleted motd");
    let [first, second] = ["invalidated everything", "invalidated products"].map(at);
    let [start, set] = ["cleared everything", "set motd"].map(at);
    let order = [last, set, second, first, start];
    assert!(order.is_sorted(), "the latest comes first: {text}");
    assert!(text[set..second].contains("UTC command line"), "{text}");
    assert!(text[start..].contains("UTC start"), "{text}");
    assert!(text[last..second].contains("UTC command line 1"), "{text}");
    assert!(text[second..first].contains("UTC command line"), "{text}");
    assert!(text[first..].contains("UTC button"), "{text}");
    // The invalidation at the start is among them.
    page.assert_sees("Invalidations 3");
    // The refused deletion and the one without an entry are not listed.
    assert_eq!(text.matches("deleted motd").count(), 1);
}

fn invalidations_by_the_toolbar_are_listed_as_such(on: Database) {
    let site = TestSite::observed(on, &[]);
    site.get("/");
    let purge = [("tag", "products"), ("back", "/")];
    site.visitor().submit("/toolbar/purge", &purge).assert_status(200);
    let text = site.get("/cache").text();
    assert!(text.contains("invalidated products") && text.contains("UTC toolbar"), "{text}");
}

fn entries_are_found_by_key_tag_and_level(on: Database) {
    let site = TestSite::start(on);
    let tea = site.has_product("Tea");
    site.get("/");
    site.get(&format!("/products/{tea}"));
    site.submit("/cache/key", &[("key", "motd"), ("value", "Fresh bread")]);
    let cases = [
        ("level=page", 3),
        ("level=query&like=products.list:*", 2),
        ("level=query&like=list", 2),
        ("like=list&level=page", 0),
        ("level=value", 1),
        ("like=mot?", 1),
        ("tag=customers", 0),
    ];
    for (query, expected) in cases {
        assert_eq!(site.entries(query).len(), expected, "{query}");
    }
    let row = format!("tag=products%23{}", tea & 255);
    assert_eq!(site.entries(&row).len(), 2, "the product's page and its query");
    let on_everything = site.entries("tag=everything").len();
    assert_eq!(on_everything, site.entries("").len() - 1, "all but the value hang on it");
    site.get("/cache/entries?like=nothing").assert_sees("No entry matches");
    site.get("/cache/entries?level=shelf").assert_status(422).assert_is_in_the_shops_dress();
    let page = site.get("/cache/entries?like=products.list:*");
    page.assert_sees("products.list page 1 size 25").assert_sees("fresh");
    site.edits(tea, &[("title", "Green tea")]);
    let page = site.get("/cache/entries?like=products.list:*");
    page.assert_sees("stale: products has changed");
}

fn entries_are_listed_in_pages(on: Database) {
    let site = TestSite::start(on);
    for number in 1..=30 {
        site.get(&address_of_its_own(number));
    }
    let first = site.entries("level=page");
    let second = site.entries("level=page&page=2");
    assert_eq!([first.len(), second.len()], [25, 5]);
    assert!(first.iter().all(|href| !second.contains(href)));
    let page = site.get("/cache/entries?level=page&like=*since*");
    page.assert_sees("30 entries · page 1 of 2");
    let next = hrefs(&page, "/cache/entries?like=*since*&level=page&page=2");
    assert!(!next.is_empty(), "the search goes along");
    for number in ["0", "3", "x", "99999999999999999999"] {
        site.get(&format!("/cache/entries?level=page&page={number}")).assert_status(404);
    }
}

fn an_entry_is_shown_with_its_stamps_its_cost_and_its_body(on: Database) {
    let site = TestSite::start(on);
    let tea = site.has_product("Tea");
    for _ in 0..3 {
        site.get("/");
    }
    let home = hrefs(&site.get("/cache"), "/cache/entry?key=page")[0].clone();
    let page = site.get(&home);
    page.assert_sees("2 hits");
    for words in
        ["page in memory", "fresh", "queries", "Response 200", "content-type", "everything"]
    {
        page.assert_sees(words);
    }
    assert!(page.html().contains("&#60;!doctype html"), "the body is text: {}", page.html());
    site.edits(tea, &[("title", "Green tea")]);
    site.get(&home).assert_sees("stale: products has changed");
    site.get("/cache/entry?key=nothing").assert_status(404).assert_is_in_the_shops_dress();
    site.get("/cache/entry").assert_status(422).assert_is_in_the_shops_dress();
}

fn a_deleted_entry_is_rebuilt(on: Database) {
    let site = TestSite::start(on);
    site.get("/");
    site.get("/").assert_cache("hit");
    let entries = site.entries("level=page");
    assert_eq!(entries.len(), 1, "{entries:?}");
    let page = site.get(&entries[0]);
    let mut visitor = site.visitor();
    let after = presses(&mut visitor, &page, "/cache/entry/delete");
    assert!(after.flash().is_some_and(|flash| flash.starts_with("Deleted")), "{}", after.text());
    assert_eq!(after.asked, "GET /cache/entries");
    site.get("/").assert_cache("stored");
    presses(&mut visitor, &page, "/cache/entry/delete");
    let again = presses(&mut visitor, &page, "/cache/entry/delete");
    assert!(again.flash().is_some_and(|flash| flash.contains("Nothing was stored")));
    let text = site.get("/cache").text();
    assert_eq!(text.matches("deleted page:").count(), 2, "{text}");
}

fn what_visitors_wrote_is_shown_as_text(on: Database) {
    let site = TestSite::start(on);
    let odd = "<script>alert(1)</script>\"'&";
    let tea = site.has_product(odd);
    site.get("/?q=%3Cscript%3Ealert(1)%3C/script%3E%22");
    site.get(&format!("/products/{tea}"));
    let fields = [("key", "<script>x</script>"), ("value", "</pre><script>alert(1)</script>")];
    site.submit("/cache/key", &fields).assert_status(204);
    let mut addresses = site.entries("");
    assert!(addresses.len() > 6);
    addresses.extend(ADDRESSES.map(str::to_owned));
    let hostile = "%22%3E%3Cscript%3E*";
    for field in ["like", "tag", "key", "page", "level"] {
        addresses.push(format!("/cache/entries?{field}={hostile}"));
        addresses.push(format!("/cache/entry?{field}={hostile}"));
    }
    addresses.push(format!("/cache/invalidate?tag={hostile}"));
    site.submit("/cache/key/delete", &[("key", "<script>x</script>")]).assert_status(204);
    for address in &addresses {
        let page = site.get(address);
        // The one of every page.
        assert_eq!(page.html().matches("<script").count(), 1, "{address}: {}", page.html());
        let script = page.tags("script").remove(0);
        assert!(script.attribute("src").unwrap().starts_with("/static/shop."), "{address}");
        page.assert_is_in_the_shops_dress();
    }
    site.get("/cache").assert_sees("deleted <script>x</script>");
}

fn strangers_are_refused(on: Database) {
    let site = TestSite::start(on);
    site.has_product("Tea");
    for path in ADDRESSES.iter().chain(&["/cache/entry?key=motd"]) {
        for (name, value) in [("Via", "1.1 proxy"), ("X-Forwarded-For", "192.0.2.1")] {
            let page = site.ask("GET", path).header(name, value).send();
            page.assert_status(403).assert_is_in_the_shops_dress();
            page.assert_sees_not("products.list").assert_header("cache-control", "no-store");
        }
    }
    for path in ["/cache/entry/delete", "/cache/invalidate"] {
        let form = [("key", "motd"), ("tag", "products")];
        let foreign = site.ask("POST", path).header("Origin", "http://evil.test").form(&form);
        foreign.send().assert_status(403);
    }
    site.get("/cache").assert_sees("No invalidations yet");
}

fn pages_about_the_cache_are_not_stored(on: Database) {
    let site = TestSite::start(on);
    site.get("/");
    let home = site.entries("level=page")[0].clone();
    for path in ADDRESSES.iter().copied().chain([home.as_str()]) {
        for _ in 0..2 {
            let page = site.get(path);
            page.assert_status(200).assert_is_in_the_shops_dress().assert_no_header("etag");
            page.assert_header("cache-control", "no-store");
            assert!(page.html().len() < 60_000, "{path}");
        }
    }
    assert_eq!(site.entries("level=page").len(), 1, "only the homepage");
}

fn redis_and_its_outage_are_shown(on: Database) {
    let Some(mut redis) = Redis::start() else { return };
    let site = TestSite::start_with(on, &["--redis", &redis.url()]);
    site.has_product("Tea");
    site.get("/");
    site.get("/cache").assert_status(200).assert_sees("connected, ");
    let is_there = || site.get("/cache/entries?like=products.list").text().contains("redis");
    until("the list is shared", is_there);
    let shared =
        site.entries("like=products.list").into_iter().find(|href| href.contains("larder"));
    let shared = site.get(&shared.expect("one in Redis has its complete name"));
    shared.assert_status(200).assert_sees("query in redis").assert_sees("fresh");

    redis.dies();
    let page = site.get("/cache");
    page.assert_status(200).assert_sees_not("connected, ").assert_sees("Pages are built without");
    let entries = site.get("/cache/entries?like=products.list");
    entries.assert_status(200).assert_sees("Entries in Redis are not shown").assert_sees("memory");
    let is_paused = || site.get("/cache").text().contains("Redis breaker open");
    assert!((0..10).any(|_| is_paused()), "after some failures it is not asked");
    site.get("/cache/invalidate?tag=products").assert_status(200);
}

fn a_public_shop_has_no_buttons(on: Database) {
    let open = TestSite::start(on);
    let links = hrefs(&open.get("/"), "/cache");
    assert_eq!(links, ["/cache"], "in the footer");
    let site = open.another_instance_with(&["--bind", "0.0.0.0:0"]);
    assert!(hrefs(&site.get("/"), "/cache").is_empty());
    for path in ADDRESSES {
        let page = site.get(path);
        page.assert_status(200);
        assert!(page.tags("form").iter().all(|form| form.attribute("method").is_none()), "{path}");
    }
}
