//! A form that is sent several times, by a double click or on a slow line, is done once.

use std::thread;

use crate::support::{Database, TestSite, on_both_databases};

on_both_databases! {
    three_clicks_add_one_product,
    a_changed_form_is_another_one,
    every_section_adds_once,
    a_deletion_that_is_sent_twice_succeeds_twice,
}

fn three_clicks_add_one_product(on: Database) {
    let site = TestSite::start(on);
    let there = site.another_instance();
    let mut form = site.get("/products/new").form("/products");
    form.fill("title", "Tea");
    form.fill("price", "4");
    thread::scope(|scope| {
        for site in [&site, &there, &site] {
            scope.spawn(|| {
                site.sends(&form).assert_sends_to("/");
            });
        }
    });
    assert_eq!(site.get("/").listed().len(), 1);
    // The browser shows the confirmation of the last answer.
    assert!(site.sends(&form).header("set-cookie").is_some_and(|cookie| cookie.contains("Added")));
    assert_eq!(site.get("/").listed().len(), 1);
}

fn a_changed_form_is_another_one(on: Database) {
    let site = TestSite::start(on);
    let mut form = site.get("/products/new").form("/products");
    form.fill("price", "4");
    for title in ["Tea", "Coffee"] {
        form.fill("title", title);
        site.sends(&form).assert_sends_to("/");
    }
    let mut other = site.get("/products/new").form("/products");
    other.fill("title", "Tea");
    other.fill("price", "4");
    site.sends(&other).assert_sends_to("/");
    assert_eq!(site.get("/").listed().len(), 3);
    // An invalid form has added nothing, and can be sent again.
    other.fill("price", "");
    site.sends(&other).assert_status(422);
}

fn every_section_adds_once(on: Database) {
    let site = TestSite::start(on);
    let tasting = [("name", "Teas"), ("date", "2999-12-24"), ("location", "Here")];
    let guest = [("event", "1"), ("name", "Ada"), ("email", "a@b.example")];
    let recipe = [("name", "Soup"), ("instructions", "Cook."), ("food_0", "Leeks")];
    let forms: [(&str, &[(&str, &str)]); 3] =
        [("/events", &tasting), ("/events/guests", &guest), ("/cookbook", &recipe)];
    for (path, fields) in forms {
        let mut form = site.get(&format!("{path}/new")).form(path);
        fields.iter().for_each(|(name, value)| form.fill(name, value));
        let first = site.sends(&form);
        let again = site.sends(&form);
        assert_eq!(first.header("location"), again.header("location"), "{path}");
        assert_eq!((first.status, again.status), (303, 303), "{path}");
    }
    site.get("/staff").assert_sees("Recipes 1").assert_sees("Tastings 1").assert_sees("Guests 1");
}

fn a_deletion_that_is_sent_twice_succeeds_twice(on: Database) {
    let site = TestSite::start(on);
    let form = site.delete_form(site.has_product("Tea"));
    for _ in 0..2 {
        let answer = site.sends(&form);
        let cookie = answer.assert_sends_to("/").header("set-cookie").unwrap();
        assert!(cookie.contains("Deleted"), "{cookie}");
    }
}
