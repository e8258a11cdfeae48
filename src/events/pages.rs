//! The HTML pages of the tastings.

use std::sync::Arc;

use actix_web::http::StatusCode;
use actix_web::http::header::{CACHE_CONTROL, HeaderValue};
use actix_web::{HttpResponse, web};
use askama::Template;
use serde::Deserialize;

use super::model::{self, COMING, Coming, Event, EventId, Guest, Part, Range};
use super::openapi::{self, Operation};
use super::service;
use crate::cache::fragment::filters;
use crate::error::AppError;
use crate::site::form::{Id, Query};
use crate::site::list::{ListQuery, ListView, Parameters, Row};
use crate::site::pagination::{PageLink, Pagination, page_number};
use crate::site::render::{Layout, dressed, html};
use crate::site::visitor::Visitor;
use crate::state::State;

const SECTION: &str = "events";

type Answer = Result<HttpResponse, AppError>;

/// The page of the coming tastings, each on a card.
#[derive(Template)]
#[template(path = "events/index.html")]
struct IndexPage {
    layout: Layout,
    view: ListView,
    part: Arc<Part<Coming>>,
}

impl IndexPage {
    /// Returns the tastings of the rows, in their order.
    fn listed(&self) -> impl Iterator<Item = &Coming> {
        let of = |row: &Row| self.part.items.iter().find(|one| one.event.id.get() == row.id);
        self.view.found.rows.iter().filter_map(of)
    }

    /// Returns `1 guest`.
    fn guests(&self, coming: &Coming) -> String {
        guests(coming.guests)
    }
}

/// Returns `1 guest`; a no-break space keeps the number with its noun.
fn guests(number: u64) -> String {
    model::GUESTS.count(number).replace(' ', "\u{a0}")
}

/// Answers `GET /events` with the coming tastings.
///
/// Not cached as a page: the list changes at midnight without a change of the database.
pub async fn index(
    state: web::Data<State>,
    visitor: Visitor,
    Query(parameters): Query<Parameters>,
) -> Answer {
    let query = ListQuery::parse(&COMING, &parameters)?;
    let size = state.settings.page_size;
    let range = service::range(&COMING, &query, size);
    let part = service::coming(&state, range).await?;
    let found = part.found(&COMING, &query, size, |coming| coming.event.row());
    let view = ListView::new(&COMING, query, found, size)?;
    let layout = Layout::new(&visitor, SECTION, COMING.title);
    html(&state, StatusCode::OK, &IndexPage { layout, view, part }).await
}

/// The page of one tasting.
#[derive(Template)]
#[template(path = "events/show.html")]
struct ShowPage {
    layout: Layout,
    event: Event,
    part: Arc<Part<Guest>>,
    pagination: Pagination,
}

impl ShowPage {
    /// Returns how many guests the tasting has.
    fn count(&self) -> String {
        guests(self.part.count)
    }
}

/// The query of a tasting's page.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct ShowQuery {
    page: String,
}

/// Answers `GET /events/{id}` with the page of a tasting. Its guests are for staff.
pub async fn show(
    state: web::Data<State>,
    visitor: Visitor,
    Id(id): Id<EventId>,
    Query(query): Query<ShowQuery>,
) -> Answer {
    let event = service::event(&state, id).await?;
    let event = (*event).clone().ok_or(AppError::NotFound)?;
    let page = page_number(&query.page).ok_or(AppError::NotFound)?;
    let size = state.settings.page_size;
    let range = Range { limit: size, offset: size.saturating_mul(page - 1) };
    let part = service::guests(&state, Some(id), range).await?;
    let pagination = Pagination::new(page, part.count, size, event.path(), Vec::new()).checked()?;
    let layout = Layout::new(&visitor, SECTION, &event.name);
    let mut answer =
        html(&state, StatusCode::OK, &ShowPage { layout, event, part, pagination }).await?;
    if visitor.may_write() {
        // The form that adds a guest is another one each time.
        answer.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    }
    Ok(answer)
}

/// The page that describes the API.
#[derive(Template)]
#[template(path = "events/api.html")]
struct ApiPage {
    layout: Layout,
    operations: Vec<Operation>,
}

/// Answers `GET /api` with the page that describes the API.
pub async fn api(state: web::Data<State>, visitor: Visitor) -> Answer {
    let layout = Layout::new(&visitor, SECTION, "The API");
    let page = ApiPage { layout, operations: openapi::operations(&openapi::document()) };
    html(&state, StatusCode::OK, &page).await
}

dressed!(IndexPage, ShowPage, ApiPage);
