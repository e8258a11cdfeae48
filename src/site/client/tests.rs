//! Tests of how the client is recognized.

use actix_web::test::TestRequest;

use std::net::IpAddr;

use actix_web::http::header::HeaderName;
use clap::ValueEnum;

use super::proxies::*;
use super::*;

const PROXY: &str = "10.0.0.1";

/// Returns a request from `peer` with these header lines.
fn request(peer: &str, lines: &[(&str, &str)]) -> TestRequest {
    let peer: IpAddr = peer.parse().unwrap();
    let request = TestRequest::get().peer_addr((peer, 9).into());
    lines.iter().fold(request, |request, line| request.append_header(*line))
}

fn client(header: AddressHeader, peer: &str, lines: &[(&str, &str)]) -> Client {
    let trusted = ["127.0.0.0/8", "10.0.0.0/8", "fd00::/8"].map(|text| text.parse().unwrap());
    let proxies = Proxies { trusted: trusted.into(), header };
    let request = request(peer, lines).to_http_request();
    proxies.client(Some(peer.parse().unwrap()), request.headers())
}

/// Returns the address that a trusted proxy gives in these lines of one header.
fn by(header: AddressHeader, name: &str, lines: &[&str]) -> String {
    let lines: Vec<_> = lines.iter().map(|line| (name, *line)).collect();
    client(header, PROXY, &lines).address.unwrap().to_string()
}

#[test]
fn the_lines_are_joined_and_read_from_the_right() {
    let cases: [(&[&str], &str); 8] = [
        (&["192.0.2.7"], "192.0.2.7"),
        (&["1.1.1.1, 192.0.2.7"], "192.0.2.7"),
        (&["1.1.1.1", "192.0.2.7"], "192.0.2.7"),
        (&["1.1.1.1", "192.0.2.7, 10.0.0.9"], "192.0.2.7"),
        (&["1.1.1.1", "192.0.2.7", "10.0.0.9", "fd00::7"], "192.0.2.7"),
        // All of them are trusted: the farthest one counts.
        (&["10.0.0.3, 10.0.0.4"], "10.0.0.3"),
        // Items before the client's are not verified.
        (&["junk, 192.0.2.7"], "192.0.2.7"),
        (&["%, \"", "192.0.2.7"], "192.0.2.7"),
    ];
    for (lines, expected) in cases {
        assert_eq!(
            by(AddressHeader::XForwardedFor, "X-Forwarded-For", lines),
            expected,
            "{lines:?}"
        );
    }
}

#[test]
fn ports_brackets_quotes_and_zones_are_taken_off() {
    let v6 = "2001:db8::1";
    let cases = [
        ("192.0.2.7:4711", "192.0.2.7"),
        ("\"192.0.2.7:4711\"", "192.0.2.7"),
        ("192.0.2.7:_hidden", "192.0.2.7"),
        ("2001:db8::1", v6),
        ("[2001:db8::1]", v6),
        ("[2001:DB8:0::0:1]:4711", v6),
        ("\"[2001:db8::1]:4711\"", v6),
        ("2001:db8::1%eth0", v6),
        ("[2001:db8::1%25eth0]:80", v6),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("[::ffff:c000:207]:80", "192.0.2.7"),
    ];
    for (text, expected) in cases {
        assert_eq!(
            by(AddressHeader::XForwardedFor, "X-Forwarded-For", &[text]),
            expected,
            "{text}"
        );
        assert_eq!(by(AddressHeader::XRealIp, "X-Real-IP", &[text]), expected, "{text}");
        let quoted = format!("for=\"{}\"", text.trim_matches('"'));
        assert_eq!(by(AddressHeader::Forwarded, "Forwarded", &[&quoted]), expected, "{quoted}");
    }
}

#[test]
fn an_unreadable_address_counts_as_the_proxy_that_passed_it_on() {
    let junk = [
        "",
        " ",
        "unknown",
        "_hidden",
        "junk",
        "192.0.2.7.1",
        "192.0.2.256",
        "192.0.2.07",
        "192.0.2.7:",
        "192.0.2.7:x",
        "192.0.2.7:123456",
        "[2001:db8::1",
        "[2001:db8::1]x",
        "[192.0.2.7]",
        "2001:db8::1::",
        "\"192.0.2.7",
        "192.0.2.7%eth0",
        "localhost",
        "192.0.2.7/8",
    ];
    for text in junk {
        for lines in [vec![text], vec!["192.0.2.7", text], vec!["192.0.2.7,", text]] {
            let header = AddressHeader::XForwardedFor;
            assert_eq!(by(header, "X-Forwarded-For", &lines), PROXY, "{lines:?}");
        }
        let behind = format!("1.1.1.1, {text}, 10.0.0.9");
        assert_eq!(by(AddressHeader::XForwardedFor, "X-Forwarded-For", &[&behind]), "10.0.0.9");
        assert_eq!(by(AddressHeader::XRealIp, "X-Real-IP", &["192.0.2.7", text]), PROXY, "{text}");
        let element = format!("for=\"{}\"", text.replace('"', "\\\""));
        assert_eq!(by(AddressHeader::Forwarded, "Forwarded", &[&element]), PROXY, "{element}");
    }
    // However many items a client sends, its own proxy appends the last one.
    let many = ["x, ".repeat(MOST_HOPS), "192.0.2.7".to_owned()].concat();
    assert_eq!(by(AddressHeader::XForwardedFor, "X-Forwarded-For", &[&many]), "192.0.2.7");
    let many = ["for=x, ".repeat(MOST_HOPS), "for=192.0.2.7".to_owned()].concat();
    assert_eq!(by(AddressHeader::Forwarded, "Forwarded", &[&many]), "192.0.2.7");
    let hidden = "x=\", for=192.0.2.7, for=10.0.0.9";
    assert_eq!(by(AddressHeader::Forwarded, "Forwarded", &[hidden]), "192.0.2.7");
}

#[test]
fn forwarded_is_read_by_its_grammar() {
    let cases: [(&[&str], &str); 12] = [
        (&["for=192.0.2.7"], "192.0.2.7"),
        (&["For=192.0.2.7;Proto=http;by=203.0.113.43"], "192.0.2.7"),
        (&["for=1.1.1.1, for=192.0.2.7; by=\"[fd00::1]\""], "192.0.2.7"),
        (&["for=1.1.1.1", "for=192.0.2.7, for=10.0.0.9"], "192.0.2.7"),
        // A comma in quotes does not separate elements.
        (&["for=192.0.2.7;by=\"a, for=1.1.1.1\""], "192.0.2.7"),
        // An unclosed quote of a client hides nothing that the proxy adds on a line of its own.
        (&["for=\"1.1.1.1", "for=192.0.2.7"], "192.0.2.7"),
        (&["for=\"1.1.1.1, for=192.0.2.7"], "192.0.2.7"),
        (&["for=1.1.1.1;for=192.0.2.7"], PROXY),
        (&["for = 192.0.2.7"], PROXY),
        (&["for=192.0.2.7, "], PROXY),
        (&["for=2001:db8::1"], PROXY),
        (&["proto=https"], PROXY),
    ];
    for (lines, expected) in cases {
        assert_eq!(by(AddressHeader::Forwarded, "Forwarded", lines), expected, "{lines:?}");
    }
}

#[test]
fn only_the_named_header_of_a_trusted_peer_is_believed() {
    let lines = [
        ("X-Forwarded-For", "192.0.2.1"),
        ("Forwarded", "for=192.0.2.2;proto=https"),
        ("X-Real-IP", "192.0.2.3"),
        ("X-Forwarded-Proto", "https"),
    ];
    let cases = [
        (AddressHeader::XForwardedFor, "192.0.2.1", true),
        (AddressHeader::Forwarded, "192.0.2.2", true),
        (AddressHeader::XRealIp, "192.0.2.3", true),
        (AddressHeader::Peer, PROXY, false),
    ];
    for (header, address, is_https) in cases {
        let believed = client(header, PROXY, &lines);
        assert_eq!((believed.address, believed.is_https), (address.parse().ok(), is_https));
        // An IPv4 address mapped into IPv6 is the same peer.
        assert_eq!(client(header, &format!("::ffff:{PROXY}"), &lines), believed);
        let untrusted = client(header, "198.51.100.1", &lines);
        assert_eq!(untrusted.address, "198.51.100.1".parse().ok());
        assert!(!untrusted.is_https && !untrusted.is_local);
    }
}

#[test]
fn the_scheme_is_the_one_that_the_client_used() {
    let xff = AddressHeader::XForwardedFor;
    let by_proto = |addresses, schemes| {
        let lines = [("X-Forwarded-For", addresses), ("X-Forwarded-Proto", schemes)];
        client(xff, PROXY, &lines).is_https
    };
    assert!(by_proto("192.0.2.7", "https") && by_proto("192.0.2.7", "HTTPS"));
    assert!(!by_proto("192.0.2.7", "http") && !by_proto("192.0.2.7", "nothttps"));
    // The client wrote the first scheme, our proxy the second.
    assert!(!by_proto("1.1.1.1, 192.0.2.7", "https, http"));
    assert!(by_proto("192.0.2.7, 10.0.0.9", "https, http"));
    assert!(!by_proto("192.0.2.7", "https, http"));
    assert!(by_proto("192.0.2.7, 10.0.0.9", "https"));
    assert!(client(xff, PROXY, &[("X-Forwarded-Proto", "https")]).is_https);
    let by_element =
        |line| client(AddressHeader::Forwarded, PROXY, &[("Forwarded", line)]).is_https;
    assert!(by_element("for=192.0.2.7;proto=https, for=10.0.0.9;proto=http"));
    assert!(!by_element("for=1.1.1.1;proto=https, for=192.0.2.7"));
}

#[test]
fn only_loopback_without_a_proxy_is_local() {
    for (peer, expected) in
        [("127.0.0.1", true), ("::1", true), ("::ffff:127.0.0.1", true), ("192.0.2.1", false)]
    {
        assert_eq!(client(AddressHeader::Peer, peer, &[]).is_local, expected, "{peer}");
    }
    let names = [
        "Via",
        "Forwarded",
        "X-Forwarded-For",
        "X-Forwarded-Anything",
        "X-Real-IP",
        "CDN-Loop",
        "WL-Proxy-Client-IP",
        "Proxy-Client-IP",
        "Forwarded-For",
        "X-Remote-IP",
        "X-Vercel-Forwarded-For",
        "CF-Connecting-IPv6",
        "CloudFront-Viewer-Address",
        "X-ARR-SSL",
        "X-Original-URL",
        "CF-Ray",
        "X-Envoy-Attempt-Count",
        "X-Authentik-Username",
        "$WSRA",
        "X-Forward-For",
        "X-Forward-Proto",
        "X-Forwarded_Proto",
        "X-ForwardedFor",
        "Forwarded-Proto",
        "Forwarded-Host",
        "Z-Forwarded-For",
        "X-Client-Proto",
        "X-Real-Proto",
        "X-Clientip",
        "X-Request-Start",
        "X-Queue-Start",
        "X-Nginx-Proxy",
        "X-Appengine-Https",
        "X-Orig-Host",
        "X-Http-Host",
        "X-Hostname",
        "Script-Name",
        "X-Mount-Path",
        "X-Accel-Mapping",
        "X-Sendfile-Type",
        "X-Offloaded-Proto",
        "Ssl-Offloaded",
        "CDN-RequestCountryCode",
        "Akamai-Origin-Hop",
        "Max-Forwards",
        "Proxy-Connection",
        "Source-Ip",
        "Base-Url",
    ];
    for name in names {
        for header in AddressHeader::value_variants() {
            for text in ["127.0.0.1", "for=127.0.0.1", ""] {
                let client = client(*header, "127.0.0.1", &[(name, text)]);
                assert!(!client.is_local, "{name}: {text}");
            }
        }
    }
    // A program that presents a key is no proxy, and neither is one that asks for another method.
    let of_programs = "X-API-Key X-HTTP-Method-Override Authorization Proxy-Authorization Idempotency-Key X-Requested-With \
         X-CSRF-Token Client-Secret X-Client-Id X-Trial-Id";
    let of_browsers = "Host Origin Referer User-Agent Cookie Accept Accept-Language Accept-Encoding Content-Type \
         Content-Length Cache-Control Pragma Connection Upgrade-Insecure-Requests DNT Priority Purpose Range TE \
         If-None-Match If-Modified-Since Sec-Fetch-Site Sec-CH-UA-Platform Sec-WebSocket-Protocol Sec-GPC \
         Save-Data Device-Memory DPR Viewport-Width Service-Worker Access-Control-Request-Headers";
    for name in of_programs.split_whitespace().chain(of_browsers.split_whitespace()) {
        assert!(client(AddressHeader::Peer, "127.0.0.1", &[(name, "x")]).is_local, "{name}");
    }
}

#[test]
fn one_client_is_one_address_or_one_subnet() {
    let network = |peer| client(AddressHeader::Peer, peer, &[]).network();
    assert_eq!(network("192.0.2.1"), "192.0.2.1");
    assert_eq!(network("::ffff:192.0.2.1"), "192.0.2.1");
    assert_eq!(network("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::/64");
}

#[test]
fn networks_are_read_and_others_refused_with_a_hint() {
    let trusts = |network: &str, address: &str| {
        let trusted = vec![network.parse().unwrap()];
        Proxies { trusted, header: AddressHeader::Peer }.trust(address.parse().unwrap())
    };
    assert!(trusts("10.0.0.7", "10.0.0.7") && !trusts("10.0.0.7", "10.0.0.8"));
    assert!(trusts("10.1.2.3/8", "10.255.0.1") && !trusts("10.0.0.0/8", "11.0.0.1"));
    assert!(trusts("::ffff:10.0.0.0/104", "10.0.0.7") && trusts("::ffff:10.0.0.7", "10.0.0.7"));
    assert!(trusts("fd00::/8", "fd12::1") && !trusts("::/0", "10.0.0.7"));
    for text in ["", "x", "10.0.0.0/33", "10.0.0", "localhost", "10.0.0.0/", "10.0.0.1:80"] {
        assert!(text.parse::<Network>().unwrap_err().contains("10.0.0.0/8"), "{text}");
    }
}

#[test]
fn headers_of_proxies_are_hidden_once_they_are_read() {
    let lines = [("X-Forwarded-For", "192.0.2.7"), ("X-Forwarded-Proto", "https"), ("Accept", "a")];
    let mut request = request("127.0.0.1", &lines).to_srv_request();
    let before = Client::of(request.request());
    hide(&mut request);
    assert_eq!(request.headers().keys().map(HeaderName::as_str).collect::<Vec<_>>(), ["accept"]);
    assert_eq!(Client::of(request.request()), before);
    assert_eq!(before.address, "192.0.2.7".parse().ok());
    assert!(before.is_https && !before.is_local);
}
