//! Decides who the client is: its address, whether it is on this machine, and the scheme it used.
//!
//! - A header is believed only if the peer of the connection is a trusted proxy, and only the
//!   header that the operator chose: proxies pass the others on as the client wrote them.
//! - The lines of the header are joined and read from the right, as each proxy appends what it has
//!   seen. The first address that is not a trusted proxy is the client.
//! - An unreadable address counts as the proxy that passed it on, so that no client can choose how
//!   it is counted.
//! - A request with any header of a proxy is never local, trusted or not. Such headers are recognised
//!   by the words in their names. A proxy that adds none looks like a client: do not put one in front
//!   of an open shop.
//! - [`hide`] removes these headers before handlers run: nothing else may read them.
//!
//! Source: RFC 7239 for `Forwarded`; the others are conventions.

mod proxies;
mod request;
#[cfg(test)]
mod tests;

use std::net::{IpAddr, Ipv6Addr};

pub use proxies::{AddressHeader, Network, Proxies};
pub use request::hide;

/// The client that sent a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Client {
    /// Its address; `None` for a connection without one.
    pub address: Option<IpAddr>,
    /// Whether the request comes from this machine, and no proxy passed it on.
    pub is_local: bool,
    /// Whether the client used `https`.
    pub is_https: bool,
}

impl Client {
    /// Returns the scheme that the client used.
    pub fn scheme(self) -> &'static str {
        if self.is_https { "https" } else { "http" }
    }

    /// Returns the addresses that count as one client: one IPv4 address, or one IPv6 /64.
    ///
    /// A host may take any address of its subnet (RFC 8981). Providers give whole subnets to each
    /// customer (RFC 6177): a client with several of them is limited by the count for each name.
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
