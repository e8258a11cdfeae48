//! The three levels of the cache: as `Server-Timing` reports them and `--cache` switches them.

use crate::support::{Database, Page, TestSite, Visitor, on_both_databases};

on_both_databases! {
    a_page_hit_runs_no_query,
    a_fragment_hit_is_reported,
    a_query_hit_is_reported,
    a_cold_page_takes_two_queries_at_most,
    each_level_can_be_turned_on_alone,
    pages_are_the_same_with_and_without_the_cache,
    without_a_cache_nothing_is_stored,
    a_wrong_level_is_refused,
}

fn a_page_hit_runs_no_query(on: Database) {
    let site = TestSite::observed(on, &[]);
    let tea = site.has_product("Tea");
    site.invalidates("everything").assert_sends_to("/");
    for path in ["/".to_owned(), format!("/products/{tea}")] {
        let miss = site.get(&path).assert_cache("stored").timing();
        miss.assert_says("page", "miss");
        assert!(miss.sql_queries() > 0, "{miss:?}");
        let hit = site.get(&path).assert_cache("hit").timing();
        hit.assert_says("page", "hit");
        assert_eq!(hit.sql_queries(), 0, "{hit:?}");
    }
}

fn a_fragment_hit_is_reported(on: Database) {
    let site = TestSite::observed(on, &["--cache", "fragments"]);
    let first = site.get("/").timing();
    first.assert_says("fragment", "header miss").assert_says("fragment", "footer miss");
    let second = site.get("/").timing();
    second.assert_says("fragment", "header hit").assert_says("fragment", "footer hit");
    assert!(second.sql_queries() > 0, "only fragments are kept: {second:?}");
    site.invalidates("everything").assert_sends_to("/");
    site.get("/").timing().assert_says("fragment", "header miss");
}

fn a_query_hit_is_reported(on: Database) {
    let site = TestSite::observed(on, &["--cache", "queries"]);
    let tea = site.has_product("Tea");
    site.invalidates("everything").assert_sends_to("/");
    let first = site.get("/").timing();
    first.assert_says("query", "products.list miss");
    let second = site.get("/").timing();
    second.assert_says("query", "products.list hit");
    assert_eq!(second.sql_queries(), 0, "{second:?}");
    site.edits(tea, &[("title", "Green tea")]).assert_sends_to("/");
    let third = site.get("/");
    third.assert_sees("Green tea").timing().assert_says("query", "products.list miss");
}

fn a_cold_page_takes_two_queries_at_most(on: Database) {
    let site = TestSite::observed(on, &[]);
    site.has_products(30);
    site.invalidates("everything").assert_sends_to("/");
    let cold = site.get("/?page=2").assert_cache("stored").timing();
    assert!(cold.sql_queries() <= 2, "{cold:?}");
}

fn each_level_can_be_turned_on_alone(on: Database) {
    let modes = [
        ("off", false, false, false),
        ("queries", false, false, true),
        ("fragments", false, true, false),
        ("pages", true, false, false),
        ("queries,fragments", false, true, true),
        ("pages,queries", true, false, true),
        ("all", true, true, true),
    ];
    let first = TestSite::observed(on, &["--cache", "off"]);
    first.has_product("Tea");
    for (mode, pages, fragments, queries) in modes {
        let site = first.another_observed(&["--cache", mode]);
        site.get("/");
        let again = site.get("/");
        assert_eq!(again.cache().outcome() == "hit", pages, "{mode}: {:?}", again.cache());

        // Shows the other levels: another page with the same footer, and another page with the same
        // list.
        site.get("/?q=tea");
        let other = site.get("/products/new");
        assert_eq!(other.timing().says("fragment", "footer hit"), fragments, "{mode}");
        let list = site.get("/?q=tea+tea");
        assert_eq!(list.timing().says("query", "products.list hit"), queries, "{mode}");
        assert_eq!(list.timing().sql_queries() == 0, queries, "{mode}");
    }
}

fn pages_are_the_same_with_and_without_the_cache(on: Database) {
    let first = TestSite::observed(on, &["--cache", "off"]);
    first.has_products(30);
    let tea = first.has_product("Tea & \"biscuits\" <b>");
    let modes = ["queries", "fragments", "pages", "all"];
    let sites = modes.map(|mode| first.another_observed(&["--cache", mode]));
    let paths = [
        "/".to_owned(),
        "/?page=2".to_owned(),
        "/?q=tea".to_owned(),
        "/?q=nothing".to_owned(),
        format!("/products/{tea}"),
        format!("/products/{tea}/edit"),
        format!("/products/{tea}/delete"),
        "/products/new".to_owned(),
        "/nothing".to_owned(),
    ];
    let compare = || {
        for path in &paths {
            let plain = first.get(path);
            for (mode, site) in modes.iter().zip(&sites) {
                // The first request fills the cache, the second is served from it.
                for view in ["first", "second"] {
                    let page = site.get(path);
                    page.assert_status(plain.status);
                    let [page, plain] = [&page, &plain].map(without_token);
                    assert_eq!(page, plain, "{path}, {mode}, {view} view");
                }
            }
        }
    };
    compare();
    first.edits(tea, &[("title", "Green tea")]).assert_sends_to("/");
    compare();

    // Also with a confirmation, which is inserted into the finished page.
    let flashed =
        |visitor: &mut Visitor| visitor.submit("/cache/invalidate", &[("tag", "products")]);
    let plain = flashed(&mut first.visitor());
    for (mode, site) in modes.iter().zip(&sites) {
        assert_eq!(flashed(&mut site.visitor()).html(), plain.html(), "{mode}, with a flash");
    }
}

fn without_a_cache_nothing_is_stored(on: Database) {
    let site = TestSite::observed(on, &["--cache", "off"]);
    site.has_product("Tea");
    for _ in 0..3 {
        let page = site.get("/");
        page.assert_status(200).assert_cache("passed");
        assert!(page.timing().sql_queries() > 0);
        assert!(!page.timing().says("page", "hit"));
    }
    // The button does no harm.
    site.invalidates("everything").assert_sends_to("/");
}

fn a_wrong_level_is_refused(on: Database) {
    let first = TestSite::observed(on, &[]);
    for mode in ["some", "page", "queries,some", "queries;pages"] {
        let url = first.database.url();
        let command = crate::support::larder(&["serve", "--database", &url, "--cache", mode]);
        let ended = crate::support::Program::start(command).ends();
        assert!(!ended.status.success(), "{mode}");
        assert!(ended.err.contains("queries"), "says what would be right: {}", ended.err);
    }
}

/// Returns the page without the random field of a form that adds something.
fn without_token(page: &Page) -> String {
    let html = page.html();
    match html.split_once("name=\"once\" value=\"") {
        Some((front, rest)) => format!("{front}{}", rest.split_once('"').unwrap().1),
        None => html,
    }
}
