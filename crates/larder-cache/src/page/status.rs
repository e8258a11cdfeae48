//! Writes `Cache-Status`: what the cache did, in the terms of the standard.
//!
//! It never contains a key, or anything that another client sent. What a cache behind this one wrote stays
//! before it. RFC 9211 §2.
//!
//! Source: RFC 9211.

use std::fmt;

use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};
use bytes::Bytes;

use super::nested::is_nested;
use crate::dependencies::Staleness;
use crate::event::Miss;

/// The header's name.
pub const CACHE_STATUS: HeaderName = HeaderName::from_static("cache-status");

/// What the page cache did with a request.
#[derive(Debug, Clone, PartialEq, Eq)]
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
            Miss::Expired | Miss::Invalidated(_) => Self::Stale,
        }
    }
}

impl CacheStatus {
    /// Writes the header, after what another cache has written.
    ///
    /// A cache within another one of this process writes nothing: together they are one.
    pub fn write(&self, headers: &mut HeaderMap) {
        if is_nested() {
            return;
        }
        let text = match self {
            // Hits are the common case, and formatting would take longer than the lookup.
            Self::Hit { ttl } => {
                [b"larder; hit; ttl=", HeaderValue::from(*ttl).as_bytes()].concat()
            }
            other => other.to_string().into_bytes(),
        };
        let Ok(value) = HeaderValue::from_maybe_shared(Bytes::from(text)) else { return };
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
}

impl fmt::Display for CacheStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Hit { ttl } => write!(f, "larder; hit; ttl={ttl}"),
            Self::Stale { since, why } => {
                let ttl = 0_i64.saturating_sub_unsigned(*since);
                write!(f, "larder; hit; ttl={ttl}; detail=\"{why}\"")
            }
            Self::Failed { since, status } => {
                let ttl = 0_i64.saturating_sub_unsigned(*since);
                match status {
                    Some(status) => write!(f, "larder; fwd=stale; fwd-status={status}; ")?,
                    None => write!(f, "larder; fwd=stale; collapsed; ")?,
                }
                write!(f, "ttl={ttl}; detail=\"{}\"", Staleness::Error.name())
            }
            Self::Collapsed(why) => write!(f, "larder; fwd={why}; collapsed"),
            Self::Stored(why, None) => write!(f, "larder; fwd={why}; stored"),
            Self::Stored(why, Some(note)) => {
                write!(f, "larder; fwd={why}; stored; detail=\"{note}\"")
            }
            Self::NotStored(why, rule) => write!(f, "larder; fwd={why}; detail=\"{rule}\""),
            Self::Revalidated(why) => write!(f, "larder; fwd={why}; fwd-status=304; stored"),
            Self::Bypass(why) => write!(f, "larder; fwd=bypass; detail=\"{why}\""),
            Self::Method => write!(f, "larder; fwd=method"),
        }
    }
}

impl fmt::Display for Forward {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::UriMiss => "uri-miss",
            Self::VaryMiss => "vary-miss",
            Self::Stale => "stale",
            Self::Request => "request",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_that_has_just_become_stale_has_a_ttl_of_zero() {
        let stale = |since| CacheStatus::Stale { since, why: "max-stale" }.to_string();
        assert_eq!(stale(0), "larder; hit; ttl=0; detail=\"max-stale\"");
        assert_eq!(stale(6), "larder; hit; ttl=-6; detail=\"max-stale\"");
    }

    #[test]
    fn what_another_cache_has_written_stays_before_it() {
        let mut headers = HeaderMap::new();
        for line in ["origin; hit", "a; fwd=miss, b; hit"] {
            headers.append(CACHE_STATUS, HeaderValue::from_static(line));
        }
        CacheStatus::Hit { ttl: 7 }.write(&mut headers);
        let lines: Vec<_> = headers.get_all(CACHE_STATUS).collect();
        assert_eq!(lines, ["origin; hit, a; fwd=miss, b; hit, larder; hit; ttl=7"]);
    }

    #[test]
    fn a_failure_is_no_hit() {
        let failed = |status| CacheStatus::Failed { since: 6, status }.to_string();
        let end = "ttl=-6; detail=\"stale-if-error\"";
        assert_eq!(failed(Some(503)), format!("larder; fwd=stale; fwd-status=503; {end}"));
        assert_eq!(failed(None), format!("larder; fwd=stale; collapsed; {end}"));
    }

    #[test]
    fn the_header_equals_the_display_form() {
        let hit = |ttl| CacheStatus::Hit { ttl };
        let stored = CacheStatus::Stored(Forward::VaryMiss, None);
        let stale = CacheStatus::Stale { since: 5, why: "stale-while-revalidate" };
        for status in [hit(0), hit(3552), stored, stale, CacheStatus::Method] {
            let mut headers = HeaderMap::new();
            status.write(&mut headers);
            assert_eq!(headers.get(CACHE_STATUS).unwrap(), status.to_string().as_str());
        }
    }
}
