//! The words of errors, for pages and for programs.

use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::dev::ServiceResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::{CONTENT_TYPE, HeaderMap};

use crate::error::AppError;
use larder_panel::RequestId;

/// Whether the response is an error without a page of its own.
pub(super) fn is_bare(response: &ServiceResponse<BoxBody>) -> bool {
    let status = response.status();
    let is_error = status.is_client_error() || status.is_server_error();
    is_error && (has_no_body(response) || !has_page(response.headers()))
}

fn has_no_body(response: &ServiceResponse<BoxBody>) -> bool {
    matches!(response.response().body().size(), BodySize::None | BodySize::Sized(0))
}

fn has_page(headers: &HeaderMap) -> bool {
    let content_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    content_type.is_some_and(|value| !value.starts_with("text/plain"))
}

/// Returns the sentence of the error, or the default one of its status.
pub(super) fn message(response: &ServiceResponse<BoxBody>) -> String {
    if let (500, Some(id)) = (response.status().as_u16(), RequestId::current()) {
        return format!("{OURS} The error has been logged (request ID {id}).");
    }
    let error = response.response().error().and_then(|error| error.as_error::<AppError>());
    error.map_or_else(|| explain(response.status()).to_owned(), AppError::to_string)
}

pub(super) fn heading(status: StatusCode) -> &'static str {
    match status.as_u16() {
        401 | 403 => "Not allowed",
        404 => "Page not found",
        405 => "Method not allowed",
        408 => "Request timeout",
        412 => "Edit conflict",
        413 => "Request too large",
        400 => "Bad request",
        415 => "Unsupported media type",
        421 => "Unknown host",
        429 => "Too many requests",
        422 => "Cannot process this request",
        503 => "Temporarily unavailable",
        500..=599 => "Something went wrong",
        _ => status.canonical_reason().unwrap_or("Something went wrong"),
    }
}

/// Returns the standard phrase of a status (RFC 9110), which is the title of a problem.
pub(super) fn title(status: StatusCode) -> &'static str {
    match status.as_u16() {
        // The framework still has the phrases of RFC 7231 and RFC 4918.
        413 => "Content Too Large",
        422 => "Unprocessable Content",
        _ => status.canonical_reason().unwrap_or("Error"),
    }
}

/// Returns the default sentence of a status.
fn explain(status: StatusCode) -> &'static str {
    match status.as_u16() {
        404 => "There is nothing at this address.",
        405 => "This address does not support this method.",
        408 => "The request took too long to arrive.",
        412 => "The current version does not match If-Match.",
        400..=499 => "The request cannot be processed.",
        _ => OURS,
    }
}

const OURS: &str = "Something went wrong on our side.";
