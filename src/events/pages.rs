//! The HTML pages of the tastings.

use std::sync::Arc;

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use askama::Template;
use time::OffsetDateTime;

use super::model::{self, COMING, Coming, Part};
use super::openapi::{self, Operation};
use super::service;
use crate::cache::fragment::filters;
use crate::error::AppError;
use crate::site::form::Query;
use crate::site::list::{ListQuery, ListView, Parameters, Row};
use crate::site::pagination::PageLink;
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
        // A no-break space keeps the number with its noun.
        model::GUESTS.count(coming.guests).replace(' ', "\u{a0}")
    }
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
    let part = service::coming(&state, OffsetDateTime::now_utc().date(), range).await?;
    let found = part.found(&COMING, &query, size, |coming| coming.event.row());
    let view = ListView::new(&COMING, query, found, size)?;
    let layout = Layout::new(&visitor, SECTION, COMING.title);
    html(&state, StatusCode::OK, &IndexPage { layout, view, part }).await
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

dressed!(IndexPage, ApiPage);
