//! Headers of every response.
//!
//! - Pages load only the shop's own style sheets, scripts and pictures: nothing inline, no frames.
//! - A response without `Cache-Control` is private to its browser, which must revalidate it each
//!   time.
//! - Every response has a `Cache-Status`, also where the page cache had no part in it.

use actix_web::dev::{Service, ServiceRequest, ServiceResponse};
use actix_web::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, HeaderName, HeaderValue, REFERRER_POLICY,
    X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use actix_web::http::{Method, StatusCode};
use actix_web::{Error, HttpResponse};

use super::NAME;
use crate::cache::page::{CACHE_STATUS, CacheStatus};

const SECURITY: [(HeaderName, HeaderValue); 6] = [
    (
        CONTENT_SECURITY_POLICY,
        HeaderValue::from_static(
            "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; \
             form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
        ),
    ),
    (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
    // Other sites learn nothing from our forms; our own are recognised by their origin.
    (REFERRER_POLICY, HeaderValue::from_static("same-origin")),
    (
        HeaderName::from_static("cross-origin-opener-policy"),
        HeaderValue::from_static("same-origin"),
    ),
    (
        HeaderName::from_static("cross-origin-resource-policy"),
        HeaderValue::from_static("same-origin"),
    ),
];

/// Adds the headers, for the whole app.
pub fn add<S, B>(
    request: ServiceRequest,
    service: &S,
) -> impl Future<Output = Result<ServiceResponse<B>, Error>> + use<S, B>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error>,
{
    let is_read = matches!(*request.method(), Method::GET | Method::HEAD);
    let response = service.call(request);
    async move {
        let mut response = response.await?;
        write(response.response_mut(), is_read);
        Ok(response)
    }
}

/// Writes the headers. A 304 carries no content security policy: the stored page has its own.
pub(super) fn write<B>(response: &mut HttpResponse<B>, is_read: bool) {
    let is_whole = response.status() != StatusCode::NOT_MODIFIED;
    let headers = response.headers_mut();
    for (name, value) in SECURITY {
        if name == CONTENT_SECURITY_POLICY && !is_whole {
            continue;
        }
        headers.insert(name, value);
    }
    if !headers.contains_key(CACHE_CONTROL) {
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    }
    if !headers.contains_key(CACHE_STATUS) {
        let status = if is_read { CacheStatus::Bypass("route") } else { CacheStatus::Method };
        status.write(NAME, response);
    }
}
