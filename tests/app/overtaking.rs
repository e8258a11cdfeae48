//! A write overtakes a request that is under way: whoever asks after the write sees it.
//!
//! The database's answer to the first request is held on the wire, made from the old state; then the
//! write is committed; then somebody asks. None of this waits for luck.

use std::sync::Arc;

use crate::support::{Database, Hold, Program, Proxy, TestDatabase, TestSite, larder};

/// The connection on which the shop asks what is current: the one that looks at the triggers.
const WHAT_IS_CURRENT: Hold = Hold { connection: "pg_trigger", statement: "" };

/// The rows of a page that is being made, on a connection that only reads.
const ROWS: Hold = Hold { connection: "READ ONLY", statement: "\"products\".\"title\"" };

#[test]
fn a_question_that_was_asked_before_a_write_answers_nobody_who_came_after_it() {
    let Some((site, proxy, file)) = open() else { return };
    for _ in 0..2 {
        site.get("/");
    }
    proxy.hold(WHAT_IS_CURRENT);
    let before = site.begins("/");
    proxy.wait_until_held();

    site.database.sql("UPDATE products SET title = 'Green tea'");
    let after = site.begins("/");
    has_arrived(&site, &file);
    proxy.let_go();

    after.answer().assert_status(200).assert_sees("Green tea");
    before.answer().assert_status(200);
    site.get("/").assert_sees("Green tea");
}

#[test]
fn a_page_that_is_made_from_the_old_state_is_not_shared_with_who_came_after_a_write() {
    let Some((site, proxy, file)) = open() else { return };
    proxy.hold(ROWS);
    let before = site.begins("/");
    proxy.wait_until_held();

    site.database.sql("UPDATE products SET title = 'Green tea'");
    let after = site.begins("/");
    let product = site.begins("/?q=tea");
    has_arrived(&site, &file);
    proxy.let_go();

    after.answer().assert_status(200).assert_sees("Green tea");
    product.answer().assert_status(200).assert_sees("Green tea");
    before.answer().assert_status(200);
    // What the overtaken request had made is kept for nobody.
    for _ in 0..2 {
        site.get("/").assert_sees("Green tea");
    }
}

#[test]
fn who_came_before_the_write_is_shown_the_state_before_it_or_after_it() {
    let Some((site, proxy, file)) = open() else { return };
    proxy.hold(ROWS);
    let [first, second] = [(); 2].map(|()| site.begins("/"));
    proxy.wait_until_held();
    has_arrived(&site, &file);
    site.database.sql("UPDATE products SET title = 'Green tea'");
    proxy.let_go();
    for answer in [first.answer(), second.answer()] {
        let text = answer.assert_status(200).text();
        assert!(text.contains("1 Tea $4.99") || text.contains("1 Green tea $4.99"), "{text}");
    }
    site.get("/").assert_sees("Green tea");
}

/// A shop with one product and one worker, its wire, and a file that it serves; `None` where Postgres is not installed.
fn open() -> Option<(TestSite, Proxy, String)> {
    if !Database::Postgres.is_here(true) {
        return None;
    }
    let database = Arc::new(TestDatabase::create(Database::Postgres));
    TestSite::open(Arc::clone(&database), &[]).has_product("Tea");
    let (proxy, url) = database.through_a_proxy();
    let command = larder(&["serve", "--no-samples", "--workers", "1", "--database", &url]);
    let site = TestSite::of(Program::start(command), database);
    let links = site.get("/products/new").tags("link");
    let file = links[0].attribute("href").expect("a style sheet").to_owned();
    Some((site, proxy, file))
}

/// The only worker has answered somebody else since, who wanted a file and nothing of the database:
/// so it has seen what was asked before.
fn has_arrived(site: &TestSite, file: &str) {
    site.get(file).assert_status(200);
}
