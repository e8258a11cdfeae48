//! Ways to change the catalogue that exist in one of the two databases only.

use std::fs;
use std::process::Command;

use crate::support::{Database, TestSite, address_of_its_own, until};

#[test]
fn truncate_shows_at_once_in_postgres() {
    let Some(site) = open(Database::Postgres) else { return };
    let tea = site.get("/").listed()[1];
    site.database.sql("TRUNCATE products");
    assert!(site.get("/").assert_cache("stored").listed().is_empty());
    site.get(&format!("/products/{tea}")).assert_status(404);
    site.adds("Cocoa", "3").assert_sends_to("/");
    site.get("/").assert_sees("Cocoa").assert_sees("1 product");
}

#[test]
fn truncate_that_is_rolled_back_invalidates_nothing_in_postgres() {
    let Some(site) = open(Database::Postgres) else { return };
    site.database.sql("BEGIN; TRUNCATE products; ROLLBACK");
    site.get("/").assert_cache("hit").assert_sees("Tea");
}

#[test]
fn a_replicated_write_shows_at_once_in_postgres() {
    let Some(site) = open(Database::Postgres) else { return };
    // Ordinary triggers do not fire for the role that applies replicated writes.
    site.database.sql_as_administrator(
        "SET session_replication_role = replica; UPDATE products SET title = 'Replicated'",
    );
    site.get("/").assert_cache("stored").assert_sees("Replicated");
    assert_eq!(site.get("/?q=REPLICATED").listed().len(), 2);
    assert!(site.get("/?q=tea").listed().is_empty());
}

#[test]
fn copy_shows_at_once_in_postgres() {
    let Some(site) = open(Database::Postgres) else { return };
    site.database.sql_as_administrator(
        "COPY products (title, price_cents) FROM PROGRAM 'echo Copied,199' WITH (FORMAT csv)",
    );
    site.get("/").assert_sees("Copied");
}

#[test]
fn a_checkpoint_and_a_vacuum_do_no_harm_in_sqlite() {
    let Some(site) = open(Database::Sqlite) else { return };
    for maintenance in ["PRAGMA wal_checkpoint(TRUNCATE)", "VACUUM", "ANALYZE", "REINDEX"] {
        site.database.sql(maintenance);
        site.get("/").assert_status(200).assert_sees("Tea");
        site.get("/").assert_cache("hit");
    }
    site.database.sql("UPDATE products SET title = 'After all that'");
    site.get("/").assert_sees("After all that");
}

#[test]
fn a_writer_without_a_wal_of_its_own_shows_at_once_in_sqlite() {
    let Some(site) = open(Database::Sqlite) else { return };
    // A program that opens the file brings its own settings.
    site.database.sql(
        "PRAGMA synchronous = OFF; PRAGMA recursive_triggers = OFF; PRAGMA cache_size = 0; \
         UPDATE products SET title = 'By hand'",
    );
    site.get("/").assert_cache("stored").assert_sees("By hand");
}

#[test]
fn a_file_replaced_by_another_is_noticed_in_sqlite() {
    let Some(site) = open(Database::Sqlite) else { return };
    let file = site.database.file();
    let other = file.with_extension("other");
    site.database.sql(&format!("VACUUM INTO '{}'", other.display()));
    let update = "UPDATE products SET title = 'Restored'";
    let edited = Command::new("sqlite3").arg(&other).arg(update).status().unwrap();
    assert!(edited.success());
    for log in ["-wal", "-shm"] {
        let _ = fs::remove_file(format!("{}{log}", file.display()));
    }
    fs::rename(&other, &file).unwrap();

    // The file is checked once a second, which is the declared window: no event reports it sooner.
    until("the new file is shown", || site.get("/").assert_status(200).text().contains("Restored"));
    for path in ["/", "/?q=restored", &address_of_its_own(1)] {
        site.get(path).assert_sees("Restored").assert_sees_not("Tea");
    }
    site.adds("Cocoa", "3").assert_sends_to("/");
    site.get("/").assert_sees("Cocoa");
    assert_eq!(site.database.sql("SELECT count(*) FROM products"), "3");
}

#[test]
fn the_sqlite_file_keeps_a_write_ahead_log() {
    let Some(site) = open(Database::Sqlite) else { return };
    assert_eq!(site.database.sql("PRAGMA journal_mode"), "wal");
}

/// Starts a shop with two products and a warm homepage.
///
/// Returns `None` if the database is not installed.
fn open(on: Database) -> Option<TestSite> {
    if !on.is_here(true) {
        return None;
    }
    let site = TestSite::start(on);
    site.has_product("Tea");
    site.has_product("Green tea");
    site.get("/");
    site.get("/").assert_cache("hit");
    Some(site)
}
