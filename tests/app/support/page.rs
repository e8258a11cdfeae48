//! A response of the shop, with the questions and assertions that tests need.

use super::html::{self, Form, Tag};

#[derive(Debug, Clone)]
pub struct Page {
    /// The request, for messages: `GET /`.
    pub asked: String,
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Page {
    pub fn html(&self) -> String {
        String::from_utf8(self.body.clone()).expect("pages are UTF-8")
    }

    /// Returns the visible text.
    pub fn text(&self) -> String {
        html::text(&self.html())
    }

    /// Returns the body parsed as JSON.
    #[track_caller]
    pub fn json(&self) -> serde_json::Value {
        let json = serde_json::from_slice(&self.body);
        json.unwrap_or_else(|error| panic!("{}: {error}: {}", self.asked, self.excerpt()))
    }

    /// Returns a header's value; several lines are joined as RFC 9110 §5.2 says.
    pub fn header(&self, name: &str) -> Option<String> {
        let lines: Vec<_> = self.lines_of(name).collect();
        (!lines.is_empty()).then(|| lines.join(", "))
    }

    pub fn lines_of<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        let same = move |(key, _): &&(String, String)| key.eq_ignore_ascii_case(name);
        self.headers.iter().filter(same).map(|(_, value)| value.as_str())
    }

    pub fn tags(&self, name: &str) -> Vec<Tag> {
        let mut tags = html::tags(&self.html());
        tags.retain(|tag| tag.name == name);
        tags
    }

    pub fn text_of(&self, tag: &Tag) -> String {
        html::text_of(&self.html(), tag)
    }

    /// Returns the confirmation after an action, if there is one.
    pub fn flash(&self) -> Option<String> {
        let is_flash = |tag: &&Tag| {
            tag.attribute("class") == Some("flash") && tag.attribute("role") == Some("status")
        };
        let text = self.text_of(self.tags("p").iter().find(is_flash)?);
        (!text.is_empty()).then_some(text)
    }

    /// Returns the form that is sent to this path.
    #[track_caller]
    pub fn form(&self, action: &str) -> Form {
        let forms = html::forms(&self.html());
        let found = forms.iter().find(|form| form.action == action);
        found
            .unwrap_or_else(|| panic!("no form for {action} on {}: {forms:#?}", self.asked))
            .clone()
    }

    /// Returns the ids of the listed products in order; each product has a link to its edit form.
    pub fn listed(&self) -> Vec<u64> {
        let edit_link = |tag: &Tag| {
            let path = tag.attribute("href")?.strip_prefix("/products/")?;
            path.strip_suffix("/edit")?.parse().ok()
        };
        self.tags("a").iter().filter_map(edit_link).collect()
    }

    // The assertions below return the page, so that calls can be chained.

    #[track_caller]
    pub fn assert_status(&self, status: u16) -> &Self {
        assert_eq!(self.status, status, "{}: {}", self.asked, self.excerpt());
        self
    }

    #[track_caller]
    pub fn assert_sees(&self, text: &str) -> &Self {
        let seen = self.text();
        assert!(seen.contains(text), "{}: no “{text}” in: {seen}", self.asked);
        self
    }

    #[track_caller]
    pub fn assert_sees_not(&self, text: &str) -> &Self {
        let seen = self.text();
        assert!(!seen.contains(text), "{}: “{text}” in: {seen}", self.asked);
        self
    }

    #[track_caller]
    pub fn assert_header(&self, name: &str, value: &str) -> &Self {
        let found = self.header(name);
        assert_eq!(found.as_deref(), Some(value), "{}: {name}", self.asked);
        self
    }

    #[track_caller]
    pub fn assert_no_header(&self, name: &str) -> &Self {
        assert_eq!(self.header(name), None, "{}: {name}", self.asked);
        self
    }

    /// Asserts a redirect to `path` that makes the browser follow with `GET`.
    #[track_caller]
    pub fn assert_sends_to(&self, path: &str) -> &Self {
        self.assert_status(303).assert_header("location", path)
    }

    /// Asserts that this is a page of the shop: with stylesheet, heading and a link to `/`.
    #[track_caller]
    pub fn assert_is_in_the_shops_dress(&self) -> &Self {
        let kind = self.header("content-type").unwrap_or_default();
        assert!(kind.starts_with("text/html"), "{}: it is {kind}", self.asked);
        let way_home = |tag: &Tag| tag.attribute("href") == Some("/");
        let has_way_home = self.tags("a").iter().any(way_home);
        let has_stylesheet = !self.tags("link").is_empty();
        let has_heading = !self.tags("h1").is_empty();
        assert!(
            has_way_home && has_stylesheet && has_heading,
            "{}: not a page of the shop: {}",
            self.asked,
            self.excerpt()
        );
        self
    }

    /// Asserts that this is a problem document (`application/problem+json`), and returns it.
    #[track_caller]
    pub fn assert_problem(&self, status: u16) -> serde_json::Value {
        self.assert_status(status).assert_header("content-type", "application/problem+json");
        let problem = self.json();
        assert_eq!(problem["status"], status, "{}", self.asked);
        assert!(problem["detail"].is_string(), "{}: {problem}", self.asked);
        problem
    }

    /// Returns the beginning of the body, for messages: of a page that of its content, which no head pushes out.
    pub fn excerpt(&self) -> String {
        let body = String::from_utf8_lossy(&self.body);
        let content = body.find("<main").unwrap_or_default();
        body[content..].chars().take(600).collect()
    }
}
