//! The cookie of a session, in requests and responses.

use actix_web::HttpRequest;
use actix_web::cookie::time::Duration;
use actix_web::cookie::{Cookie, SameSite};
use actix_web::http::header::{COOKIE, HeaderMap, HeaderValue};

use super::model::Secret;
use crate::site::client::Client;
use crate::site::cookie;
use crate::site::visitor::{HOST_SESSION, SESSION, session_cookie};

/// Returns the session secret in the request's cookies, if it is well-formed.
pub fn shown(request: &HttpRequest) -> Option<Secret> {
    shown_in(request.headers(), session_cookie(Client::of(request)))
}

fn shown_in(headers: &HeaderMap, name: &str) -> Option<Secret> {
    cookie::value(headers, name).and_then(Secret::shown)
}

/// Builds the session cookie, with the name that belongs to the client's scheme.
pub fn cookie(
    request: &HttpRequest,
    value: &str,
    lifetime: std::time::Duration,
) -> Cookie<'static> {
    let client = Client::of(request);
    Cookie::build(session_cookie(client), value.to_owned())
        .path("/")
        .http_only(true)
        .same_site(SameSite::Lax)
        .secure(client.is_https)
        .max_age(Duration::try_from(lifetime).unwrap_or(Duration::MAX))
        .finish()
}

/// Removes the session cookies and leaves all others.
pub fn take_off(headers: &mut HeaderMap) {
    let is_session = |pair: &[u8]| {
        let name = pair.split(|byte| *byte == b'=').next().unwrap_or_default();
        [SESSION, HOST_SESSION].iter().any(|one| name.trim_ascii() == one.as_bytes())
    };
    let lines: Vec<HeaderValue> = headers.remove(COOKIE).collect();
    for line in lines {
        let pairs = line.as_bytes().split(|byte| *byte == b';');
        let left: Vec<&[u8]> = pairs.filter(|pair| !is_session(pair)).collect();
        if let (false, Ok(line)) = (left.is_empty(), HeaderValue::from_bytes(&left.join(&b';'))) {
            headers.append(COOKIE, line);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(lines: &[&str]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(COOKIE, line.parse().unwrap());
        }
        headers
    }

    #[test]
    fn a_session_is_found_among_other_cookies() {
        let secret = Secret::draw();
        let line = format!("a=b; {SESSION}={}; c=d", secret.as_str());
        assert_eq!(shown_in(&with(&["x=y", &line]), SESSION), Some(secret));
        assert_eq!(shown_in(&with(&["larder-session=x; a=b"]), SESSION), None);
        // The cookie of one scheme does not count for the other.
        assert_eq!(shown_in(&with(&[&line]), HOST_SESSION), None);
        let line = format!("__Host-{}", line.replace("a=b; ", ""));
        assert!(shown_in(&with(&[&line]), HOST_SESSION).is_some());
        assert_eq!(shown_in(&with(&[&line]), SESSION), None);
    }

    #[test]
    fn session_cookies_are_removed_and_other_cookies_are_left() {
        let mut headers =
            with(&["a=b; larder-session=x;c=d", " larder-session =y; __Host-larder-session=z"]);
        take_off(&mut headers);
        let left: Vec<_> = headers.get_all(COOKIE).map(|line| line.to_str().unwrap()).collect();
        assert_eq!(left, ["a=b;c=d"]);
    }
}
