//! The whole shop in a real browser.

use crate::support::{Browser, Database, Screen, TestSite, on_both_databases};

on_both_databases! {
    a_grocer_runs_the_shop_for_a_day,
    a_phone_never_scrolls_sideways,
    the_keyboard_reaches_everything_and_the_skip_link_first,
    both_colour_schemes_can_be_read,
}

const TAB: char = '\u{E004}';
const ENTER: char = '\u{E007}';

fn a_grocer_runs_the_shop_for_a_day(on: Database) {
    let Some(browser) = Browser::open(Screen::Desktop) else { return };
    let site = TestSite::start_with(on, &["--page-size", "5"]);
    let pears = site.has_product_at("Pears", "2.50");
    site.has_products(11);

    // Browse.
    browser.goes_to(&site.address());
    assert!(browser.text().contains("12 products"), "{}", browser.text());
    browser.follows("a[rel=next]");
    assert_eq!(browser.path(), "/?page=2");
    browser.goes_to(&site.address());

    // Search.
    browser.types("input[name=q]", "PEARS");
    browser.sends_with(ENTER);
    assert_eq!(browser.path(), "/?q=PEARS");
    assert!(browser.text().contains("Pears") && !browser.text().contains("Product 1"));
    browser.follows(&format!("a[href='/products/{pears}']"));
    assert!(browser.text().contains("$2.50"));

    // Add, first wrongly.
    browser.goes_to(&site.address());
    browser.follows("a[href='/products/new']");
    fill(&browser, "Earl Grey", "a lot");
    assert!(browser.has("[aria-invalid=true][name=price]"), "{}", browser.text());
    assert_eq!(browser.asks("document.querySelector('[name=title]').value"), "Earl Grey");
    fill(&browser, "Earl Grey", "$12.50");
    assert_eq!(browser.path(), "/");
    assert_flash(&browser, "Earl Grey");
    assert!(browser.text().contains("$12.50"));
    browser.goes_to(&site.address());
    assert!(!browser.has("p.flash"), "a confirmation is shown once");

    // Edit.
    let tea = site.get("/").listed()[0];
    browser.follows(&format!("a[href='/products/{tea}/edit']"));
    fill(&browser, "Lady Grey", "13");
    assert_flash(&browser, "Lady Grey");

    // Conflict: another editor is faster.
    browser.follows(&format!("a[href='/products/{tea}/edit']"));
    site.edits(tea, &[("title", "Green tea")]).assert_sends_to("/");
    fill(&browser, "Black tea", "14");
    let conflict = browser.find("main");
    assert!(browser.text_of(&conflict).contains("Green tea"), "{}", browser.text());
    browser.goes_to(&site.address());
    assert!(browser.text().contains("Green tea") && !browser.text().contains("Black tea"));

    // Delete.
    browser.follows(&format!("a[href='/products/{tea}/delete']"));
    assert!(browser.text().contains("Green tea"));
    browser.follows("main form[method=post] button");
    assert_eq!(browser.path(), "/");
    assert_flash(&browser, "Green tea");
    assert_eq!(site.get(&format!("/products/{tea}")).status, 404);

    // Invalidate the cache.
    site.get("/").assert_cache("hit");
    browser.follows("form[action='/cache/invalidate'] button");
    assert!(browser.text().contains("Invalidate everything?"), "{}", browser.text());
    browser.follows("form[method=post][action='/cache/invalidate'] button");
    assert!(browser.has("p.flash[role=status]"), "{}", browser.text());
    assert_eq!(browser.path(), "/");

    // Another client's edit shows at the next request, and every resource of the page loads.
    site.edits(pears, &[("title", "Ripe pears")]).assert_sends_to("/");
    browser.goes_to(&format!("{}/?page=3", site.address()));
    assert!(browser.text().contains("Ripe pears"), "{}", browser.text());
    let broken = "performance.getEntriesByType('resource').filter(r => r.responseStatus >= 400)";
    assert_eq!(browser.asks(&format!("{broken}.length")), 0);
    assert_ne!(browser.asks("document.styleSheets[0].cssRules.length"), 0, "the style is loaded");
}

fn a_phone_never_scrolls_sideways(on: Database) {
    let Some(browser) = Browser::open(Screen::Phone) else { return };
    let site = TestSite::start(on);
    let long = site.has_product_at(&"Donaudampfschifffahrt".repeat(9), "9999999.99");
    site.has_products(60);
    let path = format!("/products/{long}");
    let paths = [
        "/",
        "/?page=2",
        "/?page=3",
        "/?q=nothing-of-this-kind-is-on-our-shelves-today",
        &path,
        &format!("{path}/edit"),
        &format!("{path}/delete"),
        "/products/new",
        "/nothing",
        "/cache",
        "/cache/entries",
        "/cache/entries?level=page",
        "/cache/entry?key=site.header:section=%22products%22",
        "/cache/invalidate",
    ];
    for path in paths {
        browser.goes_to(&format!("{}{path}", site.address()));
        assert_eq!(browser.asks("window.innerWidth"), 390, "{path}");
        let width = browser.asks("document.documentElement.scrollWidth");
        assert!(width.as_u64().unwrap() <= 390, "{path} is {width} wide");
    }
}

fn the_keyboard_reaches_everything_and_the_skip_link_first(on: Database) {
    let Some(browser) = Browser::open(Screen::Desktop) else { return };
    let site = TestSite::start(on);
    let tea = site.has_product("Tea");
    browser.goes_to(&site.address());

    browser.presses(TAB);
    let focused = "document.activeElement.getAttribute('href')";
    let skip_link = browser.asks(focused);
    let target = skip_link.as_str().expect("a link").to_owned();
    assert!(target.starts_with('#'), "the first stop is {target}");
    let box_ = "document.activeElement.getBoundingClientRect()";
    let is_seen = format!("{box_}.top >= 0 && {box_}.left >= 0 && {box_}.width > 20");
    assert_eq!(browser.asks(&is_seen), true, "the skip link is seen when it has the focus");
    browser.presses(ENTER);
    browser.presses(TAB);
    let inside = format!("document.querySelector('{target}').contains(document.activeElement)");
    assert_eq!(browser.asks(&inside), true, "the skip link leads into the page");

    // Every link and button is reached, and each shows that it has the focus.
    browser.goes_to(&site.address());
    let mut reached = Vec::new();
    for _ in 0..60 {
        browser.presses(TAB);
        let at = browser.asks(
            "[...document.all].indexOf(document.activeElement) + ' ' \
             + document.activeElement.outerHTML.split('>')[0]",
        );
        let at = at.as_str().unwrap_or("").to_owned();
        if reached.contains(&at) || at.contains("<body") {
            break;
        }
        let style = "getComputedStyle(document.activeElement)";
        let shows = format!("{style}.outlineStyle !== 'none' || {style}.boxShadow !== 'none'");
        assert_eq!(browser.asks(&shows), true, "the focus is seen on {at}");
        reached.push(at);
    }
    let reached = reached.join("\n");
    for needed in [
        &format!("/products/{tea}/edit"),
        &format!("/products/{tea}/delete"),
        "/products/new",
        "name=\"q\"",
        "<button",
    ] {
        assert!(reached.contains(needed), "{needed} is not reached: {reached}");
    }
}

fn both_colour_schemes_can_be_read(on: Database) {
    let Some(browser) = Browser::open(Screen::Desktop) else { return };
    let site = TestSite::start(on);
    site.has_product("Tea");
    for scheme in ["light", "dark"] {
        browser.prefers(scheme);
        for path in
            ["/", "/products/new", "/nothing", "/cache", "/cache/entries", "/cache/invalidate"]
        {
            browser.goes_to(&format!("{}{path}", site.address()));
            let poor = browser.asks(POOR_CONTRAST);
            let poor = poor.as_array().unwrap();
            assert!(poor.is_empty(), "{scheme}, {path}: {poor:#?}");
        }
    }
}

/// Returns the texts whose contrast is below WCAG AA (4.5, or 3 for large text).
///
/// Each is given with its colours and ratio.
const POOR_CONTRAST: &str = r#"(() => {
  const parse = c => (c.match(/[\d.]+/g) || []).map(Number);
  const canvas = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
  const rgba = color => {
    canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = color; canvas.fillRect(0, 0, 1, 1);
    const [r, g, b, a] = canvas.getImageData(0, 0, 1, 1).data; return [r, g, b, a / 255];
  };
  const over = (top, under) => top.slice(0, 3).map((v, i) => v * top[3] + under[i] * (1 - top[3]));
  const light = c => { const [r, g, b] = c.map(v => { v /= 255; return v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
  const dark = matchMedia('(prefers-color-scheme: dark)').matches;
  const ground = element => {
    const layers = [];
    for (let e = element; e; e = e.parentElement) layers.push(rgba(getComputedStyle(e).backgroundColor));
    return layers.reverse().reduce((under, top) => over(top, under), dark ? [18, 18, 18] : [255, 255, 255]);
  };
  const poor = [];
  for (const element of document.querySelectorAll('body *')) {
    const text = [...element.childNodes].filter(n => n.nodeType === 3).map(n => n.textContent.trim()).join('');
    const style = getComputedStyle(element);
    const box = element.getBoundingClientRect();
    if (!text || style.visibility === 'hidden' || box.width < 2 || box.height < 2) continue;
    const under = ground(element), color = over(rgba(style.color), under);
    const [a, b] = [light(color), light(under)].sort((x, y) => y - x);
    const ratio = (a + 0.05) / (b + 0.05);
    const size = parseFloat(style.fontSize), large = size >= 24 || (size >= 18.66 && style.fontWeight >= 700);
    if (ratio < (large ? 3 : 4.5)) poor.push(`${text.slice(0, 40)}: ${style.color} on ${under.map(Math.round)}: ${ratio.toFixed(2)}`);
  }
  return poor;
})()"#;

/// Fills the product form and sends it.
#[track_caller]
fn fill(browser: &Browser, title: &str, price: &str) {
    browser.types("main form [name=title]", title);
    browser.types("main form [name=price]", price);
    browser.follows("main form[method=post] button");
}

#[track_caller]
fn assert_flash(browser: &Browser, word: &str) {
    let flash = browser.text_of(&browser.find("p.flash[role=status]"));
    assert!(flash.contains(word), "“{word}” in: {flash}");
}
