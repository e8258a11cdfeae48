//! The versions panel: the versions of the program and of its crates.

use askama::Template;

use super::Panel;

#[derive(Template)]
#[template(path = "toolbar/versions.html")]
pub struct VersionsPanel<'a> {
    versions: &'a [(String, String)],
}

impl<'a> VersionsPanel<'a> {
    pub fn new(versions: &'a [(String, String)]) -> Self {
        Self { versions }
    }
}

impl Panel for VersionsPanel<'_> {
    const TITLE: &'static str = "Versions";

    /// Returns the first line, which is the program's own version.
    fn subtitle(&self) -> String {
        self.versions
            .first()
            .map_or_else(|| "none given".to_owned(), |(name, version)| format!("{name} {version}"))
    }
}
