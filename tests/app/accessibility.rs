//! No page has a finding of axe, in both colour schemes, on a desktop and on a phone.
//!
//! The database does not change how a page is built, so one of them is enough.

use std::io::Write;
use std::path::Path;
use std::sync::mpsc::{Sender, channel};
use std::time::Duration;

use actix_web::{App, HttpServer, web};
use larder_cache::{Cache, Policy, page};
use larder_panel::Panel;

use crate::events::{Program, event, guest};
use crate::support::{Browser, Database, PASSWORD, Screen, TestSite, load, until};

/// Where `scripts/test` puts axe.
const AXE: &str =
    concat!(env!("CARGO_MANIFEST_DIR"), "/target/axe/axe_playwright_python/axe.min.js");

/// The colour schemes, and the rules that axe checks in each: none stands for all of them.
///
/// Only these rules read colours. The others find the same in each scheme, so axe runs them once.
const SCHEMES: [(&str, &[&str]); 2] =
    [("light", &[]), ("dark", &["color-contrast", "link-in-text-block"])];

/// Tells the driver what axe finds by the rules `RULES`: each rule with the elements that break it.
const RUN: &str = "
    const done = arguments[arguments.length - 1];
    const node = (node) => `${node.target.join(' ')} ${node.html.slice(0, 200)} ${node.failureSummary}`;
    const options = { resultTypes: ['violations'] };
    if (RULES.length) options.runOnly = { type: 'rule', values: RULES };
    axe.run(document, options).then(
        (found) => done(found.violations.map((rule) => `${rule.id}: ${rule.nodes.map(node).join('; ')}`)),
        (error) => done([String(error)]));";

/// A browser with axe.
struct Checked {
    browser: Browser,
    axe: String,
}

impl Checked {
    /// Returns `None` if axe or the browser is missing; in the full run that is a failure.
    fn open(screen: Screen) -> Option<Self> {
        let browser = Browser::open(screen)?;
        if Path::new(AXE).is_file() {
            return Some(Self { browser, axe: std::fs::read_to_string(AXE).unwrap() });
        }
        let must = std::env::var_os("LARDER_TESTS_MUST_RUN_ALL").is_some();
        assert!(!must, "axe is missing (`scripts/test` fetches it)");
        let _ = writeln!(std::io::stderr(), "LEFT OUT: accessibility: axe is not there");
        None
    }

    /// Returns the findings on the page that is shown.
    #[track_caller]
    fn findings(&self) -> Vec<String> {
        let mut findings = Vec::new();
        self.browser.does(&self.axe);
        for (scheme, rules) in SCHEMES {
            self.browser.prefers(scheme);
            let rules = serde_json::to_string(rules).unwrap();
            let found = self.browser.asks_later(&RUN.replace("RULES", &rules));
            let found = found.as_array().expect("a list of findings");
            findings.extend(found.iter().map(|one| format!("{scheme}: {one}")));
        }
        findings
    }

    /// Collects the findings on the page that is shown under `name`.
    #[track_caller]
    fn checks(&self, name: &str, all: &mut Vec<String>) {
        let findings = self.findings();
        all.extend(findings.into_iter().map(|finding| format!("{name}: {finding}")));
    }

    /// Sends a form as a page of the shop would.
    #[track_caller]
    fn posts(&self, site: &TestSite, path: &str, fields: &[(&str, &str)]) {
        self.browser.goes_to(&format!("{}/api", site.address()));
        let fields = serde_json::to_string(fields).unwrap();
        let add = "(form, [name, value]) => { const field = document.createElement('input'); \
                   field.name = name; field.value = value; form.append(field); return form; }";
        self.browser.does(&format!(
            "const form = document.createElement('form'); form.method = 'post'; form.action = '{path}'; \
             const button = document.createElement('button'); button.id = 'send'; form.append(button); \
             document.querySelector('main').prepend({fields}.reduce({add}, form));"
        ));
        self.browser.follows("#send");
    }
}

fn filled() -> TestSite {
    let site = TestSite::start_with(Database::Sqlite, &["--page-size", "5"]);
    site.has_products(41);
    site.has_product_at("Gruyère", "12.50");
    for date in ["9999-12-24", "9999-12-24T18:00:00Z"] {
        site.sends_json("POST", "/api/events", &event("Teas", date)).assert_status(201);
    }
    for name in ["Mina", "Omar", "Lena", "Ida", "Tom", "Zoë"] {
        site.sends_json("POST", "/api/guests", &guest(1, name)).assert_status(201);
    }
    let league = r#"{"season": 2026, "scores": [{"member": "Ada", "week": 1, "score": 7}]}"#;
    load(&site.database, "scores", league).unwrap();
    let book = r#"{"recipes": [{"name": "Toast", "description": "Quick.", "instructions": "1. Cut.\n2. Toast.",
        "ingredients": [{"food": "Bread", "amount": "2", "unit": "slices", "description": "thick"}]}]}"#;
    load(&site.database, "cookbook", book).unwrap();
    site
}

const PAGES: [&str; 43] = [
    "/",
    "/?page=4",
    "/?q=gruyere",
    "/?q=gruyre",
    "/?q=nothing-of-this-kind",
    "/?min=1&max=2&sort=-price&since=2026-01-01",
    "/products/1",
    "/products/1/edit",
    "/products/1/delete",
    "/products/new",
    "/cookbook",
    "/cookbook/1",
    "/cookbook/1/edit",
    "/cookbook/1/delete",
    "/cookbook/new",
    "/cookbook/foods/1/edit",
    "/scoreboard",
    "/scoreboard?season=1999",
    "/scoreboard/members/1/edit",
    "/supplier",
    "/events",
    "/events?q=nothing",
    "/events/1",
    "/events/1?page=2",
    "/events/2",
    "/events/1/edit",
    "/events/1/delete",
    "/events/new",
    "/events/guests/new",
    "/events/guests/1/edit",
    "/events/guests/1/delete",
    "/api",
    "/staff",
    "/staff?q=nothing",
    "/staff/foods",
    "/staff/tastings",
    "/staff/guests",
    "/staff/members",
    "/cache",
    "/cache/entries",
    "/cache/entry?key=site.header:section=%22products%22",
    "/cache/invalidate?tag=products",
    "/nothing",
];

/// What an answer is called, and the form that is sent for it.
type Answer<'a> = (&'a str, &'a str, &'a [(&'a str, &'a str)]);

fn no_page_has_a_finding(screen: Screen) {
    let Some(checked) = Checked::open(screen) else { return };
    let site = filled();
    let mut all = Vec::new();
    for path in PAGES {
        checked.browser.goes_to(&format!("{}{path}", site.address()));
        checked.checks(path, &mut all);
    }
    let answers: [Answer<'_>; 7] = [
        ("an invalid form", "/products", &[("title", ""), ("price", "a lot")]),
        ("an invalid recipe", "/cookbook", &[("name", ""), ("food_0", ""), ("amount_0", "x")]),
        ("a conflict", "/products/1", &[("title", "Tea"), ("price", "1"), ("was_title", "x")]),
        ("a deletion of what has changed", "/products/1/delete", &[("was_title", "x")]),
        ("a preview", "/products/selected", &[("id_1", "on"), ("do", "percent"), ("amount", "10")]),
        ("an invalid selection", "/products/selected", &[("id_1", "on"), ("do", "percent")]),
        ("a confirmation", "/products", &[("title", "Tea"), ("price", "1")]),
    ];
    for (name, path, fields) in answers {
        checked.posts(&site, path, fields);
        checked.checks(name, &mut all);
    }
    assert!(all.is_empty(), "{all:#?}");
}

#[test]
fn no_page_has_a_finding_on_a_desktop() {
    no_page_has_a_finding(Screen::Desktop);
}

#[test]
fn no_page_has_a_finding_on_a_phone() {
    no_page_has_a_finding(Screen::Phone);
}

#[test]
fn no_page_of_the_sign_in_has_a_finding() {
    let Some(checked) = Checked::open(Screen::Phone) else { return };
    let site = TestSite::with_staff(Database::Sqlite, &["Mina"], &[]);
    let mut all = Vec::new();
    for path in ["/", "/login?next=/staff"] {
        checked.browser.goes_to(&format!("{}{path}", site.address()));
        checked.checks(path, &mut all);
    }
    let wrong = [("name", "Mina"), ("password", "none of ours")];
    for (name, path, fields) in [
        ("an ended session", "/products", [("title", "Tea"), ("price", "1")]),
        ("a wrong password", "/login", wrong),
        ("the password", "/login", [("name", "Mina"), ("password", PASSWORD)]),
    ] {
        checked.posts(&site, path, &fields);
        checked.checks(name, &mut all);
    }
    for path in ["/", "/staff", "/staff/password"] {
        checked.browser.goes_to(&format!("{}{path}", site.address()));
        checked.checks(path, &mut all);
    }
    assert!(all.is_empty(), "{all:#?}");
}

/// Collects the findings in each panel of the toolbar on the page that is shown.
#[track_caller]
fn checks_panels(checked: &Checked, page: &str, all: &mut Vec<String>) {
    let (root, browser) =
        ("document.querySelector('larder-toolbar')?.shadowRoot", &checked.browser);
    let is_there =
        |what: &str| browser.asks(&format!("Boolean({root}?.querySelector('{what}'))")) == true;
    until("the toolbar is there", || is_there(".launcher"));
    checked.checks(&format!("{page}, closed"), all);
    browser.does(&format!("{root}.querySelector('.launcher').click()"));
    until("its panels are there", || is_there("[role=tabpanel]"));
    browser.does(&format!("{root}.querySelector('.choose').setAttribute('open', '')"));
    let tabs =
        browser.asks(&format!("[...{root}.querySelectorAll('[role=tab]')].map((tab) => tab.id)"));
    let tabs = tabs.as_array().unwrap();
    assert!(tabs.len() > 5, "{tabs:?}");
    for tab in tabs.iter().filter_map(|tab| tab.as_str()) {
        browser.does(&format!("{root}.getElementById('{tab}').click()"));
        checked.checks(&format!("{page}, {tab}"), all);
    }
}

#[test]
fn no_panel_of_the_toolbar_has_a_finding() {
    let Some(checked) = Checked::open(Screen::Desktop) else { return };
    let site = TestSite::observed(Database::Sqlite, &[]);
    site.has_product("Tea");
    checked.browser.goes_to(&site.address());
    let mut all = Vec::new();
    checks_panels(&checked, "/", &mut all);
    assert!(all.is_empty(), "{all:#?}");
}

/// Serves an application without a layout for the panel, and sends its port.
async fn serve_neutral(port: Sender<u16>) {
    const HOUR: Policy = Policy::fresh_for(Duration::from_secs(3_600));
    const PAGE: &str =
        "<!doctype html><html lang=en><title>Notes</title><main><h1>Notes</h1></main>";
    let cache = Cache::in_memory();
    let panel = Panel::new(&cache);
    let app = move || {
        let notes = web::resource("/").wrap(page::cached(HOUR));
        App::new()
            .app_data(web::Data::new(cache.clone()))
            .service(notes.get(async || web::Html::new(PAGE)))
            .configure(panel.routes())
            .wrap(panel.clone())
    };
    let server = HttpServer::new(app).workers(1).disable_signals();
    let server = server.bind(("127.0.0.1", 0)).unwrap();
    port.send(server.addrs()[0].port()).unwrap();
    server.run().await.unwrap();
}

/// Returns the address of an application without a layout for the panel.
fn neutral() -> String {
    let (sender, receiver) = channel();
    std::thread::spawn(|| actix_web::rt::System::new().block_on(serve_neutral(sender)));
    format!("http://127.0.0.1:{}", receiver.recv().unwrap())
}

fn no_page_of_a_panel_without_a_layout_has_a_finding(screen: Screen) {
    let Some(checked) = Checked::open(screen) else { return };
    let address = neutral();
    let mut all = Vec::new();
    checked.browser.goes_to(&format!("{address}/"));
    checks_panels(&checked, "/", &mut all);
    for path in ["", "/entries", "/entry?key=none", "/invalidate?tag=notes", "/invalidate"] {
        checked.browser.goes_to(&format!("{address}/_larder/cache{path}"));
        checked.checks(path, &mut all);
    }
    assert!(all.is_empty(), "{all:#?}");
}

#[test]
fn no_page_of_a_panel_without_a_layout_has_a_finding_on_a_desktop() {
    no_page_of_a_panel_without_a_layout_has_a_finding(Screen::Desktop);
}

#[test]
fn no_page_of_a_panel_without_a_layout_has_a_finding_on_a_phone() {
    no_page_of_a_panel_without_a_layout_has_a_finding(Screen::Phone);
}

#[test]
fn axe_finds_what_is_wrong() {
    let Some(checked) = Checked::open(Screen::Desktop) else { return };
    let site = TestSite::start(Database::Sqlite);
    checked.browser.goes_to(&site.address());
    checked.browser.does("document.querySelector('main').append(document.createElement('input'));");
    let found = checked.findings();
    assert!(found.len() == 1 && found[0].starts_with("light: \"label:"), "{found:#?}");
    // Not by an attribute, which the shop's content security policy forbids.
    let pale = "Object.assign(document.querySelector('main p').style, { color: '#777', background: '#888' })";
    checked.browser.does(pale);
    let found = checked.findings();
    for scheme in ["light", "dark"] {
        let contrast = format!("{scheme}: \"color-contrast:");
        assert!(found.iter().any(|one| one.starts_with(&contrast)), "{contrast} {found:#?}");
    }
}
