//! A request as it was received, and the changes that the toolbar makes to it.
//!
//! - A page that a browser opens is fetched whole, uncompressed and with its body. The toolbar removes
//!   conditions, ranges and codings, since no cache holds the page with the toolbar in it.
//! - Requests for scripts, styles and pictures are not changed.

use actix_web::HttpMessage;
use actix_web::dev::ServiceRequest;
use actix_web::http::Method;
use actix_web::http::header::{ACCEPT_ENCODING, HeaderMap, HeaderName, HeaderValue};
use actix_web::http::uri::PathAndQuery;

use super::body::Copied;
use super::head::Head;
use crate::cache::http::CONDITIONS;
use crate::cache::page::Bypass;
use crate::state::PanelState;

const SEC_FETCH_DEST: HeaderName = HeaderName::from_static("sec-fetch-dest");

/// A request, copied before it is answered.
#[derive(Debug)]
pub struct Incoming {
    pub head: Head,
    /// Whether it opens a page, which may carry the toolbar.
    pub is_page: bool,
    /// Whether everything is to be rebuilt for it.
    pub rebuilds: bool,
    /// The codings that the client accepts.
    pub accepted: Vec<HeaderValue>,
    /// The form, as far as the application reads it.
    pub form: Option<Copied>,
}

impl Incoming {
    /// Copies a request, and changes its headers as the toolbar needs them.
    pub fn of(request: &mut ServiceRequest, state: &PanelState) -> Self {
        let is_page = opens_a_page(request.headers()) && request.method() != Method::HEAD;
        let client = (state.hooks.client)(request.request());
        let head = Head::of(request, client);
        let (mut accepted, mut rebuilds) = (Vec::new(), false);
        if is_page {
            accepted = request.headers_mut().remove(ACCEPT_ENCODING).collect();
        }
        if is_page && request.method() == Method::GET {
            for name in &CONDITIONS {
                request.headers_mut().remove(name);
            }
            rebuilds = state.memory.take_bypass(client, target(request));
            if rebuilds {
                request.extensions_mut().insert(Bypass);
            }
        }
        let form = head.body().and_then(|_| Copied::of(request));
        Self { head, is_page, rebuilds, accepted, form }
    }
}

/// Returns path and query as they were sent.
fn target(request: &ServiceRequest) -> &str {
    request.uri().path_and_query().map_or("", PathAndQuery::as_str)
}

/// Reports whether a browser opens the response as a page; other programs send no such header.
fn opens_a_page(headers: &HeaderMap) -> bool {
    let destination = headers.get(&SEC_FETCH_DEST).map(HeaderValue::as_bytes);
    destination.is_none_or(|is| [b"document".as_slice(), b"iframe", b"frame"].contains(&is))
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::{IF_NONE_MATCH, RANGE};
    use actix_web::test::TestRequest;

    use super::*;
    use crate::cache::Cache;
    use crate::toolbar::redact::Values;

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
    }

    #[test]
    fn what_opens_as_a_page_comes_whole_and_as_text() {
        let mut request = browser("document").to_srv_request();
        let incoming = Incoming::of(&mut request, &state());
        assert!(incoming.is_page && incoming.accepted.len() == 1);
        let left: Vec<_> = request.headers().keys().map(HeaderName::as_str).collect();
        assert!(!left.contains(&"if-none-match") && !left.contains(&"range"), "{left:?}");
        assert!(!left.contains(&"accept-encoding"), "{left:?}");
        let came = incoming.head.read(&mut Values::new(str::to_owned));
        let names: Vec<_> = came.headers.iter().map(|(name, _)| name).collect();
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
}
