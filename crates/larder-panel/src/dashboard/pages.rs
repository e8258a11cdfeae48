//! The page of the cache's figures, and the confirmation page of an invalidation.

use std::time::SystemTime;

use actix_web::http::header::ContentType;
use actix_web::{Error, HttpRequest, HttpResponse, web};
use askama::Template;

use super::audit::{Door, LogEntry};
use super::forms::InvalidateForm;
use super::overview::{self, Overview};
use super::{service, words};
use crate::error::PanelError;
use crate::figures::{count, grouped};
use crate::form::{Form, Query};
use crate::page::Page;
use crate::redirect::local_path;
use crate::state::PanelState;

type Answer = Result<HttpResponse, Error>;

#[derive(Template)]
#[template(path = "dashboard/index.html")]
struct IndexPage<'a> {
    at: &'a str,
    may_write: bool,
    clock: fn(SystemTime) -> String,
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
pub async fn index(request: HttpRequest, state: web::Data<PanelState>) -> Answer {
    let (now, log) = (overview::look(&state).await, state.audit.log());
    let (at, clock) = (state.at.as_str(), state.hooks.clock);
    let may_write = (state.hooks.may_write)(&request);
    html(&request, &state, "Cache", &IndexPage { at, may_write, clock, now, log }).await
}

/// Renders a page in the layout of the application.
pub(super) async fn html(
    request: &HttpRequest,
    state: &PanelState,
    title: &str,
    content: &impl Template,
) -> Answer {
    let page = Page::new(&state.at, title, content).map_err(PanelError::from)?;
    let body = (state.hooks.layout)(request.clone(), page).await?;
    Ok(HttpResponse::Ok().insert_header(ContentType::html()).body(body))
}

/// The page that asks for confirmation of an invalidation.
#[derive(Template)]
#[template(path = "dashboard/invalidate.html")]
struct AskPage<'a> {
    at: &'a str,
    may_write: bool,
    tag: String,
    /// The pages, fragments and queries that depend on the tag; `None` if unknown.
    would_invalidate: Option<[u64; 3]>,
    is_shared: bool,
    /// The path to return to.
    back: String,
}

impl AskPage<'_> {
    fn is_everything(&self) -> bool {
        self.tag == "everything"
    }

    fn is_from_cache(&self) -> bool {
        self.back.strip_prefix(self.at) == Some("/cache")
    }

    fn all(&self) -> Option<String> {
        let all = self.would_invalidate?.iter().sum();
        Some(count(all, "entry", "entries"))
    }

    fn by_level(&self) -> String {
        self.would_invalidate.map(words::by_level).unwrap_or_default()
    }
}

/// Asks for confirmation: `GET /cache/invalidate?tag=posts`.
pub async fn ask(
    request: HttpRequest,
    state: web::Data<PanelState>,
    Query(form): Query<InvalidateForm>,
) -> Answer {
    let tags = service::tags(&state, form.tag())?;
    let would_invalidate = state.cache.inspect().would_invalidate(&tags).await.ok();
    let (at, may_write) = (state.at.as_str(), (state.hooks.may_write)(&request));
    let (tag, is_shared) = (form.tag().to_owned(), state.cache.is_shared());
    let back = match form.back.as_str() {
        "" => format!("{at}/cache"),
        back => local_path(back).to_owned(),
    };
    let page = AskPage { at, may_write, tag, would_invalidate, is_shared, back };
    html(&request, &state, "Invalidate", &page).await
}

/// Invalidates a tag: `POST /cache/invalidate`.
pub async fn invalidate(
    request: HttpRequest,
    state: web::Data<PanelState>,
    Form(form): Form<InvalidateForm>,
) -> Answer {
    let door = Door::of(&request, &state.at, &form.back);
    service::invalidate(&state, form.tag(), door).await?;
    let done = match form.tag() {
        "everything" => "Cache invalidated. Pages will be rebuilt on next request.".into(),
        row if row.contains('#') => {
            format!("What was built from single rows in “{row}” is rebuilt on next use.")
        }
        tag => format!("What was built from “{tag}” is rebuilt on next use."),
    };
    Ok((state.hooks.redirect)(local_path(&form.back), &done))
}
