//! URLs that name several servers: those of sentinels and of a cluster.

use deadpool_redis::redis::{ConnectionInfo, IntoConnectionInfo};

/// The parts of `SCHEME-KIND://[user:password@]host[:port][,host[:port]…][/path]`.
#[derive(Clone)]
pub(super) struct Hosts {
    /// The scheme of each server: `redis` or `rediss`.
    scheme: String,
    /// User and password with the `@` behind them, or nothing.
    login: String,
    /// The host and the port of each server that the URL names.
    pub(super) named: Vec<(String, u16)>,
    pub(super) path: String,
}

impl Hosts {
    /// Returns the parts of a URL: `None` if it is of another kind, `Some(None)` if it is malformed.
    pub(super) fn parse(url: &str, kind: &str, default_port: u16) -> Option<Option<Self>> {
        let (scheme, rest) = url.split_once("://")?;
        // Lettuce writes the hyphen, some libraries of Python the plus sign.
        let scheme = scheme.strip_suffix(kind)?.strip_suffix(['-', '+'])?;
        let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
        let (login, hosts) = authority.split_at(authority.rfind('@').map_or(0, |at| at + 1));
        let named = hosts.split(',').map(|host| parse_host(host, default_port));
        let hosts = named.collect::<Option<_>>().map(|named| Self {
            scheme: scheme.to_owned(),
            login: login.to_owned(),
            named,
            path: path.to_owned(),
        });
        Some(hosts.filter(|hosts| hosts.all().all(|server| server.is_some())))
    }

    /// Returns the connection to a database of a server; `None` if there can be no such address.
    pub(super) fn at(&self, host: &str, port: u16, database: &str) -> Option<ConnectionInfo> {
        // The colons of an IPv6 address are in brackets.
        let host = if host.contains(':') { format!("[{host}]") } else { host.to_owned() };
        let url = format!("{}://{}{host}:{port}/{database}", self.scheme, self.login);
        url.into_connection_info().ok()
    }

    /// Returns the connections to the named servers without a login.
    pub(super) fn without_login(&self) -> Vec<Option<ConnectionInfo>> {
        Self { login: String::new(), ..self.clone() }.all().collect()
    }

    fn all(&self) -> impl Iterator<Item = Option<ConnectionInfo>> {
        self.named.iter().map(|(host, port)| self.at(host, *port, ""))
    }
}

/// Returns the host and the port of `HOST:PORT`.
///
/// The brackets of an IPv6 address may be missing if there is a port.
pub(super) fn parse_host(text: &str, default_port: u16) -> Option<(String, u16)> {
    let (host, port) = match text.rsplit_once(':') {
        // The last colon is one of an IPv6 address.
        Some((_, end)) if end.ends_with(']') => (text, default_port),
        Some((host, port)) => (host, port.parse().ok()?),
        None => (text, default_port),
    };
    let host = host.trim_start_matches('[').trim_end_matches(']');
    (!host.is_empty()).then(|| (host.to_owned(), port))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Servers that redirect to an IPv6 address leave the brackets out.
    #[test]
    fn a_host_is_read_with_and_without_a_port_and_brackets() {
        for (text, host, port) in [
            ("a", "a", 7),
            ("a:1", "a", 1),
            ("[::1]", "::1", 7),
            ("[::1]:2", "::1", 2),
            ("::1:2", "::1", 2),
        ] {
            assert_eq!(parse_host(text, 7), Some((host.to_owned(), port)), "{text}");
        }
        for text in ["", ":1", "a:", "a:x", "[]"] {
            assert_eq!(parse_host(text, 7), None, "{text}");
        }
    }
}
