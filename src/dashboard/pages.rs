//! The page of the cache's figures, and the confirmation page of an invalidation.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;

use super::audit::{Door, LogEntry};
use super::forms::InvalidateForm;
use super::overview::{self, Overview};
use super::{Dashboard, SECTION, service, words};
use crate::cache::fragment::filters;
use crate::error::AppError;
use crate::metrics::Metrics;
use crate::site::form::{Form, Query};
use crate::site::render::{Layout, dressed, grouped, html};
use crate::site::visitor::Visitor;
use crate::site::{flash, redirect};
use crate::state::State;

type Answer = Result<HttpResponse, AppError>;

#[derive(Template)]
#[template(path = "dashboard/index.html")]
struct IndexPage {
    layout: Layout,
    now: Overview,
    log: Vec<LogEntry>,
}

impl LogEntry {
    /// Returns how many entries depended on the tag, or held the key.
    fn went(&self) -> String {
        self.entries.map_or_else(|| "unknown".to_owned(), grouped)
    }
}

/// Shows all figures: `GET /cache`.
pub async fn index(
    state: web::Data<State>,
    visitor: Visitor,
    board: web::Data<Dashboard>,
    metrics: web::Data<Metrics>,
) -> Answer {
    let now = overview::look(&state, &board, &metrics).await;
    let layout = Layout::new(&visitor, SECTION, "Cache");
    html(&state, StatusCode::OK, &IndexPage { layout, now, log: board.audit.log() }).await
}

/// The page that asks for confirmation of an invalidation.
#[derive(Template)]
#[template(path = "dashboard/invalidate.html")]
struct AskPage {
    layout: Layout,
    tag: String,
    /// The pages, fragments and queries that depend on the tag; `None` if unknown.
    would_invalidate: Option<[u64; 3]>,
    is_shared: bool,
    /// The path to return to.
    back: String,
}

impl AskPage {
    fn is_everything(&self) -> bool {
        self.tag == "everything"
    }

    fn all(&self) -> Option<String> {
        let all = self.would_invalidate?.iter().sum();
        Some(words::counted(all, "entry", "entries"))
    }

    fn by_level(&self) -> String {
        self.would_invalidate.map(words::by_level).unwrap_or_default()
    }
}

/// Asks for confirmation: `GET /cache/invalidate?tag=products`.
pub async fn ask(
    state: web::Data<State>,
    visitor: Visitor,
    Query(form): Query<InvalidateForm>,
) -> Answer {
    let tags = service::tags(&state, form.tag())?;
    let would_invalidate = state.cache.inspect().would_invalidate(&tags).await.ok();
    let layout = Layout::new(&visitor, SECTION, "Invalidate");
    let (tag, is_shared) = (form.tag().to_owned(), state.cache.is_shared());
    let back = if form.back.is_empty() { "/cache" } else { redirect::local_path(&form.back) };
    let back = back.to_owned();
    let page = AskPage { layout, tag, would_invalidate, is_shared, back };
    html(&state, StatusCode::OK, &page).await
}

/// Invalidates a tag: `POST /cache/invalidate`.
pub async fn invalidate(
    request: HttpRequest,
    state: web::Data<State>,
    board: web::Data<Dashboard>,
    Form(form): Form<InvalidateForm>,
) -> Answer {
    let door = Door::of(&request, &form.back);
    service::invalidate(&state, &board, form.tag(), door).await?;
    let done = match form.tag() {
        "everything" => "Cache invalidated. Pages will be rebuilt on next request.".into(),
        row if row.contains('#') => {
            format!("Entries built from single rows in “{row}” is rebuilt on next use.")
        }
        table => format!("Entries built from “{table}” is rebuilt on next use."),
    };
    Ok(flash::redirect(redirect::local_path(&form.back), &done))
}

dressed!(IndexPage, AskPage);
