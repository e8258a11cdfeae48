//! Flash messages: a sentence on the page that a redirect leads to.
//!
//! - The sentence travels in a cookie of its own and is shown once.
//! - The cookie holds a MAC over the sentence and its expiry. A sister domain, or a response over
//!   http, can set cookies, but cannot make the shop show a sentence. The key is the secret of the
//!   database: whichever instance the redirect leads to shows the sentence.
//! - The sentence is inserted *outside* the page cache: the page itself is looked up and stored for
//!   all visitors, and the response with the sentence is sent `no-store` and without `ETag`.

use actix_web::body::{BoxBody, MessageBody};
use actix_web::cookie::time::Duration;
use actix_web::cookie::{Cookie, SameSite};
use actix_web::dev::{Service, ServiceRequest, ServiceResponse};
use actix_web::http::Method;
use actix_web::http::header::{
    ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_TYPE, ETAG, HeaderValue, LOCATION,
};
use actix_web::{Error, HttpResponse, web};
use askama::filters::{Html, escape};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use time::OffsetDateTime;

use super::client::Client;
use super::cookie;
use crate::cache::Secret;
use crate::cache::http::CONDITIONS;
use crate::error::AppError;
use crate::state::State;

/// The cookie's name; its prefix avoids the names of other programs on this host.
const NAME: &str = "larder-flash";

/// The placeholder in the layout. Visitors' text cannot contain it, since `<` is escaped.
const PLACE: &str = "<!-- flash -->";

/// Characters of the longest sentence, since cookies are short.
const LONGEST: usize = 300;

/// Seconds for which the sentence can be shown.
const LIFETIME: i64 = 60;

/// The sentence among a response's extensions, from which [`show`] makes a cookie.
struct Flash(String);

/// Redirects (303) to `path`, a path of this site, where `sentence` is shown.
pub fn redirect(path: &str, sentence: &str) -> HttpResponse {
    let mut answer = see_other(path);
    answer.extensions_mut().insert(Flash(sentence.chars().take(LONGEST).collect()));
    answer
}

fn see_other(path: &str) -> HttpResponse {
    HttpResponse::SeeOther().insert_header((LOCATION, path)).finish()
}

/// Returns the last page of a list that has become shorter, as by the deletion that the sentence confirms.
fn emptied(response: &ServiceResponse<BoxBody>) -> Option<String> {
    match response.response().error()?.as_error()? {
        AppError::NoPage { last } => Some(last.clone()),
        _ => None,
    }
}

fn cookie(value: String, lifetime: Duration, is_secure: bool) -> Cookie<'static> {
    Cookie::build(NAME, value)
        .path("/")
        .http_only(true)
        .same_site(SameSite::Lax)
        .secure(is_secure)
        .max_age(lifetime)
        .finish()
}

/// Returns the cookie's value: the expiry as a Unix timestamp, the MAC and the sentence.
fn sealed(secret: &Secret, sentence: &str, end: i64) -> String {
    let end = end.to_string();
    let mac = URL_SAFE_NO_PAD.encode(secret.mac(NAME, [end.as_bytes(), sentence.as_bytes()]));
    format!("{end}.{mac}.{}", utf8_percent_encode(sentence, NON_ALPHANUMERIC))
}

/// Returns the sentence of a cookie's value, if its MAC is valid and it has not expired.
fn opened(secret: &Secret, value: &str, now: i64) -> Option<String> {
    let (end, rest) = value.split_once('.')?;
    let (mac, sentence) = rest.split_once('.')?;
    let (mac, sentence) =
        (URL_SAFE_NO_PAD.decode(mac).ok()?, percent_decode_str(sentence).decode_utf8().ok()?);
    let is_ours = secret.has_made(&mac, NAME, [end.as_bytes(), sentence.as_bytes()]);
    (is_ours && now < end.parse().ok()?).then(|| sentence.into_owned())
}

/// Shows the flash message that the request carries, for the whole app.
pub fn show<S, B>(
    mut request: ServiceRequest,
    service: &S,
) -> impl Future<Output = Result<ServiceResponse<BoxBody>, Error>> + use<S, B>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error>,
    B: MessageBody + 'static,
{
    let sentence = (*request.method() == Method::GET).then(|| sentence(&request)).flatten();
    if sentence.is_some() {
        // The page must come whole and uncompressed. The browser's copy lacks the message.
        for name in CONDITIONS.iter().chain(&[ACCEPT_ENCODING]) {
            request.headers_mut().remove(name);
        }
    }
    let response = service.call(request);
    async move {
        let mut response = response.await?.map_into_boxed_body();
        send_along(&mut response);
        let Some(sentence) = sentence else { return Ok(response) };
        Ok(match emptied(&response) {
            // The cookie stays, and that page shows the sentence.
            Some(last) => response.into_response(see_other(&last)),
            None => put_in(response, &sentence),
        })
    }
}

/// Sets the cookie for the sentence in the response's extensions, if there is one.
fn send_along(response: &mut ServiceResponse<BoxBody>) {
    let flash = response.response().extensions().get::<Flash>().map(|flash| flash.0.clone());
    if let Some(sentence) = flash {
        let secret = &State::of(response.request()).secret;
        let value = sealed(secret, &sentence, now() + LIFETIME);
        let is_secure = Client::of(response.request()).is_https;
        // Adding cannot fail: the value holds only characters that every header may hold.
        let cookie = cookie(value, Duration::seconds(LIFETIME), is_secure);
        let _ = response.response_mut().add_cookie(&cookie);
    }
}

fn now() -> i64 {
    OffsetDateTime::now_utc().unix_timestamp()
}

/// Returns the sentence in the request's cookie.
///
/// It is parsed here, since actix would store the cookies in the request, where handlers of shared
/// pages must not find them.
fn sentence(request: &ServiceRequest) -> Option<String> {
    let state = request.app_data::<web::Data<State>>()?;
    opened(&state.secret, cookie::value(request.headers(), NAME)?, now())
}

/// Inserts `sentence` at the placeholder, if the response is a page that has one.
fn put_in(response: ServiceResponse<BoxBody>, sentence: &str) -> ServiceResponse<BoxBody> {
    let content_type = response.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    if !content_type.is_some_and(|value| value.starts_with("text/html")) {
        return response;
    }
    let mut is_shown = false;
    let mut response = response.map_body(|_, body| match body.try_into_bytes() {
        Ok(page) => {
            let page = String::from_utf8_lossy(&page);
            is_shown = page.contains(PLACE);
            BoxBody::new(page.replacen(PLACE, &paragraph(sentence), 1))
        }
        Err(body) => body,
    });
    if is_shown {
        let headers = response.headers_mut();
        headers.remove(ETAG);
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        // If removing the cookie fails, the sentence is merely shown once more.
        let _ = response.response_mut().add_cookie(&cookie(String::new(), Duration::ZERO, false));
    }
    response
}

fn paragraph(sentence: &str) -> String {
    let escaped = escape(sentence, Html).map(|text| text.to_string()).unwrap_or_default();
    format!("<p class=\"flash\" role=\"status\">{escaped}</p>")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sentence_is_shown_as_text() {
        assert!(paragraph("<b>Tea</b>").contains("&#60;b&#62;Tea"));
    }

    #[test]
    fn any_language_survives_the_cookie_until_its_end() {
        let secret = Secret::random();
        let value = sealed(&secret, "Saved “抹茶; 🍵”.", 1_000);
        assert!(value.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-_%".contains(&byte)));
        assert_eq!(opened(&secret, &value, 999).as_deref(), Some("Saved “抹茶; 🍵”."));
        assert_eq!(opened(&secret, &value, 1_000), None);
        assert_eq!(opened(&Secret::random(), &value, 999), None);
    }

    #[test]
    fn forged_cookies_are_never_shown() {
        let secret = Secret::random();
        let value = sealed(&secret, "Saved “Tea”.", 1_000);
        let (end, rest) = value.split_once('.').unwrap();
        let (mac, sentence) = rest.split_once('.').unwrap();
        let forged = [
            "Call%2001234".to_owned(),
            format!("{end}.{mac}.Call%2001234"),
            format!("{end}.{mac}.{sentence}x"),
            format!("9999999999.{mac}.{sentence}"),
            format!("{end}..{sentence}"),
            format!("{end}.{}.{sentence}", &mac[..22]),
            format!("{end}.{sentence}"),
            String::new(),
            "..".to_owned(),
        ];
        for value in forged {
            assert_eq!(opened(&secret, &value, 0), None, "{value}");
        }
    }
}
