//! How errors are shown: to people as a page, to programs as a problem (RFC 9457).

use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::dev::ServiceResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::{ACCEPT, CONTENT_TYPE, HeaderValue};
use actix_web::{Error, HttpRequest};
use askama::Template;

use crate::error::PanelError;
use crate::page::Page;
use crate::state::PanelState;

#[derive(Template)]
#[template(path = "error.html")]
struct ErrorPage<'a> {
    heading: &'static str,
    message: String,
    /// The path of the panel, for clients that may see it.
    at: Option<&'a str>,
}

/// Adds the body to an error that has none.
pub(crate) async fn dress(
    state: &PanelState,
    response: ServiceResponse<BoxBody>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let status = response.status();
    let is_error = status.is_client_error() || status.is_server_error();
    let is_bare = matches!(response.response().body().size(), BodySize::None | BodySize::Sized(0));
    if !is_error || !(is_bare || is_text(&response)) {
        return Ok(response);
    }
    let heading = heading(status);
    let error = response.response().error();
    let message = error.map_or(heading.to_owned(), Error::to_string);
    let is_allowed = error.and_then(Error::as_error::<PanelError>).is_some_and(PanelError::is_told);
    let (content_type, body) = match is_for_people(&state.at, response.request()) {
        true => {
            let at = is_allowed.then_some(state.at.as_str());
            let page = Page::new(&state.at, heading, &ErrorPage { heading, message, at });
            let page = page.map_err(PanelError::from)?;
            let rendered = (state.hooks.layout)(response.request().clone(), page).await?;
            ("text/html; charset=utf-8", rendered)
        }
        false => {
            let problem = serde_json::json!({
                "status": status.as_u16(),
                "title": heading,
                "detail": message,
            });
            ("application/problem+json", problem.to_string())
        }
    };
    let mut response = response.map_body(|_, _| BoxBody::new(body));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    Ok(response)
}

/// Reports whether the body is the framework's own sentence about an error.
fn is_text(response: &ServiceResponse<BoxBody>) -> bool {
    let content_type = response.headers().get(CONTENT_TYPE);
    content_type.is_some_and(|value| value.as_bytes().starts_with(b"text/plain"))
}

/// Addresses for programs.
const PROGRAMS: [&str; 5] =
    ["/cache/keys", "/cache/key", "/cache/key/delete", "/cache/stats", "/cache/clear"];

/// Reports whether a person reads the answer: the address is not one for programs, and JSON is not asked for.
fn is_for_people(at: &str, request: &HttpRequest) -> bool {
    let accepted = request.headers().get(ACCEPT).and_then(|accepted| accepted.to_str().ok());
    let is_program = accepted.is_some_and(|accepted| accepted.contains("application/json"));
    let path = request.path().strip_prefix(at);
    !is_program && !path.is_some_and(|path| PROGRAMS.contains(&path))
}

fn heading(status: StatusCode) -> &'static str {
    match status.as_u16() {
        401 | 403 => "Not allowed",
        404 => "Page not found",
        503 => "Temporarily unavailable",
        500..=599 => "Something went wrong",
        // The framework still has the phrase of RFC 4918.
        422 => "Cannot process this request",
        _ => status.canonical_reason().unwrap_or("Cannot process this request"),
    }
}
