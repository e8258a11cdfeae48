//! The shop while its database is unavailable, and afterwards.

use std::sync::Arc;

use crate::support::{Database, Hold, Program, Proxy, TestDatabase, TestSite, larder, until};

#[test]
fn connections_that_the_server_cut_are_reopened() {
    if !Database::Postgres.is_here(true) {
        return;
    }
    let site = TestSite::start(Database::Postgres);
    let tea = site.has_product("Tea");
    for round in 0..3 {
        site.get("/");
        site.get("/").assert_cache("hit");
        site.database.sql_as_administrator(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity \
             WHERE datname = current_database() AND pid <> pg_backend_pid()",
        );
        let title = format!("Tea {round}.");
        let update = format!("UPDATE products SET title = '{title}' WHERE id = {tea}");
        site.database.sql(&update);
        site.get("/").assert_status(200).assert_sees(&title);
        site.edits(tea, &[("price", &format!("{round}"))]).assert_sends_to("/");
        site.get("/").assert_sees(&format!("${round}.00"));
    }
}

#[test]
fn without_current_stamps_no_page_is_served() {
    let Some((site, proxy)) = open() else { return };
    site.get("/");
    site.get("/").assert_cache("hit").assert_sees("Tea");
    proxy.cut();
    site.database.sql("UPDATE products SET title = 'Green tea'");

    // All are answered while the database is unavailable.
    for path in ["/", "/products/1", "/?q=tea"] {
        let answer = site.get(path);
        answer.assert_status(503).assert_is_in_the_shops_dress().assert_sees_not("$4.99");
    }
    let edit = site.adds("Coffee", "3");
    edit.assert_status(503).assert_is_in_the_shops_dress();

    proxy.mend();
    site.get("/").assert_status(200).assert_sees("Green tea");
    site.adds("Coffee", "3").assert_sends_to("/");
    site.get("/").assert_cache("stored").assert_sees("Coffee");
    site.get("/").assert_cache("hit");
}

/// A stopped server, or one behind a broken line, keeps its connections open and says nothing.
#[test]
fn a_database_that_says_nothing_is_not_waited_for_without_end() {
    let Some((site, proxy)) = open() else { return };
    site.get("/");
    site.get("/").assert_cache("hit");
    proxy.hold(Hold { connection: "", statement: "" });
    site.get("/").assert_status(503);
    site.adds("Coffee", "3").assert_status(503);
    proxy.let_go();
    until("the shop answers again", || site.get("/").status == 200);
    site.adds("Coffee", "3").assert_sends_to("/");
    site.get("/").assert_sees("Coffee");
}

/// Starts a shop with one product whose Postgres is behind a proxy.
///
/// Returns `None` if Postgres is not installed.
fn open() -> Option<(TestSite, Proxy)> {
    if !Database::Postgres.is_here(true) {
        return None;
    }
    let database = Arc::new(TestDatabase::create(Database::Postgres));
    TestSite::open(Arc::clone(&database), &[]).has_product("Tea");
    let (proxy, url) = database.through_a_proxy();
    // The default, for which the stories wait.
    let patience = ["--freshness-timeout", "5"];
    let mut command = larder(&["serve", "--no-samples", "--database", &url]);
    command.args(patience);
    Some((TestSite::of(Program::start(command), database), proxy))
}
