//! The panels: the record of a request as HTML.
//!
//! - A panel reads only the record, neither the cache nor the database.
//! - A template escapes all its text, whatever its source; only the output of a template counts as HTML.
//! - Nothing needs an inline style or script.
//! - An empty panel says that it is empty.
//!
//! Not here: how records are collected (`recorder`), and which clients may see them (`mod`).

mod banner;
mod cache;
mod headers;
mod history;
mod log;
mod plan;
mod request;
mod settings;
mod similar;
mod sql;
mod statement;
mod templates;
mod time;
mod timeline;
mod tree;
mod versions;
mod words;

use askama::Template;

use super::record::{Record, Summary};
use crate::hooks::Hooks;
use crate::page::Html;

pub use history::render as history;
pub use plan::render as plan;
pub use words::page as mark;

/// Renders the record of a request, as the fragment that the script puts into the page.
///
/// `at` is the path of the panel; `history` is the newest first; `warnings` are whole sentences. It fails
/// only if a template fails.
pub fn render(
    record: &Record,
    history: &[Summary],
    at: &str,
    hooks: &Hooks,
    warnings: &[String],
) -> Result<String, askama::Error> {
    let mut panels = vec![
        Shown::new("cache", &cache::Cache::new(record, at))?,
        Shown::new("sql", &sql::Sql::new(record, hooks.explain.is_some()))?,
        Shown::new("time", &time::Time::new(record))?,
        Shown::new("request", &request::Request::new(record))?,
        Shown::new("headers", &headers::Headers::new(record))?,
        Shown::new("templates", &templates::Templates::new(record))?,
        Shown::new("log", &log::Log::new(record))?,
        Shown::new("settings", &settings::Settings::new(&hooks.settings))?,
        Shown::new("versions", &versions::VersionsPanel::new(&hooks.versions))?,
        Shown::new("history", &history::History::new(history, Some(record.id)))?,
    ];
    panels.retain(|panel| !hooks.without.contains(&panel.name));
    let banner = Html(banner::Banner::new(record, at).render()?);
    Frame { id: record.id.to_string(), banner, warnings, panels }.render()
}

/// What every panel has beside its template.
trait Panel: Template {
    /// The label of its tab.
    const TITLE: &'static str;

    /// Returns one line about this request.
    fn subtitle(&self) -> String;

    /// Reports whether it contains a problem.
    fn calls_attention(&self) -> bool {
        false
    }
}

/// A panel as the frame shows it.
struct Shown {
    name: &'static str,
    title: &'static str,
    subtitle: String,
    calls: bool,
    body: Html,
}

impl Shown {
    fn new<P: Panel>(name: &'static str, panel: &P) -> Result<Self, askama::Error> {
        Ok(Self {
            name,
            title: P::TITLE,
            subtitle: panel.subtitle(),
            calls: panel.calls_attention(),
            body: Html(panel.render()?),
        })
    }
}

#[derive(Template)]
#[template(path = "toolbar/frame.html")]
struct Frame<'a> {
    id: String,
    banner: Html,
    warnings: &'a [String],
    panels: Vec<Shown>,
}

#[cfg(test)]
mod tests;
