//! The handler of the metrics.

use actix_web::http::header::CONTENT_TYPE;
use actix_web::{HttpResponse, web};

use super::exposition;
use super::families::Elsewhere;
use crate::state::PanelState;

/// Answers `GET /metrics`.
pub async fn show(state: web::Data<PanelState>) -> HttpResponse {
    let inspection = state.cache.inspect();
    let is_paused = inspection.is_paused();
    // Off the worker thread: walking all entries may take a while.
    let memory = web::block(move || inspection.memory()).await;
    let memory = memory.ok().flatten().unwrap_or_default();
    let elsewhere = Elsewhere {
        memory,
        invalidations: state.audit.invalidations(),
        is_paused,
        fronts: (state.hooks.fronts)(),
        build: state.hooks.build.clone(),
    };
    let text = state.counts.metrics.text(&elsewhere);
    HttpResponse::Ok().insert_header((CONTENT_TYPE, exposition::CONTENT_TYPE)).body(text)
}
