//! Determines the host that a request is for.
//!
//! - A target in absolute form takes precedence over `Host`, which must be valid all the same. RFC 9112
//!   §3.2.
//! - The target's scheme must be that of the connection: nothing else confirms another one. RFC 9110 §7.4.
//! - A request is rewritten to origin form with one `Host` in normal form. So the key of a page, links,
//!   redirects and comparisons of origins all see the same host.

use std::borrow::Cow;

use actix_web::dev::{ConnectionInfo, RequestHead, ServiceRequest};
use actix_web::http::Method;
use actix_web::http::header::{HOST, HeaderValue};
use actix_web::http::uri::{PathAndQuery, Uri};
use actix_web::{HttpMessage, HttpRequest};

use crate::http::authority::{Authority, Invalid};

/// The reason why a request is for no acceptable host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unknown {
    /// `Host` is repeated or invalid, or the target is invalid.
    Malformed,
    /// The target names another scheme than the connection's.
    OtherScheme,
}

impl From<Invalid> for Unknown {
    fn from(_: Invalid) -> Self {
        Self::Malformed
    }
}

/// The host that a request names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target<'r> {
    /// Host and port; `None` if an old client names none.
    pub authority: Option<Authority<'r>>,
    is_absolute: bool,
}

impl<'r> Target<'r> {
    /// Reads the host of a request. `scheme` is that of the connection.
    ///
    /// # Errors
    /// Returns [`Unknown`] if there is no acceptable host.
    pub fn of(request: &'r RequestHead, scheme: &str) -> Result<Self, Unknown> {
        let mut lines = request.headers.get_all(HOST);
        let host = match (lines.next(), lines.next()) {
            (Some(line), None) => Some(Authority::parse(line.as_bytes(), scheme)?),
            (None, _) => None,
            (Some(_), Some(_)) => return Err(Unknown::Malformed),
        };
        let Some(target) = request.uri.authority() else {
            return Ok(Self { authority: host, is_absolute: false });
        };
        let is_absolute = match request.uri.scheme_str() {
            Some(named) if named.eq_ignore_ascii_case(scheme) => true,
            Some(_) => return Err(Unknown::OtherScheme),
            // Only the target of `CONNECT` is an authority.
            None if request.method == Method::CONNECT => false,
            None => return Err(Unknown::Malformed),
        };
        let authority = Some(Authority::parse(target.as_str().as_bytes(), scheme)?);
        Ok(Self { authority, is_absolute })
    }

    /// Returns the host for [`Target::rewrite`], if the request does not yet name it in normal form.
    pub fn respelled(self) -> Option<String> {
        let authority = self.authority?;
        if self.is_absolute { Some(authority.as_str().to_owned()) } else { authority.respelled() }
    }

    /// Rewrites a request so that its `Host` alone names the host, in normal form.
    pub fn rewrite(request: &mut ServiceRequest, host: &str) {
        // Cannot fail: the host is ASCII without controls.
        if let Ok(host) = HeaderValue::from_str(host) {
            request.headers_mut().insert(HOST, host);
        }
        let uri = &mut request.head_mut().uri;
        if uri.scheme().is_some() {
            let query = uri.query().map(|query| format!("?{query}")).unwrap_or_default();
            let target = PathAndQuery::try_from(format!("{}{query}", uri.path()));
            // Cannot fail: path and query were valid before.
            *uri = target.map(Uri::from).unwrap_or_default();
        }
        // The framework caches this from the request before the rewrite.
        request.extensions_mut().remove::<ConnectionInfo>();
    }
}

/// Returns the scheme of the connection itself, whatever a proxy forwards.
pub(super) fn scheme_of(request: &HttpRequest) -> &'static str {
    if request.app_config().secure() { "https" } else { "http" }
}

/// Scheme and host of a request whose host is in normal form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Origin<'r> {
    /// `http` or `https`; if a proxy is trusted, whatever it forwards.
    pub scheme: Cow<'r, str>,
    /// Host and port; empty if the request names none.
    pub host: Cow<'r, str>,
}

impl<'r> Origin<'r> {
    /// Returns the origin of the connection, whatever proxies forward.
    pub(super) fn of(request: &'r HttpRequest) -> Self {
        let host = request.headers().get(HOST).and_then(|host| host.to_str().ok());
        let scheme = Cow::Borrowed(scheme_of(request));
        Self { scheme, host: Cow::Borrowed(host.unwrap_or_default()) }
    }

    /// Returns the origin that handlers see, which trust what proxies forward.
    pub(super) fn forwarded(request: &HttpRequest) -> Origin<'static> {
        let connection = request.connection_info();
        let scheme = connection.scheme().to_ascii_lowercase();
        let host = Authority::parse(connection.host().as_bytes(), &scheme)
            .map_or_else(|_| connection.host().to_owned(), |host| host.as_str().to_owned());
        Origin { scheme: Cow::Owned(scheme), host: Cow::Owned(host) }
    }
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    fn request(target: &str, hosts: &[&str]) -> TestRequest {
        let mut request = TestRequest::get().uri(target);
        for host in hosts {
            request = request.append_header((HOST, *host));
        }
        request
    }

    /// Returns scheme, host and target as a handler sees them after the rewrite.
    fn seen(request: TestRequest) -> Result<String, Unknown> {
        let mut request = request.to_srv_request();
        // Surrounding middleware may have filled the framework's cache.
        let _ = request.connection_info();
        if let Some(host) = Target::of(request.head(), "http")?.respelled() {
            Target::rewrite(&mut request, &host);
        }
        let connection = request.connection_info().clone();
        let host = request.headers().get(HOST).map_or("", |host| host.to_str().unwrap());
        assert_eq!(connection.host(), host);
        Ok(format!("{} {host} {}", connection.scheme(), request.uri()))
    }

    #[test]
    fn the_target_takes_precedence_over_host() {
        let cases: [(&str, &[&str], &str); 9] = [
            ("/r?x=%41", &["good.test"], "http good.test /r?x=%41"),
            ("/r", &["GOOD.test.:80"], "http good.test /r"),
            ("http://good.test/r?x", &["evil.test"], "http good.test /r?x"),
            ("HTTP://GOOD.test:080/a/../r", &["evil.test"], "http good.test /a/../r"),
            ("http://good.test", &["evil.test"], "http good.test /"),
            ("http://good.test?x", &["evil.test"], "http good.test /?x"),
            ("http://[::1]:8000/r", &["good.test"], "http [::1]:8000 /r"),
            ("http://good.test/r", &["good.test"], "http good.test /r"),
            ("//evil.test/r", &["good.test"], "http good.test //evil.test/r"),
        ];
        for (target, hosts, expected) in cases {
            assert_eq!(seen(request(target, hosts)).as_deref(), Ok(expected), "{target} {hosts:?}");
        }
    }

    #[test]
    fn malformed_hosts_and_other_schemes_are_distinguished() {
        let cases: [(&str, &[&str], Unknown); 8] = [
            ("/", &[""], Unknown::Malformed),
            ("/", &["a", "a"], Unknown::Malformed),
            ("/", &["a b"], Unknown::Malformed),
            ("http://good.test/", &["a b"], Unknown::Malformed),
            ("http://good.test/", &["a", "a"], Unknown::Malformed),
            ("http://u@good.test/", &["good.test"], Unknown::Malformed),
            ("https://good.test/", &["good.test"], Unknown::OtherScheme),
            ("evil://good.test/", &["good.test"], Unknown::OtherScheme),
        ];
        for (target, hosts, expected) in cases {
            assert_eq!(seen(request(target, hosts)), Err(expected), "{target} {hosts:?}");
        }
    }

    #[test]
    fn a_request_may_name_no_host_or_only_in_its_target() {
        let of = |target| {
            let request = request(target, &[]).to_srv_request();
            let read = Target::of(request.head(), "https");
            read.map(|read| read.authority.map(|read| read.as_str().to_owned()))
        };
        assert_eq!(of("/"), Ok(None));
        // As in HTTP/2.
        assert_eq!(of("https://A/"), Ok(Some("a".to_owned())));
    }
}
