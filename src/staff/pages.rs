//! The HTML pages of the staff: the index, and the lists of its sections.

use actix_web::http::StatusCode;
use actix_web::http::header::{CACHE_CONTROL, HeaderValue};
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use futures_util::future::join_all;
use serde::Deserialize;

use super::AdminSections;
use crate::cache::fragment::filters;
use crate::error::AppError;
use crate::site::form::Query;
use crate::site::list::admin_section::AdminSection;
use crate::site::list::{self, Cell, Changed, Found, ListQuery, ListView, Parameters, Row, Total};
use crate::site::render::{Layout, dressed, grouped, html};
use crate::site::text;
use crate::site::visitor::{Editor, Visitor};
use crate::state::State;

/// The number of items shown of each section.
const SHOWN: u64 = 10;

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
        let Some(Total { count, has_more }) = self.found.as_ref().map(|found| found.total) else {
            return "count unknown".to_owned();
        };
        let count = format!("{}{}", grouped(count), if has_more { "+" } else { "" });
        if search.is_empty() { count } else { format!("{count} found") }
    }

    /// Returns what is shown beside the name of an item; empty for nothing.
    fn note(&self, row: &Row) -> String {
        let note = self.section.list.cell(row, |column| column.key == self.section.note);
        note.map(Cell::text).unwrap_or_default()
    }

    /// Returns the address of the whole list, searched as the index is.
    fn all(&self, search: &str) -> String {
        let list = self.section.list;
        ListQuery::search(list, search).href(list, Changed::Page(1))
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
    check(&visitor)?;
    let search = text::search(&query.q)?;
    let look = |section: &AdminSection| {
        let section = *section;
        let looking = (section.find)(&request, ListQuery::search(section.list, &search), SHOWN);
        async move {
            let found = looking.await.inspect_err(|error| {
                tracing::warn!(
                    section = section.list.title,
                    reason = error.reason(),
                    "staff section failed to load"
                );
            });
            Filled { section, found: found.ok() }
        }
    };
    let sections = join_all(sections.0.iter().map(look)).await;
    let layout = Layout::new(&visitor, "staff", "Staff");
    let answer = html(&state, StatusCode::OK, &IndexPage { layout, search, sections }).await?;
    Ok(unstored(answer))
}

/// Answers `GET /staff/{list}` with a page of the section's list.
pub async fn list(
    state: web::Data<State>,
    request: HttpRequest,
    sections: web::Data<AdminSections>,
    Editor(visitor, _): Editor,
    Query(parameters): Query<Parameters>,
) -> Result<HttpResponse, AppError> {
    check(&visitor)?;
    let section = sections.0.iter().find(|section| section.list.path == request.path());
    let AdminSection { list, find, .. } = *section.ok_or(AppError::NotFound)?;
    let query = ListQuery::parse(list, &parameters)?;
    let size = state.settings.page_size;
    let found = find(&request, query.clone(), size).await?;
    let view = ListView::new(list, query, found, size)?;
    let layout = Layout::new(&visitor, "staff", list.title);
    Ok(unstored(list::show(&state, layout, view).await?))
}

fn check(visitor: &Visitor) -> Result<(), AppError> {
    match visitor.may_write() {
        true => Ok(()),
        false => Err(AppError::Forbidden("Staff only: you may not change the shop.")),
    }
}

fn unstored(mut answer: HttpResponse) -> HttpResponse {
    answer.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    answer
}

dressed!(IndexPage);
