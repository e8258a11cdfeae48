//! The toolbar in a real browser: by keys and on a phone, what the page fetches, filters and switched-off panels.

use super::browser::{ROOT, opened, picks, wait};
use crate::support::{Browser, Database, Screen, TestSite};

/// The keys of WebDriver.
const TAB: char = '\u{e004}';
const ENTER: char = '\u{e007}';

/// Opens a page with the toolbar closed.
fn page(site: &TestSite, screen: Screen) -> Option<Browser> {
    let browser = Browser::open(screen)?;
    browser.goes_to(&site.address());
    wait(&browser, "Boolean(document.querySelector('larder-toolbar'))");
    Some(browser)
}

#[test]
fn tab_reaches_the_toolbar_first_and_its_shortcut_is_shown() {
    let site = TestSite::observed(Database::Sqlite, &[]);
    let Some(browser) = page(&site, Screen::Desktop) else { return };
    let launcher = format!("{ROOT}.querySelector('.launcher')");
    let says = browser.asks(&format!("{launcher}.innerText"));
    assert!(says.as_str().unwrap().contains("Alt+Shift+L"), "{says}");
    browser.presses(TAB);
    assert_eq!(browser.asks(&format!("{ROOT}.activeElement === {launcher}")), true);
    browser.presses(ENTER);
    wait(&browser, &format!("Boolean({ROOT}.querySelector('[role=tabpanel]'))"));
    assert_eq!(browser.asks(&format!("{ROOT}.querySelector('.sheet').hidden")), false);
}

#[test]
fn on_a_phone_the_tab_covers_nothing() {
    let site = TestSite::observed(Database::Sqlite, &[]);
    site.has_products(40);
    let Some(browser) = page(&site, Screen::Phone) else { return };
    let covered = format!(
        "(() => {{ const tab = {ROOT}.querySelector('.launcher'); const covered = [];
        for (let y = 0; y <= document.body.scrollHeight; y += 200) {{
            scrollTo(0, y); const t = tab.getBoundingClientRect();
            for (const e of document.querySelectorAll('a, button, input, select, summary')) {{
                const r = e.getBoundingClientRect();
                const isOver = r.left < t.right && t.left < r.right && r.top < t.bottom && t.top < r.bottom;
                if (isOver && r.width > 1) covered.push(e.outerHTML);
            }}
        }} return covered; }})()"
    );
    assert_eq!(browser.asks(&covered), serde_json::json!([]));
    let wide = format!("{ROOT}.querySelector('.launcher').getBoundingClientRect().width");
    assert!(browser.asks(&wide).as_f64() > Some(300.0), "it is seen");
}

#[test]
fn what_the_page_fetches_appears_live_and_the_history_is_filtered() {
    let site = TestSite::observed(Database::Sqlite, &[]);
    site.has_product("Tea");
    let Some(browser) = page(&site, Screen::Desktop) else { return };
    opened(&browser);
    picks(&browser, "history");
    let panel = format!("{ROOT}.getElementById('panel-history').innerText");
    assert!(!browser.asks(&panel).as_str().unwrap().contains("fetched by this page"));
    browser.does("fetch('/api'); fetch('/nothing')");
    wait(&browser, &format!("{panel}.split('fetched by this page').length === 3"));
    let launcher = format!("{ROOT}.querySelector('.launcher').textContent");
    assert!(browser.asks(&launcher).as_str().unwrap().contains("+ 2 fetched"));

    let status = format!("{ROOT}.querySelector('[data-filter] [name=status]')");
    browser.does(&format!(
        "{status}.value = '4xx'; {status}.dispatchEvent(new Event('input', {{ bubbles: true }}))"
    ));
    wait(&browser, &format!("{ROOT}.querySelectorAll('#panel-history [data-open]').length === 1"));
    assert!(browser.asks(&panel).as_str().unwrap().contains("GET /nothing"));
}

#[test]
fn a_panel_that_is_switched_off_stays_so() {
    let site = TestSite::observed(Database::Sqlite, &[]);
    let Some(browser) = page(&site, Screen::Desktop) else { return };
    opened(&browser);
    browser.does(&format!("{ROOT}.querySelector('.boxes [name=log]').click()"));
    let is_hidden = format!("{ROOT}.getElementById('tab-log').hidden");
    assert_eq!(browser.asks(&is_hidden), true);
    browser.goes_to(&site.address());
    wait(&browser, "Boolean(document.querySelector('larder-toolbar'))");
    wait(&browser, &format!("Boolean({ROOT}.querySelector('[role=tabpanel]'))"));
    assert_eq!(browser.asks(&is_hidden), true);
    assert_eq!(browser.asks(&format!("{ROOT}.getElementById('tab-sql').hidden")), false);
}
