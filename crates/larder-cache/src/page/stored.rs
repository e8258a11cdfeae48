//! Defines what is stored under the key of a page.
//!
//! - A page is stored whole: status, headers as the handler wrote them, body, and the places of its holes.
//! - What the cache adds to the handler's headers is marked as added (`super::added`).
//! - A body is compressed once per coding, for the first client that accepts it. Between its holes, too.
//!
//! Not here: how it is answered ([`super::deliver`]).

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

use actix_web::error::HttpError;
use actix_web::http::StatusCode;
use actix_web::http::header::{AGE, CACHE_CONTROL, HeaderMap, HeaderName, HeaderValue, VARY};
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use tokio::sync::OnceCell;

use super::added::Added;
use super::coded_holes::CodedParts;
use super::compress;
use super::rules::Rules;
use super::variants::Variants;
#[cfg(feature = "inspect")]
use crate::entry::Entry;
use crate::footprint::ALLOCATION;
use crate::hole::Hole;
use crate::http::conditional::Validators;
use crate::http::digests::is_digest;
use crate::http::directives::Directives;
use crate::http::encoding::Coding;
use crate::http::entity_tag::EntityTag;
use crate::http::freshness::Freshness;
use crate::http::merge::Hops;
use crate::http::vary;
#[cfg(feature = "inspect")]
use crate::inspect::{Body, Describe, start};
#[cfg(feature = "inspect")]
use crate::level::Level;

/// The value stored under the key of a URL, or of one of its variants.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Stored {
    /// A page.
    Page(Arc<Page>),
    /// A marker: the URL has one page per variant.
    Varies(Variants),
    /// A marker: the response could not be stored, so requests need not wait for each other.
    Uncacheable,
}

impl Stored {
    /// How long requests do not wait for each other after a response could not be stored.
    pub(super) const UNCACHEABLE_FOR: Duration = Duration::from_secs(10);

    /// Returns the approximate size in bytes.
    pub(crate) fn size(&self) -> usize {
        match self {
            Self::Page(page) => page.size(),
            Self::Varies(variants) => variants.size(),
            Self::Uncacheable => 0,
        }
    }
}

#[cfg(feature = "inspect")]
impl Describe for Stored {
    const LEVEL: Level = Level::Page;

    fn describe(&self, letters: usize) -> Body {
        let Self::Page(page) = self else { return Body::Opaque };
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Body::Page {
            status: page.status().as_u16(),
            headers: page
                .headers()
                .iter()
                .map(|(name, value)| (name.to_string(), text(value.as_bytes())))
                .collect(),
            start: start(page.body(), letters),
        }
    }
}

/// What a value of a header takes beside its bytes: a reference count and its allocations.
const VALUE: usize = 2 * ALLOCATION + 32;

/// What a header takes beside the bytes of its value.
const HEADER: usize = size_of::<(HeaderName, HeaderValue)>() + VALUE;

/// A stored response.
#[derive(Debug, Serialize, Deserialize)]
#[serde(try_from = "Plain", into = "Plain")]
pub(crate) struct Page {
    pub(super) status: StatusCode,
    pub(super) headers: Vec<(HeaderName, HeaderValue)>,
    added: Added,
    pub(super) body: Bytes,
    /// The places that are filled for each visitor, in order.
    pub(super) holes: Vec<Hole>,
    /// How long it may be used.
    pub(super) freshness: Freshness,
    /// Age of the page when it was stored.
    pub(super) initial_age: Duration,
    /// Validators of the uncompressed page, and its tag in each coding.
    pub(super) validators: Validators,
    pub(super) tags: [Option<Tag>; 3],
    is_codable: bool,
    has_digests: bool,
    coded: [OnceCell<Option<Bytes>>; 2],
    coded_parts: OnceCell<Option<CodedParts>>,
    /// Whether the last rebuild in the background failed.
    failed_behind: AtomicBool,
}

/// A page's entity tag, parsed and printed.
#[derive(Debug, Clone)]
pub(super) struct Tag {
    pub parsed: EntityTag,
    pub printed: HeaderValue,
}

/// The serialised form of a page.
#[derive(Serialize, Deserialize)]
struct Plain {
    status: u16,
    headers: Vec<(String, Bytes)>,
    added: Added,
    body: Bytes,
    freshness: Freshness,
    initial_age: Duration,
    holes: Vec<Hole>,
}

impl Clone for Page {
    fn clone(&self) -> Self {
        let headers = (self.headers.clone(), self.added);
        let body = (self.body.clone(), self.holes.clone());
        Self::restored(self.status, headers, body, self.freshness, self.initial_age)
    }
}

impl From<Page> for Plain {
    fn from(page: Page) -> Self {
        let bytes = |value: &HeaderValue| Bytes::copy_from_slice(value.as_bytes());
        let headers = page.headers.iter();
        Self {
            status: page.status.as_u16(),
            headers: headers.map(|(name, value)| (name.to_string(), bytes(value))).collect(),
            added: page.added,
            body: page.body,
            freshness: page.freshness,
            initial_age: page.initial_age,
            holes: page.holes,
        }
    }
}

impl TryFrom<Plain> for Page {
    type Error = HttpError;

    fn try_from(plain: Plain) -> Result<Self, HttpError> {
        let header = |(name, value): (String, Bytes)| -> Result<_, HttpError> {
            let name = HeaderName::try_from(name)?;
            Ok((name, HeaderValue::from_maybe_shared(value)?))
        };
        let headers = plain.headers.into_iter().map(header).collect::<Result<_, _>>()?;
        let headers = (headers, plain.added);
        let status = StatusCode::from_u16(plain.status)?;
        let body = (plain.body, plain.holes);
        Ok(Self::restored(status, headers, body, plain.freshness, plain.initial_age))
    }
}

impl Page {
    /// Creates a page from a response.
    pub(super) fn new(
        status: StatusCode,
        headers: &HeaderMap,
        (body, holes): (Bytes, Vec<Hole>),
        freshness: Freshness,
        initial_age: Duration,
        rules: &Rules,
    ) -> Self {
        let hops = Hops::of(headers);
        let is_kept = |name: &HeaderName| *name != AGE && !hops.contain(name);
        let mut kept: Vec<_> = headers
            .iter()
            .filter(|(name, _)| is_kept(name))
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect();
        let added = Added::to(&mut kept, headers, (status, &body), rules);
        Self::restored(status, (kept, added), (body, holes), freshness, initial_age)
    }

    fn restored(
        status: StatusCode,
        (mut headers, added): (Vec<(HeaderName, HeaderValue)>, Added),
        (body, holes): (Bytes, Vec<Hole>),
        freshness: Freshness,
        initial_age: Duration,
    ) -> Self {
        headers.shrink_to_fit();
        let map: HeaderMap = headers.iter().cloned().collect();
        let validators = Validators::of(&map, SystemTime::now());
        let directives = Directives::of(map.get_all(CACHE_CONTROL));
        let is_coded_by_its_tag = validators.etag.as_ref().is_some_and(compress::is_like_ours);
        let is_codable = !is_coded_by_its_tag
            && vary::has(map.get_all(VARY), "accept-encoding")
            && compress::is_worth_compressing(&map, &directives, body.len());
        let tag = |coding| {
            let parsed = validators.etag.as_ref()?.in_coding(coding);
            Some(Tag { printed: parsed.print()?, parsed })
        };
        let tags = [Coding::Identity, Coding::Gzip, Coding::Brotli].map(tag);
        let coded = [OnceCell::new(), OnceCell::new()];
        Self {
            status,
            headers,
            added,
            body,
            holes,
            freshness,
            initial_age,
            validators,
            tags,
            is_codable,
            has_digests: map.keys().any(is_digest),
            coded,
            coded_parts: OnceCell::new(),
            failed_behind: AtomicBool::new(false),
        }
    }

    pub(super) fn fail_behind(&self) {
        self.failed_behind.store(true, Ordering::Relaxed);
    }

    /// Reports whether the client must wait for a rebuild, instead of getting the stale page.
    ///
    /// One client waits after each failure in the background, since some handlers need facts about a
    /// request that are available only while it lasts.
    pub(super) fn is_to_be_awaited(&self) -> bool {
        // The load comes first, so that the common case writes nothing; the swap lets one client through.
        self.failed_behind.load(Ordering::Relaxed)
            && self.failed_behind.swap(false, Ordering::Relaxed)
    }

    /// Returns the size in bytes, including headers and an allowance for the compressed forms.
    pub(crate) fn size(&self) -> usize {
        let headers = self.headers.iter().map(|(_, value)| value.len() + HEADER);
        // An entity tag is stored parsed and printed.
        let tags = self.tags.iter().flatten().map(|tag| 2 * (tag.printed.len() + VALUE));
        let forms = if self.holes.is_empty() { 1 } else { 2 };
        let coded = if self.is_codable { forms * self.body.len() / 2 } else { 0 };
        let parts = headers.sum::<usize>() + tags.sum::<usize>();
        size_of::<Self>() + self.body.len() + parts + coded
    }

    /// Returns the status.
    pub(crate) fn status(&self) -> StatusCode {
        self.status
    }

    /// Returns how long the page may be used, counted from when its source built it.
    pub(crate) fn freshness(&self) -> Freshness {
        self.freshness
    }

    /// Returns the age that the page had when it was stored.
    pub(crate) fn initial_age(&self) -> Duration {
        self.initial_age
    }

    /// Returns the headers, as they are stored.
    pub(crate) fn headers(&self) -> &[(HeaderName, HeaderValue)] {
        &self.headers
    }

    /// Returns the body, as the handler wrote it.
    pub(crate) fn body(&self) -> &Bytes {
        &self.body
    }

    /// Returns the headers on which the page varies by its own `Vary`.
    pub(super) fn varies(&self) -> Vec<HeaderName> {
        let lines = self.headers.iter().filter(|(name, _)| *name == VARY);
        match vary::Vary::said(lines.map(|(_, value)| value)) {
            vary::Vary::Names(names) => names.iter().filter_map(|name| name.parse().ok()).collect(),
            vary::Vary::Everything => Vec::new(),
        }
    }

    /// Reports whether its headers have digests, which hold for the body as the handler wrote it.
    pub(super) fn has_digests(&self) -> bool {
        self.has_digests
    }

    pub(super) fn is_codable(&self) -> bool {
        self.is_codable
    }

    /// Returns the headers as the handler wrote them, without those that the cache has added.
    pub(super) fn said(&self) -> HeaderMap {
        self.added.without(&self.headers)
    }

    /// Takes over the compressed bodies of the same page, which a 304 has just confirmed.
    pub(super) fn take_codings_of(&mut self, old: &Self) {
        if self.is_codable && self.body == old.body && self.holes == old.holes {
            (self.coded, self.coded_parts) = (old.coded.clone(), old.coded_parts.clone());
        }
    }

    /// Compresses the body in `coding` unless that is done; returns the coding to answer in.
    pub(super) async fn coded(&self, coding: Coding) -> Coding {
        let Some(place) = place(coding) else { return Coding::Identity };
        let code = || async {
            let body = self.body.clone();
            // Compressing takes milliseconds, during which a worker could not serve other requests.
            let coded = tokio::task::spawn_blocking(move || compress::compress(coding, &body));
            coded.await.ok().and_then(Result::ok).flatten().map(Bytes::from)
        };
        let coded = match self.coded[place].get() {
            Some(coded) => coded,
            None => self.coded[place].get_or_init(code).await,
        };
        if coded.is_some() { coding } else { Coding::Identity }
    }

    /// Compresses what is between the holes unless that is done; returns `None` if the page is not to be compressed.
    pub(super) async fn coded_parts(&self) -> Option<&CodedParts> {
        let code = || async {
            let (body, holes) = (self.body.clone(), self.holes.clone());
            let coded = tokio::task::spawn_blocking(move || CodedParts::of(&body, &holes));
            coded.await.ok().flatten()
        };
        match self.coded_parts.get() {
            _ if !self.is_codable => None,
            Some(parts) => parts.as_ref(),
            None => self.coded_parts.get_or_init(code).await.as_ref(),
        }
    }

    /// Returns the body in `coding`, or uncompressed if there is no body in that coding.
    pub(super) fn body_in(&self, coding: Coding) -> &Bytes {
        let coded = place(coding).and_then(|place| self.coded[place].get()?.as_ref());
        coded.unwrap_or(&self.body)
    }

    /// Returns the length of the body in `coding`, if it was compressed.
    pub(crate) fn coded_len(&self, coding: Coding) -> Option<usize> {
        let coded = self.coded[place(coding)?].get()?.as_ref();
        coded.map(Bytes::len)
    }

    pub(super) fn tag_in(&self, coding: Coding) -> Option<&Tag> {
        self.tags[place(coding).map_or(0, |place| place + 1)].as_ref()
    }
}

fn place(coding: Coding) -> Option<usize> {
    match coding {
        Coding::Identity => None,
        Coding::Gzip => Some(0),
        Coding::Brotli => Some(1),
    }
}

/// What people are told about a stored page beside its entry.
#[cfg(feature = "inspect")]
#[derive(Debug, Clone, Default)]
pub struct PageDetails {
    /// How long the page may still be served stale, if it allows that.
    pub stale_left: Option<Duration>,
    /// The compressed lengths in bytes, in the codings that were requested so far.
    pub coded: Vec<(Coding, u64)>,
}

#[cfg(feature = "inspect")]
impl PageDetails {
    /// Returns the details of the page in `entry`; `None` if the entry holds no page.
    pub fn of(entry: &Entry) -> Option<Self> {
        let stored = entry.body::<Stored>()?;
        let Stored::Page(page) = &*stored else { return None };
        let age = page.initial_age().saturating_add(entry.age());
        let freshness = page.freshness();
        let has_window = freshness.end() > freshness.lifetime;
        let stale_left = has_window.then(|| freshness.end().saturating_sub(age));
        let coded = |coding| Some((coding, page.coded_len(coding)? as u64));
        Some(Self { stale_left, coded: Coding::OFFERED.into_iter().filter_map(coded).collect() })
    }
}
