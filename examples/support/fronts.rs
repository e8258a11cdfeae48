//! What the purges of every adapter do, on a real database and a front that records them.

use std::collections::BTreeSet;

use crate::recorder::Recorder;
use crate::until::until;

/// What tells which pages a purge is about.
pub type Keys = BTreeSet<String>;

/// Checks that a front gets each purge, whatever program writes, and whatever happens to the front and the purgers.
///
/// `start` starts a purger, as each process has one, of the front at this address; it ends when it is dropped. `sql` runs
/// SQL as another program and returns what it prints. `write` changes a row of the table with these keys.
pub fn each_write_is_purged<P>(
    start: impl Fn(&str) -> P,
    sql: impl Fn(&str) -> String,
    write: &str,
    [table, everything]: [&Keys; 2],
) {
    let front = Recorder::start();
    let start = || start(&format!("varnish={}", front.url()));
    let purgers = [start(), start()];
    until("each empties the front at its start", || front.count(everything) >= 2);

    // Two changes while the front fails are one purge when it is back, and that again 10 seconds later.
    front.answers(503);
    for _ in 0..2 {
        sql(write);
        let failed = front.count(table);
        until("the write is purged, in vain", || front.count(table) > failed);
    }
    front.answers(200);
    until("it is purged", || front.count(table) >= 1);
    let left = "SELECT count(*) FROM cache_purged WHERE again <> 0";
    until("all is purged once more", || sql(left).trim() == "0");
    assert!(front.count(table) <= 2, "{:?}", front.takes());

    front.answers(503);
    sql(write);
    until("the write is purged, in vain", || front.count(table) >= 1);
    drop(purgers);
    sql(write);
    let _next = start();
    until("the next process has heard of it", || front.count(everything) >= 1);
    front.answers(200);
    until("it empties the front", || front.count(everything) >= 1);
    until("and remembers it", || sql(left).trim() != "0");
}
