//! Forms and queries, read strictly.
//!
//! - A missing field is empty, an unknown one is ignored, a repeated one is refused.
//! - A body has time limits for its first byte and for the whole of it.
//! - Text must be UTF-8: replacing invalid bytes would change what the visitor typed.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::pin::{Pin, pin};
use std::str::FromStr;
use std::time::Duration;

use actix_web::dev::Payload;
use actix_web::error::PayloadError;
use actix_web::http::header::{CONTENT_TYPE, HeaderMap};
use actix_web::{FromRequest, HttpRequest, web};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use futures_util::future::{LocalBoxFuture, Ready, ready};
use futures_util::{Stream, StreamExt};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde::de::value::{Error as ValueError, MapDeserializer};
use tokio::time::timeout;

pub use super::deadlines::Deadlines;
pub use super::form_errors::FormErrors;
use super::{connection, digest};
use crate::db::once::Once;
use crate::error::AppError;
use crate::state::State;

/// Bytes of the largest form.
pub const LIMIT: usize = 64 * 1024;

/// Extracts a posted form.
pub struct Form<T>(pub T);

/// Extracts a posted form that adds something once, however often it is sent.
pub struct FormOnce<T>(pub T, pub Once);

impl<T: DeserializeOwned + 'static> FromRequest for Form<T> {
    type Error = AppError;
    type Future = LocalBoxFuture<'static, Result<Self, AppError>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let text = sent(request, payload);
        Box::pin(async { parse(&text.await?).map(Form) })
    }
}

impl<T: DeserializeOwned + 'static> FromRequest for FormOnce<T> {
    type Error = AppError;
    type Future = LocalBoxFuture<'static, Result<Self, AppError>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (text, path) = (sent(request, payload), request.path().to_owned());
        Box::pin(async move {
            let text = text.await?;
            let Token { once } = parse(&text)?;
            // All that was typed counts: a form that was changed and sent again is another one.
            let once = (!once.is_empty()).then(|| digest::of([&*path, &*text]));
            Ok(Self(parse(&text)?, Once::of(once)))
        })
    }
}

/// The random field of a form, by which it is recognised when it is sent again.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Token {
    once: String,
}

/// Draws the value of the field `once` of a form.
///
/// # Panics
/// Panics if the system provides no random bytes.
pub fn token() -> String {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).expect("the system gives random bytes");
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Reads the form of a request as it was encoded.
fn sent(
    request: &HttpRequest,
    payload: &mut Payload,
) -> impl Future<Output = Result<String, AppError>> + use<> {
    let (is_form, deadlines) = (is_form(request.headers()), Deadlines::of(request));
    let payload = payload.take();
    async move {
        if !is_form {
            return Err(AppError::UnsupportedForm);
        }
        text(read(payload, deadlines, LIMIT).await?)
    }
}

/// Extracts a posted form as it was encoded.
pub struct Encoded(pub String);

impl FromRequest for Encoded {
    type Error = AppError;
    type Future = LocalBoxFuture<'static, Result<Self, AppError>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let text = sent(request, payload);
        Box::pin(async { text.await.map(Self) })
    }
}

/// Extracts the query of an address.
pub struct Query<T>(pub T);

impl<T: DeserializeOwned> FromRequest for Query<T> {
    type Error = AppError;
    type Future = Ready<Result<Self, AppError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(parse(request.query_string()).map(Query))
    }
}

/// Extracts the `{id}` in the path of an address; an invalid one is answered 404.
pub struct Id<T>(pub T);

impl<T: FromStr> FromRequest for Id<T> {
    type Error = AppError;
    type Future = Ready<Result<Self, AppError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let id = request.match_info().get("id").and_then(|id| id.parse().ok());
        ready(id.map(Id).ok_or(AppError::NotFound))
    }
}

/// Returns the text of a body.
///
/// # Errors
/// [`AppError::BadRequest`] for text that is not UTF-8.
pub fn text(body: Vec<u8>) -> Result<String, AppError> {
    String::from_utf8(body).map_err(|_| NOT_UTF_8)
}

const NOT_UTF_8: AppError = AppError::BadRequest("The body is not UTF-8.");

/// Whether the content type is that of a form, in UTF-8.
pub(super) fn is_form(headers: &HeaderMap) -> bool {
    let content_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let mut parts = content_type.unwrap_or_default().split(';').map(str::trim);
    let is_form =
        parts.next().is_some_and(|t| t.eq_ignore_ascii_case("application/x-www-form-urlencoded"));
    is_form && parts.all(|parameter| parameter.is_empty() || is_utf_8(parameter))
}

pub(super) fn is_utf_8(parameter: &str) -> bool {
    let parameter = parameter.to_ascii_lowercase();
    parameter.strip_prefix("charset=").is_none_or(|charset| charset.trim_matches('"') == "utf-8")
}

impl Deadlines {
    /// Returns the time limits of the shop.
    pub(super) fn of(request: &HttpRequest) -> Self {
        let state = request.app_data::<web::Data<State>>();
        state.map(|state| state.settings.bodies).unwrap_or_default()
    }

    /// Awaits `reading`; after `limit`, fails and closes the connection behind the error response.
    async fn keep<T>(limit: Duration, reading: impl Future<Output = T>) -> Result<T, AppError> {
        timeout(limit, reading).await.map_err(|_| {
            connection::close();
            AppError::TooSlow
        })
    }
}

/// Reads the body of a request, within the time limits, however many pieces it comes in.
///
/// # Errors
/// [`AppError::TooLarge`] for more than `limit` bytes, [`AppError::TooSlow`].
pub async fn read(
    payload: Payload,
    deadlines: Deadlines,
    limit: usize,
) -> Result<Vec<u8>, AppError> {
    let mut payload = pin!(payload.peekable());
    let reading = async {
        Deadlines::keep(deadlines.first, payload.as_mut().peek()).await?;
        collect(payload, limit).await
    };
    Deadlines::keep(deadlines.whole, reading).await?
}

async fn collect(
    mut payload: Pin<&mut impl Stream<Item = Result<Bytes, PayloadError>>>,
    limit: usize,
) -> Result<Vec<u8>, AppError> {
    let mut body = Vec::new();
    while let Some(chunk) = payload.next().await {
        let chunk = chunk.map_err(|_| AppError::BadRequest("The body is incomplete."))?;
        if body.len() + chunk.len() > limit {
            return Err(AppError::TooLarge { limit });
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// Reads `name=value&…` into `T`.
///
/// # Errors
/// [`AppError::BadRequest`] for text that is not UTF-8, and for a repeated field.
pub fn parse<T: DeserializeOwned>(text: &str) -> Result<T, AppError> {
    let mut fields = BTreeMap::new();
    for pair in text.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        if fields.insert(decode(name)?, decode(value)?).is_some() {
            return Err(AppError::BadRequest("A field was sent twice."));
        }
    }
    let fields = fields.into_iter().map(|(name, value)| (name.into_owned(), value.into_owned()));
    T::deserialize(MapDeserializer::<_, ValueError>::new(fields))
        .map_err(|_| AppError::BadRequest("The form is malformed."))
}

fn decode(text: &str) -> Result<Cow<'_, str>, AppError> {
    if !text.contains(['%', '+']) {
        return Ok(Cow::Borrowed(text));
    }
    let spaced = text.replace('+', " ");
    let decoded = percent_encoding::percent_decode_str(&spaced).decode_utf8();
    Ok(Cow::Owned(decoded.map_err(|_| NOT_UTF_8)?.into_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Default, Deserialize, PartialEq)]
    #[serde(default)]
    struct Fields {
        title: String,
        price: String,
    }

    #[test]
    fn fields_are_decoded_left_out_and_ignored() {
        let fields: Fields = parse("title=Gr%C3%BCner+Tee&unknown=1&&").unwrap();
        assert_eq!(fields, Fields { title: "Grüner Tee".into(), price: String::new() });
    }

    #[test]
    fn what_is_not_utf_8_or_sent_twice_is_refused() {
        for text in ["title=%FF", "%FF=1", "title=a&title=b"] {
            assert!(matches!(parse::<Fields>(text), Err(AppError::BadRequest(_))), "{text}");
        }
    }

    #[test]
    fn only_forms_in_utf_8_are_read() {
        let cases = [
            ("application/x-www-form-urlencoded", true),
            ("Application/X-WWW-Form-Urlencoded; charset=UTF-8", true),
            ("application/x-www-form-urlencoded; charset=latin1", false),
            ("multipart/form-data; boundary=x", false),
            ("text/plain", false),
        ];
        for (value, expected) in cases {
            let mut headers = HeaderMap::new();
            headers.insert(CONTENT_TYPE, value.parse().unwrap());
            assert_eq!(is_form(&headers), expected, "{value}");
        }
    }
}
