//! Headers that every answer carries.
//!
//! - Nothing but the shop's own style sheets and pictures is loaded; no inline style, no frames. A page whose
//!   handler asks for it may have a script of the shop's own.
//! - A page that says nothing about caching is for its browser only, to be asked for each time.
//! - Every answer says what the cache did; where it had no part, that.

use actix_web::Error;
use actix_web::dev::{Service, ServiceRequest, ServiceResponse};
use actix_web::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, HeaderMap, HeaderName, HeaderValue, REFERRER_POLICY,
    X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use actix_web::http::{Method, StatusCode};

use crate::cache::page::status::{CACHE_STATUS, CacheStatus};

/// The policy of a page that has a script of the shop's own; a handler says so by setting it.
pub const WITH_SCRIPT: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; \
     base-uri 'none'; frame-ancestors 'none'; script-src 'self'",
);

const SECURITY: [(HeaderName, HeaderValue); 6] = [
    (
        CONTENT_SECURITY_POLICY,
        HeaderValue::from_static(
            "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; \
             base-uri 'none'; frame-ancestors 'none'",
        ),
    ),
    (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
    // Forms of other sites learn nothing; our own are recognised by their origin.
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

/// Writes them, for the whole app.
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
        let is_whole = response.status() != StatusCode::NOT_MODIFIED;
        write(response.headers_mut(), is_read, is_whole);
        Ok(response)
    }
}

/// A 304 says nothing of what the page may do: the browser has been told, with the page.
pub(super) fn write(headers: &mut HeaderMap, is_read: bool, is_whole: bool) {
    for (name, value) in SECURITY {
        let is_said = !is_whole || headers.get(&name) == Some(&WITH_SCRIPT);
        if name == CONTENT_SECURITY_POLICY && is_said {
            continue;
        }
        headers.insert(name, value);
    }
    if !headers.contains_key(CACHE_CONTROL) {
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    }
    if !headers.contains_key(CACHE_STATUS) {
        let status = if is_read { CacheStatus::Bypass("route") } else { CacheStatus::Method };
        status.write(headers);
    }
}
