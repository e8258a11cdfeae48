//! What a response that is not the same for all says to browsers and other caches.

use actix_web::http::header::{
    ACCEPT_RANGES, CACHE_CONTROL, COOKIE, ETAG, EXPIRES, HeaderMap, HeaderName, HeaderValue,
    LAST_MODIFIED, VARY,
};

use crate::http::directives::Directives;
use crate::http::{list, vary};

/// The directives that a response for one visitor cannot have.
const OF_SHARED_CACHES: [&[u8]; 4] = [b"public", b"private", b"s-maxage", b"proxy-revalidate"];

/// Says that the responses of this URL differ by cookies, and that this one is for a single user.
pub(super) fn divide(headers: &mut HeaderMap, is_personal: bool) {
    if let Some(line) = vary::patch(headers.get_all(VARY), &[COOKIE.as_str()]) {
        headers.insert(VARY, line);
    }
    if is_personal {
        let line = privately(headers.get_all(CACHE_CONTROL));
        headers.insert(CACHE_CONTROL, line);
        remove_targeted(headers);
    }
}

/// Says that the response was made for this one visitor and this one request, and names no state of the page.
pub(super) fn be_personal(headers: &mut HeaderMap) {
    let said = Directives::of(headers.get_all(CACHE_CONTROL));
    let line = if said.no_store { "private, no-store" } else { "private, no-cache" };
    headers.insert(CACHE_CONTROL, HeaderValue::from_static(line));
    for name in [ETAG, LAST_MODIFIED, EXPIRES, ACCEPT_RANGES] {
        headers.remove(name);
    }
    remove_targeted(headers);
    if let Some(line) = vary::patch(headers.get_all(VARY), &[COOKIE.as_str()]) {
        headers.insert(VARY, line);
    }
}

/// Returns `Cache-Control` for one visitor.
fn privately<'h>(lines: impl Iterator<Item = &'h HeaderValue>) -> HeaderValue {
    let mut said: Vec<&[u8]> = vec![b"private"];
    for line in lines {
        match list::members(line.as_bytes()) {
            Ok(members) => said.extend(members.filter(|member| is_for_one(member))),
            Err(_) => said.push(b"no-store"),
        }
    }
    if said.len() == 1 {
        said.push(b"no-cache");
    }
    let line = HeaderValue::from_bytes(&said.join(b", ".as_slice()));
    line.unwrap_or(HeaderValue::from_static("private, no-store"))
}

fn is_for_one(member: &[u8]) -> bool {
    let name = member.split(|byte| *byte == b'=').next().unwrap_or_default();
    !OF_SHARED_CACHES.iter().any(|known| list::trim(name).eq_ignore_ascii_case(known))
}

/// Removes the fields for shared caches. RFC 9213.
fn remove_targeted(headers: &mut HeaderMap) {
    let is_targeted = |name: &&HeaderName| {
        name.as_str().ends_with("-cache-control") || name.as_str() == "surrogate-control"
    };
    let names: Vec<HeaderName> = headers.keys().filter(is_targeted).cloned().collect();
    for name in names {
        headers.remove(name);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_for_shared_caches_is_taken_off() {
        for (said, expected) in [
            (vec![], "private, no-cache"),
            (vec!["public"], "private, no-cache"),
            (vec!["PUBLIC , max-age=60, s-maxage = 9"], "private, max-age=60"),
            (vec!["max-age=60", "no-store"], "private, max-age=60, no-store"),
            (vec!["private=\"a, public\", no-cache"], "private, no-cache"),
            (vec!["max-age=\"60"], "private, no-store"),
        ] {
            let said: Vec<_> = said.into_iter().map(HeaderValue::from_static).collect();
            assert_eq!(privately(said.iter()), expected);
        }
    }
}
