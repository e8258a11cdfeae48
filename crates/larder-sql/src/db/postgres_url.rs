//! The URL of a Postgres server, parsed before libpq parses it.
//!
//! - libpq splits a URL at the first `@`, `/` and `?`, wherever they belong, and its errors print the
//!   pieces. If the password holds one of these characters, a part of it is printed. So an ambiguous URL is
//!   refused here, by a sentence without any of its text, and an unambiguous one is passed on with its
//!   special characters encoded.
//! - No error and no `Display` output contains any part of the password.
//! - A URL that asks for TLS is answered by a [`Tunnel`], which opens with the first connection.
//!
//! Source: <https://www.postgresql.org/docs/current/libpq-connect.html>, RFC 3986 §3.

use std::io;
use std::sync::{Arc, OnceLock};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use super::tls::{self, Target, Tls, Tunnel};

/// Parameters that libpq knows; any other name could be a part of a password that holds `&`.
const KNOWN: &str = " host hostaddr port dbname user password passfile require_auth channel_binding \
    connect_timeout client_encoding options application_name fallback_application_name keepalives \
    keepalives_idle keepalives_interval keepalives_count tcp_user_timeout replication gssencmode sslmode \
    requiressl sslnegotiation sslcompression sslcert sslkey sslkeylogfile sslpassword sslcertmode sslrootcert \
    sslcrl sslcrldir sslsni requirepeer ssl_min_protocol_version ssl_max_protocol_version \
    min_protocol_version max_protocol_version krbsrvname gsslib gssdelegation service servicefile \
    target_session_attrs load_balance_hosts ssl scram_client_key scram_server_key ";

/// Everything but the characters that stand in a URL as they are.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

const ENCODE: &str = "in user, password and database name write @ as %40, : as %3A, / as %2F, ? as %3F, \
                      # as %23 and % as %25, as in postgres://ann:p%40ss@db.example/shop";

const WHOLE: &str = "use postgres://USER:PASSWORD@HOST:PORT/NAME";

/// The port of a server whose URL names none.
const PORT: u16 = 5432;

/// A URL that libpq parses in the same way as this module.
#[derive(Clone)]
pub struct PostgresUrl {
    /// `ann:secret@`, encoded.
    login: String,
    /// `db.example:5432`, or several with commas.
    hosts: String,
    /// `/shop?connect_timeout=5`, without the parameters of TLS.
    rest: String,
    /// Without the password, for people.
    shown: String,
    tls: Option<Tls>,
    /// Shared by all clones of the URL.
    tunnel: Arc<OnceLock<Tunnel>>,
}

impl PartialEq for PostgresUrl {
    fn eq(&self, other: &Self) -> bool {
        let parts =
            |url: &Self| (url.login.clone(), url.hosts.clone(), url.rest.clone(), url.tls.clone());
        parts(self) == parts(other)
    }
}

impl Eq for PostgresUrl {}

impl PostgresUrl {
    /// Parses the part after `postgres://`.
    ///
    /// # Errors
    /// One sentence that contains nothing of the text.
    pub fn parse(rest: &str) -> Result<Self, String> {
        if rest.contains('\0') || rest.contains('#') {
            return Err(format!("it contains a character that must be encoded: {ENCODE}"));
        }
        let end = rest.find(['/', '?']).unwrap_or(rest.len());
        let (authority, place) = rest.split_at(end);
        if place.contains('@') {
            return Err(format!("it is not clear where the password ends: {ENCODE}"));
        }
        // No host contains an `@`, so the last one ends the password, whatever the password contains.
        let (login, hosts) = match authority.rsplit_once('@') {
            Some((login, hosts)) => (Some(login), hosts),
            None => (None, authority),
        };
        let (name, query) = place.split_once('?').unwrap_or((place, ""));
        let (login, shown_login) = login.map_or_else(|| Ok(Default::default()), read_login)?;
        check_hosts(hosts)?;
        let name = name.strip_prefix('/').map(encode).transpose()?;
        let name = name.map_or_else(String::new, |name| format!("/{name}"));
        let query = read_query(query)?;
        // Unix sockets never use TLS, as in libpq.
        let tls = Tls::read(&query)?.filter(|_| hosts.split(',').any(is_remote));
        Ok(Self {
            login,
            hosts: hosts.to_owned(),
            rest: format!("{name}{}", for_libpq(&query)),
            shown: format!("postgres://{shown_login}{hosts}{name}"),
            tls,
            tunnel: Arc::default(),
        })
    }

    /// Returns the whole URL, with the password: for libpq only. With TLS it leads through the tunnel.
    ///
    /// # Errors
    /// If the tunnel cannot be opened.
    pub fn with_password(&self) -> io::Result<String> {
        let hosts = match &self.tls {
            None => self.hosts.clone(),
            Some(tls) => self.through_tunnel(tls)?,
        };
        Ok(format!("postgres://{}{hosts}{}", self.login, self.rest))
    }

    fn through_tunnel(&self, tls: &Tls) -> io::Result<String> {
        let targets = self.hosts.split(',').filter(|host| is_remote(host)).map(target).collect();
        if self.tunnel.get().is_none() {
            // A tunnel that another thread opened meanwhile is kept, and this one closes.
            let _ = self.tunnel.set(Tunnel::open(tls.clone(), targets)?);
        }
        let folder = self.tunnel.get().map(|tunnel| tunnel.folder().to_string_lossy());
        let folder = utf8_percent_encode(&folder.unwrap_or_default(), ENCODED).to_string();
        let mut ports = 1..;
        let through = |host: &str| match is_remote(host) {
            true => format!("{folder}:{}", ports.next().unwrap_or_default()),
            false => host.to_owned(),
        };
        Ok(self.hosts.split(',').map(through).collect::<Vec<_>>().join(","))
    }

    /// Returns the URL without the password and without parameters.
    pub fn without_password(&self) -> &str {
        &self.shown
    }
}

/// Returns `ann:secret@` as it is passed on, and as it is shown.
fn read_login(login: &str) -> Result<(String, String), String> {
    let (user, password) = match login.split_once(':') {
        Some((user, password)) => (encode(user)?, Some(encode(password)?)),
        None => (encode(login)?, None),
    };
    Ok(match password {
        Some(password) => (format!("{user}:{password}@"), format!("{user}:***@")),
        None => (format!("{user}@"), format!("{user}@")),
    })
}

/// Returns the text with every character encoded that has a meaning in URLs.
fn encode(text: &str) -> Result<String, String> {
    let bytes = text.as_bytes();
    let is_broken = |(at, byte): (usize, &u8)| {
        let digits = bytes.get(at + 1..at + 3);
        let is_code =
            digits.is_some_and(|two| two.iter().all(u8::is_ascii_hexdigit) && two != b"00");
        *byte == b'%' && !is_code
    };
    if bytes.iter().enumerate().any(is_broken) {
        return Err(format!("it contains a % that encodes nothing: {ENCODE}"));
    }
    let decoded = percent_decode_str(text).decode_utf8();
    let decoded = decoded.map_err(|_| format!("the decoded text is not UTF-8: {ENCODE}"))?;
    Ok(utf8_percent_encode(&decoded, ENCODED).to_string())
}

/// Checks `db.example:5432` or `[::1]`, or several with commas; also the encoded path of a socket.
fn check_hosts(hosts: &str) -> Result<(), String> {
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~%".contains(&byte);
    for host in hosts.split(',') {
        let (name, port) = match host.strip_prefix('[') {
            Some(rest) => {
                let (name, port) =
                    rest.split_once(']').ok_or_else(|| wrong_host("a ] is missing"))?;
                let is_address = name
                    .split('%')
                    .next()
                    .is_some_and(|name| name.parse::<std::net::Ipv6Addr>().is_ok());
                (if is_address { Some("") } else { None }, port)
            }
            None => {
                let end = host.find(':').unwrap_or(host.len());
                (Some(&host[..end]), &host[end..])
            }
        };
        let is_right = name.is_some_and(|name| name.bytes().all(is_name) && encode(name).is_ok());
        if !is_right {
            return Err(wrong_host("the host is neither a name nor an address"));
        }
        let port = port.strip_prefix(':').unwrap_or(if port.is_empty() { "" } else { "x" });
        if !port.is_empty() && !port.parse::<u16>().is_ok_and(|port| port > 0) {
            return Err(wrong_host("the port is not a number from 1 to 65535"));
        }
    }
    Ok(())
}

fn wrong_host(why: &str) -> String {
    format!("{why}: {WHOLE}; {ENCODE}")
}

/// Whether a checked host is a server's name or address, and not the path of a Unix socket.
fn is_remote(host: &str) -> bool {
    let end = host.find(':').unwrap_or(host.len());
    end > 0 && !host.to_ascii_lowercase().starts_with("%2f")
}

/// Returns the server that a checked host names: `db.example:5432`, or `[::1]`.
fn target(host: &str) -> Target {
    let (name, port) = match host.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((name, port)) => (name, port.strip_prefix(':')),
        None => host.split_once(':').map_or((host, None), |(name, port)| (name, Some(port))),
    };
    let port = port.and_then(|port| port.parse().ok()).unwrap_or(PORT);
    Target { host: percent_decode_str(name).decode_utf8_lossy().into_owned(), port }
}

/// Returns `?connect_timeout=5&password=secret` with the values encoded, without what the tunnel handles.
fn for_libpq(parameters: &[(String, String)]) -> String {
    let parameters = parameters.iter().filter(|(name, _)| !tls::is_kept(name));
    let pairs: Vec<_> = parameters
        .map(|(name, value)| format!("{name}={}", utf8_percent_encode(value, ENCODED)))
        .collect();
    if pairs.is_empty() { String::new() } else { format!("?{}", pairs.join("&")) }
}

/// Returns the parameters with their values decoded.
fn read_query(query: &str) -> Result<Vec<(String, String)>, String> {
    let mut read = Vec::new();
    for pair in query.split('&').filter(|_| !query.is_empty()) {
        let known = pair.split_once('=').filter(|(name, _)| KNOWN.contains(&format!(" {name} ")));
        let Some((name, value)) = known else {
            return Err(format!(
                "it has a parameter that Postgres does not know; write & in a value as %26, and {ENCODE}"
            ));
        };
        let value = percent_decode_str(&encode(value)?).decode_utf8_lossy().into_owned();
        read.push((name.to_owned(), value));
    }
    Ok(read)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the URL for libpq and the URL for people, or the error.
    fn read(text: &str) -> Result<(String, String), String> {
        PostgresUrl::parse(text).map(|url| (url.with_password().unwrap(), url.shown))
    }

    #[test]
    fn passwords_of_any_letters_are_read_and_never_shown() {
        let cases = [
            ("secret", "secret"),
            ("sec:ret", "sec%3Aret"),
            ("s@cr@t", "s%40cr%40t"),
            ("s%40cret", "s%40cret"),
            ("se%2Fcr%3Fe%23t%25", "se%2Fcr%3Fe%23t%25"),
            ("se cret", "se%20cret"),
            ("[se]cret", "%5Bse%5Dcret"),
            ("s&c=r+t!$'()*,;", "s%26c%3Dr%2Bt%21%24%27%28%29%2A%2C%3B"),
            ("gehéim", "geh%C3%A9im"),
            ("\"se\\cret\t\n", "%22se%5Ccret%09%0A"),
            ("", ""),
        ];
        for (password, encoded) in cases {
            let expected = (
                format!("postgres://ann:{encoded}@db.example:5432/shop"),
                "postgres://ann:***@db.example:5432/shop".to_owned(),
            );
            assert_eq!(
                read(&format!("ann:{password}@db.example:5432/shop")),
                Ok(expected),
                "{password}"
            );
        }
    }

    #[test]
    fn an_ambiguous_url_is_refused_and_not_printed() {
        let urls = [
            "ann:se/cret@db/shop",
            "ann:se?cret@db/shop",
            "ann:se#cret@db/shop",
            "ann:secret#x@db/shop",
            "ann:secret%@db/shop",
            "ann:secret%zz@db/shop",
            "ann:secret%00@db/shop",
            "ann:secret\0@db/shop",
            "ann:secret%FF@db/shop",
            "ann:12/secret@db/shop",
            "ann:12?secret@db/shop",
            // The host is missing.
            "ann:secret",
            "ann:secret/shop",
            "ann:@secret:x/shop",
            "db/shop?password=sec&ret",
            "db/shop?password=sec&ret=x",
            "db/shop?secret",
            "db/shop?password=secret%",
            "db/shop?password=sec#ret",
            "db/shop?password=sec@ret",
            "db/shop?passwd=secret",
            "[secret/shop",
            "[secret]/shop",
            "db:5432secret/shop",
            "db secret/shop",
        ];
        for url in urls {
            let sentence = read(url).unwrap_err();
            assert!(sentence.contains("postgres://"), "{url}: {sentence}");
            for word in ["sec", "cret", "ret", "db/"] {
                assert!(!sentence.contains(word), "{url}: {sentence}");
            }
        }
    }

    #[test]
    fn parameters_are_handed_on_and_not_shown() {
        let cases = [
            ("ann@db", "ann@db", "ann@db"),
            ("/shop", "/shop", "/shop"),
            ("", "", ""),
            ("[::1]:5432/shop", "[::1]:5432/shop", "[::1]:5432/shop"),
            ("one:1,two:2/shop", "one:1,two:2/shop", "one:1,two:2/shop"),
            ("ann@%2Frun%2Fpg/shop", "ann@%2Frun%2Fpg/shop", "ann@%2Frun%2Fpg/shop"),
            ("db/shop?password=a/b=c", "db/shop?password=a%2Fb%3Dc", "db/shop"),
            ("db/shop?sslmode=disable&user=ann", "db/shop?user=ann", "db/shop"),
        ];
        for (text, whole, shown) in cases {
            let expected = (format!("postgres://{whole}"), format!("postgres://{shown}"));
            assert_eq!(read(text), Ok(expected), "{text}");
        }
    }

    #[test]
    fn a_url_with_tls_leads_through_a_private_socket() {
        let text = "ann:p%40ss@one:1,[::1],%2Frun/shop?sslmode=verify-full&connect_timeout=9";
        let url = PostgresUrl::parse(text).unwrap();
        let folder = |url: &PostgresUrl| {
            let whole = url.with_password().unwrap();
            let through = whole.strip_prefix("postgres://ann:p%40ss@").unwrap();
            let folder = through.split(':').next().unwrap();
            assert_eq!(through, format!("{folder}:1,{folder}:2,%2Frun/shop?connect_timeout=9"));
            percent_decode_str(folder).decode_utf8().unwrap().into_owned()
        };
        let path = folder(&url);
        assert_eq!(folder(&url.clone()), path, "clones share the tunnel");
        assert!(std::fs::exists(format!("{path}/.s.PGSQL.2")).unwrap());
        drop(url);
        assert!(!std::fs::exists(path).unwrap(), "its sockets go with it");
    }

    #[test]
    fn the_server_of_a_host_is_found() {
        let cases = [
            ("db", "db:5432"),
            ("db:1", "db:1"),
            ("[::1]", "::1:5432"),
            ("[fe80::1%25a]:7", "fe80::1%a:7"),
        ];
        for (host, expected) in cases {
            assert_eq!(target(host).to_string(), expected);
        }
    }
}
