//! The HTML pages of the tastings.

use std::sync::Arc;

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use askama::Template;
use time::OffsetDateTime;

use super::model::{Coming, Part, Range};
use super::openapi::{self, Operation};
use super::service;
use crate::cache::fragment::filters;
use crate::error::AppError;
use crate::site::form::Query;
use crate::site::pagination::{self, PageLink, Pagination};
use crate::site::render::{Layout, dressed, grouped, html};
use crate::site::visitor::Visitor;
use crate::state::State;

const SECTION: &str = "events";

type Answer = Result<HttpResponse, AppError>;

/// The query of the list of tastings.
#[derive(Debug, Default, serde::Deserialize)]
#[serde(default)]
pub struct IndexQuery {
    /// The page, from 1; empty for the first.
    pub page: String,
}

/// The page of the coming tastings.
#[derive(Template)]
#[template(path = "events/index.html")]
struct IndexPage {
    layout: Layout,
    part: Arc<Part<Coming>>,
    pagination: Pagination,
}

impl IndexPage {
    /// Returns `12 tastings to come · page 1 of 1`.
    fn summary(&self) -> String {
        let count = self.part.count;
        let noun = if count == 1 { "tasting" } else { "tastings" };
        let (page, last) = (grouped(self.pagination.page), grouped(self.pagination.last));
        format!("{} {noun} to come · page {page} of {last}", grouped(count))
    }

    /// Returns `1 guest`.
    fn guests(&self, coming: &Coming) -> String {
        let noun = if coming.guests == 1 { "guest" } else { "guests" };
        // A no-break space keeps the number with its noun.
        format!("{}\u{a0}{noun}", grouped(coming.guests))
    }
}

/// Answers `GET /events` with the coming tastings.
///
/// Not cached as a page: the list changes at midnight without a change of the database.
pub async fn index(
    state: web::Data<State>,
    visitor: Visitor,
    Query(query): Query<IndexQuery>,
) -> Answer {
    let page = pagination::page_number(&query.page).ok_or(AppError::NotFound)?;
    let limit = state.settings.page_size;
    let range = Range { limit, offset: (page - 1).saturating_mul(limit) };
    let part = service::coming(&state, OffsetDateTime::now_utc().date(), range).await?;
    let pagination = Pagination::new(page, part.count, limit, "/events", Vec::new());
    if !pagination.has_page() {
        return Err(AppError::NotFound);
    }
    let layout = Layout::new(&visitor, SECTION, "Tastings");
    html(&state, StatusCode::OK, &IndexPage { layout, part, pagination }).await
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
