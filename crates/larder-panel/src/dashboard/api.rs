//! The contents of the cache as JSON, for `larder cache` and `curl`.
//!
//! - Errors are problems (RFC 9457).
//! - Writes are posted as forms, under the same guard as all others.

use actix_web::{HttpRequest, HttpResponse, web};

use super::audit::Door;
use super::forms::{KeyForm, KeysQuery, SetForm};
use super::service;
use crate::error::PanelError;
use crate::form::{Form, Query};
use crate::state::PanelState;

type Answer = Result<HttpResponse, PanelError>;

/// Lists keys: `GET /cache/keys?like=posts.*&limit=100`.
pub async fn keys(state: web::Data<PanelState>, Query(query): Query<KeysQuery>) -> Answer {
    let listing = service::keys(&state, query.like()?, query.limit()?).await?;
    Ok(HttpResponse::Ok().json(listing))
}

/// Describes the entries under a key: `GET /cache/key?key=motd`.
pub async fn key(state: web::Data<PanelState>, Query(query): Query<KeyForm>) -> Answer {
    Ok(HttpResponse::Ok().json(service::describe(&state, query.key()?).await?))
}

/// Sets a value: `POST /cache/key`.
pub async fn set(
    request: HttpRequest,
    state: web::Data<PanelState>,
    Form(form): Form<SetForm>,
) -> Answer {
    let (value, door) = ((form.key()?, form.value.as_str()), Door::of(&request, &state.at, ""));
    service::set(&state, value, form.timeout()?, door).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Deletes a key: `POST /cache/key/delete`.
pub async fn delete(
    request: HttpRequest,
    state: web::Data<PanelState>,
    Form(form): Form<KeyForm>,
) -> Answer {
    let door = Door::of(&request, &state.at, "");
    service::delete(&state, form.key()?, door).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Returns statistics: `GET /cache/stats`.
pub async fn stats(state: web::Data<PanelState>) -> Answer {
    Ok(HttpResponse::Ok().json(service::statistics(&state).await?))
}

/// Deletes everything: `POST /cache/clear`.
pub async fn clear(request: HttpRequest, state: web::Data<PanelState>) -> Answer {
    let cleared = service::clear(&state, Door::of(&request, &state.at, "")).await?;
    Ok(HttpResponse::Ok().json(serde_json::json!({ "cleared": cleared })))
}
