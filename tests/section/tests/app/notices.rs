//! Notices: added in the form, listed, cached, and found by staff.

use crate::support::{Database, TestSite, on_both_databases};

on_both_databases! {
    ; by_hand:
    a_notice_is_listed_and_cached_until_a_program_changes_it,
}

fn a_notice_is_listed_and_cached_until_a_program_changes_it(on: Database) {
    let site = TestSite::start(on);
    site.get("/notices").assert_cache("miss").assert_sees("There is no notice yet");
    site.get("/notices").assert_cache("hit");
    site.submit("/notices", &[("title", "")]).assert_status(422).assert_sees("Enter a title.");
    site.submit("/notices", &[("title", "Closed on Monday")]).assert_sends_to("/notices");
    site.get("/notices").assert_cache("miss").assert_sees("Closed on Monday");
    site.get("/notices?q=monday").assert_sees("1 notice matches");
    site.database.sql("UPDATE notices SET title = 'Open on Monday'");
    site.get("/notices").assert_cache("miss").assert_sees("Open on Monday");
    site.get("/notices").assert_cache("hit");
    site.get("/").assert_sees("Notices");
    site.get("/staff?q=monday").assert_sees("Notices 1 found");
}
