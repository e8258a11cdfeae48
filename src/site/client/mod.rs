//! Decides who the client is: its address, whether it is on this machine, and the scheme it used.
//!
//! - A header is believed only if the peer of the connection is a trusted proxy, and only the header that
//!   the owner named: proxies pass on the others as the client wrote them.
//! - The lines of the header are joined and read from the right, as each proxy appends what it has seen.
//!   The first address that is no trusted proxy is the client.
//! - What cannot be read counts as the proxy that passed it on, so that no client can choose how it is counted.
//! - A request with any header of a proxy is never local, trusted or not. A proxy that adds none cannot be
//!   told from a client: do not put one in front of an open shop.
//! - [`hide`] takes these headers off before handlers run: nothing else may read them.
//!
//! Source: RFC 7239 for `Forwarded`; the others are conventions.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};
use std::str::FromStr;

use actix_web::dev::ServiceRequest;
use actix_web::http::header::{FORWARDED, HeaderMap, HeaderName, VIA};
use actix_web::{HttpMessage, HttpRequest, web};
use clap::ValueEnum;
use ipnet::IpNet;

use crate::cache::page::list;
use crate::cache::page::passed_on::{PassedOn, passed_on};
use crate::state::State;

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const X_REAL_IP: HeaderName = HeaderName::from_static("x-real-ip");

/// The items of a header that are read; a longer one counts as unreadable.
const MOST_HOPS: usize = 64;

/// Names by which proxies and content delivery networks pass a client's address on, besides `X-Forwarded-*`.
const OTHER_NAMES: [&str; 16] = [
    "x-real-ip",
    "x-client-ip",
    "x-cluster-client-ip",
    "x-original-forwarded-for",
    "x-original-host",
    "x-envoy-external-address",
    "x-proxyuser-ip",
    "x-azure-clientip",
    "x-host",
    "client-ip",
    "true-client-ip",
    "cf-connecting-ip",
    "fastly-client-ip",
    "fly-client-ip",
    "front-end-https",
    "cdn-loop",
];

/// The header that says which address a request comes from.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum AddressHeader {
    /// X-Forwarded-For; the scheme is that of X-Forwarded-Proto.
    #[default]
    XForwardedFor,
    /// Forwarded (RFC 7239), which has the scheme, too.
    Forwarded,
    /// X-Real-IP; the scheme is that of X-Forwarded-Proto.
    XRealIp,
    /// None: the address is that of the connection, and so is the scheme.
    Peer,
}

/// An address or a network that is trusted to say for which client it passes a request on.
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

/// `::ffff:10.0.0.0/104` as `10.0.0.0/8`: connections are compared by their IPv4 addresses.
fn canonical(network: IpNet) -> IpNet {
    let IpAddr::V4(mapped) = network.addr().to_canonical() else { return network };
    let length = if network.addr().is_ipv4() {
        Some(network.prefix_len())
    } else {
        network.prefix_len().checked_sub(96)
    };
    length.and_then(|length| IpNet::new(mapped.into(), length).ok()).unwrap_or(network)
}

/// The proxies that are trusted, and the header by which they name the client.
#[derive(Debug, Clone)]
pub struct Proxies {
    /// Whose word is taken.
    pub trusted: Vec<Network>,
    /// Where they say it.
    pub header: AddressHeader,
}

impl Default for Proxies {
    /// Proxies on this machine, by `X-Forwarded-For`.
    fn default() -> Self {
        let loopback = ["127.0.0.0/8", "::1/128"].map(str::parse);
        Self { trusted: loopback.into_iter().flatten().collect(), header: AddressHeader::default() }
    }
}

/// Who sent a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Client {
    /// Where the client is; none for a connection that has no address.
    pub address: Option<IpAddr>,
    /// Whether the request comes from this machine, and no proxy passed it on.
    pub is_local: bool,
    /// Whether the client used `https`.
    pub is_https: bool,
}

impl Client {
    /// Returns the client that sent `request`.
    pub fn of(request: &HttpRequest) -> Self {
        if let Some(known) = request.extensions().get::<Self>() {
            return *known;
        }
        let state = request.app_data::<web::Data<State>>();
        let peer = request.peer_addr().map(|peer| peer.ip());
        let mut client = match state {
            Some(state) => state.settings.proxies.client(peer, request.headers()),
            None => Proxies::default().client(peer, request.headers()),
        };
        client.is_https |= request.app_config().secure();
        client
    }

    /// Returns the scheme that the client used.
    pub fn scheme(self) -> &'static str {
        if self.is_https { "https" } else { "http" }
    }

    /// Returns the addresses that count as one client: one of IPv4, or a /64 of IPv6, since a host may take
    /// any address of its subnet (RFC 8981). Providers give whole subnets to each customer (RFC 6177): who has
    /// more of them is held by the count for each name.
    pub fn network(self) -> String {
        match self.address {
            Some(IpAddr::V4(address)) => address.to_string(),
            Some(IpAddr::V6(address)) => {
                let [a, b, c, d, ..] = address.segments();
                format!("{}/64", Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
            }
            None => String::new(),
        }
    }
}

/// Takes the headers of proxies off a request, once it is remembered what they say.
///
/// A page is the same for all clients: without these headers it cannot differ by them.
pub fn hide(request: &mut ServiceRequest) {
    // Also what is no sign of a proxy, and may come from any client.
    let is_believed =
        |name: &HeaderName| passed_on(name.as_str()).is_some_and(|kind| kind != PassedOn::Request);
    let names = request.headers().keys().filter(|name| is_from_proxy(name) || is_believed(name));
    let names: Vec<HeaderName> = names.cloned().collect();
    if names.is_empty() {
        return;
    }
    let client = Client::of(request.request());
    request.extensions_mut().insert(client);
    for name in &names {
        request.headers_mut().remove(name);
    }
}

fn is_from_proxy(name: &HeaderName) -> bool {
    let text = name.as_str();
    *name == FORWARDED
        || *name == VIA
        || text.starts_with("x-forwarded")
        || OTHER_NAMES.contains(&text)
}

/// What one proxy says of the request that it passed on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Hop {
    /// Where it came from; none if that cannot be read.
    address: Option<IpAddr>,
    is_https: bool,
}

impl Proxies {
    fn client(&self, peer: Option<IpAddr>, headers: &HeaderMap) -> Client {
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

    fn trust(&self, address: IpAddr) -> bool {
        self.trusted.iter().any(|network| network.0.contains(&address))
    }

    /// The address and the scheme of the client, as the trusted proxy `peer` and those behind it say.
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

/// The items of `X-Forwarded-For`, each with its scheme.
///
/// Proxies append to `X-Forwarded-Proto` or replace it. Where both headers have as many items they belong
/// together; otherwise the last item is what our own proxy said.
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

/// What there is to believe where no address can be read.
fn only_scheme(schemes: &[String]) -> Vec<Hop> {
    vec![Hop { address: None, is_https: schemes.last().is_some_and(|scheme| is_https(scheme)) }]
}

/// The last address of `X-Real-IP`: that of our own proxy, which says nothing of an earlier one.
fn x_real_ip(headers: &HeaderMap) -> Vec<Hop> {
    let address = items(headers, &X_REAL_IP).last().and_then(|text| node(unquoted(text)));
    let hops = only_scheme(&items(headers, &X_FORWARDED_PROTO));
    hops.into_iter().map(|hop| Hop { address, ..hop }).collect()
}

/// The elements of `Forwarded`. A line that breaks the grammar is one element that cannot be read: it hides
/// what stands before it, and nothing of the lines after it. Source: RFC 7239 §4.
fn forwarded(headers: &HeaderMap) -> Vec<Hop> {
    let unreadable = || vec![Hop::default()];
    let lines = headers.get_all(FORWARDED).map(|line| {
        let elements = list::items(line.as_bytes(), b',').map_err(|_| ());
        let hops = elements.map(|elements| elements.map(element).collect::<Vec<_>>());
        hops.unwrap_or_else(|()| unreadable())
    });
    bounded(lines.flatten().collect()).unwrap_or_else(unreadable)
}

/// The hops, unless there are none or too many to be read.
fn bounded(hops: Vec<Hop>) -> Option<Vec<Hop>> {
    (1..=MOST_HOPS).contains(&hops.len()).then_some(hops)
}

/// `for="[2001:db8::1]:4711";proto=https`; no pair may stand there twice.
fn element(text: &[u8]) -> Hop {
    let (mut address, mut scheme) = (None, None);
    let Ok(pairs) = list::items(text, b';') else { return Hop::default() };
    for pair in pairs.filter(|pair| !pair.is_empty()) {
        let Ok((name, Some(value))) = list::pair(pair) else { return Hop::default() };
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

/// The items of all lines of a header; empty ones are items, too.
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

/// `192.0.2.1`, `192.0.2.1:80`, `[2001:db8::1]:80` or `2001:db8::1`. Source: RFC 7239 §6, but for brackets
/// and quotes, which `X-Forwarded-For` may lack.
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

/// An address of IPv6 without its zone, which means something on one machine only. Source: RFC 4007 §11.
fn v6(text: &str) -> Option<IpAddr> {
    let (address, _zone) = text.split_once('%').unwrap_or((text, ""));
    address.parse::<Ipv6Addr>().ok().map(|address| IpAddr::V6(address).to_canonical())
}

/// Digits, or the name that RFC 7239 §6.3 lets a proxy give instead.
fn is_port(text: &str) -> bool {
    let is_named = |name: &str| {
        let may = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
        !name.is_empty() && name.bytes().all(may)
    };
    let is_number = (1..=5).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    is_number || text.strip_prefix('_').is_some_and(is_named)
}

#[cfg(test)]
mod tests;
