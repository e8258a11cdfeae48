//! The words of errors, for pages and for programs.

use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::dev::ServiceResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::{CONTENT_TYPE, HeaderMap};

use crate::error::AppError;

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
    let error = response.response().error().and_then(|error| error.as_error::<AppError>());
    error.map_or_else(|| explain(response.status()).to_owned(), AppError::to_string)
}

pub(super) fn heading(status: StatusCode) -> &'static str {
    match status.as_u16() {
        401 | 403 => "Not allowed",
        404 => "Not on our shelves",
        405 => "Not in this way",
        408 => "Too slow",
        412 => "Changed meanwhile",
        413 => "Too large",
        415 | 400 => "We cannot read this",
        421 => "Not our name",
        429 => "Not so fast",
        422 => "This cannot be done",
        503 => "Back in a moment",
        500..=599 => "Something broke",
        _ => status.canonical_reason().unwrap_or("This did not work"),
    }
}

/// Returns the default sentence of a status.
fn explain(status: StatusCode) -> &'static str {
    match status.as_u16() {
        404 => "There is nothing at this address.",
        405 => "This address does not take requests of that kind.",
        408 => "The request took too long to arrive.",
        412 => "The page is not the one that was expected.",
        400..=499 => "The request cannot be answered as it was sent.",
        _ => "Something went wrong on our side.",
    }
}
