//! Schema changes under the running shop: no request fails, and no stale page is served.

use std::thread;

use crate::support::{Database, TestSite, on_both_databases, until};

on_both_databases! {
    a_table_that_another_program_adds_before_the_first_write_does_not_fail_it;
    by_hand:
    columns_come_and_go_under_readers_and_writers,
}

const TYPES: [&str; 4] = ["varchar(400)", "text", "varchar(300)", "text"];

fn a_table_that_another_program_adds_before_the_first_write_does_not_fail_it(on: Database) {
    let site = TestSite::start(on);
    site.get("/").assert_status(200);
    site.database.sql("CREATE TABLE others (id integer)");
    let tea = site.has_product("Tea");
    site.database.sql("CREATE TABLE yet_others (id integer)");
    site.edits(tea, &[("title", "Green tea")]);
}

#[test]
fn a_column_that_gets_another_type_fails_no_request() {
    if !Database::Postgres.is_here(true) {
        return;
    }
    let site = TestSite::start(Database::Postgres);
    let body = r#"{"name": "Green teas", "date": "2036-12-24T17:00:00Z", "location": "Here", "description": ""}"#;
    let adds = || {
        site.ask("POST", "/api/events").header("Content-Type", "application/json").body(body).send()
    };
    adds().assert_status(201);
    // Each list has its own parameters, so that each is read from the database.
    let ask = |round: usize, visitor: usize| match visitor % 4 {
        0 => site.get(&format!("/api/events?limit={}", 1 + 24 * round + visitor)).status,
        1 => site.get(&format!("/api/events?limit=1&offset={}", 24 * round + visitor)).status,
        2 => site.get(&format!("/api/guests?event={}", 24 * round + visitor)).status,
        _ => adds().status,
    };
    for (round, kind) in TYPES.iter().enumerate() {
        // Lets every connection prepare its statements.
        all_at_once(&|visitor| ask(2 * round, visitor));
        site.database.sql(&format!("ALTER TABLE events ALTER name TYPE {kind}"));
        // The connection that reads the stamps has prepared statements, too.
        site.database.sql(&format!("ALTER TABLE cache_versions ALTER tag TYPE {kind}"));
        for (visitor, status) in all_at_once(&|visitor| ask(2 * round + 1, visitor)) {
            assert_eq!(status, if visitor % 4 == 3 { 201 } else { 200 }, "{kind} {visitor}");
        }
    }
    let log = site.log();
    assert!(!log.contains("the cache is off") && !log.contains("request failed"), "{log}");
}

fn all_at_once(ask: &(impl Fn(usize) -> u16 + Sync)) -> Vec<(usize, u16)> {
    thread::scope(|scope| {
        let visitors: Vec<_> =
            (0..24).map(|visitor| (visitor, scope.spawn(move || ask(visitor)))).collect();
        visitors.into_iter().map(|(visitor, asked)| (visitor, asked.join().unwrap())).collect()
    })
}

fn columns_come_and_go_under_readers_and_writers(on: Database) {
    let site = TestSite::start(on);
    let tea = site.has_product("Tea");
    for round in 0..3 {
        for change in ["ADD COLUMN note text", "DROP COLUMN note"] {
            site.get("/");
            site.database.sql(&format!("ALTER TABLE products {change}"));
            site.get(&format!("/?q={round}-{}", &change[..3])).assert_status(200);
            site.get("/").assert_status(200).assert_sees("Tea");
            site.edits(tea, &[("price", &format!("{round}"))]).assert_sends_to("/");
            site.get("/").assert_sees(&format!("${round}.00"));
        }
    }
}

#[test]
fn a_schema_change_hidden_from_triggers_shows_at_the_next_request() {
    if !Database::Sqlite.is_here(true) {
        return;
    }
    let site = TestSite::start(Database::Sqlite);
    let other = site.another_instance();
    site.has_product("Tea");
    let trigger =
        site.database.sql("SELECT sql FROM sqlite_master WHERE name = 'products_cache_update'");
    for (number, title) in ["Green tea", "White tea", "Black tea"].iter().enumerate() {
        for site in [&site, &other] {
            site.get("/");
            site.get("/").assert_cache("hit");
        }
        site.database.sql(&format!(
            "BEGIN; DROP TRIGGER products_cache_update; \
             UPDATE products SET title = '{title}', search_text = NULL; {trigger}; COMMIT"
        ));
        for site in [&site, &other] {
            site.get("/").assert_sees(title);
            site.get("/products/1").assert_sees(title);
            site.get(&format!("/?q={}", &title[..5].to_lowercase())).assert_sees(title);
        }
        assert!(!site.log().contains("the cache is off"), "{number}");
    }
}

#[test]
fn a_rebuilt_table_shows_at_the_next_request() {
    if !Database::Sqlite.is_here(true) {
        return;
    }
    let site = TestSite::start(Database::Sqlite);
    site.has_product("Tea");
    site.get("/");
    site.get("/").assert_cache("hit");
    // The twelve steps of SQLite's documentation for a change that ALTER TABLE cannot make.
    let of_products = "FROM sqlite_master WHERE tbl_name = 'products' AND sql IS NOT NULL";
    let table = site.database.sql(&format!("SELECT sql {of_products} AND type = 'table'"));
    let rest = site.database.sql(&format!("SELECT sql || ';' {of_products} AND type <> 'table'"));
    let new = table.replacen("products", "new_products", 1);
    site.database.sql(&format!(
        "PRAGMA foreign_keys = OFF; BEGIN; {new}; INSERT INTO new_products SELECT * FROM products; \
         UPDATE new_products SET title = 'Oolong', search_text = NULL; DROP TABLE products; \
         ALTER TABLE new_products RENAME TO products; {rest} COMMIT"
    ));
    site.get("/").assert_status(200).assert_sees("Oolong");
    site.get("/?q=oolong").assert_sees("Oolong");
    site.adds("Milk", "1").assert_sends_to("/");
    site.get("/").assert_sees("Milk");
}

/// Statements for Postgres that change a price without firing a trigger.
const HIDDEN: [&str; 4] = [
    "ALTER TABLE products ALTER price_cents TYPE bigint USING {}",
    "BEGIN; ALTER TABLE products DISABLE TRIGGER products_cache_update; \
     UPDATE products SET price_cents = {}; \
     ALTER TABLE products ENABLE ALWAYS TRIGGER products_cache_update; COMMIT",
    "BEGIN; ALTER TABLE products DISABLE TRIGGER USER; UPDATE products SET price_cents = {}; \
     ALTER TABLE products ENABLE ALWAYS TRIGGER products_cache_insert, \
     ENABLE ALWAYS TRIGGER products_cache_update, ENABLE ALWAYS TRIGGER products_cache_delete, \
     ENABLE ALWAYS TRIGGER products_cache_truncate, ENABLE ALWAYS TRIGGER products_count_insert, \
     ENABLE ALWAYS TRIGGER products_count_update, ENABLE ALWAYS TRIGGER products_count_delete, \
     ENABLE ALWAYS TRIGGER products_count_truncate; COMMIT",
    "ALTER TABLE products DROP COLUMN price_cents, ADD COLUMN price_cents bigint NOT NULL DEFAULT {}",
];

#[test]
fn a_schema_change_hidden_from_triggers_shows_soon() {
    if !Database::Postgres.is_here(true) {
        return;
    }
    let site = TestSite::start(Database::Postgres);
    let other = site.another_instance();
    site.has_product("Tea");
    for (number, statement) in HIDDEN.iter().enumerate() {
        for site in [&site, &other] {
            site.get("/");
            site.get("/").assert_cache("hit");
        }
        site.database.sql(&statement.replace("{}", &format!("{number}77")));
        let price = format!("${number}.77");
        for site in [&site, &other] {
            until(statement, || site.get("/").assert_status(200).text().contains(&price));
        }
    }
}

#[test]
fn a_column_that_takes_the_name_of_another_shows_soon() {
    if !Database::Postgres.is_here(true) {
        return;
    }
    let site = TestSite::start(Database::Postgres);
    site.has_product("Tea");
    // The last steps of a migration that writes a new column first, and then lets it replace the old one.
    site.database.sql("ALTER TABLE products ADD COLUMN new_title text");
    site.database.sql("UPDATE products SET new_title = 'White tea'");
    until("the page is cached", || {
        site.get("/products/1").assert_status(200);
        site.get("/products/1")
            .header("cache-status")
            .is_some_and(|status| status.contains("; hit"))
    });
    site.database.sql(
        "BEGIN; ALTER TABLE products RENAME title TO old_title; \
         ALTER TABLE products RENAME new_title TO title; COMMIT",
    );
    until("the new column", || site.get("/products/1").text().contains("White tea"));
}
