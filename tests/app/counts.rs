//! Counts match what is shown: inconsistent rows of another program are not counted.

use std::collections::HashSet;

use crate::support::{Database, TestSite, on_both_databases, until};

on_both_databases! {
    ; by_hand:
    guests_without_an_event_are_neither_shown_nor_counted,
    scores_without_a_member_make_no_season,
    products_are_counted_right_however_they_were_deleted,
    sorted_products_are_counted_right_too,
    sorted_products_are_all_listed_before_they_are_searchable,
    the_counts_of_many_products_repair_themselves,
}

/// Runs statements with foreign keys and triggers switched off, as a restore does.
fn runs_unchecked(site: &TestSite, statements: &str) {
    match site.database.kind {
        Database::Sqlite => {
            drop(site.database.sql(&format!("PRAGMA foreign_keys = OFF; {statements}")))
        }
        Database::Postgres => {
            let role = "SET session_replication_role = replica";
            site.database.sql_as_administrator(&format!("{role}; {statements}"));
        }
    }
}

fn guests_without_an_event_are_neither_shown_nor_counted(on: Database) {
    let site = TestSite::start(on);
    site.database.sql(
        "INSERT INTO events (id, name, starts_at, is_date, location, description) VALUES \
         (1, 'Green teas', '2036-12-24 17:00:00', false, 'Here', ''), \
         (2, 'Black teas', '2036-12-25 17:00:00', false, 'Here', '')",
    );
    for guest in 0..12 {
        let event = if guest < 5 { 1 } else { 2 };
        site.database.sql(&format!(
            "INSERT INTO guests (event_id, name, email) VALUES ({event}, 'Ann {guest}', 'a@b.example')"
        ));
    }
    assert_eq!(site.get("/api/guests?limit=7").json()["count"], 12);
    runs_unchecked(&site, "DELETE FROM events WHERE id = 1");
    let list = site.get("/api/guests?limit=7").json();
    assert_eq!((&list["count"], &list["next"]), (&7.into(), &serde_json::Value::Null));
    assert_eq!(list["results"].as_array().unwrap().len(), 7);
    let orphans = site.get("/api/guests?event=1").json();
    assert_eq!((&orphans["count"], &orphans["results"]), (&0.into(), &serde_json::json!([])));
    site.get("/staff?q=ann").assert_sees("7 found");
    site.get("/api/guests/1").assert_problem(404);
}

fn scores_without_a_member_make_no_season(on: Database) {
    let site = TestSite::start(on);
    site.database.sql(
        "INSERT INTO members (id, name, favourite) VALUES (1, 'Ann', 'Tea'), (2, 'Bo', 'Milk')",
    );
    site.database.sql(
        "INSERT INTO scores (member_id, season, week, score) VALUES \
         (1, 2031, 1, 5), (2, 2032, 1, 5), (2, 2031, 2, 5)",
    );
    site.get("/scoreboard?season=2032").assert_status(200);
    runs_unchecked(&site, "DELETE FROM members WHERE id = 2");
    let board = site.get("/scoreboard");
    board.assert_status(200).assert_sees("Ann").assert_sees_not("2032");
}

fn products_are_counted_right_however_they_were_deleted(on: Database) {
    let site = TestSite::start_with(on, &["--page-size", "5"]);
    site.has_products(13);
    site.get("/").assert_sees("13 products");
    // Wrong counts, as a dropped, disabled or skipped trigger leaves them behind.
    for (wrong, count) in [("n + 3", 13), ("n - 9", 13), ("0", 13), ("-7", 13)] {
        site.database.sql(&format!("UPDATE product_counts SET n = {wrong}"));
        site.database.sql("UPDATE products SET price_cents = price_cents + 1");
        let mut seen = 0;
        for page in 1..=3 {
            let list = site.get(&format!("/?page={page}"));
            list.assert_status(200).assert_sees(&format!("{count} products"));
            seen += list.listed().len();
        }
        assert_eq!(seen, count, "{wrong}");
        site.get("/?page=4").assert_status(404);
    }
}

fn sorted_products_are_counted_right_too(on: Database) {
    let site = TestSite::start_with(on, &["--page-size", "5", "--cache", "off"]);
    site.has_products(13);
    for wrong in ["UPDATE product_counts SET n = n + 3", "DELETE FROM product_counts"] {
        site.database.sql(wrong);
        for sort in ["price", "-title", "updated"] {
            site.get(&format!("/?sort={sort}")).assert_sees("13 products");
            assert_eq!(site.get(&format!("/?sort={sort}&page=3")).listed().len(), 3);
            site.get(&format!("/?sort={sort}&page=4")).assert_status(404);
        }
    }
}

fn sorted_products_are_all_listed_before_they_are_searchable(on: Database) {
    let site = TestSite::start_with(on, &["--page-size", "100", "--lock-timeout", "1"]);
    let coffee = site.has_product("Coffee");
    let insert = "INSERT INTO products (title, price_cents)";
    site.database.sql_of_each(
        &format!(
            "WITH RECURSIVE r (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r LIMIT 5150) \
             {insert} SELECT 'Tea ' || n, n FROM r"
        ),
        &format!("{insert} SELECT 'Tea ' || n, n FROM generate_series(1, 5150) AS n"),
    );
    // No job can make them searchable meanwhile.
    let mut left_open = site.database.open_shell();
    left_open.does("BEGIN; UPDATE products SET price_cents = price_cents + 1");
    for (sort, page) in [("title", 1), ("-title", 52)] {
        let list = |page: u32| site.get(&format!("/?sort={sort}&page={page}"));
        list(1).assert_status(200).assert_sees("5,151 products");
        let listed: Vec<_> = (1..=52).flat_map(|page| list(page).listed()).collect();
        let different: HashSet<_> = listed.iter().collect();
        assert_eq!((listed.len(), different.len()), (5_151, 5_151), "{sort}");
        assert!(list(page).listed().contains(&coffee), "{sort}");
        list(53).assert_status(404);
    }
    assert_eq!(
        site.get("/?sort=title&min=51.01").assert_sees("50 products match").listed().len(),
        50
    );
    left_open.does("ROLLBACK");
}

fn the_counts_of_many_products_repair_themselves(on: Database) {
    let site = TestSite::start(on);
    let insert = "INSERT INTO products (title, search_text, price_cents)";
    site.database.sql_of_each(
        &format!(
            "WITH RECURSIVE r (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r LIMIT 14000) \
             {insert} SELECT 'Tea ' || n, 'tea ' || n, n FROM r"
        ),
        &format!("{insert} SELECT 'Tea ' || n, 'tea ' || n, n FROM generate_series(1, 14000) AS n"),
    );
    site.get("/").assert_sees("14,000 products");
    let is_repaired = || {
        let wrong = "SELECT (SELECT sum(n) FROM product_counts) - (SELECT count(*) FROM products)";
        site.get("/");
        site.database.sql(wrong) == "0"
    };
    // Rows of another page are deleted without their triggers.
    let delete = "DELETE FROM products WHERE id <= 2000";
    let trigger =
        "SELECT coalesce((SELECT sql FROM sqlite_master WHERE name = 'products_count_delete'), '')";
    match on {
        Database::Sqlite => {
            let trigger = site.database.sql(trigger);
            site.database.sql(&format!(
                "BEGIN; DROP TRIGGER products_count_delete; {delete}; {trigger}; COMMIT"
            ));
            site.get("/").assert_sees("12,000 products");
        }
        Database::Postgres => {
            let switch = |how| format!("ALTER TABLE products {how} TRIGGER products_count_delete");
            let (off, on) = (switch("DISABLE"), switch("ENABLE ALWAYS"));
            site.database.sql(&format!("BEGIN; {off}; {delete}; {on}; COMMIT"));
            until("the schema is read again", || site.get("/").text().contains("12,000 products"));
        }
    }
    site.get("/?page=480").assert_status(200);
    site.get("/?page=481").assert_status(404);
    until("the counts are repaired", is_repaired);
    site.database.sql("UPDATE product_counts SET n = n + 5 WHERE bucket = 0");
    site.invalidates("everything").assert_sends_to("/");
    site.get("/").assert_sees("12,000 products");
    until("the counts are repaired again", is_repaired);
}
