//! The toolbar in a real browser: every panel opens, and says what the server knows.

use crate::support::{Browser, Database, Screen, TestSite, on_both_databases};

on_both_databases! {
    every_panel_opens_and_reads_the_same_numbers,
}

const PANELS: [&str; 10] = [
    "cache",
    "sql",
    "time",
    "request",
    "headers",
    "templates",
    "log",
    "settings",
    "versions",
    "history",
];

/// The inside of the toolbar.
const ROOT: &str = "document.querySelector('larder-toolbar').shadowRoot";

fn every_panel_opens_and_reads_the_same_numbers(on: Database) {
    let Some(browser) = Browser::open(Screen::Desktop) else { return };
    let site = TestSite::observed(on, &[]);
    site.has_products(30);
    let tea = site.has_product("Tea");
    site.invalidates("everything");

    browser.goes_to(&site.address());
    let miss = opened(&browser);
    assert!(miss.contains("MISS") && miss.contains("2 QUERIES"), "{miss}");
    for panel in PANELS {
        let name = format!("{ROOT}.getElementById('panel-{panel}')");
        browser.asks(&format!("({ROOT}.getElementById('tab-{panel}').click(), 1)"));
        let is_open = format!("!{name}.hidden && {name}.innerText.length > 10");
        assert_eq!(browser.asks(&is_open), true, "{panel}: {}", text(&browser));
    }

    browser.goes_to(&site.address());
    let hit = opened(&browser);
    assert!(hit.contains("HIT") && hit.contains("THIS HIT SAVED 2 QUERIES"), "{hit}");

    browser.goes_to(&format!("{}/products/{tea}/edit", site.address()));
    browser.types("input[name=price]", "cheap");
    browser.follows("main form button");
    let failed = opened(&browser);
    assert!(failed.contains("POST") && failed.contains("422"), "{failed}");
    browser.goes_to(&format!("{}/products/{tea}/edit", site.address()));
    browser.types("input[name=title]", "Earl Grey");
    browser.follows("main form button");
    let after = opened(&browser);
    assert!(after.contains("MISS") && after.contains("PRODUCTS"), "{after}");
    browser.asks(&format!("({ROOT}.getElementById('tab-history').click(), 1)"));
    assert!(text(&browser).contains("303"), "{}", text(&browser));
}

/// What the open toolbar says, as soon as it knows.
#[track_caller]
fn opened(browser: &Browser) -> String {
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
    // In capitals, since some words are shown so.
    let text = browser.asks(&format!("{ROOT}.querySelector('.content').innerText.toUpperCase()"));
    text.as_str().unwrap_or_default().to_owned()
}

#[track_caller]
fn wait(browser: &Browser, until: &str) {
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(20);
    while browser.asks(until) != true {
        assert!(std::time::Instant::now() < deadline, "not yet: {until}");
    }
}
