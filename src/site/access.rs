//! Who is asking, as far as the connection tells.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

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
        (Some(peer), Some(told)) if peer.is_loopback() && !told.is_empty() => told
            .parse()
            .map_or_else(|_| told.to_owned(), |told: IpAddr| network(told.to_canonical())),
        (Some(peer), _) => network(peer),
        (None, _) => String::new(),
    }
}

/// What one visitor has of addresses: one of IPv4, a subnet of 2^64 of IPv6, at the least. Source: RFC 6177.
fn network(address: IpAddr) -> String {
    match address {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            format!("{}/64", Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
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
    fn who_is_counted_is_the_network_that_one_visitor_has() {
        let through =
            |told: &'static str| from("127.0.0.1:9").insert_header(("X-Forwarded-For", told));
        let cases = [
            (from("192.0.2.1:9"), "192.0.2.1"),
            (from("[::ffff:192.0.2.1]:9"), "192.0.2.1"),
            (from("[2001:db8:1:2:3:4:5:6]:9"), "2001:db8:1:2::/64"),
            (through("192.0.2.7"), "192.0.2.7"),
            (through("192.0.2.7, 2001:db8:1:2:aa::1"), "2001:db8:1:2::/64"),
            (through("unknown"), "unknown"),
            (through(" "), "127.0.0.1"),
            // Only of a proxy on this machine it is believed.
            (from("192.0.2.1:9").insert_header(("X-Forwarded-For", "192.0.2.7")), "192.0.2.1"),
        ];
        for (request, counted) in cases {
            assert_eq!(address(&request.to_http_request()), counted);
        }
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
