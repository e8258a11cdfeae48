//! After a form, staff are back on the page that they came from.

use crate::support::{Database, Page, TestSite, on_both_databases};

on_both_databases! {
    a_form_returns_to_the_row_it_was_opened_from,
    invalid_fields_conflicts_and_cancelling_keep_the_place,
    save_and_add_another_shows_the_empty_form_again,
    only_pages_of_the_shop_are_returned_to,
    every_section_returns,
    a_deletion_that_empties_the_last_page_leads_to_the_one_before,
    a_name_that_turns_the_direction_turns_no_confirmation,
    signing_in_keeps_the_place,
}

/// Opens `path` as by a link on the page at `from`.
#[track_caller]
fn follows(site: &TestSite, from: &str, path: &str) -> Page {
    let from = format!("{}{from}", site.address());
    let page = site.ask("GET", path).header("Referer", &from).send();
    page.assert_status(200);
    page
}

const PLACE: &str = "/?page=2&q=tea";
const CARRIED: &str = "back=%2F%3Fpage%3D2%26q%3Dtea";

fn a_form_returns_to_the_row_it_was_opened_from(on: Database) {
    let site = TestSite::start(on);
    let tea = site.has_product("Tea");
    let edit = follows(&site, PLACE, &format!("/products/{tea}/edit"));
    let mut form = edit.form(&format!("/products/{tea}?{CARRIED}"));
    form.fill("price", "6");
    site.sends(&form).assert_sends_to(&format!("{PLACE}#products-{tea}"));
    let rows = site.get("/").tags("tr");
    let id = format!("products-{tea}");
    assert!(rows.iter().any(|row| row.attribute("id") == Some(&id)), "the list has the row {id}");

    let path = format!("/products/{tea}/delete");
    let form = follows(&site, PLACE, &path).form(&format!("{path}?{CARRIED}"));
    site.sends(&form).assert_sends_to(PLACE);
}

fn invalid_fields_conflicts_and_cancelling_keep_the_place(on: Database) {
    let site = TestSite::start(on);
    let tea = site.has_product("Tea");
    let action = format!("/products/{tea}?{CARRIED}");
    let edit = follows(&site, PLACE, &format!("/products/{tea}/edit"));
    assert!(cancels_to(&edit, PLACE));
    let mut form = edit.form(&action);
    form.fill("price", "a lot");
    let refused = site.sends(&form);
    assert!(refused.status == 422 && cancels_to(&refused, PLACE));
    site.edits(tea, &[("price", "7")]).assert_sends_to("/");
    let mut form = refused.form(&action);
    form.fill("price", "8");
    let conflict = site.sends(&form);
    conflict.assert_status(409);
    site.sends(&conflict.form(&action)).assert_sends_to(&format!("{PLACE}#products-{tea}"));
}

fn cancels_to(page: &Page, place: &str) -> bool {
    let links = page.tags("a");
    links.iter().any(|link| link.attribute("href") == Some(place) && page.text_of(link) == "Cancel")
}

fn save_and_add_another_shows_the_empty_form_again(on: Database) {
    let site = TestSite::start(on);
    let new = follows(&site, PLACE, "/products/new");
    let buttons = new.tags("button");
    let another = buttons.iter().find_map(|button| button.attribute("formaction")).unwrap();
    let answer = site.submit(another, &[("title", "Tea"), ("price", "4")]);
    answer.assert_sends_to(&format!("/products/new?{CARRIED}"));
    let again = site.get(&format!("/products/new?{CARRIED}"));
    let mut form = again.form(&format!("/products?{CARRIED}"));
    form.fill("title", "Coffee");
    form.fill("price", "5");
    site.sends(&form).assert_sends_to(PLACE);
    assert_eq!(site.get("/").listed().len(), 2);
}

fn only_pages_of_the_shop_are_returned_to(on: Database) {
    let site = TestSite::start(on);
    let tea = site.has_product("Tea");
    let action = format!("/products/{tea}");
    for referer in ["https://evil.example/?page=2", "http://127.0.0.1:1/", "x"] {
        let path = format!("/products/{tea}/edit");
        site.ask("GET", &path).header("Referer", referer).send().form(&action);
    }
    for back in ["//evil.example", "https://evil.example", "/%5Cevil.example", "/%0D%0Ax:y"] {
        let fields = [("title", "Tea"), ("price", "4")];
        site.submit(&format!("/products?back={back}"), &fields).assert_sends_to("/");
    }
}

fn every_section_returns(on: Database) {
    let site = TestSite::start(on);
    let place = "/staff?q=a";
    let carried = "?back=%2Fstaff%3Fq%3Da";
    let tasting = [("name", "Teas"), ("date", "2999-12-24"), ("location", "Here")];
    let guest = [("event", "1"), ("name", "Ada"), ("email", "a@b.example")];
    let recipe = [("name", "Soup"), ("instructions", "Cook."), ("food_0", "Leeks")];
    type Case<'c> = (&'c str, &'c [(&'c str, &'c str)], &'c str);
    let cases: [Case<'_>; 3] = [
        ("/events", &tasting, "/events/1"),
        ("/events/guests", &guest, "/events/guests/1"),
        ("/cookbook", &recipe, "/cookbook/1"),
    ];
    for (list, fields, item) in cases {
        let form = follows(&site, place, &format!("{list}/new")).form(&format!("{list}{carried}"));
        site.submit(&form.action, fields).assert_sends_to(place);
        let form = follows(&site, place, &format!("{item}/edit")).form(&format!("{item}{carried}"));
        let row = item.trim_start_matches('/').replace('/', "-");
        site.sends(&form).assert_sends_to(&format!("{place}#{row}"));
    }
    let food = follows(&site, place, "/cookbook/foods/1/edit");
    let food = food.form(&format!("/cookbook/foods/1{carried}"));
    site.sends(&food).assert_sends_to(&format!("{place}#cookbook-foods-1"));
    for (item, list) in
        [("/cookbook/1", "/cookbook"), ("/events/guests/1", "/events"), ("/events/1", "/events")]
    {
        let path = format!("{item}/delete");
        let own = format!("{path}?back={}", item.replace('/', "%2F"));
        let own = follows(&site, item, &path).form(&own);
        let form = follows(&site, place, &path).form(&format!("{path}{carried}"));
        site.sends(&form).assert_sends_to(place);
        // The item's own page is gone.
        site.sends(&own).assert_sends_to(list);
    }
}

fn a_deletion_that_empties_the_last_page_leads_to_the_one_before(on: Database) {
    let site = TestSite::start_with(on, &["--page-size", "1"]);
    let old = site.has_product("Old tea");
    site.has_product("New tea");
    let place = "/?page=2&sort=-title";
    let path = format!("/products/{old}/delete");
    let form =
        follows(&site, place, &path).form(&format!("{path}?back=%2F%3Fpage%3D2%26sort%3D-title"));
    let mut editor = site.visitor();
    let fields: Vec<_> = form.fields.iter().map(|(name, value)| (&**name, &**value)).collect();
    editor.posts(&form.action, &fields).assert_sends_to(place);
    editor.get(place).assert_sends_to("/?sort=-title");
    editor.get("/?sort=-title").assert_status(200).assert_sees("Deleted “Old tea”.");
    // A page that does not exist is still none, without a confirmation to show.
    editor.get(place).assert_status(404).assert_sees("no such page");
}

fn a_name_that_turns_the_direction_turns_no_confirmation(on: Database) {
    let site = TestSite::start(on);
    let mut editor = site.visitor();
    let turned = "a\u{202E}b\u{2069}c";
    let page = editor.submit("/products", &[("title", turned), ("price", "4")]);
    assert!(page.html().contains("Added “\u{2068}a\u{202E}bc\u{2069}”."), "{}", page.excerpt());
}

fn signing_in_keeps_the_place(on: Database) {
    let site = TestSite::with_staff(on, &["Mina"], &[]);
    let from = format!("{}{PLACE}", site.address());
    let answer = site.ask("GET", "/products/new").header("Referer", &from).send();
    let next = "%2Fproducts%2Fnew%3Fback%3D%252F%253Fpage%253D2%2526q%253Dtea";
    answer.assert_sends_to(&format!("/login?next={next}"));
}
