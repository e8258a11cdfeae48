//! Decides which responses may be stored.
//!
//! - The decision looks at the handler's own headers, before the defaults for browsers are written.
//! - Only whole responses with a listed status are stored, never partial ones. RFC 9111 §3, §3.3.
//! - Responses with `Set-Cookie`, `private` or `no-store` are never stored, with or without field names.
//!   RFC 9111 §5.2.2, §7.3. Django: `UpdateCacheMiddleware`.
//! - `must-understand` lifts `no-store` where the status is one of those that this cache understands, and
//!   forbids storing where it is not. RFC 9111 §5.2.2.3.
//! - Responses that must be revalidated before each use, by `no-cache` or for lack of a lifetime, are stored
//!   if they can be revalidated. RFC 9111 §5.2.2.4.
//! - Responses that vary on everything are never stored. RFC 9111 §4.1.
//! - If the request had `Authorization`, the response needs `public`, `s-maxage` or `must-revalidate`.
//!   RFC 9111 §3.5.
//! - If the request had a cookie, the response needs `public` or `s-maxage`, or must vary on `Cookie`.
//! - What is stored for one user may be `private`, and may depend on this user's credentials.
//! - Other responses need a lifetime that leaves time to use them.
//! - Unreadable headers forbid storing: in doubt, no.

use std::time::Duration;

use super::types::StatusCode;
use super::types::header::{AUTHORIZATION, COOKIE, HeaderMap, SET_COOKIE};

use super::directives::Directives;
use super::freshness::Freshness;
use super::vary::Vary;

/// The default statuses of stored responses, and those that `must-understand` is about.
pub(crate) const STATUSES: [u16; 11] = [200, 203, 204, 300, 301, 302, 303, 307, 308, 404, 410];

/// A response, with the request as its handler saw it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Answer<'a> {
    /// Headers of the request that the handler saw.
    pub request: &'a HeaderMap,
    /// The status.
    pub status: StatusCode,
    /// Headers of the response.
    pub headers: &'a HeaderMap,
    /// The response's cache directives.
    pub directives: &'a Directives,
    /// The response's freshness.
    pub freshness: Option<&'a Freshness>,
    /// What the response varies on.
    pub vary: &'a Vary,
    /// Whether it has a validator with which its handler can be asked whether it still holds.
    pub can_be_revalidated: bool,
    /// Whether its handler saw only cookies that are part of its key.
    pub is_keyed_by_cookies: bool,
    /// Whether it is stored for the one user that sent the request.
    pub is_of_one_user: bool,
}

impl Answer<'_> {
    /// Reports whether the response may be stored, or returns the reason against it.
    pub(crate) fn may_be_stored(&self, statuses: &[u16]) -> Result<(), &'static str> {
        let directives = self.directives;
        let rules = [
            (!statuses.contains(&self.status.as_u16()), "status"),
            (self.status == StatusCode::PARTIAL_CONTENT, "partial"),
            (self.headers.contains_key(SET_COOKIE), "set-cookie"),
            (directives.is_unreadable, "cache-control"),
            (self.must_not_be_stored(), "no-store"),
            (directives.private && !self.is_of_one_user, "private"),
            (directives.no_cache && !self.can_be_revalidated, "no-cache"),
            (*self.vary == Vary::Everything, "vary"),
            (self.has_credentials(), "authorization"),
            (self.is_of_a_cookie(), "cookie"),
            (self.freshness.is_none(), "no lifetime"),
            (self.is_never_used() && !self.can_be_revalidated, "stale"),
        ];
        match rules.iter().find(|(refuses, _)| *refuses) {
            Some((_, reason)) => Err(reason),
            None => Ok(()),
        }
    }

    fn must_not_be_stored(&self) -> bool {
        match self.directives.must_understand {
            true => !STATUSES.contains(&self.status.as_u16()),
            false => self.directives.no_store,
        }
    }

    fn is_never_used(&self) -> bool {
        self.freshness.is_some_and(|freshness| freshness.end() == Duration::ZERO)
    }

    fn has_credentials(&self) -> bool {
        let directives = self.directives;
        self.request.contains_key(AUTHORIZATION)
            && !self.is_of_one_user
            && !(directives.public || directives.must_revalidate || directives.s_maxage.is_some())
    }

    fn is_of_a_cookie(&self) -> bool {
        let directives = self.directives;
        let is_meant = directives.public || directives.s_maxage.is_some();
        let is_keyed = self.is_keyed_by_cookies || self.is_of_one_user || self.vary.names(&COOKIE);
        self.request.contains_key(COOKIE) && !is_meant && !is_keyed
    }
}

#[cfg(test)]
mod tests {
    use crate::http::types::header::{
        CACHE_CONTROL, CONTENT_RANGE, ETAG, HeaderName, HeaderValue, VARY,
    };

    use super::*;
    use crate::http::freshness::Owner;
    use crate::http::targeted::TargetedPolicy;

    type Lines = [(HeaderName, &'static str)];

    fn map(lines: &Lines) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(name.clone(), HeaderValue::from_static(value));
        }
        headers
    }

    fn judge(status: u16, request: &Lines, lines: &Lines) -> Result<(), &'static str> {
        let headers = map(lines);
        let policy = TargetedPolicy::of(&headers, &[]);
        let freshness = Freshness::of(&policy, None, Owner::Silent);
        let answer = Answer {
            request: &map(request),
            status: StatusCode::from_u16(status).unwrap(),
            headers: &headers,
            directives: &policy.directives,
            freshness: freshness.as_ref(),
            vary: &Vary::of(&headers),
            can_be_revalidated: headers.contains_key(ETAG),
            is_keyed_by_cookies: false,
            is_of_one_user: false,
        };
        answer.may_be_stored(&[&STATUSES[..], &[206, 499]].concat())
    }

    /// Judges a 200 with this `Cache-Control`, after a request with these headers.
    fn control(request: &Lines, line: &'static str) -> Result<(), &'static str> {
        judge(200, request, &[(CACHE_CONTROL, line)])
    }

    #[test]
    fn only_listed_statuses_are_stored() {
        for status in 200..600 {
            let expected = match status {
                206 => Err("partial"),
                499 => Ok(()),
                _ if STATUSES.contains(&status) => Ok(()),
                _ => Err("status"),
            };
            assert_eq!(judge(status, &[], &[(CACHE_CONTROL, "max-age=60")]), expected, "{status}");
        }
    }

    #[test]
    fn a_partial_response_is_never_stored() {
        let lines = [(CACHE_CONTROL, "max-age=60"), (CONTENT_RANGE, "bytes 0-1/2")];
        assert_eq!(judge(206, &[], &lines), Err("partial"));
        assert_eq!(judge(200, &[], &lines), Ok(()), "it means nothing there: RFC 9110 §14.4");
    }

    #[test]
    fn set_cookie_private_and_no_store_are_never_stored() {
        let lines = [(CACHE_CONTROL, "public, max-age=60"), (SET_COOKIE, "a=b")];
        assert_eq!(judge(200, &[], &lines), Err("set-cookie"));
        let lines = [(SET_COOKIE, "a=b"), (VARY, "Cookie"), (CACHE_CONTROL, "max-age=60")];
        assert_eq!(judge(200, &[(COOKIE, "x=y")], &lines), Err("set-cookie"));
        let cases = [
            ("max-age=60, Private", "private"),
            ("max-age=60, No-Store", "no-store"),
            ("max-age=60, NO-CACHE", "no-cache"),
            ("max-age=60, no-cache=\"x, y\"", "no-cache"),
            ("max-age=60, private=x", "private"),
            ("max-age=60, ?", "cache-control"),
        ];
        for (line, reason) in cases {
            assert_eq!(control(&[], line), Err(reason), "{line}");
        }
        assert_eq!(control(&[], "max-age=60, ext=\"a, private\""), Ok(()));
    }

    #[test]
    fn must_understand_decides_by_the_status() {
        for line in ["must-understand, no-store, max-age=60", "must-understand, max-age=60"] {
            assert_eq!(judge(200, &[], &[(CACHE_CONTROL, line)]), Ok(()), "{line}");
            assert_eq!(judge(499, &[], &[(CACHE_CONTROL, line)]), Err("no-store"), "{line}");
        }
        let line = "must-understand, no-store, max-age=60, ?";
        assert_eq!(control(&[], line), Err("cache-control"));
    }

    #[test]
    fn what_must_be_revalidated_is_stored_if_it_can_be() {
        for line in ["no-cache", "no-cache, max-age=60", "no-cache=\"x\"", "max-age=0"] {
            let lines = [(CACHE_CONTROL, line), (ETAG, "\"v\"")];
            assert_eq!(judge(200, &[], &lines), Ok(()), "{line}");
            assert!(judge(200, &[], &lines[..1]).is_err(), "{line}");
            assert_eq!(judge(200, &[(COOKIE, "a=b")], &lines), Err("cookie"), "{line}");
        }
        assert_eq!(judge(200, &[], &[(ETAG, "\"v\"")]), Err("no lifetime"));
    }

    #[test]
    fn a_response_that_varies_on_everything_is_never_stored() {
        for vary in ["*", " * ", "Accept, *", "*, Accept", "a b"] {
            let lines = [(CACHE_CONTROL, "max-age=60"), (VARY, "Accept"), (VARY, vary)];
            assert_eq!(judge(200, &[], &lines), Err("vary"), "{vary}");
        }
        let lines = [(CACHE_CONTROL, "max-age=60"), (VARY, "Accept")];
        assert_eq!(judge(200, &[], &lines), Ok(()));
    }

    #[test]
    fn a_response_to_authorization_is_stored_only_if_it_permits_it() {
        for value in ["Bearer A", ""] {
            let request = [(AUTHORIZATION, value)];
            assert_eq!(control(&request, "max-age=60"), Err("authorization"));
            assert_eq!(control(&request, "max-age=60, proxy-revalidate"), Err("authorization"));
            for line in ["public, max-age=60", "s-maxage=60", "max-age=60, must-revalidate"] {
                assert_eq!(control(&request, line), Ok(()), "{line}");
            }
        }
    }

    #[test]
    fn a_response_to_a_cookie_is_stored_only_if_it_permits_it_or_varies_on_it() {
        let request = [(COOKIE, "sid=A")];
        assert_eq!(control(&request, "max-age=60"), Err("cookie"));
        assert_eq!(control(&request, "max-age=60, must-revalidate"), Err("cookie"));
        assert_eq!(control(&request, "public, max-age=60"), Ok(()));
        assert_eq!(control(&request, "s-maxage=60"), Ok(()));
        let lines = [(CACHE_CONTROL, "max-age=60"), (VARY, "Accept, COOKIE")];
        assert_eq!(judge(200, &request, &lines), Ok(()));
    }

    #[test]
    fn only_usable_responses_are_stored() {
        assert_eq!(judge(200, &[], &[]), Err("no lifetime"));
        assert_eq!(control(&[], "public"), Err("no lifetime"));
        assert_eq!(control(&[], "max-age=0"), Err("stale"));
        assert_eq!(control(&[], "max-age=x"), Err("stale"));
        assert_eq!(control(&[], "max-age=0, stale-while-revalidate=60"), Ok(()));
        assert_eq!(control(&[], "max-age=0, stale-if-error=60, must-revalidate"), Err("stale"));
    }
}
