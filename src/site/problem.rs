//! Errors as JSON, for programs.
//!
//! - Requests under `/api/` are those of programs; elsewhere `Accept` decides.
//! - If fields are invalid, the member `errors` holds a sentence for each.
//!
//! Source: RFC 9457.

use actix_web::body::BoxBody;
use actix_web::dev::ServiceResponse;
use actix_web::http::header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderValue};

use actix_web::HttpRequest;

use super::error_text;
use crate::error::AppError;

/// The content type of a problem.
pub const PROBLEM: &str = "application/problem+json";

/// The prefix of the addresses for programs.
pub const PROGRAMS: &str = "/api/";

/// Whether this request gets its errors as JSON.
pub fn is_for(request: &HttpRequest) -> bool {
    request.path().starts_with(PROGRAMS) || is_wanted(request.headers())
}

/// Whether the client accepts JSON explicitly.
pub fn is_wanted(headers: &HeaderMap) -> bool {
    let accepted = headers.get(ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    accepted
        .split(',')
        .any(|range| range.split(';').next().unwrap_or_default().trim() == "application/json")
}

/// Turns an error without a page of its own into a problem; returns other responses unchanged.
pub fn tell(response: ServiceResponse<BoxBody>) -> ServiceResponse<BoxBody> {
    if !error_text::is_bare(&response) {
        return response;
    }
    let status = response.status();
    let mut problem = serde_json::json!({
        "status": status.as_u16(),
        "title": error_text::title(status),
        "detail": error_text::message(&response),
    });
    let error = response.response().error().and_then(|error| error.as_error::<AppError>());
    if let Some(AppError::Invalid(errors)) = error {
        problem["errors"] = serde_json::json!(errors);
    }
    let mut response = response.map_body(|_, _| BoxBody::new(problem.to_string()));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(PROBLEM));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_requests_that_accept_json_get_it() {
        let cases = [
            ("application/json", true),
            ("text/html, application/json;q=0.9", true),
            ("text/html,*/*;q=0.8", false),
            ("*/*", false),
            ("", false),
        ];
        for (accept, expected) in cases {
            let mut headers = HeaderMap::new();
            headers.insert(ACCEPT, accept.parse().unwrap());
            assert_eq!(is_wanted(&headers), expected, "{accept}");
        }
    }
}
