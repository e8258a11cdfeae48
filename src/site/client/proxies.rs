//! Which client the headers of trusted proxies name.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};
use std::str::FromStr;

use actix_web::http::header::{FORWARDED, HeaderMap, HeaderName};
use clap::ValueEnum;
use ipnet::IpNet;

use super::Client;
use crate::cache::http::{self, PassedOn};

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const X_REAL_IP: HeaderName = HeaderName::from_static("x-real-ip");

/// Items of a header that are read; a longer header counts as unreadable.
pub(super) const MOST_HOPS: usize = 64;

/// Beginnings of words in the names of headers that proxies and content delivery networks write.
///
/// Proxies invent names, but from few words. What browsers send has none of these, but for [`OF_BROWSERS`].
#[rustfmt::skip]
const SIGNS: [&str; 42] = [
    // What they report: where a request came from, how and when, and what it was before.
    "forward", "prox", "via", "client", "real", "remote", "orig", "source", "ip", "addr", "geo", "country",
    "scheme", "proto", "https", "ssl", "tls", "host", "port", "domain", "url", "uri", "path", "prefix", "script",
    "server", "start",
    // What they call themselves.
    "accel", "sendfile", "nginx", "haproxy", "varnish", "envoy", "surrogate", "cdn", "edge", "cf", "cloud", "fly",
    "fastly", "amz", "azure",
];

/// Headers of browsers in whose names such a word stands, and the beginning of those that no page can set.
const OF_BROWSERS: [&str; 2] = ["host", "origin"];
const ONLY_OF_BROWSERS: &str = "sec-";

/// Headers by which a program presents itself. It may run on this machine, without a proxy.
#[rustfmt::skip]
const OF_PROGRAMS: [&str; 9] = [
    "x-api-key", "api-key", "x-auth-token", "x-access-token", "proxy-authorization", "client-id", "client-secret",
    "x-client-id", "x-client-secret",
];

/// The header that gives the address of the client.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum AddressHeader {
    /// X-Forwarded-For; the scheme is that of X-Forwarded-Proto.
    #[default]
    XForwardedFor,
    /// Forwarded (RFC 7239), which also gives the scheme.
    Forwarded,
    /// X-Real-IP; the scheme is that of X-Forwarded-Proto.
    XRealIp,
    /// No header: address and scheme are those of the connection.
    Peer,
}

/// An address or a network of trusted proxies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network(IpNet);

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

impl FromStr for Network {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let address = || text.parse::<IpAddr>().map(|address| IpNet::from(address.to_canonical()));
        let network = text.parse::<IpNet>().or_else(|_| address());
        network.map(canonical).map(Self).map_err(|_| {
            "expected an address or a network, such as 10.0.0.7, 10.0.0.0/8 or fd00::/8".to_owned()
        })
    }
}

/// Converts `::ffff:10.0.0.0/104` to `10.0.0.0/8`: connections are compared by IPv4 addresses.
fn canonical(network: IpNet) -> IpNet {
    let IpAddr::V4(mapped) = network.addr().to_canonical() else { return network };
    let length = if network.addr().is_ipv4() {
        Some(network.prefix_len())
    } else {
        network.prefix_len().checked_sub(96)
    };
    length.and_then(|length| IpNet::new(mapped.into(), length).ok()).unwrap_or(network)
}

/// The trusted proxies, and the header by which they name the client.
#[derive(Debug, Clone)]
pub struct Proxies {
    /// Addresses of the proxies.
    pub trusted: Vec<Network>,
    /// The header that is believed.
    pub header: AddressHeader,
}

impl Default for Proxies {
    /// Trusts proxies on this machine, by `X-Forwarded-For`.
    fn default() -> Self {
        let loopback = ["127.0.0.0/8", "::1/128"].map(str::parse);
        Self { trusted: loopback.into_iter().flatten().collect(), header: AddressHeader::default() }
    }
}

/// Reports whether the header is a sign of a proxy, or of a content delivery network.
pub(super) fn is_from_proxy(name: &HeaderName) -> bool {
    let text = name.as_str();
    let is_listed = PassedOn::of(text).is_some_and(|kind| {
        // A program may ask for another method without a proxy.
        kind != PassedOn::Request || !text.contains("method")
    });
    // The first letter rules out nearly all, for each header of each request.
    let begins_with = |word: &str, sign: &str| {
        word.as_bytes().first() == sign.as_bytes().first() && word.starts_with(sign)
    };
    let has_sign =
        || text.split(['-', '_']).any(|word| SIGNS.iter().any(|sign| begins_with(word, sign)));
    let is_of_browser = OF_BROWSERS.contains(&text) || text.starts_with(ONLY_OF_BROWSERS);
    !OF_PROGRAMS.contains(&text) && !is_of_browser && (is_listed || has_sign())
}

/// What one proxy reports about the request that it passed on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Hop {
    /// Where the request came from; `None` if unreadable.
    address: Option<IpAddr>,
    is_https: bool,
}

impl Proxies {
    pub(super) fn client(&self, peer: Option<IpAddr>, headers: &HeaderMap) -> Client {
        let peer = peer.map(|peer| peer.to_canonical());
        let is_passed_on = headers.keys().any(is_from_proxy);
        let is_local = !is_passed_on && peer.is_some_and(|peer| peer.is_loopback());
        match peer {
            Some(peer) if is_passed_on && self.trust(peer) => {
                let (address, is_https) = self.believed(peer, headers);
                Client { address: Some(address), is_local, is_https }
            }
            _ => Client { address: peer, is_local, is_https: false },
        }
    }

    pub(super) fn trust(&self, address: IpAddr) -> bool {
        self.trusted.iter().any(|network| network.0.contains(&address))
    }

    /// Returns the client's address and scheme, as reported by `peer` and the trusted proxies behind it.
    fn believed(&self, peer: IpAddr, headers: &HeaderMap) -> (IpAddr, bool) {
        let hops = match self.header {
            AddressHeader::XForwardedFor => x_forwarded_for(headers),
            AddressHeader::Forwarded => forwarded(headers),
            AddressHeader::XRealIp => x_real_ip(headers),
            AddressHeader::Peer => return (peer, false),
        };
        let mut seen = peer;
        for (number, hop) in hops.iter().rev().enumerate() {
            let Some(address) = hop.address else { return (seen, hop.is_https) };
            seen = address;
            if !self.trust(address) || number + 1 == hops.len() {
                return (seen, hop.is_https);
            }
        }
        (seen, false)
    }
}

/// Reads the items of `X-Forwarded-For`, each with its scheme.
///
/// Proxies append to `X-Forwarded-Proto` or replace it. If both headers have the same number of
/// items, these belong together; otherwise the last scheme is the one that our own proxy reported.
fn x_forwarded_for(headers: &HeaderMap) -> Vec<Hop> {
    let schemes = items(headers, &X_FORWARDED_PROTO);
    let addresses = items(headers, &X_FORWARDED_FOR);
    let is_paired = schemes.len() == addresses.len();
    let hop = |(number, text): (usize, &String)| {
        let scheme = if is_paired { schemes.get(number) } else { schemes.last() };
        Hop {
            address: node(unquoted(text)),
            is_https: scheme.is_some_and(|scheme| is_https(scheme)),
        }
    };
    bounded(addresses.iter().enumerate().map(hop).collect())
        .unwrap_or_else(|| only_scheme(&schemes))
}

/// Returns one hop with the last scheme and without an address.
fn only_scheme(schemes: &[String]) -> Vec<Hop> {
    vec![Hop { address: None, is_https: schemes.last().is_some_and(|scheme| is_https(scheme)) }]
}

/// Reads the last address of `X-Real-IP`, which our own proxy set; earlier hops are unknown.
fn x_real_ip(headers: &HeaderMap) -> Vec<Hop> {
    let address = items(headers, &X_REAL_IP).last().and_then(|text| node(unquoted(text)));
    let hops = only_scheme(&items(headers, &X_FORWARDED_PROTO));
    hops.into_iter().map(|hop| Hop { address, ..hop }).collect()
}

/// Reads the elements of `Forwarded`.
///
/// A line that violates the grammar is one unreadable element: it hides the elements before it, but
/// not those of the lines after it. Source: RFC 7239 §4.
fn forwarded(headers: &HeaderMap) -> Vec<Hop> {
    let unreadable = || vec![Hop::default()];
    let lines = headers.get_all(FORWARDED).map(|line| {
        let line = line.as_bytes();
        match http::items(line, b',') {
            Ok(elements) => elements.map(element).collect::<Vec<_>>(),
            // A client's open quote does not hide what our proxies have appended.
            Err(_) => line.split(|byte| *byte == b',').map(element).collect(),
        }
    });
    bounded(lines.flatten().collect()).unwrap_or_else(unreadable)
}

/// Returns the last hops, which the nearest proxies have added; `None` if there are none.
fn bounded(mut hops: Vec<Hop>) -> Option<Vec<Hop>> {
    hops.drain(..hops.len().saturating_sub(MOST_HOPS));
    (!hops.is_empty()).then_some(hops)
}

/// Reads `for="[2001:db8::1]:4711";proto=https`; a repeated pair makes it unreadable.
fn element(text: &[u8]) -> Hop {
    let (mut address, mut scheme) = (None, None);
    let Ok(pairs) = http::items(text, b';') else { return Hop::default() };
    for pair in pairs.filter(|pair| !pair.is_empty()) {
        let Ok((name, Some(value))) = http::pair(pair) else { return Hop::default() };
        let kept = match name {
            name if name.eq_ignore_ascii_case(b"for") => &mut address,
            name if name.eq_ignore_ascii_case(b"proto") => &mut scheme,
            _ => continue,
        };
        if kept.replace(String::from_utf8_lossy(&value).into_owned()).is_some() {
            return Hop::default();
        }
    }
    Hop {
        address: address.and_then(|text| node(&text)),
        is_https: scheme.is_some_and(|scheme| is_https(&scheme)),
    }
}

/// Returns the items of all lines of a header, empty ones included.
fn items(headers: &HeaderMap, name: &HeaderName) -> Vec<String> {
    let lines = headers.get_all(name).map(|line| String::from_utf8_lossy(line.as_bytes()));
    let split = |line: std::borrow::Cow<'_, str>| {
        line.split(',').map(|item| item.trim().to_owned()).collect::<Vec<_>>()
    };
    lines.flat_map(split).collect()
}

fn unquoted(text: &str) -> &str {
    text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or(text)
}

fn is_https(scheme: &str) -> bool {
    scheme.eq_ignore_ascii_case("https")
}

/// Reads `192.0.2.1`, `192.0.2.1:80`, `[2001:db8::1]:80` or `2001:db8::1`.
///
/// Source: RFC 7239 §6, except that brackets and quotes may be missing, as in `X-Forwarded-For`.
fn node(text: &str) -> Option<IpAddr> {
    if let Some(text) = text.strip_prefix('[') {
        let (address, port) = text.split_once(']')?;
        let is_whole = port.is_empty() || port.strip_prefix(':').is_some_and(is_port);
        return if is_whole { v6(address) } else { None };
    }
    match text.split_once(':') {
        Some((address, port)) if !port.contains(':') => {
            is_port(port).then(|| address.parse().ok()).flatten().map(IpAddr::V4)
        }
        Some(_) => v6(text),
        None => text.parse().ok().map(IpAddr::V4),
    }
}

/// Reads an IPv6 address without its zone, which has a meaning on one machine only (RFC 4007 §11).
fn v6(text: &str) -> Option<IpAddr> {
    let (address, _zone) = text.split_once('%').unwrap_or((text, ""));
    address.parse::<Ipv6Addr>().ok().map(|address| IpAddr::V6(address).to_canonical())
}

/// Accepts a number, or the name that RFC 7239 §6.3 lets a proxy give instead.
fn is_port(text: &str) -> bool {
    let is_named = |name: &str| {
        let may = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
        !name.is_empty() && name.bytes().all(may)
    };
    let is_number = (1..=5).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    is_number || text.strip_prefix('_').is_some_and(is_named)
}
