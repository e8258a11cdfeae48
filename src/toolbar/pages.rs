//! The toolbar's handlers: fragments for its script, JSON for programs.
//!
//! - Clients that may not see the toolbar get 404.
//! - Its responses are never stored, and are not in the history.

use std::sync::Arc;

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{CACHE_CONTROL, ContentType, HeaderValue};
use actix_web::middleware::Next;
use actix_web::{Error, HttpRequest, HttpResponse, web};

use super::forms::{BypassForm, ExplainQuery, Purge, PurgeForm, Told};
use super::memory::Memory;
use super::record::Record;
use super::{is_allowed, json, panels, warnings};
use crate::dashboard::audit::Door;
use crate::dashboard::{Dashboard, service};
use crate::error::AppError;
use crate::site::client::Client;
use crate::site::form::{Form, Id, Query};
use crate::site::request_id::RequestId;
use crate::site::visitor::Visitor;
use crate::site::{flash, redirect};
use crate::state::State;

type Answer = Result<HttpResponse, AppError>;

const FORGOTTEN: AppError = AppError::Absent("This request is no longer recorded.");

/// Handles `GET /toolbar/requests/9e3779b97f4a7c15`.
pub async fn show(
    memory: web::Data<Memory>,
    Id(id): Id<RequestId>,
    Query(told): Query<Told>,
) -> Answer {
    let record = memory.find(id).ok_or(FORGOTTEN)?;
    let history = memory.history();
    let warnings = warnings::warnings(&record, &history);
    if told.is_json() {
        return as_json(&serde_json::json!({
            "record": json::of(&*record).map_err(unwritable)?,
            "warnings": warnings,
        }));
    }
    let Memory { settings, versions, .. } = &**memory;
    let summaries = memory.summaries();
    html(panels::render(&record, &summaries, settings, versions, &warnings)?)
}

/// Handles `GET /toolbar/requests`.
pub async fn index(memory: web::Data<Memory>, Query(told): Query<Told>) -> Answer {
    let summaries = memory.summaries();
    if told.is_json() {
        return as_json(&json::of(&summaries).map_err(unwritable)?);
    }
    html(panels::history(&summaries, None)?)
}

/// Handles `GET /toolbar/explain?id=9e3779b97f4a7c15&n=3`.
pub async fn explain(
    state: web::Data<State>,
    memory: web::Data<Memory>,
    Query(query): Query<ExplainQuery>,
) -> Answer {
    let id = query.id.parse().ok();
    let record: Arc<Record> = id.and_then(|id| memory.find(id)).ok_or(FORGOTTEN)?;
    let (sql, binds) = match query.of(&record) {
        Ok(statement) => statement,
        Err(reason) => return html(panels::plan(Err(reason))?),
    };
    let plan = state.db.explain(sql.sql.clone(), binds).await;
    html(match &plan {
        Ok(lines) => panels::plan(Ok(lines))?,
        Err(error) => {
            tracing::warn!(%error, "a statement could not be explained");
            panels::plan(Err("The database cannot explain this statement."))?
        }
    })
}

const PURGED: &str = "Purged, in every instance: rebuilt on next use.";

const ENDED: &str = "Its time is over, in every instance: it is rebuilt when it is next requested, and may \
                     stand in for an error where its policy lets it.";

/// Returns the sentence about a purged key, also if there was no entry.
fn said(done: Result<(), AppError>, sentence: &str) -> Result<String, AppError> {
    match done {
        Err(AppError::Absent(_)) => {
            Ok("Nothing is stored under this key any more, on any instance.".into())
        }
        done => done.map(|()| sentence.to_owned()),
    }
}

/// Handles `POST /toolbar/purge`.
pub async fn purge(
    state: web::Data<State>,
    board: web::Data<Dashboard>,
    Form(form): Form<PurgeForm>,
) -> Answer {
    let done = match form.what()? {
        Purge::Key(key) => said(service::delete(&state, &board, key, Door::Toolbar).await, PURGED)?,
        Purge::End(key) => said(service::end(&state, &board, key, Door::Toolbar).await, ENDED)?,
        Purge::Tag(name) => {
            service::invalidate(&state, &board, name, Door::Toolbar).await?;
            format!("Purged: what depends on “{name}” is rebuilt on next use.")
        }
    };
    Ok(flash::redirect(redirect::local_path(&form.back), &done))
}

/// Handles `POST /toolbar/bypass`.
pub async fn bypass(
    request: HttpRequest,
    memory: web::Data<Memory>,
    Form(form): Form<BypassForm>,
) -> HttpResponse {
    let back = redirect::local_path(&form.back);
    memory.bypass_next(Client::of(&request).address, back);
    redirect::see_other(back)
}

/// Answers 404 to clients that may not see the toolbar, and forbids storing its responses.
pub async fn guard<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let is_allowed = is_allowed(&request) && !Visitor::of(request.request()).may_sign_in();
    let mut response = if is_allowed {
        next.call(request).await?.map_into_boxed_body()
    } else {
        request.error_response(AppError::NotFound)
    };
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

fn html(fragment: String) -> Answer {
    Ok(HttpResponse::Ok().insert_header(ContentType::html()).body(fragment))
}

fn as_json(value: &serde_json::Value) -> Answer {
    Ok(HttpResponse::Ok().json(value))
}

fn unwritable(error: serde_json::Error) -> AppError {
    AppError::Internal(Arc::new(anyhow::Error::new(error).context("write a record as JSON")))
}
