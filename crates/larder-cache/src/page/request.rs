//! Decides which requests a page may answer, and what their handlers see.
//!
//! - Only `GET` is stored. `HEAD` is answered from what is stored for `GET`, and stores nothing.
//! - A request with a body, an upgrade or a method override is never a candidate: it does not look up,
//!   store, lead or wait.
//! - The handler of a shared page sees neither `Cookie` nor `Authorization` nor forwarding headers about the client,
//!   nor the client's address, nor what middleware around the cache has put into the extensions. So it cannot leak
//!   them. It sees the cookies by which its pages are keyed, and the extensions that the owner names. Around
//!   third-party handlers the forwarding headers are part of the key.
//! - The client's cache directives and conditions are removed before a build, which needs the whole page.
//!   The conditions are evaluated afterwards on the stored page.
//! - The tags in a write's conditions become the handler's own again: clients know those of coded pages.
//!
//! Not here: the key ([`super::address`]).

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::atomic::Ordering;

use actix_web::HttpMessage;
use actix_web::cookie::Cookie;
use actix_web::dev::{Extensions, ServiceRequest};
use actix_web::http::header::{
    AUTHORIZATION, CACHE_CONTROL, COOKIE, ETAG, HeaderMap, HeaderName, HeaderValue, IF_MATCH,
    IF_NONE_MATCH, PRAGMA,
};

use super::compress::{is_like_ours, tag_of};
use super::request_flags::RequestFlags;
use super::rules::Rules;
use crate::http::conditional::CONDITIONS;
use crate::http::entity_tag::{EntityTag, EntityTags};
use crate::http::list;
use crate::http::passed_on::PassedOn;

/// The client's cache directives, which are not for handlers.
pub(super) const OF_CACHES: [HeaderName; 2] = [CACHE_CONTROL, PRAGMA];

/// The address of a client that the handler of a shared page sees.
const NOWHERE: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), 0);

/// The rule by which requests of signed-in clients bypass the cache.
pub(super) const SESSION: &str = "session";

/// A request extension that asks for a rebuild, like an obeyed `Cache-Control: no-cache`.
///
/// Only middleware around the cache can set it; clients cannot.
#[derive(Debug, Clone, Copy)]
pub struct Bypass;

/// Reports whether a page may answer a request with these headers.
///
/// # Errors
/// Returns the rule that refuses it.
pub(super) fn candidate(
    headers: &HeaderMap,
    flags: RequestFlags,
    rules: &Rules,
) -> Result<(), &'static str> {
    let refused = [
        (RequestFlags::BODY, "body"),
        (RequestFlags::UPGRADE, "upgrade"),
        (RequestFlags::OVERRIDDEN, "override"),
    ];
    if let Some((_, rule)) = refused.iter().find(|(kind, _)| flags.is(*kind)) {
        return Err(rule);
    }
    let has_session = || rules.sessions.iter().any(|name| has_cookie(headers, name));
    if flags.is(RequestFlags::COOKIES) && has_session() {
        return Err(SESSION);
    }
    Ok(())
}

/// Returns the cookie of this name as the framework finds it for handlers.
///
/// It decodes names and values, and finds no cookie if a line is not UTF-8.
pub(super) fn cookie<'h>(headers: &'h HeaderMap, name: &str) -> Option<Cookie<'h>> {
    let lines = headers.get_all(COOKIE).map(|line| str::from_utf8(line.as_bytes()));
    let lines: Vec<_> = lines.collect::<Result<_, _>>().ok()?;
    let pairs = lines.into_iter().flat_map(|line| line.split(';'));
    let mut cookies = pairs.filter_map(|pair| Cookie::parse_encoded(pair.trim()).ok());
    cookies.find(|cookie| cookie.name() == name)
}

/// Reports whether there is a cookie of this name, in the framework's reading or in a raw one.
fn has_cookie(headers: &HeaderMap, name: &str) -> bool {
    let is_raw = |pair: &[u8]| {
        let known = pair.split(|byte| *byte == b'=').next().unwrap_or_default();
        list::trim(known) == name.as_bytes()
    };
    let mut lines = headers.get_all(COOKIE);
    lines.any(|line| line.as_bytes().split(|byte| *byte == b';').any(is_raw))
        || cookie(headers, name).is_some()
}

/// Reports whether the client has sent cache directives.
pub(super) fn has_directives(headers: &HeaderMap) -> bool {
    OF_CACHES.iter().any(|name| headers.contains_key(name))
}

/// Reports whether the request's `Cache-Control` has this directive. Source: RFC 9111 §5.2.1.
pub(super) fn asks(headers: &HeaderMap, directive: &str) -> bool {
    let lines = headers.get_all(CACHE_CONTROL).filter_map(|line| line.to_str().ok());
    let mut members = lines.flat_map(|line| line.split(',')).map(str::trim);
    members.any(|member| member.eq_ignore_ascii_case(directive))
}

/// Removes the headers that must not reach the handler during a build.
pub(super) fn strip_conditionals(request: &mut ServiceRequest) {
    let headers = request.headers_mut();
    for name in CONDITIONS.iter().chain(&OF_CACHES) {
        headers.remove(name);
    }
}

/// Gives a write the handler's own tags, where the client sends those of compressed pages.
///
/// A tag is taken for one of the cache's if it ends like one, unless a handler has given such a tag.
pub(super) fn restore_tags(request: &mut ServiceRequest, rules: &Rules) {
    let is_ours = rules.has_codings && !rules.has_such_tags.load(Ordering::Relaxed);
    for name in [IF_MATCH, IF_NONE_MATCH].into_iter().filter(|_| is_ours) {
        let lines = request.headers().get_all(&name);
        let tags = EntityTags::parse(lines).ok().and_then(|tags| tags.print_with(tag_of));
        if let Some(tags) = tags {
            request.headers_mut().insert(name, tags);
        }
    }
}

/// Notes whether a handler gives tags that end like those of compressed pages.
pub(super) fn note_tag(headers: &HeaderMap, rules: &Rules) {
    let tag = headers.get(ETAG).map(HeaderValue::as_bytes);
    if tag.and_then(EntityTag::parse).is_some_and(|tag| is_like_ours(&tag)) {
        rules.has_such_tags.store(true, Ordering::Relaxed);
    }
}

/// Removes the client's identity, for a rebuild in the background.
///
/// Only what the page is known to depend on stays.
pub(super) fn strip_identity(
    request: &mut ServiceRequest,
    rules: &Rules,
    varies: &BTreeSet<String>,
) {
    let matters =
        |name: &HeaderName| varies.contains(name.as_str()) || rules.headers.contains(name);
    if !matters(&AUTHORIZATION) {
        request.headers_mut().remove(AUTHORIZATION);
    }
    if matters(&COOKIE) {
        return;
    }
    strip_cookies(request, rules);
}

/// Removes all cookies but those by which pages are keyed.
fn strip_cookies(request: &mut ServiceRequest, rules: &Rules) {
    let known = rules.cookies.iter().filter_map(|name| cookie(request.headers(), name));
    let known: Vec<_> = known.map(|cookie| cookie.encoded().stripped().to_string()).collect();
    request.headers_mut().remove(COOKIE);
    if let (false, Ok(line)) = (known.is_empty(), HeaderValue::try_from(known.join("; "))) {
        request.headers_mut().insert(COOKIE, line);
    }
}

/// Reports whether shared pages hide this header from their handlers.
///
/// It does if it identifies the client and the rules do not name it.
pub(super) fn is_hidden(name: &str, rules: &Rules) -> bool {
    PassedOn::of(name) == Some(PassedOn::Client) && !rules.headers.iter().any(|known| known == name)
}

/// Removes the visitor from the request if the page is shared: what identifies the client, and all extensions.
///
/// Cookies by which the page is keyed stay, and copies of the extensions that the rules carry. Returns the
/// extensions, for which middleware around the cache looks when the response passes.
pub(super) fn strip_credentials(request: &mut ServiceRequest, rules: &Rules) -> Option<Extensions> {
    if !rules.is_shared {
        return None;
    }
    let names = request.headers().keys().filter(|name| is_hidden(name.as_str(), rules));
    let names: Vec<_> = names.cloned().collect();
    for name in names.into_iter().chain([AUTHORIZATION]) {
        request.headers_mut().remove(name);
    }
    strip_cookies(request, rules);
    let head = request.head_mut();
    head.peer_addr = head.peer_addr.and(Some(NOWHERE));
    let hidden = std::mem::take(&mut *request.extensions_mut());
    rules.carry_over(&hidden, &mut request.extensions_mut());
    Some(hidden)
}

/// Reports whether a layer around the cache has read the cookies, as one for sessions does for each request.
///
/// The framework remembers cookies that were read among the extensions, and does not read them again: so it finds
/// another cookie only if none were read. Afterwards they count as read: ask once for each request.
pub(super) fn were_cookies_read(request: &mut ServiceRequest) -> bool {
    let lines: Vec<HeaderValue> = request.headers_mut().remove(COOKIE).collect();
    request.headers_mut().insert(COOKIE, HeaderValue::from_static("larder-cache-probe=1"));
    let is_found = |cookies: &Vec<Cookie<'_>>| {
        cookies.iter().any(|known| known.name() == "larder-cache-probe")
    };
    let is_new = request.cookies().is_ok_and(|cookies| is_found(&cookies));
    let is_new_raw = request.request().cookies_raw().is_ok_and(|cookies| is_found(&cookies));
    request.headers_mut().remove(COOKIE);
    let is_utf8 = lines.iter().all(|line| str::from_utf8(line.as_bytes()).is_ok());
    let restore = |request: &mut ServiceRequest| {
        for line in &lines {
            request.headers_mut().append(COOKIE, line.clone());
        }
    };
    if is_utf8 {
        restore(request);
    }
    // What the framework remembers now is replaced by what it would find.
    let mut known = std::mem::take(&mut *request.extensions_mut());
    if is_new {
        let _ = request.cookies();
    }
    if is_new_raw {
        let _ = request.request().cookies_raw();
    }
    known.extend(std::mem::take(&mut *request.extensions_mut()));
    *request.extensions_mut() = known;
    if !is_utf8 {
        restore(request);
    }
    !(is_new && is_new_raw)
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::{CONTENT_LENGTH, HOST, RANGE, TRANSFER_ENCODING, UPGRADE};
    use actix_web::test::TestRequest;

    use super::*;
    use crate::policy::Policy;

    fn shared() -> Rules {
        Rules::shared(Policy::fresh_for(std::time::Duration::from_secs(60)))
    }

    fn get(target: &str) -> TestRequest {
        TestRequest::get().uri(target).insert_header((HOST, "shop.test"))
    }

    #[test]
    fn only_a_plain_get_is_a_candidate() {
        let rules = shared().sessions(&["sid"]);
        let cases = [
            (get("/").insert_header((CONTENT_LENGTH, "3")), "body"),
            (get("/").insert_header((TRANSFER_ENCODING, "chunked")), "body"),
            (get("/").insert_header((UPGRADE, "websocket")), "upgrade"),
            (get("/").insert_header(("X-HTTP-Method-Override", "DELETE")), "override"),
            (get("/").insert_header((COOKIE, "a=b; sid=1")), "session"),
        ];
        let judge = |request: TestRequest| {
            let request = request.to_srv_request();
            candidate(request.headers(), RequestFlags::of(request.headers()), &rules)
        };
        for (request, reason) in cases {
            assert_eq!(judge(request), Err(reason));
        }
        assert_eq!(judge(get("/")), Ok(()));
    }

    #[test]
    fn a_session_is_found_in_each_way_of_reading_cookies() {
        let rules = shared().sessions(&["sid"]);
        let cases: [(&[u8], bool); 6] = [
            (b"sid=1", true),
            // The framework reads no cookie of a line that is not UTF-8; other readers do.
            (b"sid=1; a=\xff", true),
            (b"sid=%ff", true),
            // The framework decodes names; other readers do not.
            (b"%73id=1", true),
            (b"a=sid; side=1", false),
            (b"a=\xff", false),
        ];
        for (line, is_session) in cases {
            let line = HeaderValue::from_bytes(line).unwrap();
            let request = get("/").insert_header((COOKIE, line.clone())).to_srv_request();
            let judged = candidate(request.headers(), RequestFlags::of(request.headers()), &rules);
            assert_eq!(judged.is_err(), is_session, "{line:?}");
        }
    }

    #[test]
    fn the_handler_of_a_shared_page_sees_no_identity() {
        let mut request = get("/")
            .insert_header((COOKIE, "sid=1"))
            .insert_header((AUTHORIZATION, "Bearer x"))
            .insert_header((IF_NONE_MATCH, "*"))
            .insert_header((RANGE, "bytes=0-1"))
            .to_srv_request();
        strip_conditionals(&mut request);
        strip_credentials(&mut request, &shared());
        let left: Vec<_> = request.headers().keys().map(HeaderName::as_str).collect();
        assert_eq!(left, ["host"]);
    }
}
