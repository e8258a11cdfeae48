//! Texts of any length and characters: each is accepted or refused with a sentence, without a 500.

use serde_json::json;

use crate::events::Program;
use crate::support::{Database, PASSWORD, Page, TestSite, on_both_databases};

on_both_databases! {
    a_search_that_is_too_long_is_refused_with_a_sentence,
    no_text_in_a_form_breaks_the_database,
    no_text_in_json_breaks_the_database,
}

/// Returns texts that exceed what databases index and match, grow when folded, or are invalid.
fn odd_texts() -> Vec<String> {
    // Characters without a pattern: Postgres compresses others before it indexes them.
    let mixed: String = (0..4_000_u32)
        .map(|n| char::from_u32(0x4E00 + n.wrapping_mul(2_654_435_761) % 0x5000).unwrap())
        .collect();
    vec![
        "x".repeat(50_001),
        "ß".repeat(9_000),
        "\u{1FB7}".repeat(6_000),
        "\u{FDFA}".repeat(3_000),
        "%".repeat(15_000),
        "_\\".repeat(9_000),
        mixed,
        "tea\0".to_owned(),
        "\0".to_owned(),
        "\u{FFFF}\u{10FFFF}".to_owned(),
        "e\u{301}".repeat(3_000),
        "\u{202E}\u{200B}".repeat(2_000),
    ]
}

#[track_caller]
fn assert_no_failure(page: &Page, text: &str) {
    let start: String = text.chars().take(5).collect();
    assert!(page.status < 500, "{} with {start:?}…: {}", page.asked.len(), page.excerpt());
}

fn query(name: &str, text: &str) -> String {
    form_urlencoded::Serializer::new(String::new()).append_pair(name, text).finish()
}

fn a_search_that_is_too_long_is_refused_with_a_sentence(on: Database) {
    let site = TestSite::start(on);
    let tea = "茶".repeat(200);
    site.has_product(&tea);
    for path in ["/", "/staff"] {
        for text in odd_texts() {
            let page = site.get(&format!("{path}?{}", query("q", &text)));
            assert_no_failure(&page, &text);
            if text.chars().count() > 1_000 && !text.contains('\u{200B}') {
                page.assert_status(422).assert_is_in_the_shops_dress();
                page.assert_sees("The search can have at most 255 characters");
            }
        }
        // The longest allowed text is searched for, whatever it grows to when it is folded.
        for letter in ["x", "ß", "%", "\u{FDFA}", "\\", "\u{10FFFF}"] {
            let longest = query("q", &letter.repeat(255));
            site.get(&format!("{path}?{longest}")).assert_status(200);
            let longer = query("q", &letter.repeat(256));
            site.get(&format!("{path}?{longer}")).assert_status(422);
        }
    }
    assert_eq!(site.get(&format!("/?{}", query("q", &tea))).listed().len(), 1);
    for text in odd_texts() {
        for (path, name) in [
            ("/", "page"),
            ("/api/events", "limit"),
            ("/api/guests", "event"),
            ("/scoreboard", "season"),
            ("/events", "page"),
            ("/login", "next"),
            ("/cache/entries", "like"),
            ("/cache/entries", "tag"),
            ("/cache/keys", "like"),
            ("/cache/key", "key"),
            ("/cache/entry", "key"),
            ("/toolbar/explain", "id"),
        ] {
            assert_no_failure(&site.get(&format!("{path}?{}", query(name, &text))), &text);
        }
        let encoded = query("", &text);
        let encoded = encoded.trim_start_matches('=');
        for path in ["/products/", "/cookbook/", "/api/events/", "/events/", "/static/", "/"] {
            assert_no_failure(&site.get(&format!("{path}{encoded}")), &text);
        }
    }
}

fn no_text_in_a_form_breaks_the_database(on: Database) {
    let site = TestSite::start(on);
    let product = site.has_product("Tea");
    site.sends_json("POST", "/api/events", &crate::events::event("Teas", "9999-12-24"));
    site.sends_json("POST", "/api/guests", &crate::events::guest(1, "Mina"));
    let league = r#"{"season": 2026, "scores": [{"member": "Ada", "week": 1, "score": 7}]}"#;
    crate::support::load(&site.database, "scores", league).unwrap();
    let book =
        r#"{"recipes":[{"name":"Toast","instructions":"x","ingredients":[{"food":"Bread"}]}]}"#;
    crate::support::load(&site.database, "cookbook", book).unwrap();
    let product = format!("/products/{product}");
    let deletion = format!("{product}/delete");
    let forms: [(&str, &[&str]); 14] = [
        ("/products", &["title", "price"]),
        (&product, &["title", "price", "was_title", "was_price"]),
        (&deletion, &["was_title", "was_price"]),
        ("/events", &["name", "date", "location", "description"]),
        ("/events/1", &["name", "date", "location", "description", "was_name"]),
        ("/events/guests", &["event", "name", "email"]),
        ("/events/guests/1", &["event", "name", "email", "was_name"]),
        ("/cookbook/foods/1", &["name", "was_name"]),
        ("/scoreboard/members/1", &["name", "favourite", "was_name", "was_favourite"]),
        ("/cookbook", &["name", "description", "instructions", "food_0", "unit_0", "amount_0"]),
        ("/cache/invalidate", &["tag", "back"]),
        ("/cache/key", &["key", "value", "timeout"]),
        ("/cache/key/delete", &["key"]),
        ("/cache/entry", &["key", "back"]),
    ];
    for text in odd_texts().iter().map(|text| text.chars().take(10_000).collect::<String>()) {
        for (path, names) in forms {
            for odd in names {
                let usual = |name: &&'static str| match *name {
                    "price" | "was_price" => "4.99",
                    "date" => "9999-12-24",
                    "email" => "mina@example.org",
                    "event" => "1",
                    "title" | "was_title" => "Tea",
                    "name" | "was_name" => "Ada",
                    "food_0" => "Bread",
                    "instructions" | "location" => "Here",
                    _ => "",
                };
                let fields: Vec<(&str, &str)> = names
                    .iter()
                    .map(|name| (*name, if name == odd { &*text } else { usual(name) }))
                    .collect();
                assert_no_failure(&site.submit(path, &fields), &text);
            }
        }
    }
    let staff = TestSite::with_staff(on, &["Mina"], &[]);
    for text in odd_texts().iter().map(|text| text.chars().take(10_000).collect::<String>()) {
        for fields in
            [[("name", &*text), ("password", PASSWORD)], [("name", "Otto"), ("password", &*text)]]
        {
            let page = staff.submit("/login", &fields);
            assert!([413, 422, 429].contains(&page.status), "{}", page.excerpt());
        }
        let bearer = query("", &text);
        let bearer = format!("Bearer {}", &bearer[1..bearer.len().min(2_000)]);
        let page = staff.ask("GET", "/cache/stats").header("Authorization", &bearer).send();
        assert_eq!(page.status, 401, "{}", page.excerpt());
    }
}

fn no_text_in_json_breaks_the_database(on: Database) {
    let site = TestSite::start(on);
    site.sends_json("POST", "/api/events", &crate::events::event("Teas", "9999-12-24"));
    for text in odd_texts().iter().map(|text| text.chars().take(10_000).collect::<String>()) {
        for field in ["name", "date", "location", "description"] {
            let mut body = crate::events::event("Teas", "9999-12-24");
            body[field] = json!(text);
            assert_no_failure(&site.sends_json("POST", "/api/events", &body), &text);
            assert_no_failure(&site.sends_json("PUT", "/api/events/1", &body), &text);
        }
        for field in ["event", "name", "email"] {
            let mut body = crate::events::guest(1, "Mina");
            body[field] = json!(text);
            assert_no_failure(&site.sends_json("POST", "/api/guests", &body), &text);
        }
    }
}
