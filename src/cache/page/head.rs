//! `HEAD` is `GET` without the body.

use actix_web::Error;
use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::Method;
use actix_web::middleware::Next;

/// Turns `HEAD` into `GET` before routing, for the whole app.
///
/// So every page answers `HEAD`, from what is stored for `GET`, and no `HEAD` can damage it. The
/// server leaves the body out: it knows how the request arrived. Source: RFC 9110 §9.3.2.
pub async fn head_as_get<B: MessageBody>(
    mut request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<B>, Error> {
    if request.method() == Method::HEAD {
        request.head_mut().method = Method::GET;
    }
    next.call(request).await
}
