//! A write overtakes a running request: a request that begins after the write sees it.
//!
//! The database's answer to the first request, built from the old state, is held by a proxy. Then
//! the write is committed, and then another request begins. The order does not depend on luck.

use std::sync::Arc;

use crate::support::{Database, Hold, Program, Proxy, TestDatabase, TestSite, larder};

/// The connections that read the stamps, by a setting that no other has.
const WHAT_IS_CURRENT: Hold = Hold { connection: "default_transaction_isolation", statement: "" };

/// The rows of a page that is being built, on a read-only connection.
const ROWS: Hold = Hold { connection: "READ ONLY", statement: "\"products\".\"title\"" };

#[test]
fn stamps_read_before_a_write_do_not_serve_later_requests() {
    let Some((site, proxy)) = open() else { return };
    for _ in 0..2 {
        site.get("/");
    }
    proxy.hold(WHAT_IS_CURRENT);
    let before = site.begins("/");
    proxy.wait_until_held();

    site.database.sql("UPDATE products SET title = 'Green tea'");
    let after = site.begins("/");
    has_arrived(&site);
    proxy.let_go();

    after.answer().assert_status(200).assert_sees("Green tea");
    before.answer().assert_status(200);
    site.get("/").assert_sees("Green tea");
}

#[test]
fn an_answer_that_is_under_way_holds_up_no_later_request() {
    let Some((site, proxy)) = open() else { return };
    for _ in 0..2 {
        site.get("/");
    }
    proxy.hold_one(WHAT_IS_CURRENT);
    let before = site.begins("/");
    proxy.wait_until_held();

    site.get("/").assert_cache("hit").assert_sees("Tea");
    site.database.sql("UPDATE products SET title = 'Green tea'");
    site.get("/").assert_cache("stored").assert_sees("Green tea");
    site.get("/").assert_cache("hit");
    // The older answer arrives after the newer ones.
    proxy.let_go();
    before.answer().assert_status(200);
    site.get("/").assert_cache("hit").assert_sees("Green tea");
}

#[test]
fn a_page_built_from_the_old_state_is_not_shared_with_later_requests() {
    let Some((site, proxy)) = open() else { return };
    proxy.hold(ROWS);
    let before = site.begins("/");
    proxy.wait_until_held();

    site.database.sql("UPDATE products SET title = 'Green tea'");
    let after = site.begins("/");
    let product = site.begins("/?q=tea");
    has_arrived(&site);
    proxy.let_go();

    after.answer().assert_status(200).assert_sees("Green tea");
    product.answer().assert_status(200).assert_sees("Green tea");
    before.answer().assert_status(200);
    // The page of the overtaken request was not stored.
    for _ in 0..2 {
        site.get("/").assert_sees("Green tea");
    }
}

#[test]
fn a_request_before_a_write_shows_the_state_before_it_or_after_it() {
    let Some((site, proxy)) = open() else { return };
    proxy.hold(ROWS);
    let [first, second] = [(); 2].map(|()| site.begins("/"));
    proxy.wait_until_held();
    has_arrived(&site);
    site.database.sql("UPDATE products SET title = 'Green tea'");
    proxy.let_go();
    for answer in [first.answer(), second.answer()] {
        let text = answer.assert_status(200).text();
        assert!(text.contains("1 Tea $4.99") || text.contains("1 Green tea $4.99"), "{text}");
    }
    site.get("/").assert_sees("Green tea");
}

/// Starts a shop with one product and one worker; returns it with its proxy.
///
/// Returns `None` if Postgres is not installed.
fn open() -> Option<(TestSite, Proxy)> {
    if !Database::Postgres.is_here(true) {
        return None;
    }
    let database = Arc::new(TestDatabase::create(Database::Postgres));
    TestSite::open(Arc::clone(&database), &[]).has_product("Tea");
    let (proxy, url) = database.through_a_proxy();
    let command = larder(&["serve", "--no-samples", "--workers", "1", "--database", &url]);
    let site = TestSite::of(Program::start(command), database);
    Some((site, proxy))
}

/// Asserts that the only worker has seen the earlier requests.
///
/// It answers a later question whether it lives, which needs no database; a static file needs the stamps.
fn has_arrived(site: &TestSite) {
    site.get("/health/live").assert_status(200);
}
