//! The settings panel: the settings of the process, collected without secrets.

use askama::Template;

use super::Panel;
use crate::figures::count;

#[derive(Template)]
#[template(path = "toolbar/settings.html")]
pub struct Settings<'a> {
    settings: &'a [(String, String)],
}

impl<'a> Settings<'a> {
    pub fn new(settings: &'a [(String, String)]) -> Self {
        Self { settings }
    }
}

impl Panel for Settings<'_> {
    const TITLE: &'static str = "Settings";

    fn subtitle(&self) -> String {
        match self.settings.len() as u64 {
            0 => "none given".to_owned(),
            given => count(given, "setting", "settings"),
        }
    }
}
