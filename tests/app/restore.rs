//! A restored backup: nothing is served that was built from what is lost.

use crate::support::{Database, Redis, TestDatabase, TestSite, on_both_databases, until};

on_both_databases! {
    by_hand:
    a_backup_that_is_restored_under_running_shops_shows_at_once,
    a_backup_that_is_restored_while_no_shop_runs_shows_at_once,
}

fn a_backup_that_is_restored_under_running_shops_shows_at_once(on: Database) {
    let Some(redis) = Redis::start() else { return };
    let flags = ["--redis", &redis.url()];
    let here = TestSite::start_with(on, &flags);
    let there = here.another_instance_with(&flags);
    let tea = here.has_product("Tea");
    all_show(&[&here, &there], tea, "Tea", "Lost");
    let backup = here.database.backs_up();
    let lost = writes(&here, tea, "Lost");
    all_show(&[&here, &there], tea, "Lost", "Later");
    until("it is shared", || redis.keys().contains("path=\"/\""));

    here.database.restores(&backup);
    all_show(&[&here, &there], tea, "Tea", "Lost");
    assert_is_new(&lost, &writes(&here, tea, "Later"));
    all_show(&[&here, &there], tea, "Later", "Lost");
    folds(&here.database);
    // Its own memory is empty: it has what the others have shared before and after.
    let fresh = here.another_instance_with(&flags);
    all_show(&[&here, &there, &fresh], tea, "Later", "Lost");
}

fn a_backup_that_is_restored_while_no_shop_runs_shows_at_once(on: Database) {
    let Some(redis) = Redis::start() else { return };
    let flags = ["--redis", &redis.url()];
    let site = TestSite::start_with(on, &flags);
    let database = site.database.clone();
    let tea = site.has_product("Tea");
    let backup = database.backs_up();
    let lost = writes(&site, tea, "Lost");
    folds(&database);
    shows(&site, tea, "Lost", "Later");
    until("it is shared", || redis.keys().contains("path=\"/\""));
    site.signal("TERM");
    assert!(site.ends().status.success());

    database.restores_at_rest(&backup);
    let site = TestSite::open(database, &flags);
    shows(&site, tea, "Tea", "Lost");
    assert_is_new(&lost, &writes(&site, tea, "Later"));
    shows(&site, tea, "Later", "Lost");
}

#[track_caller]
fn all_show(sites: &[&TestSite], tea: u64, word: &str, not: &str) {
    sites.iter().for_each(|site| shows(site, tea, word, not));
}

/// Asserts that all pages show products with this word in their titles, from the cache too, and none with the other.
#[track_caller]
fn shows(site: &TestSite, tea: u64, word: &str, not: &str) {
    for path in ["/", &format!("/?q={word}"), &format!("/products/{tea}")] {
        for _ in 0..2 {
            site.get(path).assert_status(200).assert_sees(word).assert_sees_not(not);
        }
    }
}

/// Edits one product and adds another; returns the stamp of the table afterwards.
#[track_caller]
fn writes(site: &TestSite, tea: u64, word: &str) -> (String, String) {
    site.edits(tea, &[("title", &format!("{word} tea"))]).assert_sends_to("/");
    site.has_product(&format!("{word} cake"));
    let stamp = |what: &str| {
        site.database.sql_of_each(
            &format!("SELECT {what} FROM cache_versions WHERE tag = 'products'"),
            &format!(
                "SELECT {} FROM (SELECT n, r FROM cache_versions WHERE tag = 'products' UNION ALL \
                 SELECT 1, r FROM cache_changes WHERE 'products' = ANY (tags)) AS all_changes",
                if what == "n" { "sum(n)" } else { "bit_xor(r)" },
            ),
        )
    };
    (stamp("n"), stamp("r"))
}

/// Asserts that a stamp counts as many changes as a lost one, and is another one: the counter alone would be fooled.
#[track_caller]
fn assert_is_new(lost: &(String, String), new: &(String, String)) {
    assert_eq!(lost.0, new.0, "as many changes");
    assert_ne!(lost.1, new.1, "of another history");
}

/// Adds the changes of stamps to their totals, on Postgres.
#[track_caller]
fn folds(database: &TestDatabase) {
    database.sql_of_each("SELECT 1", "SELECT larder_v2_fold(10000)");
}
