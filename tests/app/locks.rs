//! Locks that another program holds: writers time out, threads stay few, and readers go on.

use crate::support::{Database, OpenShell, Pending, TestSite, on_both_databases};

on_both_databases! {
    ; by_hand:
    a_forgotten_transaction_blocks_no_reader_and_writers_time_out,
    a_writer_waits_for_a_lock_that_is_released_in_time,
}

/// More than there are connections to write with.
const WRITERS: usize = 40;

/// The connections to read and write with, and a few that the runtime may start by itself.
const THREADS: usize = 16;

/// Leaves a transaction open that no other writer of products gets past.
///
/// On SQLite any write is one. On Postgres the changed rows alone keep only their own writers waiting.
pub fn forget(site: &TestSite) -> OpenShell {
    let mut forgotten = site.database.open_shell();
    forgotten.does("BEGIN; UPDATE products SET price_cents = price_cents + 1");
    if site.database.kind == Database::Postgres {
        forgotten.does("LOCK TABLE products IN SHARE ROW EXCLUSIVE MODE");
    }
    forgotten
}

fn a_forgotten_transaction_blocks_no_reader_and_writers_time_out(on: Database) {
    let site = TestSite::start_with(on, &["--lock-timeout", "3", "--cache", "off"]);
    site.has_product("Tea");
    let mut forgotten = forget(&site);
    let threads = site.threads();
    let writers: Vec<_> = (0..WRITERS).map(|_| begins_to_add(&site)).collect();
    for _ in 0..10 {
        site.get("/?q=tea").assert_status(200).assert_sees("$4.99");
        let more = site.threads().saturating_sub(threads);
        assert!(more <= THREADS, "{more} more threads wait");
    }
    for writer in writers {
        writer.answer().assert_status(503).assert_header("retry-after", "5");
    }
    let ready = site.get("/health/ready").assert_status(200).json();
    assert_eq!(ready["checks"]["writes"], "failed");
    forgotten.does("ROLLBACK");
    site.adds("Milk", "1").assert_sends_to("/");
    assert_eq!(site.database.sql("SELECT count(*) FROM products"), "2");
    let ready = site.get("/health/ready").assert_status(200).json();
    assert_eq!(ready["checks"]["writes"], "ok");
}

fn a_writer_waits_for_a_lock_that_is_released_in_time(on: Database) {
    let site = TestSite::start(on);
    site.has_product("Tea");
    let mut forgotten = forget(&site);
    let writers: Vec<_> = (0..3).map(|_| begins_to_add(&site)).collect();
    site.get("/?q=tea").assert_status(200);
    forgotten.does("COMMIT");
    for writer in writers {
        writer.answer().assert_sends_to("/");
    }
    site.get("/").assert_sees("$5.00");
}

#[test]
fn readers_of_a_table_that_another_program_has_locked_get_503() {
    if !Database::Postgres.is_here(true) {
        return;
    }
    let site = TestSite::start_with(Database::Postgres, &["--lock-timeout", "2", "--cache", "off"]);
    site.has_product("Tea");
    let mut forgotten = site.database.open_shell();
    forgotten.does("BEGIN; LOCK TABLE products IN ACCESS EXCLUSIVE MODE");
    let readers: Vec<_> = (0..WRITERS).map(|n| site.begins(&format!("/?q=t{n}"))).collect();
    for reader in readers {
        reader.answer().assert_status(503).assert_header("retry-after", "5");
    }
    site.get("/cookbook").assert_status(200);
    forgotten.does("ROLLBACK");
    site.get("/?q=tea").assert_status(200).assert_sees("Tea");
}

pub fn begins_to_add(site: &TestSite) -> Pending {
    let body = "title=Milk&price=1";
    let asked = format!(
        "POST /products HTTP/1.1\r\nHost: 127.0.0.1:{}\r\nConnection: close\r\n\
         Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{body}",
        site.port(),
        body.len()
    );
    site.begins_to_send(asked)
}
