//! The handlers of the health checks.

use actix_web::http::StatusCode;
use actix_web::http::header::CACHE_CONTROL;
use actix_web::{HttpResponse, web};
use serde::Serialize;

use super::service::{Checks, Health};

/// The body of the readiness answer.
#[derive(Debug, Serialize)]
struct Readiness {
    ready: bool,
    checks: Checks,
}

/// Answers `GET /health/live` with 200.
pub async fn live() -> HttpResponse {
    answer(StatusCode::OK, &serde_json::json!({ "live": true }))
}

/// Answers `GET /health/ready` with 200 or 503, and the result of each check.
///
/// A shop that is about to stop is not ready, and checks nothing.
pub async fn ready(health: web::Data<Health>) -> HttpResponse {
    if health.is_draining() {
        let told = serde_json::json!({ "ready": false, "draining": true });
        return answer(StatusCode::SERVICE_UNAVAILABLE, &told);
    }
    let checks = health.check().await;
    let ready = checks.are_good();
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    answer(status, &Readiness { ready, checks })
}

fn answer(status: StatusCode, told: &impl Serialize) -> HttpResponse {
    HttpResponse::build(status).insert_header((CACHE_CONTROL, "no-store")).json(told)
}
