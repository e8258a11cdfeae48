//! Pages: what is kept of an answer, and how it is answered again.
//!
//! - A page is kept whole: status, headers as the handler wrote them, body.
//! - Its `ETag` is a hash of its body, unless the handler gave one; its `Date` is when it was made.
//! - Browsers are told `private, no-cache` where the handler said nothing: a browser's own copy is
//!   the one cache that cannot be invalidated.
//! - 304 carries only what RFC 9110 §15.4.5 asks for; nothing is hashed or copied again.

use std::time::SystemTime;

use actix_web::HttpResponse;
use actix_web::body::{BoxBody, MessageBody};
use actix_web::error::HttpError;
use actix_web::http::StatusCode;
use actix_web::http::header::{
    AGE, CACHE_CONTROL, CONTENT_LOCATION, DATE, ETAG, EXPIRES, HeaderMap, HeaderName, HeaderValue,
    HttpDate, TryIntoHeaderValue, VARY,
};
use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::conditional::{Conditions, Judgement};
use super::control;
use super::status::CacheStatus;

/// Headers of one hop, which are no part of the page.
const HOP_BY_HOP: [&str; 6] =
    ["connection", "keep-alive", "proxy-connection", "te", "transfer-encoding", "upgrade"];

/// The headers that a 304 repeats. Source: RFC 9110 §15.4.5.
const NOT_MODIFIED: [HeaderName; 6] = [CACHE_CONTROL, CONTENT_LOCATION, DATE, ETAG, EXPIRES, VARY];

/// Headers that are added to a page on its way out, about: room for them is made once.
const OTHERS: usize = 12;

/// A whole page.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(try_from = "Plain", into = "Plain")]
pub struct Page {
    status: StatusCode,
    headers: Vec<(HeaderName, HeaderValue)>,
    etag: HeaderValue,
    body: Bytes,
}

/// A page as serde knows it.
#[derive(Serialize, Deserialize)]
struct Plain {
    status: u16,
    headers: Vec<(String, Bytes)>,
    etag: Bytes,
    body: Bytes,
}

impl From<Page> for Plain {
    fn from(page: Page) -> Self {
        let bytes = |value: &HeaderValue| Bytes::copy_from_slice(value.as_bytes());
        let headers = page.headers.iter();
        Self {
            status: page.status.as_u16(),
            headers: headers.map(|(name, value)| (name.to_string(), bytes(value))).collect(),
            etag: bytes(&page.etag),
            body: page.body,
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
        Ok(Self {
            status: StatusCode::from_u16(plain.status)?,
            headers: plain.headers.into_iter().map(header).collect::<Result<_, _>>()?,
            etag: HeaderValue::from_maybe_shared(plain.etag)?,
            body: plain.body,
        })
    }
}

/// An answer that cannot be kept, untouched, and why.
pub struct Refused<B> {
    /// The answer.
    pub response: HttpResponse<B>,
    /// The rule that refused it.
    pub reason: &'static str,
}

impl Refused<BoxBody> {
    fn boxed(response: HttpResponse<BoxBody>, reason: &'static str) -> Box<Self> {
        Box::new(Self { response, reason })
    }
}

impl Page {
    /// The page that `response` is, if it may be kept and its body is there as a whole.
    pub fn of<B: MessageBody + 'static>(
        response: HttpResponse<B>,
    ) -> Result<Self, Box<Refused<BoxBody>>> {
        let (head, body) = response.into_parts();
        let body = match control::may_store(head.status(), head.headers()) {
            Err(reason) => return Err(Refused::boxed(head.set_body(body.boxed()), reason)),
            Ok(()) => body.try_into_bytes(),
        };
        match body {
            Err(stream) => Err(Refused::boxed(head.set_body(stream.boxed()), "streaming")),
            Ok(body) => Ok(Self::new(head.status(), head.headers(), body)),
        }
    }

    fn new(status: StatusCode, headers: &HeaderMap, body: Bytes) -> Self {
        let etag = headers.get(ETAG).cloned().unwrap_or_else(|| hash(&body));
        let is_kept = |name: &HeaderName| *name != ETAG && !HOP_BY_HOP.contains(&name.as_str());
        let mut kept: Vec<_> = headers
            .iter()
            .filter(|(name, _)| is_kept(name))
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect();
        if !headers.contains_key(CACHE_CONTROL) {
            kept.push((CACHE_CONTROL, HeaderValue::from_static("private, no-cache")));
        }
        if !headers.contains_key(DATE)
            && let Ok(now) = HttpDate::from(SystemTime::now()).try_into_value()
        {
            kept.push((DATE, now));
        }
        Self { status, headers: kept, etag, body }
    }

    /// Its status.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// Its headers as they are kept, without the validator.
    pub fn headers(&self) -> impl Iterator<Item = (&HeaderName, &HeaderValue)> {
        self.headers.iter().map(|(name, value)| (name, value))
    }

    /// Its body.
    pub fn body(&self) -> &Bytes {
        &self.body
    }

    /// The bytes it takes, headers included.
    pub fn size(&self) -> usize {
        let headers = self.headers.iter().map(|(name, value)| name.as_str().len() + value.len());
        self.body.len() + headers.sum::<usize>()
    }

    /// The answer to a client with these conditions; `age` in whole seconds, for a stored page.
    pub fn answer(
        &self,
        conditions: &Conditions,
        age: Option<u64>,
        status: &CacheStatus,
    ) -> HttpResponse<BoxBody> {
        let mut response = match conditions.judge(&self.etag) {
            Judgement::Whole => self.whole(),
            Judgement::NotModified => self.not_modified(),
            Judgement::PreconditionFailed => {
                HttpResponse::new(StatusCode::PRECONDITION_FAILED).map_into_boxed_body()
            }
        };
        let headers = response.headers_mut();
        if let Some(age) = age {
            headers.insert(AGE, HeaderValue::from(age));
        }
        status.write(headers);
        response
    }

    fn whole(&self) -> HttpResponse<BoxBody> {
        let mut response = HttpResponse::with_body(self.status, BoxBody::new(self.body.clone()));
        response.headers_mut().reserve(self.headers.len() + OTHERS);
        for (name, value) in &self.headers {
            response.headers_mut().append(name.clone(), value.clone());
        }
        response.headers_mut().insert(ETAG, self.etag.clone());
        response
    }

    fn not_modified(&self) -> HttpResponse<BoxBody> {
        let mut response = HttpResponse::with_body(StatusCode::NOT_MODIFIED, BoxBody::new(()));
        for (name, value) in self.headers.iter().filter(|(name, _)| NOT_MODIFIED.contains(name)) {
            response.headers_mut().append(name.clone(), value.clone());
        }
        response.headers_mut().insert(ETAG, self.etag.clone());
        response
    }
}

/// A strong validator: equal bodies, equal tags.
fn hash(body: &[u8]) -> HeaderValue {
    let text = format!("\"{:032x}\"", xxhash_rust::xxh3::xxh3_128(body));
    HeaderValue::from_str(&text).unwrap_or_else(|_| HeaderValue::from_static("\"\""))
}
