//! Answers about the shop's health.

use actix_web::http::StatusCode;
use actix_web::http::header::CACHE_CONTROL;
use actix_web::{HttpResponse, web};
use serde::Serialize;

use super::service::{Checks, Health};

/// What is told of readiness.
#[derive(Debug, Serialize)]
struct Readiness {
    ready: bool,
    checks: Checks,
}

/// `GET /health/live`
pub async fn live() -> HttpResponse {
    answer(StatusCode::OK, &serde_json::json!({ "live": true }))
}

/// `GET /health/ready`
pub async fn ready(health: web::Data<Health>) -> HttpResponse {
    let checks = health.check().await;
    let ready = checks.are_good();
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    answer(status, &Readiness { ready, checks })
}

fn answer(status: StatusCode, told: &impl Serialize) -> HttpResponse {
    HttpResponse::build(status).insert_header((CACHE_CONTROL, "no-store")).json(told)
}
