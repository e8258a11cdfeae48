//! Caches in front of the site, such as Varnish or a CDN: how long they may store a page, and by what they find it.
//!
//! - A page goes out with a lifetime for the cache in front alone (RFC 9213), and with a key for each tag that it depends
//!   on. Once a stamp has changed, the keys of its tag have to be purged there.
//! - Only pages that are the same for all have them: not those of a user, with cookies in their key, or with a filled
//!   hole; nor the answer to a request that carries cookies or a password, since a layer around the page cache may
//!   let that visitor alone see it.
//! - A layer may change a page on its way out. So the headers are written by the outermost one, [`send`], which leaves
//!   them out where a response sets a cookie, forbids storing or varies on more than the coding.
//! - A key is a hash, so it is short, and tells nothing of the data. A page has 64 keys at most: where it depends on
//!   more tags, those of rows become that of their table, or one key stands for all.
//! - An answer that took long has no lifetime. So none built from old data reaches the front long after the change.

use std::collections::BTreeSet;
use std::future::Future;
use std::time::Duration;

use actix_web::HttpResponse;
use actix_web::dev::{Service, ServiceRequest, ServiceResponse};
use actix_web::http::header::{
    CACHE_CONTROL, HeaderMap, HeaderName, HeaderValue, SET_COOKIE, VARY,
};
use futures_util::TryFutureExt;
use xxhash_rust::xxh3::xxh3_64;

use crate::http::directives::Directives;
use crate::http::vary::Vary;
use crate::tag::Tag;

/// The most keys that a page has.
const MOST: usize = 64;

/// How long after the freshness check an answer may still be stored by a cache in front.
///
/// What is purged is purged once more after twice this time: what was built from older data has arrived by then.
pub const LONGEST_ANSWER: Duration = Duration::from_secs(5);

/// The kind of the cache in front, which decides the names of the headers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Front {
    /// Varnish with its module xkey: `xkey` and `CDN-Cache-Control`.
    Varnish,
    /// Fastly: `Surrogate-Key` and `Surrogate-Control`.
    Fastly,
    /// Cloudflare: `Cache-Tag` and `CDN-Cache-Control`.
    Cloudflare,
}

impl Front {
    /// Returns the header of the keys, and what separates them.
    const fn keys(self) -> (HeaderName, &'static str) {
        match self {
            Self::Varnish => (HeaderName::from_static("xkey"), " "),
            Self::Fastly => (HeaderName::from_static("surrogate-key"), " "),
            Self::Cloudflare => (HeaderName::from_static("cache-tag"), ","),
        }
    }

    /// Returns the header of the lifetime.
    const fn lifetime(self) -> HeaderName {
        HeaderName::from_static(match self {
            Self::Varnish | Self::Cloudflare => "cdn-cache-control",
            Self::Fastly => "surrogate-control",
        })
    }
}

/// What became of the purges of one cache in front.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Purges {
    /// The name of the front, without secrets.
    pub front: String,
    /// How many purges it has confirmed.
    pub delivered: u64,
    /// How many purges it has not confirmed. They are repeated.
    pub failed: u64,
    /// The time since it was last known to have all purges that were due: less than a second while it keeps up.
    pub behind: Duration,
}

/// Returns the keys of all pages that may depend on `tag`.
pub fn keys(tag: &Tag) -> BTreeSet<String> {
    let name = tag.as_str();
    [name, group(name), Tag::ANY.as_str()].map(key).into()
}

/// Returns what the name of a row's tag has in common with the others of its table.
fn group(name: &str) -> &str {
    // With the sign, so that it is no table's own tag, whose pages would all be purged with each row.
    name.find('#').map_or(name, |sign| &name[..=sign])
}

/// Returns a hash of `name`, in letters and digits that mean the same in either case: some fronts ignore it.
fn key(name: &str) -> String {
    const DIGITS: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
    let hash = xxh3_64(name.as_bytes());
    let digit = |nth: u32| char::from(DIGITS[(hash >> (5 * nth)) as usize & 31]);
    (0..64_u32.div_ceil(5)).map(digit).collect()
}

/// Returns the keys of a page that depends on the tags of these names.
fn keys_of<'t>(names: &[&'t str]) -> BTreeSet<String> {
    let exact: BTreeSet<&'t str> = names.iter().copied().collect();
    let groups = || names.iter().map(|name| group(name)).collect::<BTreeSet<_>>();
    let names = if exact.len() > MOST { groups() } else { exact };
    match names.len() > MOST {
        true => [key(Tag::ANY.as_str())].into(),
        false => names.into_iter().map(key).collect(),
    }
}

/// What the page cache says of an answer, among its extensions, to [`send`].
pub(crate) struct Mark {
    front: Front,
    keys: String,
    seconds: u64,
    passes_cookies_on: bool,
}

impl Mark {
    /// Allows the front to store an answer for `seconds` since it was built, until one of these tags changes.
    ///
    /// `passes_cookies_on` says that no page is served from it to a request with cookies.
    pub(crate) fn new(front: Front, names: &[&str], seconds: u64, passes_cookies_on: bool) -> Self {
        let keys: Vec<String> = keys_of(names).into_iter().collect();
        Self { front, keys: keys.join(front.keys().1), seconds, passes_cookies_on }
    }

    /// Reports whether a response with these headers is still the same for all.
    fn holds_for(&self, headers: &HeaderMap) -> bool {
        let varies = match Vary::said(headers.get_all(VARY)) {
            // Not every front reads it.
            Vary::Names(names) => names.iter().any(|name| match name.as_str() {
                "accept-encoding" => false,
                "cookie" => !self.passes_cookies_on,
                _ => true,
            }),
            Vary::Everything => true,
        };
        let forbids = Directives::of(headers.get_all(CACHE_CONTROL)).no_store;
        !varies && !forbids && !headers.contains_key(SET_COOKIE)
    }
}

/// Writes the headers for the cache in front, for the whole app: `wrap_fn(front::send)`, after all other layers.
///
/// ```
/// use std::sync::Arc;
///
/// use actix_web::{App, web};
/// use larder_cache::front::{self, Front};
/// use larder_cache::{Builder, InProcess};
///
/// let cache = Builder::default().name("blog").front(Front::Varnish).open(Arc::new(InProcess::new()));
/// let app = App::new().app_data(web::Data::new(cache)).wrap_fn(front::send);
/// ```
pub fn send<S, B>(
    request: ServiceRequest,
    service: &S,
) -> impl Future<Output = Result<ServiceResponse<B>, S::Error>> + use<S, B>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>>,
{
    service.call(request).map_ok(|mut response| {
        write(response.response_mut());
        response
    })
}

fn write<B>(response: &mut HttpResponse<B>) {
    let mark = response.extensions_mut().remove::<Mark>();
    let Some(mark) = mark.filter(|mark| mark.holds_for(response.headers())) else { return };
    let (name, lifetime) = (mark.front.keys().0, mark.front.lifetime());
    let headers = response.headers_mut();
    // Cannot fail: the keys are ASCII.
    if let Ok(keys) = HeaderValue::from_str(&mark.keys)
        && let Ok(age) = HeaderValue::from_str(&format!("max-age={}", mark.seconds))
    {
        headers.insert(name, keys);
        // What the handler has written there is left alone.
        if !headers.contains_key(&lifetime) {
            headers.insert(lifetime, age);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(count: usize) -> Vec<String> {
        (0..count).map(|number| format!("t{}#{number}", number % 40)).collect()
    }

    fn of(names: &[String]) -> BTreeSet<String> {
        keys_of(&names.iter().map(String::as_str).collect::<Vec<_>>())
    }

    #[test]
    fn a_key_is_short_and_the_same_in_every_process() {
        assert_eq!(key("teas"), key("teas"));
        let keys: BTreeSet<String> = (0..10_000).map(|number| key(&number.to_string())).collect();
        assert_eq!(keys.len(), 10_000);
        let is_plain = |key: &String| {
            key.len() == 13
                && key.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
        };
        assert!(keys.iter().all(is_plain));
    }

    /// However many tags a page has, each of them purges it, and it has few keys.
    #[test]
    fn each_tag_of_a_page_purges_it() {
        let many = (0..100).map(|number| format!("table{number}")).collect();
        for names in [rows(1), rows(MOST), rows(MOST + 1), rows(10_000), many] {
            let page = of(&names);
            assert!((1..=MOST).contains(&page.len()), "{} of {}", page.len(), names.len());
            for name in names {
                assert!(!keys(&Tag::from(name)).is_disjoint(&page));
            }
        }
    }

    #[test]
    fn the_tag_of_a_row_leaves_other_pages_alone() {
        let page = of(&["teas#1".into(), "teas!".into(), "milks".into()]);
        for other in ["teas", "teas#2", "teas#", "milks#1", "scores"] {
            assert!(keys(&Tag::from(other.to_owned())).is_disjoint(&page), "{other}");
        }
    }

    #[test]
    fn what_a_layer_has_made_personal_is_not_marked() {
        let sent = |name: &'static str, value: &'static str, passes_cookies_on| {
            let mut response = HttpResponse::Ok().insert_header((name, value)).finish();
            let mark = Mark::new(Front::Cloudflare, &["a", "b"], 60, passes_cookies_on);
            response.extensions_mut().insert(mark);
            write(&mut response);
            let text =
                |name| response.headers().get(name).map(|value| value.to_str().unwrap().to_owned());
            (text("cache-tag"), text("cdn-cache-control"))
        };
        let (tags, lifetime) = sent("vary", "Accept-Encoding", false);
        assert_eq!(tags, Some(format!("{},{}", key("a").min(key("b")), key("a").max(key("b")))));
        assert_eq!(lifetime.as_deref(), Some("max-age=60"));
        assert_eq!(sent("cache-control", "private, no-cache", false).1, lifetime);
        assert_eq!(sent("vary", "cookie", true).1, lifetime);
        assert_eq!(sent("cdn-cache-control", "no-store", false).1.as_deref(), Some("no-store"));
        for (name, value) in [
            ("set-cookie", "session=1"),
            ("cache-control", "no-store"),
            ("vary", "cookie"),
            ("vary", "accept-encoding, origin"),
            ("vary", "*"),
        ] {
            assert_eq!(sent(name, value, false), (None, None), "{name}: {value}");
        }
    }
}
