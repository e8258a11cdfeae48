//! Two people change the same product: neither overwrites the other without knowing.

use crate::support::{Database, Page, TestSite, on_both_databases};

on_both_databases! {
    the_second_of_two_editors_is_shown_both_versions,
    a_product_that_has_changed_is_not_deleted,
    an_edit_that_changes_nothing_new_is_still_compared,
    an_edit_that_does_not_say_what_it_saw_is_refused,
    a_form_that_is_sent_twice_edits_once,
    the_form_on_the_conflict_page_resolves_the_conflict,
    an_edit_of_a_deleted_product_is_a_conflict;
    by_hand:
    an_edit_in_sql_counts_as_a_change,
    a_change_there_and_back_is_no_conflict,
}

fn the_second_of_two_editors_is_shown_both_versions(on: Database) {
    let site = TestSite::start(on);
    let tea = site.has_product_at("Tea", "4.99");
    let mut ann = site.edit_form(tea);
    let mut bob = site.edit_form(tea);
    ann.fill("title", "Green tea");
    bob.fill("title", "Black tea");
    bob.fill("price", "7.77");

    site.sends(&ann).assert_sends_to("/");
    let refused = site.sends(&bob);

    assert_conflict(&refused, &["Green tea", "Black tea", "$4.99", "$7.77"]);
    site.get(&format!("/products/{tea}")).assert_sees("Green tea").assert_sees_not("Black tea");
}

fn a_product_that_has_changed_is_not_deleted(on: Database) {
    let site = TestSite::start(on);
    let tea = site.has_product("Tea");
    let deletion = site.delete_form(tea);
    site.edits(tea, &[("title", "Rare tea")]).assert_sends_to("/");

    assert_conflict(&site.sends(&deletion), &["Rare tea"]);
    site.get(&format!("/products/{tea}")).assert_status(200).assert_sees("Rare tea");
}

fn an_edit_that_changes_nothing_new_is_still_compared(on: Database) {
    let site = TestSite::start(on);
    let tea = site.has_product_at("Tea", "4.99");
    let mut late = site.edit_form(tea);
    site.edits(tea, &[("price", "5.99")]).assert_sends_to("/");
    late.fill("price", "5.49");
    assert_conflict(&site.sends(&late), &["$5.99", "$5.49"]);
    site.get("/").assert_sees("$5.99");
}

fn an_edit_that_does_not_say_what_it_saw_is_refused(on: Database) {
    let site = TestSite::start(on);
    let tea = site.has_product("Tea");
    let path = format!("/products/{tea}");
    let blind = site.submit(&path, &[("title", "Black tea"), ("price", "1")]);
    assert_conflict(&blind, &["Tea", "Black tea"]);
    assert_conflict(&site.submit(&format!("{path}/delete"), &[]), &["Tea"]);
    site.get(&path).assert_sees("Tea").assert_sees_not("Black tea");
}

fn a_form_that_is_sent_twice_edits_once(on: Database) {
    let site = TestSite::start(on);
    let tea = site.has_product("Tea");
    let mut form = site.edit_form(tea);
    form.fill("title", "Green tea");
    for _ in 0..2 {
        site.sends(&form).assert_sends_to("/");
    }
    site.get("/").assert_sees("Green tea");
}

fn the_form_on_the_conflict_page_resolves_the_conflict(on: Database) {
    let site = TestSite::start(on);
    let tea = site.has_product("Tea");
    let mut late = site.edit_form(tea);
    late.fill("title", "Black tea");
    site.edits(tea, &[("title", "Green tea")]).assert_sends_to("/");
    let refused = site.sends(&late);

    // The form on the page contains the other version now: sending it is a decision, not an
    // accident.
    let again = refused.form(&format!("/products/{tea}"));
    assert_eq!(again.field("was_title"), Some("Green tea"));
    assert_eq!(again.field("title"), Some("Black tea"));
    site.sends(&again).assert_sends_to("/");
    site.get("/").assert_sees("Black tea").assert_sees_not("Green tea");
}

fn an_edit_of_a_deleted_product_is_a_conflict(on: Database) {
    let site = TestSite::start(on);
    let tea = site.has_product("Tea");
    let mut late = site.edit_form(tea);
    late.fill("title", "Black tea");
    site.deletes(tea).assert_sends_to("/");
    let refused = site.sends(&late);
    assert_conflict(&refused, &["deleted", "Black tea"]);
    assert!(site.get("/").listed().is_empty());
    // The typed text is not lost: it can be added as a product of its own.
    site.sends(&refused.form("/products")).assert_sends_to("/");
    site.get("/").assert_sees("Black tea");
}

fn an_edit_in_sql_counts_as_a_change(on: Database) {
    let site = TestSite::start(on);
    let tea = site.has_product("Tea");
    let mut late = site.edit_form(tea);
    late.fill("title", "Black tea");
    let deletion = site.delete_form(tea);
    let update = format!("UPDATE products SET title = 'White tea' WHERE id = {tea}");
    site.database.sql(&update);

    assert_conflict(&site.sends(&late), &["White tea", "Black tea"]);
    assert_conflict(&site.sends(&deletion), &["White tea"]);
    site.get("/").assert_sees("White tea").assert_sees_not("Black tea");
}

fn a_change_there_and_back_is_no_conflict(on: Database) {
    let site = TestSite::start(on);
    let tea = site.has_product("Tea");
    let mut form = site.edit_form(tea);
    form.fill("title", "Black tea");
    for title in ["White tea", "Tea"] {
        let update = format!("UPDATE products SET title = '{title}' WHERE id = {tea}");
        site.database.sql(&update);
    }
    // Values are compared, not times: the row is again what the editor saw.
    site.sends(&form).assert_sends_to("/");
    site.get("/").assert_sees("Black tea");
}

#[track_caller]
fn assert_conflict(page: &Page, seen: &[&str]) {
    page.assert_status(409).assert_is_in_the_shops_dress().assert_cache("passed");
    let everything = format!("{} {:?}", page.text(), values(page));
    for text in seen {
        let bare = text.trim_start_matches('$');
        assert!(everything.contains(bare), "“{text}” is shown: {everything}");
    }
}

/// Returns the values of the fields, which are not part of a page's text.
fn values(page: &Page) -> Vec<String> {
    let inputs = page.tags("input");
    inputs.iter().filter_map(|input| input.attribute("value").map(str::to_owned)).collect()
}
