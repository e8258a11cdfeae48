//! Errors as JSON, for programs.
//!
//! Source: RFC 9457.

use actix_web::body::BoxBody;
use actix_web::dev::ServiceResponse;
use actix_web::http::header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderValue};

use super::error_page;

/// The type of a problem's body.
pub const PROBLEM: &str = "application/problem+json";

/// Whether who asks wants JSON, and says so.
pub fn is_wanted(headers: &HeaderMap) -> bool {
    let accepted = headers.get(ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    accepted
        .split(',')
        .any(|range| range.split(';').next().unwrap_or_default().trim() == "application/json")
}

/// An error that nobody has written a body for, as a problem; anything else as it is.
pub fn tell(response: ServiceResponse<BoxBody>) -> ServiceResponse<BoxBody> {
    if !error_page::is_bare(&response) {
        return response;
    }
    let status = response.status();
    let problem = serde_json::json!({
        "status": status.as_u16(),
        "title": error_page::heading(status),
        "detail": error_page::message(&response),
    });
    let mut response = response.map_body(|_, _| BoxBody::new(problem.to_string()));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(PROBLEM));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_who_names_json_gets_it() {
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
