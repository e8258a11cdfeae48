//! What the cache keeps, as JSON: for `larder cache`, for `curl`.
//!
//! - Only this machine is told, and not through a proxy: keys hold what visitors searched for.
//! - Nothing of it is stored by anybody; errors are problems (RFC 9457), too.
//! - Writes are posted as forms, under the same guard as all others.

use actix_web::Error;
use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{CACHE_CONTROL, HeaderValue};
use actix_web::middleware::Next;
use actix_web::{HttpResponse, web};

use super::forms::{KeyForm, KeysQuery, SetForm};
use super::service;
use crate::error::AppError;
use crate::site::form::{Form, Query};
use crate::site::{access, problem};
use crate::state::State;

type Answer = Result<HttpResponse, AppError>;

/// `GET /cache/keys?like=products.*&limit=100`
pub async fn keys(state: web::Data<State>, Query(query): Query<KeysQuery>) -> Answer {
    let listing = service::keys(&state, query.like(), query.limit()?).await?;
    Ok(HttpResponse::Ok().json(listing))
}

/// `GET /cache/key?key=motd`
pub async fn key(state: web::Data<State>, Query(query): Query<KeyForm>) -> Answer {
    Ok(HttpResponse::Ok().json(service::describe(&state, query.key()?).await?))
}

/// `POST /cache/key`
pub async fn set(state: web::Data<State>, Form(form): Form<SetForm>) -> Answer {
    service::set(&state, form.key()?, &form.value, form.timeout()?).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// `POST /cache/key/delete`
pub async fn delete(state: web::Data<State>, Form(form): Form<KeyForm>) -> Answer {
    service::delete(&state, form.key()?).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// `GET /cache/stats`
pub async fn stats(state: web::Data<State>) -> Answer {
    Ok(HttpResponse::Ok().json(service::statistics(&state).await?))
}

/// `POST /cache/clear`
pub async fn clear(state: web::Data<State>) -> Answer {
    let cleared = service::clear(&state).await?;
    Ok(HttpResponse::Ok().json(serde_json::json!({ "cleared": cleared })))
}

/// Around all of it: who may look, that nobody stores it, and that errors are JSON.
pub async fn guard<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let response = if access::is_local(&request) {
        next.call(request).await?.map_into_boxed_body()
    } else {
        request.error_response(AppError::Forbidden(
            "The cache is shown on the machine that the shop runs on, without a proxy.",
        ))
    };
    let mut response = problem::tell(response);
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}
