//! Decides what a write invalidates.
//!
//! - A 2xx or 3xx response to any method that is not known to be safe invalidates its URL with all
//!   variants. Methods are case-sensitive. RFC 9111 §4.4, RFC 9110 §9.1.
//! - It also invalidates the URLs in `Location` and `Content-Location`, if their scheme, host and port are
//!   the same. RFC 9111 §4.4.
//! - References are resolved strictly. A reference that is invalid or of another origin invalidates
//!   nothing. RFC 3986 §5.2.2.
//! - Hosts are compared in normal form. Paths are neither decoded nor lower-cased, as in the key of a page.

use super::types::header::{CONTENT_LOCATION, HeaderMap, LOCATION};
use super::types::{Method, StatusCode};

use super::authority::Authority;

/// Reports whether a response with this status to this method invalidates anything.
pub(crate) fn invalidates(method: &Method, status: StatusCode) -> bool {
    let is_safe = [Method::GET, Method::HEAD, Method::OPTIONS, Method::TRACE].contains(method);
    !is_safe && (status.is_success() || status.is_redirection())
}

/// The URL of a request, as in the key of its page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Address<'a> {
    /// `http` or `https`.
    pub scheme: &'a str,
    /// The host, with its port unless that is the scheme's default.
    pub host: &'a str,
    /// The raw path.
    pub path: &'a str,
    /// The raw query.
    pub query: Option<&'a str>,
}

/// A URL of the same origin: raw path and query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Target {
    /// The raw path.
    pub path: String,
    /// The raw query.
    pub query: Option<String>,
}

impl Address<'_> {
    /// Returns the URLs that the response to a write names, besides this one.
    pub(crate) fn named_by(&self, answer: &HeaderMap) -> Vec<Target> {
        let lines = [LOCATION, CONTENT_LOCATION].map(|name| answer.get_all(name));
        let texts = lines.into_iter().flatten().filter_map(|line| line.to_str().ok());
        texts.filter_map(|text| self.resolve(text)).collect()
    }

    /// Resolves `reference`; returns `None` if it is not of this origin.
    pub(crate) fn resolve(&self, reference: &str) -> Option<Target> {
        if !reference.bytes().all(is_of_a_reference) {
            return None;
        }
        let reference = reference.split('#').next().unwrap_or_default();
        let (before_query, query) = split_off(reference, '?');
        let (scheme, rest) = split_scheme(before_query);
        if !scheme.is_none_or(|scheme| scheme.eq_ignore_ascii_case(self.scheme)) {
            return None;
        }
        match rest.strip_prefix("//") {
            Some(rest) => self.absolute(rest, query),
            // `http:/path` names no host.
            None if scheme.is_some() => None,
            None => Some(self.relative(rest, query)),
        }
    }

    fn absolute(&self, rest: &str, query: Option<&str>) -> Option<Target> {
        let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let ours = Authority::parse(self.host.as_bytes(), self.scheme).ok()?;
        let theirs = Authority::parse(authority.as_bytes(), self.scheme).ok()?;
        let path = if path.is_empty() { "/".to_owned() } else { without_dots(path) };
        (ours == theirs).then(|| Target { path, query: query.map(str::to_owned) })
    }

    fn relative(&self, path: &str, query: Option<&str>) -> Target {
        let query = if path.is_empty() { query.or(self.query) } else { query };
        let path = match path {
            "" => self.path.to_owned(),
            _ if path.starts_with('/') => without_dots(path),
            _ => {
                let folder = self.path.rsplit_once('/').map_or("", |(folder, _)| folder);
                without_dots(&format!("{folder}/{path}"))
            }
        };
        Target { path, query: query.map(str::to_owned) }
    }
}

/// Reports whether the byte may occur in a reference. RFC 3986 §2.
fn is_of_a_reference(byte: u8) -> bool {
    byte.is_ascii_graphic() && !b"\"<>\\^`{|}".contains(&byte)
}

fn split_off(text: &str, mark: char) -> (&str, Option<&str>) {
    text.split_once(mark).map_or((text, None), |(before, after)| (before, Some(after)))
}

/// Splits off `scheme:`. RFC 3986 §3.1.
fn split_scheme(text: &str) -> (Option<&str>, &str) {
    let is_scheme = |scheme: &str| {
        scheme.starts_with(|letter: char| letter.is_ascii_alphabetic())
            && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
    };
    match text.split_once(':') {
        Some((scheme, rest)) if is_scheme(scheme) => (Some(scheme), rest),
        _ => (None, text),
    }
}

/// Removes `.` and `..` from a path that begins with `/`. RFC 3986 §5.2.4.
fn without_dots(path: &str) -> String {
    let mut kept: Vec<&str> = Vec::new();
    let mut segments = path.split('/').skip(1).peekable();
    while let Some(segment) = segments.next() {
        let is_last = segments.peek().is_none();
        match segment {
            "." | ".." => {
                if segment == ".." {
                    kept.pop();
                }
                // `/a/..` names the folder `/`.
                if is_last {
                    kept.push("");
                }
            }
            _ => kept.push(segment),
        }
    }
    format!("/{}", kept.join("/"))
}

#[cfg(test)]
mod tests {
    use crate::http::types::header::HeaderValue;

    use super::*;

    const HERE: Address<'_> =
        Address { scheme: "http", host: "good.test", path: "/b/c/d;p", query: Some("q") };

    /// Returns path and query of the resolved reference.
    fn resolve(address: Address<'_>, reference: &str) -> Option<String> {
        let target = address.resolve(reference)?;
        let query = target.query.map(|query| format!("?{query}")).unwrap_or_default();
        Some(target.path + &query)
    }

    #[test]
    fn only_successful_writes_invalidate() {
        for method in ["POST", "PUT", "DELETE", "PATCH", "get", "PURGE", "FOO", "Head"] {
            let method = Method::from_bytes(method.as_bytes()).unwrap();
            for status in 200..600 {
                let invalidates = invalidates(&method, StatusCode::from_u16(status).unwrap());
                assert_eq!(invalidates, status < 400, "{method} {status}");
            }
        }
        for method in [Method::GET, Method::HEAD, Method::OPTIONS, Method::TRACE] {
            assert!(!invalidates(&method, StatusCode::OK), "{method}");
        }
    }

    #[test]
    fn references_are_resolved_by_the_standard() {
        // RFC 3986 §5.4.
        let cases = [
            ("g", "/b/c/g"),
            ("./g", "/b/c/g"),
            ("g/", "/b/c/g/"),
            ("/g", "/g"),
            ("?y", "/b/c/d;p?y"),
            ("g?y", "/b/c/g?y"),
            ("#s", "/b/c/d;p?q"),
            ("g#s", "/b/c/g"),
            ("g?y#s", "/b/c/g?y"),
            (";x", "/b/c/;x"),
            ("g;x", "/b/c/g;x"),
            ("", "/b/c/d;p?q"),
            (".", "/b/c/"),
            ("./", "/b/c/"),
            ("..", "/b/"),
            ("../", "/b/"),
            ("../g", "/b/g"),
            ("../..", "/"),
            ("../../", "/"),
            ("../../g", "/g"),
            ("../../../g", "/g"),
            ("../../../../g", "/g"),
            ("/./g", "/g"),
            ("/../g", "/g"),
            ("g.", "/b/c/g."),
            (".g", "/b/c/.g"),
            ("g..", "/b/c/g.."),
            ("..g", "/b/c/..g"),
            ("./../g", "/b/g"),
            ("./g/.", "/b/c/g/"),
            ("g/./h", "/b/c/g/h"),
            ("g/../h", "/b/c/h"),
            ("g;x=1/./y", "/b/c/g;x=1/y"),
            ("g;x=1/../y", "/b/c/y"),
            ("g?y/./x", "/b/c/g?y/./x"),
            ("g?y/../x", "/b/c/g?y/../x"),
            ("g#s/../x", "/b/c/g"),
            ("//good.test", "/"),
            ("/a//b", "/a//b"),
            ("/%2E%2e/%61", "/%2E%2e/%61"),
            ("?", "/b/c/d;p?"),
            ("./a:b", "/b/c/a:b"),
            ("/a?b:c", "/a?b:c"),
        ];
        for (reference, expected) in cases {
            assert_eq!(resolve(HERE, reference).as_deref(), Some(expected), "{reference}");
        }
    }

    #[test]
    fn the_same_origin_is_the_same_scheme_host_and_port() {
        for prefix in [
            "http://good.test",
            "HTTP://GOOD.TEST",
            "//good.test",
            "//good.test:80",
            "http://good.test:",
            "//good.test.",
            "//%67ood.test:080",
        ] {
            assert_eq!(
                resolve(HERE, &format!("{prefix}/r?x")).as_deref(),
                Some("/r?x"),
                "{prefix}"
            );
        }
        let others = [
            "http://other.test/r",
            "//other.test/r",
            "https://good.test/r",
            "http://good.test:8080/r",
            "http:/r",
            "http:r",
            "http://good.test@other.test/r",
            "http://a@good.test/r",
            "http:///r",
            "//",
            "ftp://good.test/r",
            "mailto:a",
            "//good.test:99999/r",
            "//good.test:+80/r",
            "//good.test../r",
            "//good.test\\/r",
            "/\\other.test",
            "/a b",
            "/é",
            "javascript:alert(1)",
            "//[::1/r",
            "//:80/r",
            "a:b",
        ];
        for reference in others {
            assert_eq!(resolve(HERE, reference), None, "{reference}");
        }
        let here = Address { scheme: "https", host: "[::1]:8443", ..HERE };
        assert_eq!(resolve(here, "//[0::0001]:8443/r").as_deref(), Some("/r"));
        assert_eq!(resolve(here, "//[::1]:8443/r").as_deref(), Some("/r"));
        assert_eq!(resolve(here, "//[::1]/r"), None);
        let here = Address { scheme: "https", host: "Good.test", ..HERE };
        assert_eq!(resolve(here, "https://good.test:443/r").as_deref(), Some("/r"));
    }

    #[test]
    fn both_headers_are_read_and_invalid_ones_are_ignored() {
        let mut answer = HeaderMap::new();
        answer.append(LOCATION, HeaderValue::from_static("/a"));
        answer.append(CONTENT_LOCATION, HeaderValue::from_static("e"));
        answer.append(CONTENT_LOCATION, HeaderValue::from_static("//other.test/x"));
        answer.append(LOCATION, HeaderValue::from_bytes(b"/\xff").unwrap());
        let paths: Vec<_> = HERE.named_by(&answer).into_iter().map(|target| target.path).collect();
        assert_eq!(paths, ["/a", "/b/c/e"]);
    }
}
