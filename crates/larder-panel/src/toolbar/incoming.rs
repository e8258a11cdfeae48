//! A request as it was received, and the changes that the toolbar makes to it.
//!
//! - A page that a browser opens is fetched whole, uncompressed and with its body. The toolbar removes
//!   conditions, ranges and codings, since no cache holds the page with the toolbar in it.
//! - Requests for scripts, styles and pictures are not changed.
//! - Secrets are not stored: of cookies only the names, of headers and parameters with a secret's name
//!   ([`crate::secrets`]) only that name; of forms ([`super::body`]), too.

use std::borrow::Cow;
use std::net::IpAddr;

use actix_web::HttpMessage;
use actix_web::dev::ServiceRequest;
use actix_web::http::header::{
    ACCEPT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, COOKIE, HeaderMap, HeaderName, HeaderValue,
};
use actix_web::http::{Method, Version};
use percent_encoding::percent_decode_str;

use super::body::Copied;
use super::record::Request;
use super::redact::Values;
use super::room::short;
use crate::cache::http::CONDITIONS;
use crate::cache::page::Bypass;
use crate::secrets::{HIDDEN, is_named};
use crate::state::PanelState;

const SEC_FETCH_DEST: HeaderName = HeaderName::from_static("sec-fetch-dest");

/// The longest name of a cookie that is stored, in characters.
const LONGEST: usize = 100;

/// The most headers, parameters and cookies that are stored.
const MOST: usize = 100;

/// A request, recorded before it is answered.
#[derive(Debug)]
pub struct Incoming {
    pub request: Request,
    /// Whether it opens a page, which may carry the toolbar.
    pub is_page: bool,
    /// Whether everything is to be rebuilt for it.
    pub rebuilds: bool,
    /// The codings that the client accepts.
    pub accepted: Vec<HeaderValue>,
    /// The values that had a secret's name.
    pub secrets: Values,
    /// The form, as far as the application reads it.
    pub form: Option<Copied>,
}

impl Incoming {
    /// Records a request, and changes its headers as the toolbar needs them.
    pub fn of(request: &mut ServiceRequest, state: &PanelState) -> Self {
        let is_page = opens_a_page(request.headers()) && request.method() != Method::HEAD;
        let mut secrets = Values::new(state.hooks.words);
        let client = (state.hooks.client)(request.request());
        let seen = look_at(request, client, &mut secrets);
        let (mut accepted, mut rebuilds) = (Vec::new(), false);
        if is_page {
            accepted = request.headers_mut().remove(ACCEPT_ENCODING).collect();
        }
        if is_page && request.method() == Method::GET {
            for name in &CONDITIONS {
                request.headers_mut().remove(name);
            }
            rebuilds = state.memory.take_bypass(client, &target(request));
            if rebuilds {
                request.extensions_mut().insert(Bypass);
            }
        }
        let form = seen.body.as_ref().and_then(|_| Copied::of(request));
        Self { request: seen, is_page, rebuilds, accepted, secrets, form }
    }
}

/// Returns path and query as they were sent.
fn target(request: &ServiceRequest) -> String {
    request.uri().path_and_query().map(ToString::to_string).unwrap_or_default()
}

/// Reports whether a browser opens the response as a page; other programs send no such header.
fn opens_a_page(headers: &HeaderMap) -> bool {
    let destination = headers.get(&SEC_FETCH_DEST).map(HeaderValue::as_bytes);
    destination.is_none_or(|is| [b"document".as_slice(), b"iframe", b"frame"].contains(&is))
}

fn look_at(request: &ServiceRequest, client: Option<IpAddr>, secrets: &mut Values) -> Request {
    let length = request.headers().get(CONTENT_LENGTH).and_then(|length| length.to_str().ok());
    let length = length.and_then(|length| length.parse().ok()).filter(|length| *length > 0);
    let content_type = request.headers().get(CONTENT_TYPE).map_or("of no type".into(), print);
    Request {
        method: request.method().to_string(),
        path: secrets.hide(request.path()).into_owned(),
        query: query(request.query_string(), secrets),
        route: None,
        version: version(request.version()).to_owned(),
        client: client.map(|address| address.to_string()),
        peer: request.peer_addr().map(|peer| peer.to_string()),
        headers: headers(request.headers(), secrets),
        cookies: cookies(request.headers()),
        body: length.map(|length| (content_type.into_owned(), length)),
        form: Vec::new(),
    }
}

/// Returns the parameters without secrets. All secrets are collected, even of parameters not shown.
fn query(query: &str, secrets: &mut Values) -> Vec<(String, String)> {
    pairs(query, is_named, secrets)
}

/// Returns the fields of a form to this path as [`query`] does; where the path names a secret, all their values are some.
pub fn fields(form: &str, path: &str, secrets: &mut Values) -> Vec<(String, String)> {
    let is_about_secrets = path.split('/').any(is_named);
    pairs(form, |name| is_about_secrets || is_named(name), secrets)
}

fn pairs(
    query: &str,
    is_secret: impl Fn(&str) -> bool,
    secrets: &mut Values,
) -> Vec<(String, String)> {
    let shown = query.split('&').filter(|pair| !pair.is_empty()).map(|pair| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        if is_secret(name) {
            secrets.add(value);
            return (decoded(name), HIDDEN.to_owned());
        }
        // Hidden before they are decoded: afterwards the end of a secret in an address is not to be seen.
        (decoded(&secrets.hide(name)), decoded(&secrets.hide(value)))
    });
    shown.collect::<Vec<_>>().into_iter().take(MOST).collect()
}

fn decoded(text: &str) -> String {
    percent_decode_str(&text.replace('+', " ")).decode_utf8_lossy().into_owned()
}

/// Returns names and values without secrets. All secrets are collected, even of headers not shown.
pub fn headers(headers: &HeaderMap, secrets: &mut Values) -> Vec<(String, String)> {
    let shown = headers.iter().map(|(name, value)| {
        let (name, value) = (name.as_str(), print(value));
        if is_named(name) {
            secrets.add_header(name, &value);
            return (name.to_owned(), HIDDEN.to_owned());
        }
        (name.to_owned(), secrets.hide(&value).into_owned())
    });
    shown.collect::<Vec<_>>().into_iter().take(MOST).collect()
}

fn print(value: &HeaderValue) -> Cow<'_, str> {
    String::from_utf8_lossy(value.as_bytes())
}

/// Returns the names of cookies. A cookie without one is a value.
fn cookies(headers: &HeaderMap) -> Vec<String> {
    let lines = headers.get_all(COOKIE).filter_map(|line| line.to_str().ok());
    let pairs = lines.flat_map(|line| line.split(';'));
    let names = pairs.filter_map(|pair| Some(pair.split_once('=')?.0.trim()));
    names.filter(|name| !name.is_empty()).take(MOST).map(|name| short(name, LONGEST)).collect()
}

fn version(version: Version) -> &'static str {
    match version {
        Version::HTTP_09 => "HTTP/0.9",
        Version::HTTP_10 => "HTTP/1.0",
        Version::HTTP_2 => "HTTP/2",
        Version::HTTP_3 => "HTTP/3",
        _ => "HTTP/1.1",
    }
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::{IF_NONE_MATCH, RANGE};
    use actix_web::test::TestRequest;

    use super::*;
    use crate::cache::Cache;

    fn state() -> PanelState {
        PanelState::new(Cache::in_memory())
    }

    fn browser(destination: &'static str) -> TestRequest {
        TestRequest::get()
            .uri("/?q=t%C3%A9a&page=2")
            .insert_header((SEC_FETCH_DEST, destination))
            .insert_header((ACCEPT_ENCODING, "br"))
            .insert_header((IF_NONE_MATCH, "\"a\""))
            .insert_header((RANGE, "bytes=0-1"))
            .insert_header((COOKIE, "sid=secret; theme=dark"))
    }

    #[test]
    fn what_opens_as_a_page_comes_whole_and_as_text() {
        let mut request = browser("document").to_srv_request();
        let incoming = Incoming::of(&mut request, &state());
        assert!(incoming.is_page && incoming.accepted.len() == 1);
        let left: Vec<_> = request.headers().keys().map(HeaderName::as_str).collect();
        assert!(!left.contains(&"if-none-match") && !left.contains(&"range"), "{left:?}");
        assert!(!left.contains(&"accept-encoding"), "{left:?}");
        let names: Vec<_> = incoming.request.headers.iter().map(|(name, _)| name).collect();
        assert!(names.iter().any(|name| *name == "if-none-match"), "it is told as it came");
    }

    #[test]
    fn what_scripts_and_pictures_ask_for_is_left_as_it_is() {
        for destination in ["empty", "image", "style"] {
            let mut request = browser(destination).to_srv_request();
            let before = request.headers().len();
            let incoming = Incoming::of(&mut request, &state());
            assert!(!incoming.is_page && request.headers().len() == before, "{destination}");
        }
    }

    #[test]
    fn a_form_about_secrets_shows_the_names_of_its_fields() {
        let mut secrets = Values::new(state().hooks.words);
        let shown = fields("title=T%C3%A9a+1&token=hush", "/posts", &mut secrets);
        assert_eq!(shown, [("title".into(), "Téa 1".into()), ("token".into(), "…".into())]);
        let shown = fields("old=a&new=b", "/staff/password", &mut secrets);
        assert_eq!(shown, [("old".into(), "…".into()), ("new".into(), "…".into())]);
    }

    #[test]
    fn secrets_are_not_remembered() {
        let mut request = browser("document").to_srv_request();
        let seen = Incoming::of(&mut request, &state()).request;
        assert_eq!(seen.cookies, ["sid", "theme"]);
        assert_eq!(seen.query, [("q".into(), "téa".into()), ("page".into(), "2".into())]);
        assert!(!format!("{seen:?}").contains("secret"), "{seen:?}");
        let request = TestRequest::get().uri("/?api_key=hush-hush&q=tea&%74oken=hush-hush&page=2");
        let request = request.insert_header(("X-Api-Key", "hush-hush"));
        let mut request = request.insert_header(("X-Auth-Token", "hush-hush")).to_srv_request();
        let seen = Incoming::of(&mut request, &state()).request;
        assert!(!format!("{seen:?}").contains("hush"), "{seen:?}");
        assert_eq!(seen.query[1], ("q".into(), "tea".into()));
        let request = TestRequest::get().uri("/?next=/a%3Ftoken%3Dab+hush%20hush%2526hush%26b=1");
        let seen = Incoming::of(&mut request.to_srv_request(), &state()).request;
        assert_eq!(seen.query, [("next".into(), "/a?token=…&b=1".into())]);
    }
}
