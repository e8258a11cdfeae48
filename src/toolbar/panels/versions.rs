//! What the program is made of, and what it talks to.

use askama::Template;

use super::Panel;

#[derive(Template)]
#[template(path = "toolbar/versions.html")]
pub struct Versions<'a> {
    versions: &'a [(String, String)],
}

impl<'a> Versions<'a> {
    pub fn new(versions: &'a [(String, String)]) -> Self {
        Self { versions }
    }
}

impl Panel for Versions<'_> {
    const TITLE: &'static str = "Versions";

    /// The first, which is the program's own.
    fn subtitle(&self) -> String {
        self.versions
            .first()
            .map_or_else(String::new, |(name, version)| format!("{name} {version}"))
    }
}
