//! The names and ports that the shop answers to.
//!
//! - `--host NAME` is valid at the port that the shop is bound to, and at the default port of the
//!   scheme, where a proxy may listen: 80, or 443 if the proxy reports https.
//! - `--host NAME:PORT` is valid at that port alone.
//! - `localhost`, `127.0.0.1`, `[::1]` and the bound address are always valid names, without a port
//!   of their own.
//!
//! A proxy in front passes on either the `Host` of its visitors, which `--host` must name, or the
//! address at which it reaches the shop, which is one of the others.

use std::fmt;
use std::net::SocketAddr;
use std::str::FromStr;

use crate::cache::http::Authority;

/// A name that the shop answers to, and the port if it is valid at one port only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Host {
    name: String,
    port: Option<u16>,
}

impl FromStr for Host {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let text = text.trim();
        // Parsed with both schemes: they agree on the port only if the text names one.
        let [one, other] =
            ["http", "https"].map(|scheme| Authority::parse(text.as_bytes(), scheme));
        let (Ok(one), Ok(other)) = (one, other) else {
            return Err("give a name or an address, and maybe a port, as in shop.example, \
                        shop.example:8443 or [2001:db8::1]"
                .to_owned());
        };
        let port = (one.port() == other.port()).then_some(one.port());
        Ok(Self { name: one.host().to_owned(), port })
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        self.port.map_or(Ok(()), |port| write!(f, ":{port}"))
    }
}

/// Whether `origin` has this scheme and host, in any spelling.
pub fn is_origin(origin: &str, scheme: &str, host: &Authority<'_>) -> bool {
    let Some((of, at)) = origin.split_once("://") else { return false };
    let at = Authority::parse(at.as_bytes(), scheme);
    of.eq_ignore_ascii_case(scheme) && at.is_ok_and(|at| at == *host)
}

/// All names that the shop answers to.
#[derive(Debug, Clone)]
pub struct Hosts {
    known: Vec<Host>,
    bound: u16,
}

impl Hosts {
    /// Returns the names of a shop that is bound to `bound` and `given` further names.
    pub fn new(given: &[Host], bound: SocketAddr) -> Self {
        let address = match bound {
            SocketAddr::V4(address) => address.ip().to_string(),
            SocketAddr::V6(address) => format!("[{}]", address.ip()),
        };
        let always = ["localhost", "127.0.0.1", "[::1]", &address];
        let always = always.map(|name| Host { name: name.to_owned(), port: None });
        let mut known: Vec<Host> = Vec::new();
        for host in always.into_iter().chain(given.iter().cloned()) {
            if !known.contains(&host) {
                known.push(host);
            }
        }
        Self { known, bound: bound.port() }
    }

    /// Whether a request for `authority` over `scheme` is for this shop.
    pub fn has(&self, authority: &Authority<'_>, scheme: &str) -> bool {
        let port = authority.port();
        let is_usual = port == self.bound || port == Authority::default_port(scheme);
        let is_at = |known: &Host| known.port.map_or(is_usual, |only| only == port);
        self.known.iter().any(|known| known.name == authority.host() && is_at(known))
    }
}

impl fmt::Display for Hosts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.known.iter().map(Host::to_string).collect();
        f.write_str(&names.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_answered_at_the_ports_that_are_the_shops() {
        let given = ["Shop.example.", "other.example:8443", "third.example:80"];
        let given = given.map(|host| host.parse().unwrap());
        let hosts = Hosts::new(&given, "0.0.0.0:8000".parse().unwrap());
        let cases = [
            ("localhost", "http", true),
            ("localhost:8000", "http", true),
            ("LOCALHOST.:8000", "http", true),
            ("localhost:8001", "http", false),
            ("localhost:443", "http", false),
            ("localhost:443", "https", true),
            ("localhost:80", "https", false),
            ("127.0.0.1:8000", "http", true),
            ("127.0.0.2:8000", "http", false),
            ("127.1:8000", "http", false),
            ("[::1]:8000", "http", true),
            ("[0:0:0::1]:8000", "http", true),
            ("[::2]:8000", "http", false),
            ("0.0.0.0:8000", "http", true),
            ("shop.example", "http", true),
            ("shop.example:8000", "http", true),
            ("%73HOP.example.:08000", "http", true),
            ("shop.example:8443", "http", false),
            ("a.shop.example", "http", false),
            ("shop.example.evil.test", "http", false),
            ("shop.example..", "http", false),
            ("other.example:8443", "http", true),
            ("other.example", "http", false),
            ("other.example:8000", "http", false),
            ("third.example", "http", true),
            ("third.example:80", "https", true),
            ("third.example", "https", false),
        ];
        for (host, scheme, expected) in cases {
            let authority = Authority::parse(host.as_bytes(), scheme).unwrap();
            assert_eq!(hosts.has(&authority, scheme), expected, "{scheme} {host}");
        }
    }

    #[test]
    fn each_name_is_told_once() {
        let told = |bound: &str, given: &[&str]| {
            let given: Vec<Host> = given.iter().map(|host| host.parse().unwrap()).collect();
            Hosts::new(&given, bound.parse().unwrap()).to_string()
        };
        assert_eq!(told("127.0.0.1:8000", &[]), "localhost, 127.0.0.1, [::1]");
        assert_eq!(
            told("0.0.0.0:80", &["a", "LOCALHOST"]),
            "localhost, 127.0.0.1, [::1], 0.0.0.0, a"
        );
    }

    #[test]
    fn invalid_names_are_refused_at_the_start() {
        for text in [
            "",
            " ",
            "http://shop.example",
            "shop.example/",
            "shop example",
            "a:b",
            "a:0",
            "*:x",
            "::1",
        ] {
            assert!(text.parse::<Host>().unwrap_err().contains("shop.example:8443"), "{text:?}");
        }
        for (text, printed) in [
            ("Shop.Example", "shop.example"),
            ("a:0443", "a:443"),
            ("[0::1]:80", "[::1]:80"),
            (" a ", "a"),
        ] {
            assert_eq!(text.parse::<Host>().unwrap().to_string(), printed);
        }
    }
}
