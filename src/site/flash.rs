//! Flashes: a sentence on the page after a redirect.
//!
//! - It travels in a cookie of its own and is shown once.
//! - It is put in *outside* the page cache: the page beneath is looked up and stored as anybody's,
//!   the answer with the sentence goes out `no-store` and without `ETag`.

use actix_web::body::{BoxBody, MessageBody};
use actix_web::cookie::time::Duration;
use actix_web::cookie::{Cookie, SameSite};
use actix_web::dev::{Service, ServiceRequest, ServiceResponse};
use actix_web::http::Method;
use actix_web::http::header::{
    ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_TYPE, COOKIE, ETAG, HeaderValue, LOCATION,
};
use actix_web::{Error, HttpResponse};
use askama::filters::{Html, escape};
use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use crate::cache::page::conditional::CONDITIONS;

/// The cookie; other programs of this host have cookies too.
const NAME: &str = "larder-flash";

/// Where the layout has its place for it. Nothing that visitors wrote can hold it: `<` is escaped.
const PLACE: &str = "<!-- flash -->";

/// Letters of the longest sentence; cookies are short.
const LONGEST: usize = 300;

/// 303 to `path`, a path of this site, where `sentence` is shown.
pub fn redirect(path: &str, sentence: &str) -> HttpResponse {
    let sentence: String = sentence.chars().take(LONGEST).collect();
    let value = utf8_percent_encode(&sentence, NON_ALPHANUMERIC).to_string();
    HttpResponse::SeeOther()
        .insert_header((LOCATION, path))
        .cookie(cookie(value, Duration::minutes(1)))
        .finish()
}

fn cookie(value: String, lifetime: Duration) -> Cookie<'static> {
    Cookie::build(NAME, value)
        .path("/")
        .http_only(true)
        .same_site(SameSite::Lax)
        .max_age(lifetime)
        .finish()
}

/// Shows the flash that the request brings, for the whole app.
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
        // The page is wanted whole and as text: what the browser has, it has without the flash.
        for name in CONDITIONS.iter().chain(&[ACCEPT_ENCODING]) {
            request.headers_mut().remove(name);
        }
    }
    let response = service.call(request);
    async move {
        let response = response.await?.map_into_boxed_body();
        Ok(match sentence {
            Some(sentence) => put_in(response, &sentence),
            None => response,
        })
    }
}

/// The sentence in the request's cookie. Parsed here: actix would keep the cookies in the request,
/// where handlers of shared pages must not find them.
fn sentence(request: &ServiceRequest) -> Option<String> {
    let lines = request.headers().get_all(COOKIE).filter_map(|line| line.to_str().ok());
    let mut cookies =
        lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.split_once('='));
    let (_, value) = cookies.find(|(name, _)| name.trim() == NAME)?;
    let sentence = percent_decode_str(value.trim()).decode_utf8().ok()?;
    Some(sentence.chars().take(LONGEST).collect())
}

/// Puts `sentence` in its place, if the answer is a page that has one.
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
        // Failing to take the cookie back would show the sentence once more, and no harm.
        let _ = response.response_mut().add_cookie(&cookie(String::new(), Duration::ZERO));
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
    fn any_language_survives_the_cookie() {
        let response = redirect("/", "Saved “抹茶; 🍵”.");
        let header = response.headers().get("set-cookie").unwrap().to_str().unwrap();
        let (cookie, _) = header.split_once(';').unwrap();
        let request = actix_web::test::TestRequest::get().insert_header((COOKIE, cookie));
        assert_eq!(sentence(&request.to_srv_request()).as_deref(), Some("Saved “抹茶; 🍵”."));
    }
}
