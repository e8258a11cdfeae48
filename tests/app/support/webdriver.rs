//! A real browser, driven by the W3C WebDriver protocol: a few JSON requests to `chromedriver`.
//!
//! This client is shorter than the dependencies of a crate for it.

use std::path::Path;
use std::time::Instant;

use serde_json::{Value, json};
use tempfile::TempDir;

use super::process::{Leash, Program, are_installed, find_program, leashed};
use super::until::PATIENCE;

/// The key under which WebDriver returns references to elements.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

/// How often the driver, and a browser, is started before the test fails.
const TRIES: usize = 5;

/// A browser window of its own, which is closed with the test.
pub struct Browser {
    agent: ureq::Agent,
    session: String,
    _driver: Program,
    /// The browser's profile and temporary files.
    _folder: TempDir,
}

/// The size of the window: a desktop's or a phone's.
#[derive(Debug, Clone, Copy)]
pub enum Screen {
    Desktop,
    Phone,
}

/// An element of the page.
#[derive(Debug, Clone)]
pub struct Element(String);

impl Browser {
    /// Opens a browser; returns `None` if Chromium is not installed, and in `scripts/test --fast`.
    pub fn open(screen: Screen) -> Option<Self> {
        if std::env::var_os("LARDER_TESTS_WITHOUT_BROWSERS").is_some() {
            return None;
        }
        let chromium = ["chromium", "chromium-browser", "google-chrome"]
            .into_iter()
            .find(|name| find_program(name).is_some())
            .unwrap_or("chromium");
        if !are_installed(&[chromium, "chromedriver"]) {
            return None;
        }
        let folder = tempfile::Builder::new().prefix("larder-browser-").tempdir().unwrap();
        let (port, driver) =
            (0..TRIES).find_map(|_| start_driver(folder.path())).expect("a chromedriver");
        let mut browser = Self {
            agent: ureq::Agent::config_builder()
                .http_status_as_error(false)
                .proxy(None)
                .timeout_global(Some(PATIENCE))
                .build()
                .into(),
            session: format!("http://127.0.0.1:{port}/session"),
            _driver: driver,
            _folder: folder,
        };
        let binary = find_program(chromium).unwrap();
        // The driver gives a browser one minute to start, which a busy machine may exceed.
        let capabilities = capabilities(&binary.to_string_lossy(), screen).to_string();
        let open = || {
            let request = browser.agent.post(&browser.session).content_type("application/json");
            Self::told("", request.send(&capabilities))
        };
        let opened = (1..TRIES).find_map(|_| open().ok()).map_or_else(open, Ok);
        let opened = opened.unwrap_or_else(|why| panic!("no browser: {why}"));
        let id = opened["sessionId"].as_str().expect("a session");
        browser.session = format!("{}/{id}", browser.session);
        Some(browser)
    }

    #[track_caller]
    pub fn goes_to(&self, url: &str) {
        self.post("/url", json!({ "url": url }));
    }

    /// Goes back in the history, as the browser's button does.
    #[track_caller]
    pub fn goes_back(&self) {
        self.post("/back", json!({}));
    }

    #[track_caller]
    pub fn path(&self) -> String {
        let url = self.get("/url").as_str().unwrap().to_owned();
        let after_scheme = url.split_once("://").map_or("", |(_, rest)| rest);
        after_scheme.find('/').map_or("/", |at| &after_scheme[at..]).to_owned()
    }

    /// Returns all visible text of the page.
    #[track_caller]
    pub fn text(&self) -> String {
        self.text_of(&self.find("body"))
    }

    /// Returns the first element that matches a CSS selector.
    #[track_caller]
    pub fn find(&self, selector: &str) -> Element {
        let query = json!({ "using": "css selector", "value": selector });
        let found = self.post("/element", query);
        Element(found[ELEMENT].as_str().unwrap().to_owned())
    }

    /// Reports whether an element matches a CSS selector.
    #[track_caller]
    pub fn has(&self, selector: &str) -> bool {
        let query = json!({ "using": "css selector", "value": selector });
        self.post("/elements", query).as_array().is_some_and(|found| !found.is_empty())
    }

    #[track_caller]
    pub fn text_of(&self, element: &Element) -> String {
        let text = self.get(&format!("/element/{}/text", element.0));
        text.as_str().unwrap().to_owned()
    }

    /// Clicks on an element that does not leave the page.
    #[track_caller]
    pub fn clicks(&self, selector: &str) {
        let element = self.find(selector);
        self.post(&format!("/element/{}/click", element.0), json!({}));
    }

    /// Clicks on a link or button, and waits for the page that it leads to.
    #[track_caller]
    pub fn follows(&self, selector: &str) {
        let element = self.find(selector);
        self.is_led_on_by(|| {
            self.post(&format!("/element/{}/click", element.0), json!({}));
        });
    }

    /// Presses a key that sends a form, and waits for the page that it leads to.
    #[track_caller]
    pub fn sends_with(&self, key: char) {
        self.is_led_on_by(|| self.presses(key));
    }

    /// Runs an action and waits for the next page.
    ///
    /// A command may be answered before the browser has left the page, and WebDriver has no event
    /// for it. So this polls, within a limit, until the old page is gone and the new one is loaded.
    #[track_caller]
    fn is_led_on_by(&self, action: impl FnOnce()) {
        let deadline = Instant::now() + PATIENCE;
        let old_page = format!("{}/element/{}/name", self.session, self.find("html").0);
        action();
        while self.agent.get(&old_page).call().is_ok_and(|answer| answer.status().is_success()) {
            assert!(Instant::now() < deadline, "nothing led on from {}", self.path());
        }
        while self.asks("document.readyState === 'complete'") != true {
            assert!(Instant::now() < deadline, "{} is not loaded", self.path());
        }
    }

    /// Replaces the text of a field.
    #[track_caller]
    pub fn types(&self, selector: &str, text: &str) {
        let field = self.find(selector);
        self.post(&format!("/element/{}/clear", field.0), json!({}));
        self.post(&format!("/element/{}/value", field.0), json!({ "text": text }));
    }

    /// Presses and releases one key, wherever the focus is.
    #[track_caller]
    pub fn presses(&self, key: char) {
        let keys = json!([{ "type": "keyDown", "value": key }, { "type": "keyUp", "value": key }]);
        let keyboard = json!([{ "type": "key", "id": "keyboard", "actions": keys }]);
        self.post("/actions", json!({ "actions": keyboard }));
    }

    /// Returns the value of a script's expression.
    #[track_caller]
    pub fn asks(&self, script: &str) -> Value {
        self.post("/execute/sync", json!({ "script": format!("return {script}"), "args": [] }))
    }

    /// Runs a script.
    #[track_caller]
    pub fn does(&self, script: &str) {
        self.post("/execute/sync", json!({ "script": script, "args": [] }));
    }

    /// Runs a script, and returns what it tells the function that is its last argument.
    #[track_caller]
    pub fn asks_later(&self, script: &str) -> Value {
        self.post("/execute/async", json!({ "script": script, "args": [] }))
    }

    /// Shows pages in the `light` or `dark` colours from now on, without transitions between them.
    #[track_caller]
    pub fn prefers(&self, scheme: &str) {
        let features = json!([
            { "name": "prefers-color-scheme", "value": scheme },
            { "name": "prefers-reduced-motion", "value": "reduce" },
        ]);
        let params = json!({ "features": features });
        let body = json!({ "cmd": "Emulation.setEmulatedMedia", "params": params });
        self.post("/goog/cdp/execute", body);
    }

    #[track_caller]
    fn get(&self, command: &str) -> Value {
        let url = format!("{}{command}", self.session);
        Self::value(command, self.agent.get(url).call())
    }

    #[track_caller]
    fn post(&self, command: &str, body: Value) -> Value {
        let url = format!("{}{command}", self.session);
        let request = self.agent.post(url).content_type("application/json");
        Self::value(command, request.send(body.to_string()))
    }

    #[track_caller]
    fn value(
        command: &str,
        answer: Result<ureq::http::Response<ureq::Body>, ureq::Error>,
    ) -> Value {
        Self::told(command, answer).unwrap_or_else(|why| panic!("{why}"))
    }

    /// Returns the value of an answer, or what the driver says is wrong.
    fn told(
        command: &str,
        answer: Result<ureq::http::Response<ureq::Body>, ureq::Error>,
    ) -> Result<Value, String> {
        let mut answer = answer.map_err(|error| format!("{command}: {error}"))?;
        let text = answer.body_mut().read_to_string().unwrap();
        if !answer.status().is_success() {
            return Err(format!("{command}: {text}"));
        }
        let mut answer: Value = serde_json::from_str(&text).unwrap();
        Ok(answer["value"].take())
    }
}

impl Drop for Browser {
    /// Closes the window; the leash ends the driver.
    fn drop(&mut self) {
        let _ = self.agent.delete(&self.session).call();
    }
}

/// Starts a driver; returns `None` if another process took the port before it, which it reports in its log.
fn start_driver(folder: &Path) -> Option<(u16, Program)> {
    let mut command = leashed(find_program("chromedriver").unwrap(), Leash::default());
    command.arg("--port=0").env("TMPDIR", folder);
    let driver = Program::start(command);
    let port = driver.wait_for(|out, _| {
        let line = out.lines().find(|line| line.contains("started successfully on port"))?;
        let port = line.rsplit(' ').next()?.trim_end_matches('.');
        port.parse::<u16>().ok()
    });
    if port.is_none() {
        println!("no chromedriver: {}", driver.err());
    }
    Some((port?, driver))
}

fn capabilities(binary: &str, screen: Screen) -> Value {
    let mut options = json!({
        "binary": binary,
        // Root may not use the sandbox; containers have a small /dev/shm.
        "args": [
            "--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu",
            "--window-size=1280,900", "--no-first-run", "--disable-extensions",
        ],
    });
    if let Screen::Phone = screen {
        let metrics = json!({ "width": 390, "height": 844, "pixelRatio": 2.0 });
        options["mobileEmulation"] = json!({ "deviceMetrics": metrics });
    }
    json!({ "capabilities": { "alwaysMatch": {
        "browserName": "chrome",
        "pageLoadStrategy": "normal",
        "timeouts": { "script": PATIENCE.as_millis() as u64 },
        "goog:chromeOptions": options,
    } } })
}
