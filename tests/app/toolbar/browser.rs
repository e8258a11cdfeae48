//! The toolbar in a real browser: every panel opens on every page, and shows the server's numbers.

use serde_json::Value;

use super::queries;
use crate::support::{Browser, Database, Screen, TestSite, on_both_databases, until};

on_both_databases! {
    every_panel_opens_on_every_page_and_shows_the_same_numbers,
}

/// The shadow root of the toolbar.
pub const ROOT: &str = "document.querySelector('larder-toolbar').shadowRoot";

fn every_panel_opens_on_every_page_and_shows_the_same_numbers(on: Database) {
    let Some(browser) = Browser::open(Screen::Desktop) else { return };
    let site = TestSite::observed(on, &[]);
    site.has_products(30);
    let tea = site.has_product("Tea");
    site.invalidates("everything");
    let form = format!("{}/products/{tea}/edit", site.address());

    browser.goes_to(&site.address());
    let miss = opened(&browser);
    assert!(miss.contains("MISS") && miss.contains("2 QUERIES"), "{miss}");
    assert_reads(&browser, &site, &["4 CALLS: 0 HITS, 4 MISSES", "2 QUERIES", "1 RENDERED"]);

    browser.goes_to(&site.address());
    let hit = opened(&browser);
    assert!(hit.contains("HIT") && hit.contains("THIS HIT SAVED 2 QUERIES"), "{hit}");
    assert_reads(&browser, &site, &["1 CALL: 1 HIT, 0 MISSES", "NO QUERIES", "NONE RENDERED"]);

    browser.goes_to(&form);
    browser.types("input[name=price]", "cheap");
    browser.follows("main form button");
    let failed = opened(&browser);
    assert!(failed.contains("POST") && failed.contains("422"), "{failed}");
    assert_reads(&browser, &site, &["2 CALLS: 2 HITS, 0 MISSES", "QUER", "1 RENDERED"]);

    browser.goes_to(&form);
    browser.types("input[name=title]", "Earl Grey");
    browser.follows("main form button");
    let after = opened(&browser);
    assert!(after.contains("MISS") && after.contains("PRODUCTS"), "{after}");
    assert_reads(&browser, &site, &["4 CALLS: 2 HITS, 2 MISSES", "2 QUERIES", "1 RENDERED"]);

    // The redirect has no page of its own: its row is opened from the history.
    let rows = format!("[...{ROOT}.querySelectorAll('#panel-history [data-open]')]");
    let row = format!("{rows}.find((row) => row.innerText.includes('303'))");
    picks(&browser, "history");
    let id = browser.asks(&format!("{row}.dataset.open")).as_str().unwrap().to_owned();
    browser.asks(&format!("({row}.click(), 1)"));
    wait(&browser, &format!("{ROOT}.querySelector('.record').dataset.record === '{id}'"));
    let redirect = text(&browser);
    let begin = format!("POST /PRODUCTS/{tea} ");
    assert!(redirect.contains(&begin) && redirect.contains("303"), "{redirect}");
    assert_reads(&browser, &site, &["2 TAGS INVALIDATED", "QUERIES", "NONE RENDERED"]);
}

/// Asserts that each panel opens and shows the numbers of the selected request.
///
/// `expected` is what the panels Cache, SQL and Templates show.
#[track_caller]
fn assert_reads(browser: &Browser, site: &TestSite, expected: &[&str; 3]) {
    let id = browser.asks(&format!("{ROOT}.querySelector('.record').dataset.record"));
    let path = format!("/toolbar/requests/{}?format=json", id.as_str().unwrap());
    let told: Value = serde_json::from_slice(&site.get(&path).body).unwrap();
    let record = &told["record"];
    let [cache, sql, templates] = expected.map(str::to_owned);
    let asked = queries(record).len();
    let asked =
        (asked > 0).then(|| format!("{asked} {}", if asked == 1 { "QUERY" } else { "QUERIES" }));
    let request = &record["request"];
    let words = |value: &Value| value.as_str().unwrap().to_uppercase();
    let count = |list: &Value| list.as_array().unwrap().len();
    let (sent, received) = (&record["response"]["headers"], &request["headers"]);
    let lines = match count(&record["log"]) {
        0 => "NONE".to_owned(),
        1 => "1 LINE".to_owned(),
        lines => format!("{lines} LINES"),
    };
    let panels = [
        ("cache", vec![cache]),
        ("sql", [sql].into_iter().chain(asked).collect()),
        ("time", vec![took(record["time"]["wall"].as_f64().unwrap())]),
        ("request", vec![words(&request["method"]), record["response"]["status"].to_string()]),
        ("headers", vec![format!("{} RECEIVED, {} SENT", count(received), count(sent))]),
        ("templates", vec![templates]),
        ("log", vec![lines]),
        ("settings", vec!["SETTINGS".to_owned(), "PAGE SIZE".to_owned(), "25".to_owned()]),
        ("versions", vec![env!("CARGO_PKG_VERSION").to_owned()]),
        ("history", vec![words(&request["path"]), "REQUESTS".to_owned()]),
    ];
    for (panel, words) in panels {
        let says = picks(browser, panel);
        for word in words {
            assert!(says.contains(&word), "{panel} does not say “{word}”: {says}");
        }
    }
    let rows: Value =
        serde_json::from_slice(&site.get("/toolbar/requests?format=json").body).unwrap();
    let shown = format!("{ROOT}.querySelectorAll('#panel-history [data-open]').length");
    wait(browser, &format!("{shown} === {}", count(&rows)));
}

/// Selects a panel and returns its text.
#[track_caller]
pub fn picks(browser: &Browser, panel: &str) -> String {
    browser.asks(&format!("({ROOT}.getElementById('tab-{panel}').click(), 1)"));
    let name = format!("{ROOT}.getElementById('panel-{panel}')");
    assert_eq!(browser.asks(&format!("{name}.hidden")), false, "{panel}");
    let says = browser.asks(&format!("{name}.innerText.toUpperCase()"));
    says.as_str().unwrap_or_default().to_owned()
}

/// Formats milliseconds as the toolbar shows them, in capitals.
fn took(millis: f64) -> String {
    match millis {
        ..0.0995 => format!("{:.0} \u{39c}S", millis * 1e3),
        ..0.995 => format!("{millis:.2} MS"),
        ..9.95 => format!("{millis:.1} MS"),
        ..999.5 => format!("{millis:.0} MS"),
        _ => format!("{:.1} S", millis / 1e3),
    }
}

/// Opens the toolbar and returns its text, as soon as it is loaded.
#[track_caller]
pub fn opened(browser: &Browser) -> String {
    let is_there = "Boolean(document.querySelector('larder-toolbar'))";
    wait(browser, is_there);
    browser.asks(&format!(
        "({ROOT}.querySelector('.sheet').hidden && {ROOT}.querySelector('.launcher').click(), 1)"
    ));
    wait(browser, &format!("Boolean({ROOT}.querySelector('[role=tabpanel]'))"));
    browser.asks(&format!("({ROOT}.getElementById('tab-cache').click(), 1)"));
    text(browser)
}

fn text(browser: &Browser) -> String {
    // In capitals, because the style shows some words so.
    let text = browser.asks(&format!("{ROOT}.querySelector('.content').innerText.toUpperCase()"));
    text.as_str().unwrap_or_default().to_owned()
}

#[track_caller]
pub fn wait(browser: &Browser, is_so: &str) {
    until(is_so, || browser.asks(is_so) == true);
}
