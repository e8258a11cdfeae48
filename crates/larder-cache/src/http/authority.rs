//! Parses host and port of a request and puts them into normal form.
//!
//! - The grammar is that of `Host`: a registered name, an IPv4 or a bracketed IPv6 address, and optionally
//!   a port. RFC 9112 §3.2, RFC 3986 §3.2.2.
//! - Equivalent hosts are normalised to the same text: case, percent-encoding of unreserved letters, one
//!   trailing dot, the spelling of an IPv6 address, leading zeros of a port, the scheme's default port.
//!   RFC 3986 §6.2.2, RFC 9110 §4.2.3.
//! - Stricter than the grammar: a host is never empty (RFC 9110 §4.2.1) and at most [`Authority::LONGEST`]
//!   bytes, and a port is between 1 and 65535.
//! - There are no other checks: a name may contain `_` and `!`, and `127.1` is a name, not an address.

use std::borrow::Cow;
use std::net::Ipv6Addr;

/// Host and port in normal form: `shop.test`, `shop.test:8000`, `[::1]:8000`.
#[derive(Debug, Clone, Eq)]
pub struct Authority<'a> {
    text: Cow<'a, str>,
    /// Length of the host within the text, in bytes.
    host: usize,
    port: u16,
    is_respelled: bool,
}

/// Ignores how each of them was spelled.
impl PartialEq for Authority<'_> {
    fn eq(&self, other: &Self) -> bool {
        (&self.text, self.port) == (&other.text, other.port)
    }
}

/// The error for a text that is no host with an optional port.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Invalid;

impl<'a> Authority<'a> {
    /// Length of the longest host, in bytes before normalisation: no DNS name is longer.
    pub const LONGEST: usize = 255;

    /// Returns the default port of a scheme.
    pub fn default_port(scheme: &str) -> u16 {
        if scheme.eq_ignore_ascii_case("https") { 443 } else { 80 }
    }

    /// Parses the authority of a request for `scheme`, and copies it only if it is not in normal form.
    ///
    /// # Errors
    /// Returns `Invalid` if the text does not follow the grammar.
    pub fn parse(text: &'a [u8], scheme: &str) -> Result<Self, Invalid> {
        let text = str::from_utf8(text).map_err(|_| Invalid)?;
        let (host, rest) = split(text)?;
        let digits = match rest.strip_prefix(':') {
            Some(digits) => digits,
            None if rest.is_empty() => rest,
            None => return Err(Invalid),
        };
        let default = Self::default_port(scheme);
        let port = port(digits)?.unwrap_or(default);
        let name = if host.starts_with('[') { literal(host)? } else { registered_name(host)? };
        let host = name.len();
        let spelled = match name {
            name if port == default => name,
            Cow::Borrowed(_) if !digits.starts_with('0') => Cow::Borrowed(text),
            name => Cow::Owned(format!("{name}:{port}")),
        };
        Ok(Self { host, port, is_respelled: *spelled != *text, text: spelled })
    }

    /// Returns host and port, without the port if it is the scheme's default.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Returns the host: a name in lower case, or an address.
    pub fn host(&self) -> &str {
        &self.text[..self.host]
    }

    /// Returns the port, or the scheme's default if the text names none.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Returns the normal form if it differs from the text that was parsed.
    pub fn respelled(self) -> Option<String> {
        self.is_respelled.then(|| self.text.into_owned())
    }
}

fn split(text: &str) -> Result<(&str, &str), Invalid> {
    let end = if text.starts_with('[') {
        text.find(']').ok_or(Invalid)? + 1
    } else {
        text.find(':').unwrap_or(text.len())
    };
    Ok(text.split_at(end))
}

/// Parses a port; returns `None` for no digits, which the grammar allows.
fn port(digits: &str) -> Result<Option<u16>, Invalid> {
    if digits.is_empty() {
        return Ok(None);
    }
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(Invalid);
    }
    // A port of zeros only leaves no digits, which does not parse: port 0 is refused.
    let port = digits.trim_start_matches('0').parse();
    port.map(Some).map_err(|_| Invalid)
}

/// Normalises an address in brackets.
fn literal(host: &str) -> Result<Cow<'_, str>, Invalid> {
    let inner = &host[1..host.len() - 1];
    if let Ok(address) = inner.parse::<Ipv6Addr>() {
        let spelled = format!("[{address}]");
        return Ok(if spelled == host { Cow::Borrowed(host) } else { Cow::Owned(spelled) });
    }
    if !is_future_address(inner) || host.len() > Authority::LONGEST {
        return Err(Invalid);
    }
    Ok(in_lower_case(host))
}

/// Reports whether this is an `IPvFuture`. RFC 3986 §3.2.2.
fn is_future_address(inner: &str) -> bool {
    let Some((version, rest)) = inner.split_once('.') else { return false };
    let is_version = match version.as_bytes() {
        [b'v' | b'V', digits @ ..] => {
            !digits.is_empty() && digits.iter().all(u8::is_ascii_hexdigit)
        }
        _ => false,
    };
    let is_plain = |byte: u8| is_unreserved(byte) || is_sub_delimiter(byte) || byte == b':';
    is_version && !rest.is_empty() && rest.bytes().all(is_plain)
}

/// Normalises a name, or an IPv4 address, which has only one spelling.
fn registered_name(host: &str) -> Result<Cow<'_, str>, Invalid> {
    if host.is_empty() || host.len() > Authority::LONGEST {
        return Err(Invalid);
    }
    let name = if host.contains('%') { decoded(host)? } else { in_lower_case(host) };
    let is_of_a_name = |byte: u8| is_unreserved(byte) || is_sub_delimiter(byte) || byte == b'%';
    if !name.bytes().all(is_of_a_name) {
        return Err(Invalid);
    }
    Ok(without_final_dot(name))
}

/// Removes one trailing dot, which names the same host.
///
/// Names that end in two dots, or are only a dot, stay as they are.
fn without_final_dot(name: Cow<'_, str>) -> Cow<'_, str> {
    match name.strip_suffix('.') {
        Some(rest) if !rest.is_empty() && !rest.ends_with('.') => Cow::Owned(rest.to_owned()),
        _ => name,
    }
}

fn in_lower_case(text: &str) -> Cow<'_, str> {
    if text.bytes().any(|byte| byte.is_ascii_uppercase()) {
        Cow::Owned(text.to_ascii_lowercase())
    } else {
        Cow::Borrowed(text)
    }
}

/// Decodes percent-encoded letters, digits and `-._~`, and lower-cases the name.
///
/// All other encoded bytes stay encoded, with upper-case digits. Nothing is decoded twice: `%2541` does not
/// become `%41`.
fn decoded(host: &str) -> Result<Cow<'_, str>, Invalid> {
    let mut name = String::with_capacity(host.len());
    let mut bytes = host.bytes();
    while let Some(byte) = bytes.next() {
        if byte != b'%' {
            name.push(char::from(byte.to_ascii_lowercase()));
            continue;
        }
        let mut digit = || char::from(bytes.next()?).to_digit(16);
        let (high, low) = (digit().ok_or(Invalid)?, digit().ok_or(Invalid)?);
        let byte = u8::try_from(high * 16 + low).map_err(|_| Invalid)?;
        if is_unreserved(byte) {
            name.push(char::from(byte.to_ascii_lowercase()));
        } else {
            name.push_str(&format!("%{byte:02X}"));
        }
    }
    Ok(Cow::Owned(name))
}

fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~".contains(&byte)
}

fn is_sub_delimiter(byte: u8) -> bool {
    b"!$&'()*+,;=".contains(&byte)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn spelled(text: &str) -> Option<String> {
        Authority::parse(text.as_bytes(), "http").ok().map(|read| read.as_str().to_owned())
    }

    #[test]
    fn equivalent_hosts_have_one_normal_form() {
        let cases: [(&str, &[&str]); 9] = [
            (
                "shop.test",
                &["SHOP.test", "shop.test.", "shop.test:80", "shop.test:", "Shop.Test.:080"],
            ),
            (
                "shop.test",
                &["%73hop.test", "%53HOP%2Etest%2e", "shop.test:0000000000000000000000080"],
            ),
            ("shop.test:8000", &["SHOP.TEST:8000", "shop.test.:8000", "shop.test:08000"]),
            ("shop.test:443", &["shop.test:00443"]),
            ("127.0.0.1", &["127.0.0.1.", "%3127.0.0.1", "127.0.0.1:80"]),
            ("[::1]", &["[0:0:0:0:0:0:0:1]", "[::0001]", "[0::1]:80", "[::0.0.0.1]", "[::1]:"]),
            ("[2001:db8::a]:8000", &["[2001:DB8:0:0::A]:8000", "[2001:0db8::000a]:08000"]),
            ("[::ffff:127.0.0.1]", &["[::FFFF:7f00:1]"]),
            ("[v1.a:b]", &["[V1.A:B]"]),
        ];
        for (one, others) in cases {
            assert_eq!(spelled(one).as_deref(), Some(one));
            for other in others {
                assert_eq!(spelled(other).as_deref(), Some(one), "{other}");
            }
        }
    }

    #[test]
    fn different_hosts_stay_different() {
        let hosts = [
            "shop.test",
            "shop.test:443",
            "shop.test:8000",
            "shoptest",
            "shop.test..",
            ".shop.test",
            "shop-test",
            "shop_test",
            "shop!test",
            "shop.test%2C",
            "shop,test",
            "a%25b",
            "a%2541",
            "127.0.0.1",
            "127.1",
            "127.0.0.01",
            "2130706433",
            "0x7f.1",
            "[::1]",
            "[::2]",
            "[::ffff:127.0.0.1]",
            ".",
            "..",
            "xn--hop-abc.test",
            "shop~test",
            "shop.test%C3%A9",
        ];
        let read: Vec<_> = hosts.iter().map(|host| spelled(host)).collect();
        for (i, host) in hosts.iter().enumerate() {
            assert_eq!(read[i].as_deref(), Some(*host), "{host} is spelled as it should be");
        }
    }

    #[test]
    fn the_default_port_is_omitted() {
        for (scheme, text, expected, port) in [
            ("http", "a:80", "a", 80),
            ("https", "a:443", "a", 443),
            ("HTTPS", "a", "a", 443),
            ("http", "a:443", "a:443", 443),
            ("https", "a:80", "a:80", 80),
            ("http", "a:65535", "a:65535", 65535),
            ("http", "a:1", "a:1", 1),
        ] {
            let read = Authority::parse(text.as_bytes(), scheme).unwrap();
            assert_eq!((read.as_str(), read.host(), read.port()), (expected, "a", port), "{text}");
        }
    }

    #[test]
    fn invalid_hosts_are_refused() {
        let long = "a".repeat(Authority::LONGEST + 1);
        let texts: &[&[u8]] = &[
            b"",
            b":",
            b":80",
            b" ",
            b" shop.test",
            b"shop.test ",
            b"shop test",
            b"shop\ttest",
            b"user@shop.test",
            b"user:pass@shop.test",
            b"@",
            b"shop.test:0",
            b"shop.test:00",
            b"shop.test:65536",
            b"shop.test:99999",
            b"shop.test:-1",
            b"shop.test:+80",
            b"shop.test:8o",
            b"shop.test:80:80",
            b"shop.test: 80",
            b"shop.test:80 ",
            b"shop.test:99999999999999999999",
            b"::1",
            b"2001:db8::1",
            b"[::1",
            b"::1]",
            b"[]",
            b"[:]",
            b"[::1]80",
            b"[::1]:x",
            b"[::1%25eth0]",
            b"[::1]]",
            b"[127.0.0.1]",
            b"[g::1]",
            b"[1:2:3:4:5:6:7:8:9]",
            b"[v.a]",
            b"[v1.]",
            b"shop.test/",
            b"shop.test?x",
            b"shop.test#x",
            b"a\"><b>",
            b"a\\b",
            b"a%",
            b"a%4",
            b"a%zz",
            "sh\u{f6}p.test".as_bytes(),
        ];
        for text in
            texts.iter().copied().chain([long.as_bytes(), b"a\xff", b"[\xff]", b"a\0", b"http://a"])
        {
            let read = Authority::parse(text, "http");
            assert_eq!(read, Err(Invalid), "{:?}", String::from_utf8_lossy(text));
        }
    }

    #[test]
    fn only_hosts_that_are_not_in_normal_form_are_copied() {
        for (text, copied) in [
            ("shop.test:8000", None),
            ("[::1]:8000", None),
            ("A", Some("a")),
            ("a:80", Some("a")),
            ("a:", Some("a")),
            ("a.:08000", Some("a:8000")),
        ] {
            let read = Authority::parse(text.as_bytes(), "http").unwrap();
            assert!(copied.is_some() || matches!(read.text, Cow::Borrowed(_)), "{text}");
            assert_eq!(read.respelled().as_deref(), copied, "{text}");
        }
    }

    proptest! {
        #[test]
        fn parsing_is_idempotent(
            text in "[a-cA-C.%0-9_:\\[\\]~!x-]{0,12}|\\[[0-9a-fA-F:.]{0,12}\\](:[0-9]{0,6})?|\
                     ([a-c]|%[0-9a-fA-F]{2}|\\.){1,6}(:[0-9]{0,6})?",
            is_secure in any::<bool>(),
        ) {
            let scheme = if is_secure { "https" } else { "http" };
            if let Ok(once) = Authority::parse(text.as_bytes(), scheme) {
                let again = Authority::parse(once.as_str().as_bytes(), scheme).unwrap();
                prop_assert_eq!(again.as_str(), once.as_str());
                prop_assert_eq!((again.host(), again.port()), (once.host(), once.port()));
                prop_assert_eq!(again.respelled(), None);
                prop_assert!(!once.host().is_empty() && once.port() > 0);
            }
        }
    }
}
