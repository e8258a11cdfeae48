//! Files of an SQLite database that disappear under the running shop.

use std::fs;
use std::path::PathBuf;

use diesel::connection::SimpleConnection;
use diesel::{Connection, SqliteConnection};

use crate::support::{Database, TestSite, until};

fn with_ending(site: &TestSite, ending: &str) -> PathBuf {
    PathBuf::from(format!("{}{ending}", site.database.file().display()))
}

#[test]
fn a_database_that_is_gone_is_an_error_and_not_an_empty_shop() {
    let site = TestSite::start(Database::Sqlite);
    site.has_product("Tea");
    site.get("/");
    let (file, away) = (site.database.file(), with_ending(&site, ".away"));
    fs::rename(&file, &away).unwrap();
    site.adds("Milk", "1").assert_status(503).assert_header("retry-after", "5");
    site.get("/?q=tea").assert_status(503).assert_is_in_the_shops_dress();
    until("no page is served from memory", || site.get("/").status == 503);
    site.get("/health/ready").assert_status(503);
    site.wait_for_log("is gone; put it back");
    assert!(!file.exists(), "no file is made");
    fs::rename(&away, &file).unwrap();
    site.get("/health/ready").assert_status(200);
    site.adds("Milk", "1").assert_sends_to("/");
    site.get("/").assert_status(200).assert_sees("Tea").assert_sees("Milk");
}

#[test]
fn a_database_that_was_emptied_is_an_error_and_stays_as_it_is() {
    // Emptied in place, as by `: > file`, or replaced by an empty file.
    for is_replaced in [false, true] {
        let site = TestSite::start(Database::Sqlite);
        site.has_product("Tea");
        site.get("/");
        let (file, away) = (site.database.file(), with_ending(&site, ".away"));
        site.database.sql("PRAGMA wal_checkpoint");
        if is_replaced {
            fs::rename(&file, &away).unwrap();
        } else {
            fs::copy(&file, &away).unwrap();
        }
        fs::write(&file, "").unwrap();
        site.adds("Milk", "1").assert_status(503).assert_header("retry-after", "5");
        site.get("/?q=tea").assert_status(503).assert_is_in_the_shops_dress();
        until("no page is served from memory", || site.get("/").status == 503);
        site.get("/health/ready").assert_status(503);
        site.wait_for_log("is empty; put it back");
        assert_eq!(fs::metadata(&file).unwrap().len(), 0, "nothing is written into it");
        if is_replaced {
            fs::rename(&away, &file).unwrap();
        } else {
            fs::copy(&away, &file).unwrap();
        }
        site.get("/health/ready").assert_status(200);
        site.get("/").assert_status(200).assert_sees("Tea");
        site.adds("Milk", "1").assert_sends_to("/");
    }
}

#[test]
fn a_database_that_became_another_is_an_error_until_it_is_put_back() {
    let columns = "CREATE TABLE products (id INTEGER PRIMARY KEY, name TEXT)";
    let of_others = ["CREATE TABLE letters (id INTEGER PRIMARY KEY)", columns];
    for schema in of_others.map(Some).into_iter().chain([None]) {
        let site = TestSite::start(Database::Sqlite);
        site.has_product("Tea");
        site.get("/");
        let (file, away) = (site.database.file(), with_ending(&site, ".away"));
        let other = with_ending(&site, ".other");
        // SQLite would read what is left in the log as that of the new file.
        site.database.sql("PRAGMA wal_checkpoint(TRUNCATE)");
        match schema {
            Some(schema) => {
                let conn = SqliteConnection::establish(&other.display().to_string());
                conn.unwrap().batch_execute(schema).unwrap();
            }
            None => fs::write(&other, "Dear Sir or Madam, ".repeat(999)).unwrap(),
        }
        fs::rename(&file, &away).unwrap();
        fs::rename(&other, &file).unwrap();
        site.adds("Milk", "1").assert_status(503).assert_header("retry-after", "5");
        site.get("/?q=tea").assert_status(503).assert_is_in_the_shops_dress();
        until("no page is served from memory", || site.get("/").status == 503);
        site.get("/health/ready").assert_status(503);
        fs::rename(&away, &file).unwrap();
        site.get("/health/ready").assert_status(200);
        site.get("/").assert_status(200).assert_sees("Tea");
        site.adds("Milk", "1").assert_sends_to("/");
    }
}

#[test]
fn a_removed_wal_or_shm_file_is_noticed_and_logged() {
    for ending in ["-shm", "-wal"] {
        let site = TestSite::start(Database::Sqlite);
        site.has_product("Tea");
        site.get("/health/ready").assert_status(200);
        fs::remove_file(with_ending(&site, ending)).unwrap();
        site.get("/health/ready").assert_status(503);
        site.wait_for_log(&format!("{ending} was removed while the database is open"));
        site.adds("Milk", "1").assert_status(503).assert_header("retry-after", "5");
        until("no page is served from memory", || site.get("/").status == 503);
        // A restart repairs it, and the earlier writes are there.
        let database = std::sync::Arc::clone(&site.database);
        site.signal("TERM");
        site.ends();
        let site = TestSite::open(database, &[]);
        site.get("/").assert_status(200).assert_sees("Tea");
        site.adds("Milk", "1").assert_sends_to("/");
    }
}
