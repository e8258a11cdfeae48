//! `Cache-Status`: what the cache did, in the standard's words.
//!
//! - It never holds a key, nor anything that another client sent.
//!
//! Source: RFC 9211.

use std::fmt;

use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};

use crate::cache::event::Miss;

/// The header.
pub const CACHE_STATUS: HeaderName = HeaderName::from_static("cache-status");

/// What happened to a request in the page cache.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CacheStatus {
    /// Answered from a stored page, which has so many seconds left.
    Hit {
        /// Seconds.
        ttl: u64,
    },
    /// Answered from a page that another request was just making.
    Collapsed(Miss),
    /// Made now and stored.
    Stored(Miss),
    /// Made now and not stored, for this reason.
    NotStored(Miss, &'static str),
    /// The cache was not asked, for this reason.
    Bypass(&'static str),
    /// The method is not one that the cache answers.
    Method,
}

impl CacheStatus {
    /// Writes the header.
    pub fn write(&self, headers: &mut HeaderMap) {
        if let Ok(value) = HeaderValue::from_str(&self.to_string()) {
            headers.insert(CACHE_STATUS, value);
        }
    }
}

impl fmt::Display for CacheStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Hit { ttl } => write!(f, "larder; hit; ttl={ttl}"),
            Self::Collapsed(miss) => write!(f, "larder; fwd={}; collapsed", fwd(miss)),
            Self::Stored(miss) => write!(f, "larder; fwd={}; stored", fwd(miss)),
            Self::NotStored(miss, why) => write!(f, "larder; fwd={}; detail=\"{why}\"", fwd(miss)),
            Self::Bypass(why) => write!(f, "larder; fwd=bypass; detail=\"{why}\""),
            Self::Method => write!(f, "larder; fwd=method"),
        }
    }
}

fn fwd(miss: &Miss) -> &'static str {
    match miss {
        Miss::Absent => "uri-miss",
        Miss::Expired | Miss::Invalidated(_) => "stale",
    }
}
