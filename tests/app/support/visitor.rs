//! A person with a browser: keeps cookies and follows redirects.

use std::collections::BTreeMap;

use super::page::Page;
use super::site::TestSite;

pub struct Visitor<'a> {
    site: &'a TestSite,
    cookies: BTreeMap<String, String>,
}

impl TestSite {
    pub fn visitor(&self) -> Visitor<'_> {
        Visitor { site: self, cookies: BTreeMap::new() }
    }
}

impl Visitor<'_> {
    #[track_caller]
    pub fn get(&mut self, path: &str) -> Page {
        self.ask("GET", path, &[])
    }

    /// Sends a form and follows its redirect; returns the page.
    #[track_caller]
    pub fn submit(&mut self, path: &str, fields: &[(&str, &str)]) -> Page {
        let answer = self.ask("POST", path, fields);
        match (answer.status, answer.header("location")) {
            (303, Some(location)) => self.get(&location),
            _ => answer,
        }
    }

    /// Sends a form and returns the response itself.
    #[track_caller]
    pub fn posts(&mut self, path: &str, fields: &[(&str, &str)]) -> Page {
        self.ask("POST", path, fields)
    }

    pub fn cookies(&self) -> &BTreeMap<String, String> {
        &self.cookies
    }

    #[track_caller]
    fn ask(&mut self, method: &str, path: &str, fields: &[(&str, &str)]) -> Page {
        let mut request = self.site.ask(method, path);
        if method == "POST" {
            request = request.form(fields).header("Sec-Fetch-Site", "same-origin");
        }
        if !self.cookies.is_empty() {
            let pairs = self.cookies.iter().map(|(name, value)| format!("{name}={value}"));
            request = request.header("Cookie", &pairs.collect::<Vec<_>>().join("; "));
        }
        let page = request.send();
        for line in page.lines_of("set-cookie") {
            self.keep(line);
        }
        page
    }

    /// Stores a cookie, or removes it if its lifetime is zero.
    fn keep(&mut self, line: &str) {
        let mut parts = line.split(';').map(str::trim);
        let (name, value) = parts.next().and_then(|pair| pair.split_once('=')).unwrap();
        if parts.any(|part| part.eq_ignore_ascii_case("max-age=0")) {
            self.cookies.remove(name);
        } else {
            self.cookies.insert(name.to_owned(), value.to_owned());
        }
    }
}
