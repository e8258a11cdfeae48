//! Every way to change tastings and guests shows at the next request, in every instance.

use crate::events::{Program, event, guest};
use crate::support::{Database, TestSite, on_both_databases};

on_both_databases! {
    by_hand:
    a_renamed_event_shows_in_every_list_and_each_guest,
    a_deletion_shows_in_every_list,
}

/// Two instances on one database, with an event and a guest of it.
struct Shops {
    here: TestSite,
    there: TestSite,
    event: i64,
    paths: [String; 5],
}

impl Shops {
    fn open(on: Database) -> Self {
        let here = TestSite::start(on);
        let made = here.sends_json("POST", "/api/events", &event("Teas", "9999-12-24")).json();
        let id = made["id"].as_i64().unwrap();
        let mina = here.sends_json("POST", "/api/guests", &guest(id, "Mina")).json()["id"].clone();
        let there = here.another_instance();
        let paths = [
            "/api/events".to_owned(),
            format!("/api/events/{id}"),
            "/api/guests".to_owned(),
            format!("/api/guests?event={id}"),
            format!("/api/guests/{mina}"),
        ];
        let shops = Self { here, there, event: id, paths };
        shops.warm();
        shops
    }

    fn warm(&self) {
        for site in [&self.here, &self.there] {
            for path in &self.paths {
                site.get(path);
                site.get(path).assert_cache("hit");
            }
            site.get("/events");
        }
    }

    #[track_caller]
    fn assert_shows_everywhere(&self, name: &str) {
        for site in [&self.here, &self.there] {
            for path in &self.paths {
                site.get(path).assert_status(200).assert_cache("stored").assert_sees(name);
                site.get(path).assert_cache("hit").assert_sees(name);
            }
            site.get("/events").assert_sees(name);
        }
    }
}

fn a_renamed_event_shows_in_every_list_and_each_guest(on: Database) {
    let shops = Shops::open(on);
    let at = format!("/api/events/{}", shops.event);
    let rename = event("Black teas", "9999-12-24");
    shops.here.sends_json("PUT", &at, &rename).assert_status(200);
    shops.assert_shows_everywhere("Black teas");
    shops.there.sends_json("PUT", &at, &event("White teas", "9999-12-24")).assert_status(200);
    shops.assert_shows_everywhere("White teas");
    let database = &shops.here.database;
    database.sql(&format!("UPDATE events SET name = 'By hand' WHERE id = {}", shops.event));
    shops.assert_shows_everywhere("By hand");
    database.sql("UPDATE events SET name = 'In bulk'");
    shops.assert_shows_everywhere("In bulk");
    database.sql("UPDATE guests SET name = 'Only guests changed'");
    for path in &shops.paths[2..] {
        shops.there.get(path).assert_cache("stored").assert_sees("Only guests changed");
    }
}

fn a_deletion_shows_in_every_list(on: Database) {
    let shops = Shops::open(on);
    let url = shops.here.database.url();
    for what in ["events", "guests"] {
        let fake = crate::support::larder(&["fake", what, "30", "--database", &url]);
        let ended = crate::support::Program::start(fake).ends();
        assert!(ended.status.success(), "{ended:?}");
    }
    for site in [&shops.here, &shops.there] {
        assert_eq!(site.get("/api/guests").assert_cache("stored").json()["count"], 31);
    }
    shops.warm();
    // SQLite's shell ignores foreign keys unless they are switched on.
    let delete = format!("DELETE FROM events WHERE id = {}", shops.event);
    let lite = format!("PRAGMA foreign_keys = ON; {delete}");
    shops.here.database.sql_of_each(&lite, &delete);
    for site in [&shops.here, &shops.there] {
        assert_eq!(site.get("/api/events").assert_cache("stored").json()["count"], 30);
        assert_eq!(site.get(&shops.paths[3]).assert_cache("stored").json()["count"], 0);
        site.get(&shops.paths[4]).assert_status(404);
    }
}
