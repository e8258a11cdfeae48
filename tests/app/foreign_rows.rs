//! Rows that were written in SQL and that no form accepts: they are shown and can be corrected.

use crate::support::{Database, TestSite, on_both_databases};

on_both_databases! {
    ; by_hand:
    an_odd_title_is_shown_and_can_be_corrected,
    an_odd_time_breaks_no_page,
    a_row_that_breaks_a_rule_is_refused_by_the_database,
    ids_may_be_chosen_by_hand,
}

fn an_odd_title_is_shown_and_can_be_corrected(on: Database) {
    let site = TestSite::start(on);
    let titles = [
        "'  spaces  '",
        "'tab\tand\nline'",
        "'<!-- flash -->'",
        "'{{ title }} {% raw %}'",
        "'&amp; &#60;b&#62; &'",
        "'&quot; onclick=&quot;x'",
        "'\u{202E}backwards\u{202C}'",
        "'e\u{301}\u{301}\u{301}\u{301}'",
    ];
    for title in titles {
        site.database
            .sql(&format!("INSERT INTO products (title, price_cents) VALUES ({title}, 1)"));
    }
    let ids = site.get("/").assert_status(200).listed();
    assert_eq!(ids.len(), titles.len());
    for id in ids {
        let path = format!("/products/{id}");
        for path in [&path, &format!("{path}/edit"), &format!("{path}/delete")] {
            let page = site.get(path);
            page.assert_status(200).assert_is_in_the_shops_dress();
            assert_eq!(page.flash(), None, "{path}");
        }
        let mended = [("title", "Mended"), ("price", "2")];
        site.edits(id, &mended).assert_sends_to("/");
        site.get(&path).assert_sees("Mended").assert_sees("$2.00");
    }
}

fn an_odd_time_breaks_no_page(on: Database) {
    let site = TestSite::start(on);
    site.has_product("Tea");
    let times = match on {
        Database::Sqlite => [
            "'2026-11-21'",
            "'2026-11-21 09:00'",
            "'2026-11-21 09:00:00'",
            "'2026-11-21T09:00:00'",
            "'2026-11-21T09:00:00Z'",
            "'2026-11-21 09:00:00+02:00'",
            "'2026-11-21 09:00:00.123456'",
            "CURRENT_TIMESTAMP",
            "'2460000.5'",
            "'now'",
            "'-4000-01-01 00:00:00'",
        ]
        .as_slice(),
        Database::Postgres => &[
            "'infinity'",
            "'-infinity'",
            "'0044-03-15 BC'",
            "'294276-12-31 23:59:59'",
            "'2026-11-21 09:00:00+02'",
            "now()",
        ],
    };
    let insert = "INSERT INTO products (title, price_cents, created_at, updated_at) VALUES";
    let mut kept = 1;
    for time in times {
        // The database may refuse some of these times itself.
        let row = format!("{insert} ('At {}', 1, {time}, {time})", time.replace('\'', ""));
        kept += usize::from(site.database.takes(&row));
        let page = site.get("/");
        assert_eq!(page.status, 200, "the homepage with a product at {time}");
        assert_eq!(page.listed().len(), kept, "{time}");
        let newest = page.listed()[0];
        site.get(&format!("/products/{newest}")).assert_status(200);
        site.edits(newest, &[("price", "3")]).assert_sends_to("/");
    }
}

fn a_row_that_breaks_a_rule_is_refused_by_the_database(on: Database) {
    let site = TestSite::start(on);
    let long = "x".repeat(201);
    let rows = [
        "('', 1)".to_owned(),
        format!("('{long}', 1)"),
        "(NULL, 1)".to_owned(),
        "('Tea', NULL)".to_owned(),
        "('Tea', -1)".to_owned(),
        "('Tea', 1000000000)".to_owned(),
        "('Tea', 'a lot')".to_owned(),
    ];
    for row in rows {
        let insert = format!("INSERT INTO products (title, price_cents) VALUES {row}");
        assert!(!site.database.takes(&insert), "{row}");
    }
    assert!(site.get("/").listed().is_empty());
}

fn ids_may_be_chosen_by_hand(on: Database) {
    let site = TestSite::start(on);
    let ids = ["-7", "0", "4095", "4096", "9007199254740993", "9223372036854775806"];
    for id in ids {
        let row = format!("({id}, 'Number {id}.', 1)");
        site.database.sql(&format!("INSERT INTO products (id, title, price_cents) VALUES {row}"));
        site.get(&format!("/products/{id}"))
            .assert_status(200)
            .assert_sees(&format!("Number {id}."));
    }
    let page = site.get("/");
    page.assert_sees("6 products");
    let at = ids.map(|id| page.text().find(&format!("Number {id}.")).expect("it is listed"));
    assert!(at.is_sorted_by(|a, b| a > b), "the highest id is the newest: {at:?}");
    site.database.sql("DELETE FROM products WHERE id > 5000");
    site.get("/").assert_sees("4 products");
    site.has_product("Tea");
}
