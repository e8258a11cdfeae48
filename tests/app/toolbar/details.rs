//! What the toolbar says of forms and errors, and the filters of its history.

use serde_json::{Value, json};

use crate::support::{Database, TestSite, on_both_databases};

on_both_databases! {
    the_history_is_filtered,
    the_fields_of_a_form_are_shown_without_secrets,
    an_error_is_shown_with_its_causes,
    statements_and_lookups_have_stack_traces_where_they_are_wanted,
}

fn the_history_is_filtered(on: Database) {
    let site = TestSite::observed(on, &[]);
    let tea = site.has_product("Tea");
    for path in ["/", "/", "/nothing", &format!("/products/{tea}")] {
        site.get(path);
    }
    let listed = |query: &str| -> Vec<String> {
        let rows = site.get(&format!("/toolbar/requests?format=json&{query}")).json();
        let target = |row: &Value| row["target"].as_str().unwrap().to_owned();
        rows.as_array().unwrap().iter().map(target).collect()
    };
    assert_eq!(listed("status=4xx"), ["/nothing"]);
    assert_eq!(listed("outcome=hit"), ["/"]);
    assert_eq!(listed("path=products&status=200"), [format!("/products/{tea}")]);
    let built = listed("queries=1&outcome=miss");
    assert!(
        built.contains(&"/".to_owned()) && !built.contains(&"/nothing".to_owned()),
        "{built:?}"
    );
    assert!(listed("slower=600000").is_empty());
    assert!(listed("").len() >= 4);
    let fragment = site.get("/toolbar/requests?status=5xx").text();
    assert!(fragment.contains("none matches") && !fragment.contains("/nothing"), "{fragment}");
}

fn the_fields_of_a_form_are_shown_without_secrets(on: Database) {
    let site = TestSite::observed(on, &[]);
    let fields = [("title", "Tea"), ("price", "4"), ("token", "hush-hush")];
    let added = site.submit("/products", &fields);
    let told = site.told(added.assert_status(303));
    let form = told["request"]["form"].as_array().unwrap();
    assert!(form.contains(&json!(["title", "Tea"])), "{told}");
    assert!(form.contains(&json!(["token", "…"])), "{told}");
    assert!(!told.to_string().contains("hush"), "{told}");
    let panels = site.get(&format!("/toolbar/requests/{}", added.id())).text();
    assert!(panels.contains("Form title Tea"), "{panels}");
}

fn an_error_is_shown_with_its_causes(on: Database) {
    let site = TestSite::observed(on, &["--cache", "off"]);
    let tea = site.has_product("Tea");
    site.database.sql("ALTER TABLE products RENAME COLUMN title TO gone");
    let failed = site.get(&format!("/products/{tea}"));
    let told = site.told(failed.assert_status(503));
    let errors = told["response"]["errors"].as_array().unwrap();
    assert!(errors.len() > 1, "the database's, too: {}", told["response"]);
    let panels = site.get(&format!("/toolbar/requests/{}", failed.id())).text();
    assert!(panels.contains("Caused by: "), "{panels}");
    let fine = site.told(&site.get("/cookbook"));
    assert_eq!(fine["response"]["errors"], json!([]));
}

fn statements_and_lookups_have_stack_traces_where_they_are_wanted(on: Database) {
    let traced = TestSite::observed(on, &["--toolbar-traces"]);
    let plain = traced.another_observed(&[]);
    traced.has_product("Tea");
    for (site, is_traced) in [(&traced, true), (&plain, false)] {
        let page = site.get("/");
        let panels = site.get(&format!("/toolbar/requests/{}", page.id())).text();
        let traces = panels.matches("Stack trace: ").count();
        assert_eq!(traces >= 2, is_traced, "of a statement and of a lookup: {panels}");
    }
}
