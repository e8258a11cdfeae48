//! Which requests a page may answer, and by which key.
//!
//! - Only `GET` is looked up and stored; `HEAD` is turned into it before routing ([`super::head`]).
//! - A request with a body, an upgrade or a method override is never a candidate: it neither looks
//!   up, stores, leads nor waits.
//! - The key is scheme and host as handlers see them, raw path and raw query; nothing is decoded,
//!   so no two targets share a page.
//! - A shared page's handler sees neither `Cookie` nor `Authorization`, so it cannot leak them.
//! - What a client asks of caches and its conditions are taken off before a fill, which must be
//!   whole; the conditions are judged afterwards on the stored page.

use actix_web::dev::ServiceRequest;
use actix_web::http::header::{
    AUTHORIZATION, CACHE_CONTROL, CONTENT_LENGTH, COOKIE, FORWARDED, HOST, HeaderMap, HeaderName,
    IF_MATCH, IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_RANGE, IF_UNMODIFIED_SINCE, PRAGMA, RANGE,
    TRANSFER_ENCODING, UPGRADE,
};

use super::conditional::Conditions;
use crate::cache::key::Key;

/// Headers that make some frameworks treat a request as another one.
const OVERRIDES: [HeaderName; 5] = [
    HeaderName::from_static("x-http-method-override"),
    HeaderName::from_static("x-http-method"),
    HeaderName::from_static("x-method-override"),
    HeaderName::from_static("x-original-url"),
    HeaderName::from_static("x-rewrite-url"),
];

/// Headers that make handlers believe in another scheme or host.
const FORWARDS: [HeaderName; 3] = [
    FORWARDED,
    HeaderName::from_static("x-forwarded-host"),
    HeaderName::from_static("x-forwarded-proto"),
];

/// The key of the page that answers `request`, a `GET`; or why no page may.
pub fn key(request: &ServiceRequest) -> Result<Key, &'static str> {
    let headers = request.headers();
    if has_body(headers) {
        return Err("body");
    }
    if headers.contains_key(UPGRADE) {
        return Err("upgrade");
    }
    if OVERRIDES.iter().any(|name| headers.contains_key(name)) {
        return Err("override");
    }
    let page = Key::named("page");
    let page = if FORWARDS.iter().any(|name| headers.contains_key(name)) {
        let connection = request.connection_info();
        page.part("scheme", connection.scheme()).part("host", connection.host())
    } else {
        let scheme = if request.app_config().secure() { "https" } else { "http" };
        let host = headers.get(HOST).and_then(|host| host.to_str().ok());
        page.part("scheme", scheme).part("host", host)
    };
    Ok(page.part("path", request.path()).part("query", request.uri().query()).build())
}

fn has_body(headers: &HeaderMap) -> bool {
    let length = headers.get(CONTENT_LENGTH);
    headers.contains_key(TRANSFER_ENCODING) || length.is_some_and(|length| length != "0")
}

/// Makes the request anybody's, and answers the conditions that this client set.
pub fn make_anybodys(request: &mut ServiceRequest) -> Conditions {
    let headers = request.headers_mut();
    let conditions = Conditions::of(headers);
    let personal = [COOKIE, AUTHORIZATION];
    let conditional =
        [IF_MATCH, IF_NONE_MATCH, IF_MODIFIED_SINCE, IF_UNMODIFIED_SINCE, IF_RANGE, RANGE];
    let directives = [CACHE_CONTROL, PRAGMA];
    for name in personal.iter().chain(&conditional).chain(&directives) {
        headers.remove(name);
    }
    conditions
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    fn key_of(request: TestRequest) -> Result<String, &'static str> {
        key(&request.to_srv_request()).map(|key| key.to_string())
    }

    fn get(target: &str) -> TestRequest {
        TestRequest::get().uri(target).insert_header((HOST, "shop.test"))
    }

    #[test]
    fn the_key_is_scheme_host_raw_path_and_raw_query() {
        let key = key_of(get("/a%41?x=%41"));
        let expected = r#"page:scheme="http":host="shop.test":path="/a%41":query="x=%41""#;
        assert_eq!(key.as_deref(), Ok(expected));
    }

    #[test]
    fn different_targets_have_different_keys() {
        let targets = ["/", "/?", "/?x", "/?x=", "/?x=A", "/?x=%41", "//", "/..", "/%2e%2e"];
        let keys: Vec<_> = targets.iter().map(|target| key_of(get(target)).unwrap()).collect();
        for (i, key) in keys.iter().enumerate() {
            assert!(!keys[..i].contains(key), "{key}");
        }
    }

    #[test]
    fn forwarded_hosts_and_schemes_are_in_the_key() {
        let plain = key_of(get("/"));
        let host = key_of(get("/").insert_header(("x-forwarded-host", "evil.test")));
        let scheme = key_of(get("/").insert_header(("forwarded", "proto=https")));
        assert_ne!(plain, host);
        assert_ne!(plain, scheme);
    }

    #[test]
    fn what_is_no_plain_get_is_no_candidate() {
        let cases = [
            (get("/").insert_header((CONTENT_LENGTH, "3")), "body"),
            (get("/").insert_header((TRANSFER_ENCODING, "chunked")), "body"),
            (get("/").insert_header((UPGRADE, "websocket")), "upgrade"),
            (get("/").insert_header(("X-HTTP-Method-Override", "DELETE")), "override"),
        ];
        for (request, reason) in cases {
            assert_eq!(key_of(request), Err(reason));
        }
    }

    #[test]
    fn a_shared_pages_handler_sees_nobody() {
        let mut request = get("/")
            .insert_header((COOKIE, "sid=1"))
            .insert_header((AUTHORIZATION, "Bearer x"))
            .insert_header((IF_NONE_MATCH, "*"))
            .insert_header((RANGE, "bytes=0-1"))
            .to_srv_request();
        make_anybodys(&mut request);
        let left: Vec<_> = request.headers().keys().map(HeaderName::as_str).collect();
        assert_eq!(left, ["host"]);
    }
}
