//! Text is compared in one Unicode form: forms that look the same match, and are one name.

use serde_json::json;

use crate::events::{Program, event, guest};
use crate::support::{
    Database, PASSWORD, TestSite, account, load, on_both_databases, tries_account,
};

on_both_databases! {
    titles_and_names_are_found_in_whatever_form_they_are_typed,
    one_name_is_one_account,
    foods_and_members_are_one_in_each_form;
    by_hand:
    titles_and_names_written_in_sql_are_found_in_each_form,
    accounts_of_an_older_version_keep_their_owners,
}

/// `José`, with a composed and with a decomposed é.
const FORMS: [&str; 2] = ["Jos\u{e9}", "Jose\u{301}"];

fn query(path: &str, text: &str) -> String {
    let query = form_urlencoded::Serializer::new(String::new()).append_pair("q", text).finish();
    format!("{path}?{query}")
}

fn titles_and_names_are_found_in_whatever_form_they_are_typed(on: Database) {
    let site = TestSite::start(on);
    for form in FORMS {
        site.has_product(&format!("{form}s tea"));
        let body = event(&format!("With {form}"), "9999-12-24");
        let id = site.sends_json("POST", "/api/events", &body).json()["id"].as_i64().unwrap();
        site.sends_json("POST", "/api/guests", &guest(id, &format!("{form} G.")))
            .assert_status(201);
        let recipe = json!({"recipes": [{"name": format!("{form}s toast"), "instructions": "x",
            "ingredients": [{"food": format!("{form}s bread")}]}]});
        load(&site.database, "cookbook", &recipe.to_string()).unwrap();
    }
    for search in
        [FORMS[0], FORMS[1], "JOS\u{c9}", "jOSE\u{301}", "ＪＯＳＥ\u{301}", "Jo\u{200B}s\u{e9}"]
    {
        let found = site.get(&query("/", search));
        assert_eq!(found.assert_status(200).listed().len(), 2, "{search}");
        let index = site.get(&query("/staff", search));
        for shelf in ["Products", "Recipes", "Tastings", "Guests"] {
            index.assert_sees(&format!("{shelf} 2 found"));
        }
        index.assert_sees("Foods 1 found");
    }
    assert_eq!(site.get(&query("/", "Jose")).listed().len(), 2, "accents do not matter");
    // Output is in one form, whatever the input was.
    let names = site.get("/api/events").json();
    let names = names["results"].as_array().unwrap().iter().map(|one| one["name"].clone());
    assert_eq!(names.collect::<Vec<_>>(), [json!("With Jos\u{e9}"), json!("With Jos\u{e9}")]);
}

fn one_name_is_one_account(on: Database) {
    let [composed, apart] = FORMS;
    let site = TestSite::with_staff(on, &[composed, "Mina"], &[]);
    let add = |name: &str| tries_account(&site.database, &["add", name], PASSWORD);
    for taken in [apart, "JOSE\u{301}", "jos\u{e9}", "Ｊｏｓé", "Ｍｉｎａ"] {
        let why = add(taken).expect_err(taken);
        assert!(why.contains("already exists"), "{taken}: {why}");
    }
    for unseen in ["Mi\u{200B}na", "\u{202E}Mina", "Mina\u{3164}", "Mina\u{FE0F}", "\u{200B}"] {
        let why = add(unseen).expect_err(unseen);
        assert!(why.contains("invisible") || why.contains("Enter a name"), "{unseen}: {why}");
    }
    // Another alphabet is another name.
    add("Mіna").unwrap();

    for name in [composed, apart, "JOSE\u{301}"] {
        let fields = [("name", name), ("password", PASSWORD)];
        site.submit("/login", &fields).assert_sends_to("/staff");
    }
    account(&site.database, &["token", apart], "");
    let listed = account(&site.database, &["list"], "");
    assert_eq!(listed.lines().filter(|line| line.contains("Jos\u{e9}")).count(), 1, "{listed}");
    // Attempts for one name are counted together, in whichever form it is written.
    for number in 0..10 {
        let fields = [("name", FORMS[number % 2]), ("password", "wrong pass")];
        site.submit("/login", &fields).assert_status(422);
    }
    let fields = [("name", "JOS\u{c9}"), ("password", PASSWORD)];
    site.submit("/login", &fields).assert_status(429);
    // A password is the same in each form, too.
    account(&site.database, &["password", apart], "caf\u{e9} au lait");
    let fields = [("name", composed), ("password", "cafe\u{301} au lait")];
    let elsewhere = site.ask("POST", "/login").form(&fields).header("X-Forwarded-For", "192.0.2.1");
    elsewhere.send().assert_sends_to("/staff");
    account(&site.database, &["remove", apart], "");
    assert!(!account(&site.database, &["list"], "").contains("Jos"));
}

fn foods_and_members_are_one_in_each_form(on: Database) {
    let site = TestSite::start(on);
    for (week, form) in FORMS.iter().enumerate() {
        let scores = json!({"season": 2026,
            "scores": [{"member": form, "week": week + 1, "score": 7}]});
        load(&site.database, "scores", &scores.to_string()).unwrap();
        let recipe = json!({"recipes": [{"name": format!("Toast {week}"), "instructions": "x",
            "ingredients": [{"food": form}]}]});
        load(&site.database, "cookbook", &recipe.to_string()).unwrap();
    }
    let index = site.get(&query("/staff", FORMS[1]));
    index.assert_sees("Foods 1 found");
    let league = site.get("/scoreboard").assert_status(200).text();
    assert_eq!(league.matches("Jos\u{e9}").count(), 1, "{league}");
    // Case and invisible characters make no other member either.
    for (week, name) in [(5, "JOS\u{c9}"), (6, "jo\u{200B}se\u{301}")] {
        let scores =
            json!({"season": 2026, "scores": [{"member": name, "week": week, "score": 7}]});
        load(&site.database, "scores", &scores.to_string()).unwrap();
    }
    site.get(&query("/staff", FORMS[0])).assert_sees("Members of the league 1 found");
    // A file may have one score for a member and a week, in whichever form the name is written.
    let both = FORMS.map(|form| json!({"member": form, "week": 3, "score": 7}));
    let twice = json!({"season": 2026, "scores": both});
    assert!(
        load(&site.database, "scores", &twice.to_string()).unwrap_err().contains("another score")
    );
    let cases = [FORMS[0], "JOS\u{c9}"].map(|form| json!({"member": form, "week": 4, "score": 7}));
    let twice = json!({"season": 2026, "scores": cases});
    assert!(
        load(&site.database, "scores", &twice.to_string()).unwrap_err().contains("another score")
    );
    // Another member may not have the same name.
    let other = json!({"season": 2026, "scores": [{"member": "Otto", "week": 1, "score": 7}]});
    load(&site.database, "scores", &other.to_string()).unwrap();
    let edit = site.staff_link("otto", "/scoreboard/members/");
    let mut form = site.get(&edit).form(edit.trim_end_matches("/edit"));
    form.fill("name", "JOSE\u{301}");
    site.sends(&form).assert_status(422).assert_sees("Another member has this name");
    // Another food may not have the same name.
    let other = json!({"recipes": [{"name": "Tea", "instructions": "x", "ingredients": [{"food": "Leaf"}]}]});
    load(&site.database, "cookbook", &other.to_string()).unwrap();
    let edit = site.staff_link("leaf", "/cookbook/foods/");
    let mut form = site.get(&edit).form(edit.trim_end_matches("/edit"));
    form.fill("name", "JOSE\u{301}");
    site.sends(&form).assert_status(422).assert_sees("Another food has this name");
}

fn titles_and_names_written_in_sql_are_found_in_each_form(on: Database) {
    let site = TestSite::start(on);
    for form in FORMS {
        site.database
            .sql(&format!("INSERT INTO products (title, price_cents) VALUES ('{form}', 100)"));
        site.database.sql(&format!(
            "INSERT INTO events (name, starts_at, location) VALUES ('{form}', '9999-12-24 00:00:00', 'Here')"
        ));
        site.database.sql(&format!(
            "INSERT INTO guests (event_id, name, email) VALUES (1, '{}', 'a@example.org')",
            form.to_uppercase()
        ));
        site.database.sql(&format!("INSERT INTO members (name, favourite) VALUES ('{form}', '')"));
    }
    for search in FORMS {
        assert_eq!(site.get(&query("/", search)).listed().len(), 2, "{search}");
        let index = site.get(&query("/staff", search));
        for shelf in ["Products", "Tastings", "Guests", "Members of the league"] {
            index.assert_sees(&format!("{shelf} 2 found"));
        }
    }
    // What the form had shown is compared in one form, too: clients may send another one.
    for (id, other) in [(1, FORMS[1]), (2, FORMS[0])] {
        let seen = [("was_title", other), ("was_price", "1.00")];
        let path = format!("/products/{id}");
        let fields = [&[("title", "Tea"), ("price", "1.00")], &seen[..]].concat();
        site.submit(&path, &fields).assert_sends_to("/");
        site.submit(&format!("{path}/delete"), &[("was_title", "Tea"), ("was_price", "1.00")])
            .assert_sends_to("/");
        let member =
            [("name", "Mina"), ("favourite", ""), ("was_name", other), ("was_favourite", "")];
        site.submit(&format!("/scoreboard/members/{id}"), &member).assert_status(303);
        site.database.sql(&format!("UPDATE members SET name = '{}' WHERE id = {id}", FORMS[0]));
    }
    // The first of the two members gets the score.
    let scores = json!({"season": 2026, "scores": [{"member": FORMS[1], "week": 1, "score": 7}]});
    load(&site.database, "scores", &scores.to_string()).unwrap();
    assert_eq!(site.database.sql("SELECT member_id FROM scores").trim(), "1");
}

fn accounts_of_an_older_version_keep_their_owners(on: Database) {
    let [composed, apart] = FORMS;
    let first = TestSite::with_staff(on, &["Anna", "Bert", "Cleo"], &[]);
    let rename = |old: &str, name: &str, folded: &str| {
        first.database.sql(&format!(
            "UPDATE accounts SET name = '{name}', folded_name = '{folded}' WHERE name = '{old}'"
        ));
    };
    rename("Anna", apart, "jose\u{301}");
    rename("Bert", composed, "jos\u{e9}");
    rename("Cleo", "Ｃｌｅｏ", "ｃｌｅｏ");
    let token = account(&first.database, &["token", composed], "");
    let site = first.another_instance_with(&["--access", "staff"]);
    let listed = account(&site.database, &["list"], "");
    assert!(listed.contains(apart) && listed.contains("Jos\u{e9} 2"), "{listed}");
    for name in [composed, apart, "Jos\u{e9} 2", "cleo"] {
        let fields = [("name", name), ("password", PASSWORD)];
        site.submit("/login", &fields).assert_sends_to("/staff");
    }
    let bearer = format!("Bearer {}", token.trim());
    let stats = site.ask("GET", "/cache/stats").header("Authorization", &bearer).send();
    stats.assert_status(200);
}
