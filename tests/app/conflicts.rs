//! Two people change the same product: neither overwrites the other without knowing.

use crate::events::Program;
use crate::support::{Database, Page, TestSite, on_both_databases};

on_both_databases! {
    the_second_of_two_editors_is_shown_both_versions,
    edits_of_different_fields_are_merged,
    overwriting_reverts_no_field_that_was_not_touched,
    every_section_merges_and_shows_what_differs,
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

fn edits_of_different_fields_are_merged(on: Database) {
    let site = TestSite::start(on);
    let tea = site.has_product_at("Tea", "4.99");
    let (mut ann, mut bob) = (site.edit_form(tea), site.edit_form(tea));
    ann.fill("title", "Green tea");
    bob.fill("price", "7.77");
    for form in [&ann, &bob, &ann] {
        site.sends(form).assert_sends_to("/");
    }
    site.get("/").assert_sees("Green tea").assert_sees("$7.77");
}

fn overwriting_reverts_no_field_that_was_not_touched(on: Database) {
    let site = TestSite::start(on);
    let tea = site.has_product_at("Tea", "4.99");
    let mut late = site.edit_form(tea);
    site.edits(tea, &[("title", "Green tea"), ("price", "5")]).assert_sends_to("/");
    late.fill("price", "6");
    let page = site.sends(&late);
    page.assert_status(409).assert_sees("You both changed: Price").assert_sees("5.00");
    let form = page.form(&format!("/products/{tea}"));
    assert_eq!((form.field("title"), form.field("price")), (Some("Green tea"), Some("6")));
    site.sends(&form).assert_sends_to("/");
    site.get("/").assert_sees("Green tea").assert_sees("$6.00");
}

fn every_section_merges_and_shows_what_differs(on: Database) {
    let site = TestSite::start(on);
    site.sends_json("POST", "/api/events", &crate::events::event("Teas", "9999-12-24"));
    site.sends_json("POST", "/api/guests", &crate::events::guest(1, "Mina"));
    let league = r#"{"season": 2026, "scores": [{"member": "Ada", "week": 1, "score": 7}]}"#;
    crate::support::load(&site.database, "scores", league).unwrap();
    let book =
        r#"{"recipes":[{"name":"Toast","instructions":"x","ingredients":[{"food":"Bread"}]}]}"#;
    crate::support::load(&site.database, "cookbook", book).unwrap();
    let cases = [
        ("/events/1", "name", "location"),
        ("/events/guests/1", "name", "email"),
        ("/scoreboard/members/1", "name", "favourite"),
        ("/cookbook/1", "instructions", "amount_0"),
    ];
    for (path, one, other) in cases {
        let form = || site.get(&format!("{path}/edit")).form(path);
        let (mut ann, mut bob, mut cem) = (form(), form(), form());
        ann.fill(one, "2@example.org");
        bob.fill(other, if other == "amount_0" { "3" } else { "3@example.org" });
        cem.fill(one, "4@example.org");
        assert_eq!(site.sends(&ann).status, 303, "{path}");
        assert_eq!(site.sends(&bob).status, 303, "{path} is merged");
        let both = form();
        assert_eq!(both.field(one), ann.field(one), "{path}");
        assert_eq!(both.field(other).map(|o| &o[..1]), Some("3"), "{path}");
        let page = site.sends(&cem);
        page.assert_status(409).assert_sees("You both changed").assert_sees("2@example.org");
        let form = page.form(path);
        assert_eq!(form.field(one), Some("4@example.org"), "{path}");
        assert_eq!(form.field(other), both.field(other), "{path}: it was not touched");
        assert_eq!(site.sends(&form).status, 303, "{path}");
    }
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
