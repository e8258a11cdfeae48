//! Reports what the cache did: in `Cache-Status` for clients, in an extension of the response for the program.
//!
//! - The header never contains a key, or anything that another client sent. What a cache behind this one wrote
//!   stays before it. RFC 9211 §2.
//! - Logs and metrics read the extension ([`CacheStatus::of`]); no code parses the header.
//!
//! Source: RFC 9211.

use std::fmt;

use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::{HttpRequest, HttpResponse, web};
use bytes::Bytes;

use super::nested::is_nested;
use super::outcome::Outcome;
use crate::Cache;
use crate::dependencies::Staleness;
use crate::event::Miss;
use crate::namespace::NAME;

/// The header's name.
pub const CACHE_STATUS: HeaderName = HeaderName::from_static("cache-status");

/// What the page cache did with a request.
///
/// ```
/// use actix_web::HttpResponse;
/// use larder_cache::page::{CacheStatus, Outcome};
///
/// let mut response = HttpResponse::Ok().finish();
/// CacheStatus::Bypass("route").write("blog", &mut response);
/// let header = response.headers().get("cache-status").unwrap();
/// assert_eq!(header, r#"blog; fwd=bypass; detail="route""#);
/// // As a middleware around the app learns of it:
/// assert_eq!(CacheStatus::of(&response).unwrap().outcome(), Outcome::Bypass);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CacheStatus {
    /// Answered from a stored page.
    Hit {
        /// Seconds for which the page is still fresh.
        ttl: u64,
    },
    /// Answered from a stored page that is stale.
    Stale {
        /// Seconds since it became stale.
        since: u64,
        /// Why it was served all the same.
        why: &'static str,
    },
    /// Answered from a stored page that is stale, since the handler failed.
    Failed {
        /// Seconds since it became stale.
        since: u64,
        /// The status with which it failed; `None` if another request had called it.
        status: Option<u16>,
    },
    /// Answered from a page that another request was building.
    Collapsed(Forward),
    /// Built and stored; with a note about its sources, if there is one.
    Stored(Forward, Option<&'static str>),
    /// Built and not stored, for this reason.
    NotStored(Forward, &'static str),
    /// Answered from the stored page, which the handler has validated for this reason.
    Revalidated(Forward),
    /// The cache was bypassed, for this reason.
    Bypass(&'static str),
    /// The method is not one that the cache answers.
    Method,
}

/// Why a request went to the handler.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Forward {
    /// Nothing is stored for the URL.
    #[default]
    UriMiss,
    /// Only other variants of the URL are stored.
    VaryMiss,
    /// The stored page is stale.
    Stale,
    /// The request asked for it.
    Request,
}

impl From<&Miss> for Forward {
    fn from(miss: &Miss) -> Self {
        match miss {
            Miss::Absent => Self::UriMiss,
            Miss::Bypassed => Self::Request,
            Miss::Expired | Miss::Invalidated(_) => Self::Stale,
        }
    }
}

impl CacheStatus {
    /// Returns what the page cache did for this response; `None` if it had no part in it.
    pub fn of<B>(response: &HttpResponse<B>) -> Option<Self> {
        response.extensions().get().copied()
    }

    /// Returns the outcome, without its details.
    pub const fn outcome(self) -> Outcome {
        match self {
            Self::Hit { .. } => Outcome::Hit,
            Self::Stale { .. } | Self::Failed { .. } => Outcome::Stale,
            Self::Collapsed(_) => Outcome::Collapsed,
            Self::Stored(..) => Outcome::Stored,
            Self::NotStored(..) => Outcome::NotStored,
            Self::Revalidated(_) => Outcome::Revalidated,
            Self::Bypass(_) => Outcome::Bypass,
            Self::Method => Outcome::Method,
        }
    }

    /// Returns the rule or the reason in the words of the header; empty if there is none.
    pub const fn reason(self) -> &'static str {
        match self {
            Self::Hit { .. } | Self::Method => "",
            Self::Failed { .. } => Staleness::Error.name(),
            Self::Stale { why, .. } | Self::NotStored(_, why) | Self::Bypass(why) => why,
            Self::Collapsed(why) | Self::Stored(why, _) | Self::Revalidated(why) => why.name(),
        }
    }

    /// Writes the header in the name of an application, and leaves itself in the response's extensions.
    ///
    /// A cache within another one of this process writes nothing: together they are one.
    pub fn write<B>(self, name: &str, response: &mut HttpResponse<B>) {
        if is_nested() {
            return;
        }
        response.extensions_mut().insert(self);
        let Some(value) = self.value(name) else { return };
        let headers = response.headers_mut();
        let members: Vec<_> = headers.insert(CACHE_STATUS, value).collect();
        if members.is_empty() {
            return;
        }
        let members = members.iter().chain(headers.get(CACHE_STATUS));
        let members: Vec<_> = members.map(HeaderValue::as_bytes).collect();
        if let Ok(value) = HeaderValue::from_bytes(&members.join(b", ".as_slice())) {
            headers.insert(CACHE_STATUS, value);
        }
    }

    /// Returns the header's member of an application; `None` if its name cannot be in a header.
    pub(super) fn value(self, name: &str) -> Option<HeaderValue> {
        let text = match self {
            // Hits are the common case, and formatting would take longer than the lookup.
            Self::Hit { ttl } => {
                [name.as_bytes(), b"; hit; ttl=", HeaderValue::from(ttl).as_bytes()].concat()
            }
            other => format!("{name}; {other}").into_bytes(),
        };
        HeaderValue::from_maybe_shared(Bytes::from(text)).ok()
    }

    /// Writes the header in the name of the application that was asked.
    pub(super) fn report<B>(self, request: &HttpRequest, response: &mut HttpResponse<B>) {
        let cache = request.app_data::<web::Data<Cache>>();
        self.write(cache.map_or(NAME, |cache| cache.name()), response);
    }
}

/// Prints the parameters of the header, which follow the name of the application.
impl fmt::Display for CacheStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Hit { ttl } => write!(f, "hit; ttl={ttl}"),
            Self::Stale { since, why } => {
                let ttl = 0_i64.saturating_sub_unsigned(*since);
                write!(f, "hit; ttl={ttl}; detail=\"{why}\"")
            }
            Self::Failed { since, status } => {
                let ttl = 0_i64.saturating_sub_unsigned(*since);
                match status {
                    Some(status) => write!(f, "fwd=stale; fwd-status={status}; ")?,
                    None => write!(f, "fwd=stale; collapsed; ")?,
                }
                write!(f, "ttl={ttl}; detail=\"{}\"", Staleness::Error.name())
            }
            Self::Collapsed(why) => write!(f, "fwd={why}; collapsed"),
            Self::Stored(why, None) => write!(f, "fwd={why}; stored"),
            Self::Stored(why, Some(note)) => {
                write!(f, "fwd={why}; stored; detail=\"{note}\"")
            }
            Self::NotStored(why, rule) => write!(f, "fwd={why}; detail=\"{rule}\""),
            Self::Revalidated(why) => write!(f, "fwd={why}; fwd-status=304; stored"),
            Self::Bypass(why) => write!(f, "fwd=bypass; detail=\"{why}\""),
            Self::Method => write!(f, "fwd=method"),
        }
    }
}

impl Forward {
    /// Returns the word of the standard.
    pub const fn name(self) -> &'static str {
        match self {
            Self::UriMiss => "uri-miss",
            Self::VaryMiss => "vary-miss",
            Self::Stale => "stale",
            Self::Request => "request",
        }
    }
}

impl fmt::Display for Forward {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_that_has_just_become_stale_has_a_ttl_of_zero() {
        let stale = |since| CacheStatus::Stale { since, why: "max-stale" }.to_string();
        assert_eq!(stale(0), "hit; ttl=0; detail=\"max-stale\"");
        assert_eq!(stale(6), "hit; ttl=-6; detail=\"max-stale\"");
    }

    #[test]
    fn what_another_cache_has_written_stays_before_it() {
        let mut response = HttpResponse::Ok().finish();
        for line in ["origin; hit", "a; fwd=miss, b; hit"] {
            response.headers_mut().append(CACHE_STATUS, HeaderValue::from_static(line));
        }
        CacheStatus::Hit { ttl: 7 }.write("blog", &mut response);
        let lines: Vec<_> = response.headers().get_all(CACHE_STATUS).collect();
        assert_eq!(lines, ["origin; hit, a; fwd=miss, b; hit, blog; hit; ttl=7"]);
    }

    #[test]
    fn a_failure_is_no_hit() {
        let failed = |status| CacheStatus::Failed { since: 6, status }.to_string();
        let end = "ttl=-6; detail=\"stale-if-error\"";
        assert_eq!(failed(Some(503)), format!("fwd=stale; fwd-status=503; {end}"));
        assert_eq!(failed(None), format!("fwd=stale; collapsed; {end}"));
    }

    #[test]
    fn the_header_is_the_name_and_the_display_form() {
        let hit = |ttl| CacheStatus::Hit { ttl };
        let stored = CacheStatus::Stored(Forward::VaryMiss, None);
        let stale = CacheStatus::Stale { since: 5, why: "stale-while-revalidate" };
        for status in [hit(0), hit(3552), stored, stale, CacheStatus::Method] {
            let mut response = HttpResponse::Ok().finish();
            status.write("blog", &mut response);
            let header = response.headers().get(CACHE_STATUS).unwrap();
            assert_eq!(header, format!("blog; {status}").as_str());
            assert_eq!(CacheStatus::of(&response), Some(status));
        }
    }

    #[test]
    fn each_status_has_an_outcome_and_the_reason_that_the_header_gives() {
        let stale = CacheStatus::Stale { since: 3, why: "stale-while-revalidate" };
        let failed = |status| CacheStatus::Failed { since: 3, status };
        let no_lifetime = CacheStatus::NotStored(Forward::UriMiss, "no lifetime");
        let cases = [
            (CacheStatus::Hit { ttl: 7 }, Outcome::Hit, ""),
            (stale, Outcome::Stale, "stale-while-revalidate"),
            (failed(Some(500)), Outcome::Stale, "stale-if-error"),
            (failed(None), Outcome::Stale, "stale-if-error"),
            (CacheStatus::Collapsed(Forward::UriMiss), Outcome::Collapsed, "uri-miss"),
            (CacheStatus::Stored(Forward::Stale, None), Outcome::Stored, "stale"),
            (no_lifetime, Outcome::NotStored, "no lifetime"),
            (CacheStatus::Revalidated(Forward::Stale), Outcome::Revalidated, "stale"),
            (CacheStatus::Bypass("session"), Outcome::Bypass, "session"),
            (CacheStatus::Method, Outcome::Method, ""),
        ];
        for (status, outcome, reason) in cases {
            assert_eq!((status.outcome(), status.reason()), (outcome, reason), "{status}");
            assert!(status.to_string().contains(reason), "{status}");
        }
    }
}
