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

/// The name in `Vary` for pages in several languages.
const LANGUAGES: &str = "accept-language";

/// Returns the name in `Vary` for pages under these rules, if they offer languages.
pub(super) fn languages(rules: &Rules) -> Option<&'static str> {
    (!rules.languages.is_empty()).then_some(LANGUAGES)
}

/// Notes in `Vary` that an answer which is not stored was chosen by language.
pub(super) fn vary_by_language(headers: &mut HeaderMap, rules: &Rules) {
    if let Some(name) = languages(rules)
        && let Some(line) = vary::patch(headers.get_all(VARY), &[name])
    {
        headers.insert(VARY, line);
    }
}

/// The stored headers that the cache has added.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Added {
    cache_control: bool,
    date: bool,
    etag: bool,
    vary: bool,
    language: bool,
}

impl Added {
    /// Adds what is missing to `headers`, which are `said` by a handler without its hop-by-hop headers.
    pub(super) fn to(
        headers: &mut Vec<(HeaderName, HeaderValue)>,
        said: &HeaderMap,
        (status, body): (StatusCode, &[u8]),
        rules: &Rules,
    ) -> Self {
        let mut added = Self::default();
        let directives = Directives::of(said.get_all(CACHE_CONTROL));
        let is_coded =
            rules.has_codings && compress::is_worth_compressing(said, &directives, body.len());
        let is_missing = |name: &&str| !vary::has(said.get_all(VARY), name);
        let names = [is_coded.then_some(CODINGS), languages(rules)];
        let names: Vec<&str> = names.into_iter().flatten().filter(is_missing).collect();
        (added.vary, added.language) = (names.contains(&CODINGS), names.contains(&LANGUAGES));
        if !names.is_empty() {
            headers.retain(|(name, _)| *name != VARY);
            headers.extend(vary::patch(said.get_all(VARY), &names).map(|line| (VARY, line)));
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
    pub(super) fn without(self, headers: &[(HeaderName, HeaderValue)]) -> HeaderMap {
        let is_ours = |name: &HeaderName| {
            let ours = [(self.cache_control, CACHE_CONTROL), (self.date, DATE), (self.etag, ETAG)];
            ours.iter().any(|(is_added, known)| *is_added && name == known)
        };
        let mut said: HeaderMap =
            headers.iter().filter(|(name, _)| !is_ours(name)).cloned().collect();
        for (is_added, name) in [(self.vary, CODINGS), (self.language, LANGUAGES)] {
            let lines: Vec<_> = match is_added {
                true => said.remove(VARY).collect(),
                false => continue,
            };
            if let Some(line) = vary::without(&lines, name) {
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
