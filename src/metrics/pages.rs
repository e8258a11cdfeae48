//! The handler of the metrics.

use actix_web::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use actix_web::{HttpRequest, HttpResponse, web};

use crate::error::AppError;
use crate::site::client::Client;
use crate::state::State;

use super::Metrics;
use super::exposition;
use super::families::Elsewhere;

/// Answers `GET /metrics`.
pub async fn show(
    request: HttpRequest,
    state: web::Data<State>,
    metrics: web::Data<Metrics>,
) -> Result<HttpResponse, AppError> {
    if !metrics.about.is_public && !Client::of(&request).is_local {
        return Err(AppError::Forbidden(
            "Figures are shown on the machine that the shop runs on, without a proxy, unless it was \
             started with --metrics public.",
        ));
    }
    let invalidations = state.db.invalidations();
    let inspection = state.cache.inspect();
    // Off the worker thread: walking all entries may take a while.
    let memory = web::block(move || inspection.memory()).await;
    let memory = memory.ok().flatten().unwrap_or_default();
    let text = metrics.text(&Elsewhere { memory, invalidations });
    Ok(HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, exposition::CONTENT_TYPE))
        .insert_header((CACHE_CONTROL, "no-store"))
        .body(text))
}
