//! Tastings and guests as JSON, as programs use them, and in the forms of staff.

use serde_json::{Value, json};

use crate::support::{Database, PASSWORD, Page, TestSite, account, on_both_databases};

on_both_databases! {
    an_event_is_created_replaced_listed_and_deleted,
    an_invalid_body_is_explained_field_by_field,
    all_errors_are_problem_documents,
    a_version_that_the_client_has_not_seen_is_not_overwritten,
    one_of_many_concurrent_replacements_is_done,
    programs_may_write_and_other_sites_may_not,
    in_a_shop_with_staff_programs_need_a_token,
    visitors_see_coming_events,
    staff_edit_tastings_and_guests_in_forms,
    staff_add_and_delete_tastings_and_guests_in_forms,
}

fn an_event_is_created_replaced_listed_and_deleted(on: Database) {
    let site = TestSite::start(on);
    let made = site.sends_json("POST", "/api/events", &event("Green teas", "2026-12-24"));
    let id = made.assert_status(201).json()["id"].as_i64().unwrap();
    let at = format!("/api/events/{id}");
    made.assert_header("location", &at).assert_header("content-type", "application/json");
    assert_eq!(made.json()["date"], "2026-12-24");
    let shown = site.get(&at);
    assert_eq!((shown.json(), shown.header("etag")), (made.json(), made.header("etag")));

    let moment = event("Green teas", "2026-12-24T18:00:00+01:00");
    let replaced = site.sends_json("PUT", &at, &moment);
    assert_eq!(replaced.assert_status(200).json()["date"], "2026-12-24T17:00:00Z");
    for number in 1..=3 {
        site.sends_json("POST", "/api/guests", &guest(id, &format!("Guest {number}")))
            .assert_status(201);
    }
    let other = site.sends_json("POST", "/api/events", &event("Honeys", "2027-01-01")).json();
    site.sends_json("POST", "/api/guests", &guest(other["id"].as_i64().unwrap(), "Other"));

    let path = format!("/api/guests?event={id}&limit=2");
    let list = site.get(&path).assert_status(200).json();
    assert_eq!((&list["count"], &list["previous"]), (&json!(3), &Value::Null));
    assert_eq!(list["results"][0]["event"], replaced.json(), "the whole event stands in the guest");
    let next = site.get(list["next"].as_str().unwrap()).json();
    assert_eq!((&next["results"][0]["name"], &next["next"]), (&json!("Guest 3"), &Value::Null));
    assert_eq!(site.get(next["previous"].as_str().unwrap()).json(), list);
    assert_eq!(site.get("/api/guests?limit=5000").json()["count"], 4);

    let gone = site.ask("DELETE", &at).send();
    assert!(gone.assert_status(204).body.is_empty());
    site.get(&at).assert_status(404);
    site.ask("DELETE", &at).send().assert_status(404);
    assert_eq!(site.get("/api/guests").json()["count"], 1, "its guests went with it");
}

fn an_invalid_body_is_explained_field_by_field(on: Database) {
    let site = TestSite::start(on);
    let cases = [
        (json!({}), "name date location"),
        (json!({"name": 7, "date": [], "location": null}), "name date location"),
        (json!({"name": "x".repeat(256), "date": "soon", "location": "Here"}), "name date"),
    ];
    for (body, fields) in cases {
        let problem = site.sends_json("POST", "/api/events", &body).assert_problem(422);
        for field in fields.split(' ') {
            assert!(problem["errors"][field].is_string(), "{field}: {problem}");
        }
    }
    let mut guest_of_none = guest(7, "Mina");
    let problem = site.sends_json("POST", "/api/guests", &guest_of_none).assert_problem(422);
    assert_eq!(problem["errors"]["event"], "There is no event 7.");
    guest_of_none["email"] = json!("nowhere");
    let problem = site.sends_json("POST", "/api/guests", &guest_of_none).assert_problem(422);
    assert!(problem["errors"]["email"].is_string());
    for path in ["/api/events?limit=ten", "/api/events?offset=-1", "/api/guests?event=tea"] {
        site.get(path).assert_problem(422);
    }
    assert_eq!(site.get("/api/events").json()["count"], 0);
}

fn all_errors_are_problem_documents(on: Database) {
    let site = TestSite::start(on);
    for path in ["/api/events/1", "/api/events/tea", "/api/nothing"] {
        site.ask("GET", path).header("Accept", "text/html").send().assert_problem(404);
    }
    let patched = site.ask("PATCH", "/api/events").send();
    patched.assert_problem(405);
    let allowed = patched.header("allow").unwrap_or_default();
    assert!(allowed.contains("GET") && allowed.contains("POST"), "{allowed}");
    let ask = |kind: &str, body: &str| {
        site.ask("POST", "/api/events").header("Content-Type", kind).body(body).send()
    };
    ask("application/json", "{\"name\": ").assert_problem(400);
    ask("application/json", "[]").assert_problem(400);
    ask("text/plain", "{}").assert_problem(415);
    ask("application/json", &format!("\"{}\"", "x".repeat(70_000))).assert_problem(413);
    site.ask("GET", "/api/events").header("Host", "evil.test").send().assert_problem(421);
}

fn a_version_that_the_client_has_not_seen_is_not_overwritten(on: Database) {
    let site = TestSite::start(on);
    let long = json!({"name": "Teas", "date": "2026-12-24", "location": "Here", "description": "tea ".repeat(999)});
    let made = site.sends_json("POST", "/api/events", &long);
    let (id, first) = (made.json()["id"].clone(), made.header("etag").unwrap());
    let at = format!("/api/events/{id}");
    let replace = |name: &str, tag: &str| {
        let body = event(name, "2026-12-24").to_string();
        let ask = site.ask("PUT", &at).header("Content-Type", "application/json");
        ask.header("If-Match", tag).body(body).send()
    };
    let zipped = site.ask("GET", &at).header("Accept-Encoding", "gzip").send();
    assert_ne!(zipped.header("etag").unwrap(), first, "each coding has its tag");
    replace("Black teas", &zipped.header("etag").unwrap()).assert_status(200);
    for old in [first.as_str(), "\"other\"", "W/\"weak\"", "unquoted"] {
        replace("Lost", old).assert_problem(412);
        site.ask("DELETE", &at).header("If-Match", old).send().assert_problem(412);
    }
    let second = site.get(&at).assert_sees("Black teas").header("etag").unwrap();
    replace("White teas", "*").assert_status(200);

    let guest = site.sends_json("POST", "/api/guests", &guest(id.as_i64().unwrap(), "Mina"));
    let guest_at = format!("/api/guests/{}", guest.json()["id"]);
    let seen = guest.header("etag").unwrap();
    replace("Yellow teas", "*").assert_status(200);
    let leave = |tag: &str| site.ask("DELETE", &guest_at).header("If-Match", tag).send();
    leave(&seen).assert_problem(412);
    leave(&site.get(&guest_at).header("etag").unwrap()).assert_status(204);
    site.ask("DELETE", &at).header("If-Match", &second).send().assert_problem(412);
    site.ask("DELETE", &at).send().assert_status(204);
}

fn one_of_many_concurrent_replacements_is_done(on: Database) {
    let site = TestSite::start(on);
    let made = site.sends_json("POST", "/api/events", &event("Teas", "2026-12-24"));
    let (at, tag) = (made.header("location").unwrap(), made.header("etag").unwrap());
    let statuses: Vec<u16> = std::thread::scope(|scope| {
        let replace = |number: usize| {
            let body = event(&format!("Teas {number}"), "2026-12-24").to_string();
            let ask = site.ask("PUT", &at).header("Content-Type", "application/json");
            ask.header("If-Match", &tag).body(body).send().status
        };
        let threads: Vec<_> = (0..12).map(|n| scope.spawn(move || replace(n))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    let count = |status| statuses.iter().filter(|one| **one == status).count();
    assert_eq!((count(200), count(412)), (1, 11), "{statuses:?}");
}

fn programs_may_write_and_other_sites_may_not(on: Database) {
    let site = TestSite::start(on);
    let from = |name: &str, value: &str| {
        let ask = site.ask("POST", "/api/events").header("Content-Type", "application/json");
        ask.header(name, value).body(event("Teas", "2026-12-24").to_string()).send()
    };
    from("Origin", "https://evil.test").assert_problem(403);
    from("Sec-Fetch-Site", "cross-site").assert_problem(403);
    // Every request through a proxy comes from a local address.
    from("X-Forwarded-For", "192.0.2.1").assert_problem(403);
    from("User-Agent", "a program").assert_status(201);
}

fn in_a_shop_with_staff_programs_need_a_token(on: Database) {
    let site = TestSite::with_staff(on, &["Mina"], &[]);
    let writes = |method: &str, path: &str, header: (&str, &str)| {
        let ask = site.ask(method, path).header("Content-Type", "application/json");
        ask.header(header.0, header.1).body(event("Teas", "9999-12-24").to_string()).send()
    };
    for (name, value) in [("User-Agent", "a program"), ("Authorization", "Bearer none of ours")] {
        let refused = writes("POST", "/api/events", (name, value));
        refused.assert_problem(401);
        refused.assert_header("www-authenticate", "Bearer");
    }
    // All clients may read, and a token does not change the page.
    let token = account(&site.database, &["token", "Mina"], "");
    let bearer = format!("Bearer {}", token.trim());
    writes("POST", "/api/events", ("Authorization", &bearer)).assert_status(201);
    site.get("/api/events").assert_status(200).assert_cache("stored").assert_sees("Teas");
    let read = site.ask("GET", "/api/events").header("Authorization", &bearer).send();
    read.assert_cache("hit");
    // A session of this site authenticates, too, but not in a request from another site.
    let answer = site.submit("/login", &[("name", "Mina"), ("password", PASSWORD)]);
    let cookie = answer.header("set-cookie").unwrap().split(';').next().unwrap().to_owned();
    writes("PUT", "/api/events/1", ("Cookie", &cookie)).assert_status(200);
    let foreign = site.ask("DELETE", "/api/events/1").header("Cookie", &cookie);
    foreign.header("Sec-Fetch-Site", "cross-site").send().assert_problem(403);
    let delete = site.ask("DELETE", "/api/events/1").header("Authorization", &bearer);
    delete.send().assert_status(204);
    account(&site.database, &["token", "Mina", "--revoke"], "");
    writes("POST", "/api/events", ("Authorization", &bearer)).assert_problem(401);
}

fn visitors_see_coming_events(on: Database) {
    let site = TestSite::start(on);
    site.get("/events").assert_status(200).assert_is_in_the_shops_dress().assert_sees("0 tastings");
    let id =
        site.sends_json("POST", "/api/events", &event("Green <teas>", "9999-12-24")).json()["id"]
            .clone();
    site.sends_json("POST", "/api/events", &event("Long ago", "2001-01-01"));
    for name in ["Mina", "Omar"] {
        site.sends_json("POST", "/api/guests", &guest(id.as_i64().unwrap(), name));
    }
    let page = site.get("/events");
    page.assert_sees("1 tasting").assert_sees("Green <teas>").assert_sees("2 guests");
    page.assert_sees("24 Dec 9999").assert_sees_not("Long ago");
    site.get("/events?page=2").assert_status(404);
    let api = site.get("/api");
    api.assert_is_in_the_shops_dress().assert_sees("PUT /api/guests/{id}").assert_sees("If-Match");
    let document = site.get("/api/openapi.json").json();
    assert_eq!(document["openapi"], "3.1.0");
}

fn staff_edit_tastings_and_guests_in_forms(on: Database) {
    let site = TestSite::start(on);
    site.sends_json("POST", "/api/events", &event("Green teas", "9999-12-24"));
    site.sends_json("POST", "/api/guests", &guest(1, "Mina"));
    let tasting = site.staff_link("GREEN", "/events/1/");
    let (mut mine, mut theirs) =
        (site.get(&tasting).form("/events/1"), site.get(&tasting).form("/events/1"));
    site.get("/api/guests/1").assert_sees("Green teas");
    theirs.fill("name", "Black <teas>");
    site.sends(&theirs).assert_sends_to("/events");
    for path in ["/events", "/api/events/1", "/api/events", "/api/guests/1", "/api/guests"] {
        assert!(site.get(path).html().contains("teas"), "{path}");
        site.get(path).assert_sees_not("Green");
    }
    // The editor whose form is outdated is shown the current version and loses no input.
    mine.fill("location", "Cellar");
    mine.fill("name", "White teas");
    let page = site.sends(&mine);
    page.assert_status(409).assert_sees("Black <teas>");
    assert_eq!(page.form("/events/1").field("location"), Some("Cellar"));
    site.sends(&page.form("/events/1")).assert_sends_to("/events");
    site.get("/api/events/1").assert_sees("Cellar");
    let mut wrong = site.get(&tasting).form("/events/1");
    wrong.fill("date", "soon");
    site.sends(&wrong).assert_status(422).assert_sees("Enter a date such as 2026-12-24");

    let edit = site.staff_link("mina", "/events/guests/");
    let mut form = site.get(&edit).form("/events/guests/1");
    form.fill("name", "Omar");
    site.sends(&form).assert_sends_to("/events");
    site.get("/api/guests/1").assert_sees("Omar");
    for (field, value, sentence) in [
        ("email", "no address", "Enter an e-mail address"),
        ("event", "99", "There is no event 99."),
    ] {
        let mut form = site.get(&edit).form("/events/guests/1");
        form.fill(field, value);
        let page = site.sends(&form);
        page.assert_status(422).assert_sees(sentence);
        assert_eq!(page.form("/events/guests/1").field("name"), Some("Omar"));
    }
    site.get("/events/guests/9/edit").assert_status(404);
    site.get("/events/9/edit").assert_status(404);
}

fn staff_add_and_delete_tastings_and_guests_in_forms(on: Database) {
    let site = TestSite::start(on);
    site.get("/events").assert_sees("0 tastings").assert_sees("New tasting");
    let mut form = site.get("/events/new").assert_sees("New tasting").form("/events");
    form.fill("name", "Green teas");
    form.fill("date", "soon");
    form.fill("location", "Cellar");
    let refused = site.sends(&form);
    refused.assert_status(422).assert_sees("Enter a date such as 2026-12-24");
    let mut form = refused.form("/events");
    assert_eq!(form.field("location"), Some("Cellar"), "nothing typed is lost");
    form.fill("date", "9999-12-24");
    site.sends(&form).assert_sends_to("/events");
    let page = site.get("/events");
    page.assert_sees("Green teas").assert_sees("0 guests").assert_sees("Add a guest");

    let mut form = site.get("/events/guests/new?event=1").form("/events/guests");
    assert_eq!(form.field("event"), Some("1"));
    form.fill("name", "Mina");
    form.fill("email", "mina@example.org");
    site.get("/api/guests?event=1").assert_sees_not("Mina");
    site.sends(&form).assert_sends_to("/events");
    site.get("/events").assert_sees("1 guest");
    site.get("/api/guests?event=1").assert_sees("Mina");
    form.fill("event", "9");
    site.sends(&form).assert_status(422).assert_sees("There is no event 9.");

    // The question says what will be deleted. A version that has changed since is not deleted.
    let ask = "/events/1/delete";
    let mut old =
        site.get(ask).assert_sees("Green teas").assert_sees("guests are also deleted").form(ask);
    site.sends_json("PUT", "/api/events/1", &event("Black teas", "9999-12-24"));
    let page = site.sends(&old);
    page.assert_status(409).assert_sees("Black teas");
    let guest = "/events/guests/1/delete";
    site.sends(&site.get(guest).assert_sees("Mina").form(guest)).assert_sends_to("/events");
    site.get("/events").assert_sees("Black teas").assert_sees("0 guests");
    old = page.form(ask);
    site.sends(&old).assert_sends_to("/events");
    site.get("/events").assert_sees("0 tastings");
    // Sending the same form twice deletes once.
    site.sends(&old).assert_sends_to("/events");
}

pub fn event(name: &str, date: &str) -> Value {
    json!({"name": name, "date": date, "location": "Back room", "description": ""})
}

pub fn guest(event: i64, name: &str) -> Value {
    json!({"event": event, "name": name, "email": "Mina+tea@Example.org"})
}

/// Requests as programs send them.
pub trait Program {
    fn sends_json(&self, method: &str, path: &str, body: &Value) -> Page;
}

impl Program for TestSite {
    #[track_caller]
    fn sends_json(&self, method: &str, path: &str, body: &Value) -> Page {
        let ask = self.ask(method, path).header("Content-Type", "application/json");
        ask.body(body.to_string()).send()
    }
}
