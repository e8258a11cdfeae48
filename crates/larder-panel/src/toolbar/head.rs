//! The head of a request, copied as it came, and what the toolbar shows of it.
//!
//! - Secrets are not stored: of cookies only the names, of headers and parameters with a secret's name
//!   ([`crate::secrets`]) only that name; of forms ([`super::body`]), too.
//! - Reading it takes longer than the rest of a page hit. So a head that holds nothing which could be a secret is stored
//!   as it came, and read when it is looked at.

use std::borrow::Cow;
use std::net::{IpAddr, SocketAddr};

use actix_web::dev::ServiceRequest;
use actix_web::http::header::{
    ACCEPT, ACCEPT_ENCODING, ACCEPT_LANGUAGE, CACHE_CONTROL, CONNECTION, CONTENT_LENGTH,
    CONTENT_TYPE, COOKIE, HOST, HeaderName, HeaderValue, IF_MODIFIED_SINCE, IF_NONE_MATCH, PRAGMA,
    UPGRADE_INSECURE_REQUESTS, USER_AGENT,
};
use actix_web::http::{Method, Version};
use percent_encoding::percent_decode_str;

use super::record::Request;
use super::redact::Values;
use super::room::{MEMBER, short};
use crate::secrets::{HIDDEN, is_named, places};

/// The longest name of a cookie that is stored, in characters.
const LONGEST: usize = 100;

/// The most headers, parameters and cookies that are stored.
const MOST: usize = 100;

/// Headers that every browser sends and that hold no secret.
const ORDINARY: [HeaderName; 12] = [
    HOST,
    CONNECTION,
    CACHE_CONTROL,
    UPGRADE_INSECURE_REQUESTS,
    USER_AGENT,
    ACCEPT,
    ACCEPT_ENCODING,
    ACCEPT_LANGUAGE,
    PRAGMA,
    IF_NONE_MATCH,
    IF_MODIFIED_SINCE,
    CONTENT_LENGTH,
];

/// The head of a request, as it came.
#[derive(Debug)]
pub struct Head {
    method: Method,
    path: Box<str>,
    query: Box<str>,
    version: Version,
    client: Option<IpAddr>,
    peer: Option<SocketAddr>,
    headers: Vec<(HeaderName, HeaderValue)>,
}

impl Head {
    /// Copies the head of a request from this client.
    pub fn of(request: &ServiceRequest, client: Option<IpAddr>) -> Self {
        // Copied: a value is a part of the buffer into which its connection reads.
        let copy = |value: &HeaderValue| HeaderValue::from_bytes(value.as_bytes()).ok();
        let headers = request.headers().iter();
        Self {
            method: request.method().clone(),
            path: request.path().into(),
            query: request.query_string().into(),
            version: request.version(),
            client,
            peer: request.peer_addr(),
            headers: headers
                .filter_map(|(name, value)| Some((name.clone(), copy(value)?)))
                .collect(),
        }
    }

    /// Reports whether it holds nothing that could be a secret.
    pub fn is_harmless(&self) -> bool {
        let is_harmless = |text: &str| places(text).is_empty();
        let mut others = self.headers.iter().filter(|(name, _)| !ORDINARY.contains(name));
        is_harmless(&self.path)
            && pairs(&self.query)
                .all(|(name, value)| !is_named(name) && is_harmless(name) && is_harmless(value))
            && others.all(|(name, value)| !is_named(name.as_str()) && is_harmless(&print(value)))
    }

    /// Returns about how many bytes it takes, before and after it is read.
    pub fn bytes(&self) -> usize {
        let headers = self.headers.iter();
        headers.map(|(name, value)| name.as_str().len() + value.len() + MEMBER).sum()
    }

    /// Returns the length of the request's body in bytes, if it has one.
    pub fn body(&self) -> Option<u64> {
        let length = self.header(&CONTENT_LENGTH)?.to_str().ok()?.parse().ok()?;
        (length > 0).then_some(length)
    }

    fn header(&self, name: &HeaderName) -> Option<&HeaderValue> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value)
    }

    /// Returns what is shown of it, and collects its secrets, even those of headers and parameters that are not shown.
    pub fn read(&self, secrets: &mut Values) -> Request {
        let content_type = self.header(&CONTENT_TYPE).map_or("of no type".into(), print);
        Request {
            method: self.method.to_string(),
            path: secrets.hide(&self.path).into_owned(),
            query: shown(&self.query, is_named, secrets),
            route: None,
            version: version(self.version).to_owned(),
            client: self.client.map(|address| address.to_string()),
            peer: self.peer.map(|peer| peer.to_string()),
            headers: headers(self.headers.iter().map(|(name, value)| (name, value)), secrets),
            cookies: self.cookies(),
            body: self.body().map(|length| (content_type.into_owned(), length)),
            form: Vec::new(),
        }
    }

    /// Returns the names of cookies. A cookie without one is a value.
    fn cookies(&self) -> Vec<String> {
        let lines = self.headers.iter().filter(|(name, _)| *name == COOKIE);
        let lines = lines.filter_map(|(_, line)| line.to_str().ok());
        let pairs = lines.flat_map(|line| line.split(';'));
        let names = pairs.filter_map(|pair| Some(pair.split_once('=')?.0.trim()));
        names.filter(|name| !name.is_empty()).take(MOST).map(|name| short(name, LONGEST)).collect()
    }
}

/// Returns the fields of a form to this path without secrets; where the path names a secret, all their values are some.
pub fn fields(form: &str, path: &str, secrets: &mut Values) -> Vec<(String, String)> {
    let is_about_secrets = path.split('/').any(is_named);
    shown(form, |name| is_about_secrets || is_named(name), secrets)
}

/// Returns names and values, as they were sent.
fn pairs(query: &str) -> impl Iterator<Item = (&str, &str)> {
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    pairs.map(|pair| pair.split_once('=').unwrap_or((pair, "")))
}

fn shown(
    query: &str,
    is_secret: impl Fn(&str) -> bool,
    secrets: &mut Values,
) -> Vec<(String, String)> {
    let shown = pairs(query).map(|(name, value)| {
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
pub fn headers<'h>(
    headers: impl Iterator<Item = (&'h HeaderName, &'h HeaderValue)>,
    secrets: &mut Values,
) -> Vec<(String, String)> {
    let shown = headers.map(|(name, value)| {
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
    use actix_web::test::TestRequest;

    use super::*;

    fn secrets() -> Values {
        Values::new(str::to_owned)
    }

    fn read(request: TestRequest) -> Request {
        Head::of(&request.to_srv_request(), None).read(&mut secrets())
    }

    #[test]
    fn a_form_about_secrets_shows_the_names_of_its_fields() {
        let mut secrets = secrets();
        let shown = fields("title=T%C3%A9a+1&token=hush", "/posts", &mut secrets);
        assert_eq!(shown, [("title".into(), "Téa 1".into()), ("token".into(), "…".into())]);
        let shown = fields("old=a&new=b", "/staff/password", &mut secrets);
        assert_eq!(shown, [("old".into(), "…".into()), ("new".into(), "…".into())]);
    }

    #[test]
    fn secrets_are_not_remembered() {
        let request = TestRequest::get().uri("/?q=t%C3%A9a&page=2");
        let seen = read(request.insert_header((COOKIE, "sid=secret; theme=dark")));
        assert_eq!(seen.cookies, ["sid", "theme"]);
        assert_eq!(seen.query, [("q".into(), "téa".into()), ("page".into(), "2".into())]);
        assert!(!format!("{seen:?}").contains("secret"), "{seen:?}");
        let request = TestRequest::get().uri("/?api_key=hush-hush&q=tea&%74oken=hush-hush&page=2");
        let request = request.insert_header(("X-Api-Key", "hush-hush"));
        let seen = read(request.insert_header(("X-Auth-Token", "hush-hush")));
        assert!(!format!("{seen:?}").contains("hush"), "{seen:?}");
        assert_eq!(seen.query[1], ("q".into(), "tea".into()));
        let request = TestRequest::get().uri("/?next=/a%3Ftoken%3Dab+hush%20hush%2526hush%26b=1");
        let seen = read(request);
        assert_eq!(seen.query, [("next".into(), "/a?token=…&b=1".into())]);
    }
}
