//! `HEAD` is `GET` without the body.

use actix_web::dev::{Service, ServiceRequest};
use actix_web::http::Method;

/// Turns `HEAD` into `GET` before routing, for the whole app.
///
/// So every page answers `HEAD`, from what is stored for `GET`, and no `HEAD` can damage it. The
/// server leaves the body out: it knows how the request arrived. Source: RFC 9110 §9.3.2.
pub fn head_as_get<S: Service<ServiceRequest>>(
    mut request: ServiceRequest,
    service: &S,
) -> S::Future {
    if request.method() == Method::HEAD {
        request.head_mut().method = Method::GET;
    }
    service.call(request)
}
