//! What the cache adds to a handler's headers, and how it is told apart again.
//!
//! - Browsers get `private, no-cache` if the handler says nothing about caching: a browser's own copy is the
//!   one cache that cannot be invalidated.
//! - A page gets a `Date`, an `ETag` that is a hash of its body, and a `Vary` for its codings.
//! - Nothing of this is the handler's word. So a revalidation sends only the handler's own validators, and
//!   its 304 updates only the handler's own headers. RFC 9111 §3.2, §4.3.1.

use std::time::SystemTime;

use actix_web::http::StatusCode;
use actix_web::http::header::{
    CACHE_CONTROL, DATE, ETAG, EXPIRES, HeaderMap, HeaderName, HeaderValue, HttpDate,
    TryIntoHeaderValue, VARY,
};
use serde::{Deserialize, Serialize};

use super::compress;
use super::rules::Rules;
use crate::http::directives::Directives;
use crate::http::entity_tag::EntityTag;
use crate::http::vary;

/// The name in `Vary` for pages that the cache compresses.
const CODINGS: &str = "accept-encoding";

/// The stored headers that the cache has added.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Added {
    cache_control: bool,
    date: bool,
    etag: bool,
    vary: bool,
}

impl Added {
    /// Adds what is missing to `headers`, which are `said` by a handler without its hop-by-hop headers.
    pub fn to(
        headers: &mut Vec<(HeaderName, HeaderValue)>,
        said: &HeaderMap,
        (status, body): (StatusCode, &[u8]),
        rules: &Rules,
    ) -> Self {
        let mut added = Self::default();
        let directives = Directives::of(said.get_all(CACHE_CONTROL));
        if rules.has_codings && compress::is_worth_compressing(said, &directives, body.len()) {
            added.vary = !vary::has(said.get_all(VARY), CODINGS);
            headers.retain(|(name, _)| *name != VARY);
            headers.extend(vary::patch(said.get_all(VARY), &[CODINGS]).map(|line| (VARY, line)));
        }
        let mut add = |name: HeaderName, value: Option<HeaderValue>| {
            let value = value.filter(|_| !said.contains_key(&name));
            let is_added = value.is_some();
            headers.extend(value.map(|value| (name, value)));
            is_added
        };
        let for_browsers = HeaderValue::from_static("private, no-cache");
        added.cache_control =
            add(CACHE_CONTROL, is_for_browsers(said, rules).then_some(for_browsers));
        added.date = add(DATE, HttpDate::from(SystemTime::now()).try_into_value().ok());
        let has_tag = status == StatusCode::OK && !body.is_empty();
        added.etag = add(ETAG, has_tag.then(|| EntityTag::of(body).print()).flatten());
        added
    }

    /// Returns `headers` as the handler wrote them.
    pub fn without(self, headers: &[(HeaderName, HeaderValue)]) -> HeaderMap {
        let is_ours = |name: &HeaderName| {
            let ours = [(self.cache_control, CACHE_CONTROL), (self.date, DATE), (self.etag, ETAG)];
            ours.iter().any(|(is_added, known)| *is_added && name == known)
        };
        let mut said: HeaderMap =
            headers.iter().filter(|(name, _)| !is_ours(name)).cloned().collect();
        if self.vary {
            let lines: Vec<_> = said.remove(VARY).collect();
            if let Some(line) = vary::without(&lines, CODINGS) {
                said.insert(VARY, line);
            }
        }
        said
    }
}

/// Reports whether browsers are to be told about caching, since the handler has not.
///
/// `Expires` is for browsers, too. A handler that addresses shared caches by a targeted field has thought of
/// browsers. RFC 9213 §2. Only the lifetime of shared pages is never the handler's.
fn is_for_browsers(said: &HeaderMap, rules: &Rules) -> bool {
    let is_targeted = |name: &HeaderName| {
        name.as_str().ends_with("-cache-control") || rules.targets.contains(name)
    };
    let is_told = said.contains_key(EXPIRES) || said.keys().any(is_targeted);
    rules.tells_browsers && (rules.is_shared || !is_told)
}
