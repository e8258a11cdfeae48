//! `--freshness`: what a shop may answer from stamps of a moment ago, and what it must not.
//!
//! - A bound that is longer than any test shows what is *not* asked; a bound of a millisecond, that it ends. So no test
//!   waits for a time.

use crate::support::{Database, TestSite, address_of_its_own, until};

/// Longer than the test runs.
const LONG: &[&str] = &["--freshness", "60min"];

const QUESTIONS: &str = "larder_sql_statements_total{kind=\"stamps\",result=\"ok\"}";

const HITS: usize = 50;

/// Starts a shop on Postgres with this mode, with one product; returns it with the product's id.
fn open(flags: &[&str]) -> Option<(TestSite, u64)> {
    if !Database::Postgres.is_here(true) {
        return None;
    }
    let site = TestSite::start_with(Database::Postgres, flags);
    let tea = site.has_product("Tea");
    warm(&site);
    Some((site, tea))
}

/// Looks at the homepage until it is cached.
#[track_caller]
fn warm(site: &TestSite) {
    site.get("/").assert_status(200);
    site.get("/").assert_cache("hit");
}

#[test]
fn within_the_bound_a_hit_asks_the_database_nothing() {
    let questions = |flags: &[&str]| {
        let (site, _) = open(flags)?;
        let before = site.figures();
        for _ in 0..HITS {
            site.get("/").assert_cache("hit");
        }
        Some(site.figures().grown(&before, QUESTIONS))
    };
    let Some(strict) = questions(&[]) else { return };
    assert!(strict >= HITS as f64, "strict, each hit asks: {strict}");
    // The triggers are checked once a minute all the same, which a slow machine may need.
    let bounded = questions(LONG).unwrap();
    assert!(bounded < HITS as f64 / 5.0, "bounded, no hit asks: {bounded}");
}

#[test]
fn a_foreign_write_is_seen_after_the_bound_or_an_own_write() {
    let Some((site, _)) = open(LONG) else { return };
    site.database.sql("UPDATE products SET title = 'Green tea'");
    site.get("/").assert_cache("hit").assert_sees_not("Green tea");

    let soon = site.another_instance_with(&["--freshness", "1ms"]);
    warm(&soon);
    site.database.sql("UPDATE products SET title = 'White tea'");
    until("the bound is over", || soon.get("/").html().contains("White tea"));

    let strict = site.another_instance_with(&["--freshness", "0"]);
    warm(&strict);
    site.database.sql("UPDATE products SET title = 'Black tea'");
    strict.get("/").assert_sees("Black tea");

    site.get("/").assert_cache("hit").assert_sees_not("Black tea");
    site.adds("Coffee", "3").assert_sends_to("/");
    site.get("/").assert_sees("Black tea").assert_sees("Coffee");
}

#[test]
fn clients_see_their_own_writes_in_every_instance() {
    let Some((here, tea)) = open(LONG) else { return };
    let there = here.another_instance_with(LONG);
    warm(&there);
    let mut form = here.edit_form(tea);
    form.fill("title", "Green tea");
    let fields: Vec<_> = form.fields.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
    let mut visitor = here.visitor();
    let answer = visitor.posts(&form.action, &fields);
    answer.assert_sends_to("/");
    let mark = answer.lines_of("set-cookie").find(|line| line.starts_with("larder-wrote="));
    let mark = mark.expect("who has written is marked");
    assert!(mark.contains("Max-Age=3602") && mark.contains("HttpOnly"), "{mark}");

    // This instance has discarded its stamps, for all clients.
    here.get("/").assert_sees("Green tea");
    there.get("/").assert_cache("hit").assert_sees_not("Green tea");
    let cookies = visitor.cookies().iter().map(|(name, value)| format!("{name}={value}"));
    let cookies = cookies.collect::<Vec<_>>().join("; ");
    there.ask("GET", "/").header("Cookie", &cookies).send().assert_sees("Green tea");
    // Its question has brought new stamps for all.
    there.get("/").assert_cache("hit").assert_sees("Green tea");

    // The sentence was shown, and the mark is still there.
    visitor.get("/").assert_sees("Green tea");
    assert_eq!(visitor.cookies().keys().collect::<Vec<_>>(), ["larder-wrote"]);
}

#[test]
fn programs_are_answered_strictly_if_they_say_so_and_whenever_they_write() {
    let Some((here, tea)) = open(LONG) else { return };
    let there = here.another_instance_with(LONG);
    warm(&there);
    here.edits(tea, &[("title", "Green tea")]).assert_sends_to("/");
    let asks = |value: &str| there.ask("GET", "/").header("Larder-Freshness", value).send();
    asks("bounded").assert_cache("hit").assert_sees_not("Green tea");
    asks("strict").assert_sees("Green tea");

    here.edits(tea, &[("title", "White tea")]).assert_sends_to("/");
    there.get("/").assert_cache("hit").assert_sees("Green tea");
    // A request that may write asks, too, and what it learns is for all.
    there.submit("/products", &[("title", ""), ("price", "")]).assert_status(422);
    there.get("/").assert_sees("White tea");
}

#[test]
fn what_is_built_from_newer_data_ends_the_stamps() {
    let Some((site, _)) = open(LONG) else { return };
    site.database.sql("UPDATE products SET title = 'Green tea'");
    site.get("/").assert_cache("hit").assert_sees_not("Green tea");
    let newer = address_of_its_own(2);
    site.get(&newer).assert_sees("Green tea");
    // Otherwise this page would be built for each request, until the bound is over.
    site.get(&newer).assert_cache("hit");
    site.get("/").assert_sees("Green tea");
}

#[test]
fn on_sqlite_every_request_is_strict() {
    if !Database::Sqlite.is_here(true) {
        return;
    }
    let site = TestSite::start_with(Database::Sqlite, LONG);
    let answer = site.adds("Tea", "4.99");
    assert!(answer.lines_of("set-cookie").all(|line| !line.starts_with("larder-wrote=")));
    warm(&site);
    site.database.sql("UPDATE products SET title = 'Green tea'");
    site.get("/").assert_sees("Green tea");
}
