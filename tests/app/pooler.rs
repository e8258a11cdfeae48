//! PgBouncer between the shop and Postgres.

use std::sync::Arc;

use crate::support::{Database, PgBouncer, Program, TestDatabase, TestSite, larder};

#[test]
fn a_pooler_that_shares_sessions_is_refused_in_one_sentence() {
    if !Database::Postgres.is_here(true) {
        return;
    }
    let database = TestDatabase::create(Database::Postgres);
    let Some(pooler) = PgBouncer::start("transaction") else { return };
    let url = database.url_through(pooler.port());
    for arguments in [&["serve", "--bind", "127.0.0.1:0"][..], &["migrate"], &["account", "list"]] {
        let mut command = larder(arguments);
        command.args(["--database", &url]);
        let ended = Program::start(command).ends();
        assert_eq!(ended.status.code(), Some(1), "{arguments:?}: {}", ended.err);
        assert!(ended.err.contains("pool_mode = session"), "{arguments:?}: {}", ended.err);
    }
}

#[test]
fn a_shop_works_through_a_pooler_that_lends_a_session_for_a_connection() {
    if !Database::Postgres.is_here(true) {
        return;
    }
    let database = Arc::new(TestDatabase::create(Database::Postgres));
    let Some(pooler) = PgBouncer::start("session") else { return };
    let mut command = larder(&["serve", "--no-samples", "--toolbar", "off"]);
    command.args(["--database", &database.url_through(pooler.port())]);
    let site = TestSite::of(Program::start(command), database.clone());
    let tea = site.has_product("Tea");
    site.get("/").assert_sees("Tea");
    site.edits(tea, &[("title", "Green tea")]).assert_sends_to("/");
    site.get("/").assert_sees("Green tea");
    database.sql("UPDATE products SET title = 'Black tea'");
    site.get("/").assert_sees("Black tea");
}
