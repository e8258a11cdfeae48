//! The pages of the dashboard: their content, and a neutral layout for applications that have none.

use std::fmt;

use actix_web::{Error, HttpRequest};
use askama::Template;
use askama::filters::HtmlSafe;

use crate::assets;
use crate::error::PanelError;

/// A page of the dashboard, without the layout around it.
#[derive(Debug)]
#[non_exhaustive]
pub struct Page {
    /// Its title.
    pub title: String,
    /// Its content: HTML whose text is escaped.
    pub content: String,
    /// The address of the style sheet of its content.
    pub stylesheet: String,
    /// The address of the style sheet of the neutral layout.
    pub(crate) base: String,
}

impl Page {
    /// Renders a page of the panel below `at`.
    pub(crate) fn new(
        at: &str,
        title: &str,
        content: &impl Template,
    ) -> Result<Self, askama::Error> {
        Ok(Self {
            title: title.to_owned(),
            content: content.render()?,
            stylesheet: assets::DASHBOARD.url(at),
            base: assets::BASE.url(at),
        })
    }
}

/// The output of a template, which has escaped it.
pub(crate) struct Html(pub String);

impl fmt::Display for Html {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl HtmlSafe for Html {}

#[derive(Template)]
#[template(path = "layout.html")]
struct Neutral {
    title: String,
    content: Html,
    stylesheets: [String; 2],
}

/// Renders a page in the neutral layout.
pub(crate) async fn neutral(_: HttpRequest, page: Page) -> Result<String, Error> {
    let Page { title, content, stylesheet, base } = page;
    let page = Neutral { title, content: Html(content), stylesheets: [base, stylesheet] };
    Ok(page.render().map_err(PanelError::from)?)
}
