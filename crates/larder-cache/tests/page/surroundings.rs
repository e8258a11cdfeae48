//! Middlewares around the cache, and between it and the handlers.

use std::future::pending;
use std::time::Duration;

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{
    ACCESS_CONTROL_ALLOW_ORIGIN, HeaderMap, HeaderName, HeaderValue, ORIGIN, SET_COOKIE, VARY,
};
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage, web};
use tokio::time::timeout;

use super::house::client_of;
use super::reply::Gate;

/// What the middlewares do.
#[derive(Debug, Clone, Copy, Default)]
pub struct Surroundings {
    pub waits_after: bool,
    pub reads_cookies_before: bool,
    pub cors: Option<Side>,
    pub sets_cookie: bool,
}

/// The side of the cache on which a middleware is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    Inside,
    Outside,
}

/// Runs between the cache and the handlers.
pub async fn inside(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse, Error> {
    let surroundings = *surroundings(&request);
    let origin = request.headers().get(ORIGIN).cloned();
    let mut response = next.call(request).await?.map_into_boxed_body();
    if surroundings.sets_cookie {
        let cookie = HeaderValue::from_static("sid=inner; Path=/");
        response.headers_mut().append(SET_COOKIE, cookie);
    }
    if surroundings.cors == Some(Side::Inside) {
        let_in(origin, response.headers_mut());
    }
    Ok(response)
}

/// Runs around the cache.
pub async fn outside(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse, Error> {
    let surroundings = *surroundings(&request);
    let origin = request.headers().get(ORIGIN).cloned();
    let names = surroundings.reads_cookies_before.then(|| request.cookies().unwrap().len());
    request.extensions_mut().insert(Gate::closed());
    let path = request.path().to_owned();
    let client = client_of(&request);
    let mut response = client.scope(next.call(request)).await?.map_into_boxed_body();
    if surroundings.waits_after {
        // As a session middleware does that saves to a database.
        let _ = timeout(Duration::from_millis(50), pending::<()>()).await;
        let is_same = response.request().path() == path;
        let is_marked = response.request().extensions().contains::<Gate>();
        assert!(is_same && is_marked, "the answer belongs to another request");
    }
    if surroundings.cors == Some(Side::Outside) {
        let_in(origin, response.headers_mut());
    }
    if let Some(names) = names {
        response.headers_mut().insert(HeaderName::from_static("x-cookies"), names.into());
    }
    Ok(response)
}

fn surroundings(request: &ServiceRequest) -> &Surroundings {
    request.app_data::<web::Data<Surroundings>>().expect("there are some")
}

/// Answers as actix-cors does.
fn let_in(origin: Option<HeaderValue>, headers: &mut HeaderMap) {
    if let Some(origin) = origin {
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    }
    headers.append(VARY, HeaderValue::from_static("Origin"));
}
