//! The toolbar's handlers: fragments for its script, JSON for programs.
//!
//! - Clients that may not see the toolbar get 404.
//! - Its responses are never stored, and are not in the history.

use std::sync::Arc;

use actix_web::http::header::ContentType;
use actix_web::{HttpRequest, HttpResponse, web};

use super::forms::{BypassForm, ExplainQuery, HistoryQuery, Purge, PurgeForm, Told};
use super::record::Record;
use super::{json, panels, warnings};
use crate::dashboard::audit::Door;
use crate::dashboard::service;
use crate::error::PanelError;
use crate::form::{Form, Query};
use crate::redirect::{local_path, see_other};
use crate::request_id::RequestId;
use crate::state::PanelState;

type Answer = Result<HttpResponse, PanelError>;

const FORGOTTEN: PanelError = PanelError::Absent("This request is no longer recorded.");

/// Handles `GET /toolbar/requests/9e3779b97f4a7c15`.
pub async fn show(
    state: web::Data<PanelState>,
    id: web::Path<String>,
    Query(told): Query<Told>,
) -> Answer {
    let memory = &state.memory;
    let record = found(&state, &id)?;
    let history = memory.history();
    let warnings = warnings::warnings(&record, &history);
    if told.is_json() {
        return as_json(&serde_json::json!({
            "record": json::of(&*record)?,
            "warnings": warnings,
        }));
    }
    html(panels::render(&record, &memory.summaries(), &state.at, &state.hooks, &warnings)?)
}

/// Handles `GET /toolbar/requests`.
pub async fn index(state: web::Data<PanelState>, Query(query): Query<HistoryQuery>) -> Answer {
    let mut summaries = state.memory.summaries();
    summaries.retain(|request| query.wants(request));
    if query.is_json() {
        return as_json(&json::of(&summaries)?);
    }
    html(panels::history(&summaries, None)?)
}

/// Handles `GET /toolbar/explain?id=9e3779b97f4a7c15&n=3`.
pub async fn explain(state: web::Data<PanelState>, Query(query): Query<ExplainQuery>) -> Answer {
    explained(&state, &query, false).await
}

/// Handles `POST /toolbar/explain`, which runs the statement.
pub async fn analyze(state: web::Data<PanelState>, Form(query): Form<ExplainQuery>) -> Answer {
    explained(&state, &query, true).await
}

async fn explained(state: &PanelState, query: &ExplainQuery, runs: bool) -> Answer {
    let record = found(state, &query.id)?;
    let plan = match (query.of(&record), &state.hooks.explain) {
        (Some(sql), Some(explain)) => explain(sql.sql.clone(), sql.binds.clone(), runs).await,
        (None, _) => Err("There is no such statement.".to_owned()),
        (_, None) => Err("The application has no way to explain statements.".to_owned()),
    };
    html(panels::plan(plan.as_deref().map_err(String::as_str))?)
}

fn found(state: &PanelState, id: &str) -> Result<Arc<Record>, PanelError> {
    let id: Option<RequestId> = id.parse().ok();
    id.and_then(|id| state.memory.find(id)).ok_or(FORGOTTEN)
}

const PURGED: &str = "Purged, in every instance: rebuilt on next use.";

const ENDED: &str = "Its time is over, in every instance: it is rebuilt when it is next requested, and may \
                     stand in for an error where its policy lets it.";

/// Returns the sentence about a purged key, also if there was no entry.
fn said(done: Result<(), PanelError>, sentence: &str) -> Result<String, PanelError> {
    match done {
        Err(PanelError::Absent(_)) => {
            Ok("Nothing is stored under this key any more, on any instance.".into())
        }
        done => done.map(|()| sentence.to_owned()),
    }
}

/// Handles `POST /toolbar/purge`.
pub async fn purge(state: web::Data<PanelState>, Form(form): Form<PurgeForm>) -> Answer {
    let done = match form.what()? {
        Purge::Key(key) => said(service::delete(&state, key, Door::Toolbar).await, PURGED)?,
        Purge::End(key) => said(service::end(&state, key, Door::Toolbar).await, ENDED)?,
        Purge::Tag(name) => {
            service::invalidate(&state, name, Door::Toolbar).await?;
            format!("Purged: what depends on “{name}” is rebuilt on next use.")
        }
    };
    Ok((state.hooks.redirect)(local_path(&form.back), &done))
}

/// Handles `POST /toolbar/bypass`.
pub async fn bypass(
    request: HttpRequest,
    state: web::Data<PanelState>,
    Form(form): Form<BypassForm>,
) -> HttpResponse {
    let back = local_path(&form.back);
    state.memory.bypass_next((state.hooks.client)(&request), back);
    see_other(back)
}

fn html(fragment: String) -> Answer {
    Ok(HttpResponse::Ok().insert_header(ContentType::html()).body(fragment))
}

fn as_json(value: &serde_json::Value) -> Answer {
    Ok(HttpResponse::Ok().json(value))
}
