//! Tastings as people see and type them: in the shop's time zone, with their guests.

use time::{Duration, OffsetDateTime};

use crate::events::{Program, event, guest};
use crate::support::{Browser, Database, PASSWORD, Screen, TestSite, on_both_databases};

on_both_databases! {
    times_are_typed_and_shown_in_the_shops_time_zone,
    the_first_and_last_days_are_the_same_in_every_time_zone,
    an_edit_leaves_a_moment_that_it_did_not_change,
    a_day_and_a_time_that_make_no_moment_together_are_refused,
    the_day_changes_at_midnight_in_the_shops_time_zone,
    a_tastings_page_lists_its_guests_and_takes_new_ones,
    the_tasting_of_a_guest_is_chosen,
    visitors_see_how_many_guests_come_and_no_more;
    by_hand:
    a_tastings_page_shows_every_change_at_once,
}

const BERLIN: [&str; 2] = ["--time-zone", "Europe/Berlin"];

/// Adds a tasting with the form, and returns the moment that the API reports.
fn typed(site: &TestSite, date: &str, time: &str) -> String {
    let fields = [("name", "Teas"), ("date", date), ("time", time), ("location", "Here")];
    site.submit("/events", &fields).assert_sends_to("/events");
    let all = site.get("/api/events").json();
    let last = all["results"].as_array().unwrap().last().unwrap()["date"].clone();
    last.as_str().unwrap().to_owned()
}

fn times_are_typed_and_shown_in_the_shops_time_zone(on: Database) {
    let site = TestSite::start_with(on, &BERLIN);
    assert_eq!(typed(&site, "2036-07-01", "18:00"), "2036-07-01T16:00:00Z");
    assert_eq!(typed(&site, "2036-12-24", "18:00"), "2036-12-24T17:00:00Z");
    assert_eq!(typed(&site, "2036-12-25", ""), "2036-12-25");
    // The clocks go back at three o'clock: this is the first time that they show half past two.
    assert_eq!(typed(&site, "2036-10-26", "02:30"), "2036-10-26T00:30:00Z");
    let page = site.get("/events");
    page.assert_sees("1 Jul 2036, 18:00 CEST").assert_sees("24 Dec 2036, 18:00 CET");
    page.assert_sees("25 Dec 2036 ·").assert_sees("times in Europe/Berlin");
    site.get("/events/2").assert_sees("24 Dec 2036, 18:00 CET");
    site.get("/staff/tastings").assert_sees("24 Dec 2036, 18:00 CET");
    let form = site.get("/events/2/edit").form("/events/2");
    assert_eq!((form.field("date"), form.field("time")), (Some("2036-12-24"), Some("18:00")));
    let types = ["date", "time"].map(|name| {
        let page = site.get("/events/2/edit");
        let field = page.tags("input").into_iter().find(|tag| tag.attribute("name") == Some(name));
        field.and_then(|tag| tag.attribute("type").map(str::to_owned))
    });
    assert_eq!(types, ["date", "time"].map(|name| Some(name.to_owned())), "the browser's own");
    for (date, time, sentence) in [
        ("2036-03-30", "02:30", "02:30 does not exist on 2036-03-30: the clocks go forward then."),
        ("2036-03-30", "6 pm", "Enter a time such as 18:30."),
        ("30.3.2036", "18:00", "Enter a date such as 2026-12-24."),
    ] {
        let fields = [("name", "Teas"), ("date", date), ("time", time), ("location", "Here")];
        let page = site.submit("/events", &fields);
        page.assert_status(422).assert_sees(sentence);
        assert_eq!(page.form("/events").field("location"), Some("Here"));
    }
    let tea = site.has_product("Tea");
    site.get(&format!("/products/{tea}")).assert_sees(" CE");
}

fn the_first_and_last_days_are_the_same_in_every_time_zone(on: Database) {
    for zone in ["America/New_York", "Pacific/Kiritimati"] {
        let site = TestSite::start_with(on, &["--time-zone", zone]);
        for (date, time) in [("9999-12-31", "20:00"), ("0001-01-01", "08:00")] {
            let fields = [("name", "Teas"), ("date", date), ("time", time), ("location", "Here")];
            let page = site.submit("/events", &fields);
            page.assert_status(422)
                .assert_sees("Enter a time from 2 January 0001 to 30 December 9999 in UTC");
        }
        for moment in ["9999-12-31T00:00:00Z", "0001-01-01T23:59:59Z"] {
            let problem = site.sends_json("POST", "/api/events", &event("Teas", moment));
            let problem = problem.assert_problem(422).to_string();
            assert!(problem.contains("30 December 9999"), "{moment}: {problem}");
        }
        for (date, time) in [("9999-12-31", ""), ("9999-12-30", "12:00"), ("9999-12-29", "23:59")] {
            let exact = typed(&site, date, time);
            let id = site.get("/api/events").json()["count"].clone();
            let form = site.get(&format!("/events/{id}/edit")).form(&format!("/events/{id}"));
            assert_eq!((form.field("date"), form.field("time")), (Some(date), Some(time)));
            let same = site.sends_json("PUT", &format!("/api/events/{id}"), &event("Teas", &exact));
            same.assert_status(200);
        }
    }
}

fn an_edit_leaves_a_moment_that_it_did_not_change(on: Database) {
    let site = TestSite::start_with(on, &BERLIN);
    // The second time that the clocks show half past two, and a bit.
    let exact = "2036-10-26T01:30:00.25Z";
    site.sends_json("POST", "/api/events", &event("Teas", exact)).assert_status(201);
    let mut form = site.get("/events/1/edit").form("/events/1");
    assert_eq!((form.field("date"), form.field("time")), (Some("2036-10-26"), Some("02:30")));
    form.fill("name", "Black teas");
    site.sends(&form).assert_sends_to("/events");
    let now = site.get("/api/events/1").json();
    assert_eq!((&now["name"], &now["date"]), (&"Black teas".into(), &exact.into()));
    let mut form = site.get("/events/1/edit").form("/events/1");
    form.fill("time", "");
    site.sends(&form).assert_sends_to("/events");
    assert_eq!(site.get("/api/events/1").json()["date"], "2036-10-26");
}

fn a_day_and_a_time_that_make_no_moment_together_are_refused(on: Database) {
    let site = TestSite::start_with(on, &BERLIN);
    typed(&site, "2036-03-29", "12:00");
    let form = || site.get("/events/1/edit").form("/events/1");
    let (mut day, mut time) = (form(), form());
    day.fill("date", "2036-03-30");
    time.fill("time", "02:30");
    site.sends(&day).assert_sends_to("/events");
    site.sends(&time).assert_status(422).assert_sees("the clocks go forward then");
    assert_eq!(site.get("/api/events/1").json()["date"], "2036-03-30T10:00:00Z");
}

fn the_day_changes_at_midnight_in_the_shops_time_zone(on: Database) {
    for (zone, hours) in [("Pacific/Kiritimati", 14), ("Pacific/Pago_Pago", -11)] {
        let site = TestSite::start_with(on, &["--time-zone", zone]);
        let today = || (OffsetDateTime::now_utc() + Duration::hours(hours)).date();
        let begun = today();
        let yesterday = begun.previous_day().unwrap();
        for (day, time) in [(yesterday, ""), (yesterday, "23:59"), (begun, ""), (begun, "00:00")] {
            typed(&site, &day.to_string(), time);
        }
        let page = site.get("/events");
        // Between two days the test says nothing.
        if today() == begun {
            page.assert_sees("2 tastings to come");
            assert!(page.html().contains("id=\"events-3\"") && page.html().contains("events-4"));
        }
    }
}

fn a_tastings_page_lists_its_guests_and_takes_new_ones(on: Database) {
    let site = TestSite::start_with(on, &["--page-size", "2"]);
    typed(&site, "2036-12-24", "18:00");
    let page = site.get("/events");
    page.assert_sees("Add a guest");
    assert!(page.tags("a").iter().any(|link| link.attribute("href") == Some("/events/1")));
    let page = site.get("/events/1");
    page.assert_status(200).assert_sees("There is no guest yet.");
    let mut form = page.form("/events/guests?back=/events/1");
    assert_eq!(form.field("event"), Some("1"), "no number is typed");
    form.fill("name", "Mina");
    form.fill("email", "no address");
    let refused = site.sends(&form);
    refused.assert_status(422).assert_sees("Enter an e-mail address");
    let mut again = refused.form("/events/guests?back=%2Fevents%2F1");
    assert_eq!((again.field("event"), again.field("name")), (Some("1"), Some("Mina")));
    again.fill("email", "mina@example.org");
    for _ in 0..2 {
        site.sends(&again).assert_sends_to("/events/1");
    }
    site.get("/events/1").assert_sees("1 guest").assert_sees("mina@example.org");
    for name in ["Omar", "Lena"] {
        site.sends_json("POST", "/api/guests", &guest(1, name)).assert_status(201);
    }
    site.get("/events/1").assert_sees("Omar").assert_sees_not("Lena");
    site.get("/events/1?page=2").assert_sees("Lena").assert_sees_not("Omar");
    for path in ["/events/1?page=3", "/events/1?page=0", "/events/9", "/events/x"] {
        site.get(path).assert_status(404);
    }
    // A guest's form returns to the page of the tasting.
    let from = format!("{}/events/1?page=2", site.address());
    let edit = site.ask("GET", "/events/guests/3/edit").header("Referer", &from).send();
    let mut form = edit.form("/events/guests/3?back=%2Fevents%2F1%3Fpage%3D2");
    form.fill("name", "Lene");
    site.sends(&form).assert_sends_to("/events/1?page=2#events-guests-3");
    assert!(site.get("/events/1?page=2").html().contains("id=\"events-guests-3\""));
}

fn the_tasting_of_a_guest_is_chosen(on: Database) {
    let site = TestSite::start(on);
    site.sends_json("POST", "/api/events", &event("Long <ago>", "2001-01-01"));
    site.sends_json("POST", "/api/events", &event("Honeys", "9999-01-01"));
    site.sends_json("POST", "/api/guests", &guest(1, "Mina"));
    let page = site.get("/events/guests/new");
    assert_eq!(page.tags("select").len(), 1);
    page.assert_sees("Honeys, 1 Jan 9999").assert_sees_not("Long");
    let mut form = page.form("/events/guests");
    assert_eq!(form.field("event"), Some(""));
    form.fill("name", "Omar");
    form.fill("email", "omar@example.org");
    site.sends(&form).assert_status(422).assert_sees("Choose a tasting.");
    // A past tasting is offered to its own guests.
    let page = site.get("/events/guests/1/edit");
    page.assert_sees("Long <ago>, 1 Jan 2001");
    let (mut form, mut late) = (page.form("/events/guests/1"), page.form("/events/guests/1"));
    assert_eq!(form.field("event"), Some("1"));
    form.fill("event", "2");
    site.sends(&form).assert_sends_to("/events");
    assert_eq!(site.get("/api/guests/1").json()["event"]["name"], "Honeys");
    late.fill("event", "");
    site.sends(&late).assert_status(422);
    site.sends_json("POST", "/api/events", &event("Ciders", "9999-02-01"));
    late.fill("event", "3");
    let conflict = site.sends(&late);
    conflict.assert_status(409).assert_sees("Saved by someone else: Honeys, 1 Jan 9999");
    assert_eq!(conflict.form("/events/guests/1").field("event"), Some("3"));
    site.get("/events/guests/1/delete").assert_sees("Honeys, 1 Jan 9999");
}

fn visitors_see_how_many_guests_come_and_no_more(on: Database) {
    let site = TestSite::with_staff(on, &["Mina"], &[]);
    site.database.sql(
        "INSERT INTO events (id, name, starts_at, is_date, location, description) VALUES \
         (1, 'Teas', '9999-12-24 00:00:00', true, 'Here', '')",
    );
    site.database
        .sql("INSERT INTO guests (event_id, name, email) VALUES (1, 'Berenike', 'b@c.example')");
    site.get("/events/1").assert_sees("1 guest").assert_cache("stored").assert_sees_not("Berenike");
    site.get("/events/1").assert_cache("hit").assert_sees_not("Add");
    let mut mina = site.visitor();
    mina.submit("/login", &[("name", "Mina"), ("password", PASSWORD)]);
    mina.get("/events/1").assert_sees("Berenike").assert_sees("Add guest");
    site.get("/events/1").assert_cache("hit").assert_sees_not("Berenike");
}

fn a_tastings_page_shows_every_change_at_once(on: Database) {
    let site = TestSite::with_staff(on, &[], &[]);
    site.database.sql(
        "INSERT INTO events (id, name, starts_at, is_date, location, description) VALUES \
         (1, 'Teas', '9999-12-24 00:00:00', true, 'Here', '')",
    );
    let there = site.another_instance_with(&["--access", "staff"]);
    let shows = |word: &str| {
        for site in [&site, &there] {
            site.get("/events/1").assert_cache("stored").assert_sees(word);
            site.get("/events/1").assert_cache("hit").assert_sees(word);
        }
    };
    shows("0 guests");
    site.database.sql("UPDATE events SET name = 'Ciders' WHERE id = 1");
    shows("Ciders");
    let ann = "INSERT INTO guests (event_id, name, email) VALUES (1, 'Ann', 'a@b.example')";
    site.database.sql(ann);
    shows("1 guest");
    site.database.sql("DELETE FROM guests");
    shows("0 guests");
    site.database.sql("DELETE FROM events");
    site.get("/events/1").assert_status(404);
    there.get("/events/1").assert_status(404);
}

#[test]
fn the_browsers_own_fields_take_the_day_and_the_time() {
    let Some(browser) = Browser::open(Screen::Phone) else { return };
    let site = TestSite::start_with(Database::Sqlite, &BERLIN);
    browser.goes_to(&format!("{}/events/new", site.address()));
    browser.types("#name", "Teas");
    for (field, value) in [("date", "2036-07-01"), ("time", "18:00")] {
        let set = format!("(document.querySelector('#{field}').value = '{value}')");
        assert_eq!(browser.asks(&set), value);
        let has_own = format!("document.querySelector('#{field}').valueAsDate !== null");
        assert_eq!(browser.asks(&has_own), true, "{field}");
    }
    browser.types("#location", "Cellar");
    browser.follows("form.card button");
    assert!(browser.text().contains("1 Jul 2036, 18:00 CEST"), "{}", browser.text());
    browser.follows("a[href='/events/1']");
    browser.types("#name", "Mina");
    browser.types("#email", "mina@example.org");
    browser.follows("form.card button");
    assert_eq!(browser.path(), "/events/1");
    assert!(browser.text().contains("mina@example.org"), "{}", browser.text());
}
