//! JSON bodies of requests.
//!
//! - A body must be an object, in UTF-8, with the content type of JSON, and at most as large as a
//!   form.
//! - The API reads fields one by one, so that each invalid field gets its own error.

use actix_web::dev::Payload;
use actix_web::http::header::{CONTENT_TYPE, HeaderMap};
use actix_web::{FromRequest, HttpRequest};
use futures_util::future::LocalBoxFuture;
use serde_json::{Map, Value};

use super::form::{self, Deadlines};
use crate::error::AppError;

/// Extracts the fields of a JSON object.
pub struct Json(pub Map<String, Value>);

impl FromRequest for Json {
    type Error = AppError;
    type Future = LocalBoxFuture<'static, Result<Self, AppError>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (is_json, deadlines) = (is_json(request.headers()), Deadlines::of(request));
        let payload = payload.take();
        Box::pin(async move {
            if !is_json {
                return Err(AppError::UnsupportedJson);
            }
            parse(&form::read(payload, deadlines, form::LIMIT).await?).map(Self)
        })
    }
}

/// Whether the content type is JSON, in UTF-8.
fn is_json(headers: &HeaderMap) -> bool {
    let content_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let mut parts = content_type.unwrap_or_default().split(';').map(str::trim);
    parts.next().is_some_and(|kind| kind.eq_ignore_ascii_case("application/json"))
        && parts.all(|parameter| parameter.is_empty() || form::is_utf_8(parameter))
}

fn parse(body: &[u8]) -> Result<Map<String, Value>, AppError> {
    match serde_json::from_slice(body) {
        Ok(Value::Object(fields)) => Ok(fields),
        Ok(_) => Err(AppError::BadRequest("Expected a JSON object.")),
        Err(_) => Err(AppError::BadRequest("The body is not valid JSON.")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_json_content_types_are_read() {
        let cases = [
            ("application/json", true),
            ("Application/JSON; charset=UTF-8", true),
            ("application/json; charset=latin1", false),
            ("text/json", false),
            ("application/x-www-form-urlencoded", false),
        ];
        for (value, expected) in cases {
            let mut headers = HeaderMap::new();
            headers.insert(CONTENT_TYPE, value.parse().unwrap());
            assert_eq!(is_json(&headers), expected, "{value}");
        }
    }

    #[test]
    fn only_objects_are_taken() {
        assert_eq!(parse(b"{\"name\": 1}").unwrap().len(), 1);
        let deep = "[".repeat(10_000);
        let broken = ["", "{", "[]", "1", "null", "{\"name\": \"\\ud800\"}", deep.as_str()];
        for body in broken {
            assert!(matches!(parse(body.as_bytes()), Err(AppError::BadRequest(_))), "{body}");
        }
        assert!(parse(b"{\"name\": \"\xFF\"}").is_err());
    }
}
