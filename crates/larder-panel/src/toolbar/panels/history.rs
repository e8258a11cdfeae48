//! The history panel: the last requests, with redirects and JSON; each can be opened in place.
//!
//! - The rows keep their order, the newest first.
//! - The request that is shown is marked.

use askama::Template;

use super::super::record::{Kind, Summary};
use super::Panel;
use super::words;
use crate::figures::{clock, count, took};
use crate::request_id::RequestId;

#[derive(Template)]
#[template(path = "toolbar/history.html")]
pub struct History<'a> {
    rows: Vec<Row<'a>>,
    /// The marks by which it can be filtered.
    marks: [&'static str; words::OUTCOMES.len()],
}

struct Row<'a> {
    id: String,
    summary: &'a Summary,
    mark: &'static str,
    look: &'static str,
    clock: String,
    took: String,
    queries: String,
    note: Option<&'static str>,
    is_shown: bool,
}

impl<'a> History<'a> {
    pub fn new(history: &'a [Summary], shown: Option<RequestId>) -> Self {
        let rows = history.iter().map(|summary| Row::new(summary, shown)).collect();
        Self { rows, marks: words::OUTCOMES.map(words::page) }
    }
}

impl Panel for History<'_> {
    const TITLE: &'static str = "History";

    fn subtitle(&self) -> String {
        count(self.rows.len() as u64, "request", "requests")
    }
}

impl<'a> Row<'a> {
    fn new(summary: &'a Summary, shown: Option<RequestId>) -> Self {
        Self {
            id: summary.id.to_string(),
            summary,
            mark: words::page(summary.outcome),
            look: if summary.status >= 500 { "bad" } else { words::look(summary.outcome) },
            clock: clock(summary.began),
            took: took(summary.took),
            queries: count(summary.queries as u64, "query", "queries"),
            note: (summary.kind == Kind::Json).then_some("JSON"),
            is_shown: shown == Some(summary.id),
        }
    }
}

/// Renders only the rows, for `GET /toolbar/requests`.
pub fn render(history: &[Summary], shown: Option<RequestId>) -> Result<String, askama::Error> {
    History::new(history, shown).render()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::toolbar::stories;

    #[test]
    fn the_request_that_is_shown_is_marked() {
        let history = [stories::hit().summary(), stories::redirect().summary()];
        let html = render(&history, Some(history[1].id)).unwrap();
        assert_eq!(html.matches("aria-current").count(), 1);
        let order = history.each_ref().map(|summary| html.find(&summary.id.to_string()));
        assert!(order[0] < order[1], "the rows keep their order");
        let marked = html.find("aria-current").unwrap();
        assert!(marked > html.find(&history[0].id.to_string()).unwrap());
        assert!(html.contains("/posts/17"), "{html}");
    }
}
