//! The URL of a Postgres server, parsed before libpq parses it.
//!
//! - libpq splits a URL at the first `@`, `/` and `?`, wherever they belong, and its errors print the
//!   pieces. If the password holds one of these characters, a part of it is printed. So an ambiguous URL is
//!   refused here, by a sentence without any of its text, and an unambiguous one is passed on with its
//!   special characters encoded.
//! - No error and no `Display` output contains any part of the password.
//!
//! Source: <https://www.postgresql.org/docs/current/libpq-connect.html>, RFC 3986 §3.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

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

/// A URL that libpq parses in the same way as this module.
#[derive(Clone, PartialEq, Eq)]
pub struct PostgresUrl {
    /// With the password, for libpq.
    whole: String,
    /// Without the password, for people.
    shown: String,
}

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
        Ok(Self {
            whole: format!("postgres://{login}{hosts}{name}{query}"),
            shown: format!("postgres://{shown_login}{hosts}{name}"),
        })
    }

    /// Returns the whole URL, with the password: for libpq only.
    pub fn with_password(&self) -> &str {
        &self.whole
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

/// Returns `?sslmode=require&password=secret` with the values encoded; empty without parameters.
fn read_query(query: &str) -> Result<String, String> {
    let mut read = String::new();
    for pair in query.split('&').filter(|_| !query.is_empty()) {
        let known = pair.split_once('=').filter(|(name, _)| KNOWN.contains(&format!(" {name} ")));
        let Some((name, value)) = known else {
            return Err(format!(
                "it has a parameter that Postgres does not know; write & in a value as %26, and {ENCODE}"
            ));
        };
        let separator = if read.is_empty() { '?' } else { '&' };
        read += &format!("{separator}{name}={}", encode(value)?);
    }
    Ok(read)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the URL for libpq and the URL for people, or the error.
    fn read(text: &str) -> Result<(String, String), String> {
        PostgresUrl::parse(text).map(|url| (url.whole, url.shown))
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
            ("db/shop?sslmode=require&user=ann", "db/shop?sslmode=require&user=ann", "db/shop"),
        ];
        for (text, whole, shown) in cases {
            let expected = (format!("postgres://{whole}"), format!("postgres://{shown}"));
            assert_eq!(read(text), Ok(expected), "{text}");
        }
    }
}
