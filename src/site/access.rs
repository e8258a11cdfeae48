//! Who is asking, as far as the connection tells.

use std::net::SocketAddr;

use actix_web::HttpRequest;
use actix_web::dev::ServiceRequest;
use actix_web::http::header::{FORWARDED, HeaderMap, HeaderName, VIA};

/// Whether the request comes from this very machine and no proxy handed it on.
///
/// A proxy on this machine would make every visitor look local; what proxies add gives it away. One
/// that adds nothing cannot be told from a visitor: do not put one in front of an open shop.
pub fn is_local(request: &ServiceRequest) -> bool {
    is_from_here(request.peer_addr(), request.headers())
}

/// The same of who is at the other end, and of the headers that came from there.
pub fn is_from_here(peer: Option<SocketAddr>, headers: &HeaderMap) -> bool {
    let is_loopback = peer.is_some_and(|peer| peer.ip().to_canonical().is_loopback());
    is_loopback && !headers.keys().any(is_from_proxy)
}

/// The address that somebody asks from, for counting what they try: that of the connection, or, where a proxy
/// on this machine handed the request on, the one that it says it has it from.
pub fn address(request: &HttpRequest) -> String {
    let peer = request.peer_addr().map(|peer| peer.ip().to_canonical());
    let told = request.headers().get("x-forwarded-for").and_then(|line| line.to_str().ok());
    // The last one is what our own proxy has seen; those before it anybody can write.
    let told = told.and_then(|line| line.rsplit(',').next()).map(str::trim);
    match (peer, told) {
        (Some(peer), Some(told)) if peer.is_loopback() && !told.is_empty() => told.to_owned(),
        (Some(peer), _) => peer.to_string(),
        (None, _) => String::new(),
    }
}

fn is_from_proxy(name: &HeaderName) -> bool {
    *name == FORWARDED || *name == VIA || name.as_str().starts_with("x-forwarded-")
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    fn from(peer: &str) -> TestRequest {
        TestRequest::get().peer_addr(peer.parse().unwrap())
    }

    #[test]
    fn only_loopback_without_a_proxy_is_local() {
        let cases = [
            (from("127.0.0.1:9"), true),
            (from("[::1]:9"), true),
            (from("[::ffff:127.0.0.1]:9"), true),
            (from("192.0.2.1:9"), false),
            (from("127.0.0.1:9").insert_header(("Via", "1.1 proxy")), false),
            (from("127.0.0.1:9").insert_header(("Forwarded", "for=192.0.2.1")), false),
            (from("127.0.0.1:9").insert_header(("X-Forwarded-For", "192.0.2.1")), false),
        ];
        for (request, expected) in cases {
            let request = request.to_srv_request();
            assert_eq!(is_local(&request), expected, "{request:?}");
        }
    }
}
