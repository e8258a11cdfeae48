//! The HTML page of the staff index.

use actix_web::http::StatusCode;
use actix_web::http::header::{CACHE_CONTROL, HeaderValue};
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use futures_util::future::join_all;
use serde::Deserialize;

use super::AdminSections;
use crate::cache::fragment::filters;
use crate::error::AppError;
use crate::site::admin_section::{AdminSection, Found};
use crate::site::form::Query;
use crate::site::render::{Layout, dressed, grouped, html};
use crate::site::text;
use crate::site::visitor::Editor;
use crate::state::State;

/// The query of the index.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct IndexQuery {
    q: String,
}

/// The page with all sections.
#[derive(Template)]
#[template(path = "staff/index.html")]
struct IndexPage {
    layout: Layout,
    search: String,
    sections: Vec<Filled>,
}

/// A section and its search results; `None` if they could not be read.
struct Filled {
    section: AdminSection,
    found: Option<Found>,
}

impl Filled {
    /// Returns `1,000`, or `12 found` for a search.
    fn count(&self, search: &str) -> String {
        let total = self.found.as_ref().map(|found| grouped(found.total));
        match (total, search.is_empty()) {
            (None, _) => "not known now".to_owned(),
            (Some(total), true) => total,
            (Some(total), false) => format!("{total} found"),
        }
    }
}

/// Answers `GET /staff` with the index.
pub async fn index(
    state: web::Data<State>,
    request: HttpRequest,
    sections: web::Data<AdminSections>,
    Editor(visitor, _): Editor,
    Query(query): Query<IndexQuery>,
) -> Result<HttpResponse, AppError> {
    if !visitor.may_write() {
        return Err(AppError::Forbidden("This is for those who may change the shop."));
    }
    let search = text::search(&query.q)?;
    let look = |section: &AdminSection| {
        let (section, looking) = (*section, (section.find)(&request, search.clone()));
        async move {
            let found = looking.await.inspect_err(|error| {
                tracing::warn!(
                    section = section.name,
                    reason = error.reason(),
                    "a section is not shown"
                );
            });
            Filled { section, found: found.ok() }
        }
    };
    let sections = join_all(sections.0.iter().map(look)).await;
    let layout = Layout::new(&visitor, "staff", "Staff");
    let mut answer = html(&state, StatusCode::OK, &IndexPage { layout, search, sections }).await?;
    answer.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(answer)
}

dressed!(IndexPage);
