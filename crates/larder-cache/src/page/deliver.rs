//! Answers clients from a stored page.
//!
//! - The client's conditions are evaluated on the page in the coding that the client gets: 304, 412.
//! - One range of a 200 is answered with that part: 206, 416.
//! - A 304 carries only the headers that RFC 9110 §15.4.5 requires; nothing is hashed or copied again.
//! - The bytes of the body are shared, never copied, save those of a page whose holes are filled.
//! - A digest is sent only with the bytes for which it holds. RFC 9530.

use std::time::SystemTime;

use actix_web::HttpResponse;
use actix_web::body::BoxBody;
use actix_web::http::StatusCode;
use actix_web::http::header::{
    ACCEPT_ENCODING, AGE, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_LOCATION, CONTENT_RANGE, DATE,
    ETAG, EXPIRES, HeaderMap, HeaderName, HeaderValue, LAST_MODIFIED, VARY,
};
use bytes::Bytes;

use super::holed;
use super::of_request::Fillings;
use super::outward;
use super::request_flags::RequestFlags;
use super::status::{CACHE_STATUS, CacheStatus};
use super::stored::Page;
use crate::http::conditional::{Conditions, Judgement, Validators};
use crate::http::digests::{OF_THE_CONTENT, OF_THE_REPRESENTATION};
use crate::http::encoding::{Accepted, Coding};
use crate::http::range::Part;

/// The headers that a 304 repeats. Source: RFC 9110 §15.4.5; Django repeats `Last-Modified`, too.
///
/// `Cache-Status` is that of a cache behind this one.
const NOT_MODIFIED: [HeaderName; 8] =
    [CACHE_CONTROL, CACHE_STATUS, CONTENT_LOCATION, DATE, EXPIRES, LAST_MODIFIED, VARY, ETAG];

/// About how many headers are added to a page on its way out: room for them is reserved at once.
const OTHERS: usize = 12;

/// What a client asked for besides the page.
#[derive(Debug, Default)]
pub(crate) struct Asked {
    pub(super) conditions: Option<Box<Conditions>>,
    accepted: Vec<HeaderValue>,
    pub(super) has_ranges: bool,
    pub(super) fillings: Fillings,
}

impl Asked {
    /// Reads `headers`; `has_ranges` says whether the rules allow parts of pages.
    pub(super) fn of(
        headers: &HeaderMap,
        flags: RequestFlags,
        has_ranges: bool,
        fillings: Fillings,
    ) -> Self {
        let is_conditional = flags.is(RequestFlags::CONDITIONAL);
        Self {
            conditions: is_conditional.then(|| Box::new(Conditions::of(headers))),
            accepted: headers.get_all(ACCEPT_ENCODING).cloned().collect(),
            has_ranges,
            fillings,
        }
    }

    /// Returns what is asked by a request that is not looked at.
    pub(super) fn nothing(fillings: Fillings) -> Self {
        Self { fillings, ..Self::default() }
    }

    /// Reports whether the client sent conditions or asked for a part.
    pub(crate) fn is_conditional(&self) -> bool {
        self.conditions.is_some()
    }

    fn coding(&self, offered: &[Coding]) -> Coding {
        if self.accepted.is_empty() {
            return Coding::Identity;
        }
        // A client that accepts no coding gets the uncompressed page. RFC 9110 §12.5.3.
        Accepted::of(&self.accepted).choose(offered).unwrap_or(Coding::Identity)
    }
}

impl Page {
    /// Builds the response to a client.
    ///
    /// - `age` is in whole seconds, for a page that was not just built by this site.
    /// - `name` is that of the application, in which the status is reported.
    pub(crate) async fn answer(
        &self,
        asked: &Asked,
        age: Option<u64>,
        (name, status): (&str, CacheStatus),
    ) -> HttpResponse<BoxBody> {
        let mut response = match asked.fillings.fill_any(&self.holes) {
            true => self.filled(asked).await,
            false => self.unfilled(asked).await,
        };
        if let Some(age) = age {
            response.headers_mut().insert(AGE, HeaderValue::from(age));
        }
        status.write(name, &mut response);
        response
    }

    /// Returns the page for one visitor, whose conditions are about a page for all.
    async fn filled(&self, asked: &Asked) -> HttpResponse<BoxBody> {
        let parts = match asked.coding(&[Coding::Gzip, Coding::Identity]) {
            Coding::Gzip => self.coded_parts().await,
            _ => None,
        };
        let (body, holes, fillings) = (&self.body, &self.holes, &asked.fillings);
        let (coding, body) = match parts {
            Some(parts) => (Coding::Gzip, parts.filled(body, holes, fillings)),
            None => (Coding::Identity, holed::filled(body, holes, fillings)),
        };
        let mut response = self.with_body(self.status, coding, body);
        holed::be_for_one(response.headers_mut());
        response
    }

    /// Returns the page for all, as far as the client wants it.
    async fn unfilled(&self, asked: &Asked) -> HttpResponse<BoxBody> {
        let coding = match self.is_codable() {
            true => self.coded(asked.coding(&Coding::OFFERED)).await,
            false => Coding::Identity,
        };
        let mut response = match &asked.conditions {
            None => self.whole(coding),
            Some(conditions) => self.judged(conditions, coding, asked.has_ranges),
        };
        if !self.holes.is_empty() {
            outward::divide(response.headers_mut(), false);
        }
        response
    }

    fn judged(
        &self,
        conditions: &Conditions,
        coding: Coding,
        has_ranges: bool,
    ) -> HttpResponse<BoxBody> {
        let now = SystemTime::now();
        let etag = self.tag_in(coding).map(|tag| tag.parsed.clone());
        let validators = Validators { etag, ..self.validators.clone() };
        // Conditions apply only to what would otherwise succeed. RFC 9110 §13.2.1.
        let is_success = self.status.is_success();
        match conditions.judge(&validators, now) {
            Judgement::NotModified if is_success => return self.not_modified(coding),
            Judgement::PreconditionFailed if is_success => {
                return HttpResponse::new(StatusCode::PRECONDITION_FAILED);
            }
            _ => {}
        }
        let length = self.body_in(coding).len() as u64;
        match Part::of(conditions, &validators, length, now) {
            part if has_ranges && self.status == StatusCode::OK => self.part(&part, coding, length),
            _ => self.whole(coding),
        }
    }

    fn whole(&self, coding: Coding) -> HttpResponse<BoxBody> {
        self.with_body(self.status, coding, self.body_in(coding).clone())
    }

    fn part(&self, part: &Part, coding: Coding, length: u64) -> HttpResponse<BoxBody> {
        let mut response = match part {
            Part::Whole => return self.whole(coding),
            Part::Unsatisfiable => HttpResponse::new(StatusCode::RANGE_NOT_SATISFIABLE),
            Part::Bytes(range) => {
                // Lossless: the range is within the body, whose length fits a `usize`.
                let body =
                    self.body_in(coding).slice(*range.start() as usize..=*range.end() as usize);
                self.with_body(StatusCode::PARTIAL_CONTENT, coding, body)
            }
        };
        if let Some(range) = part.content_range(length) {
            response.headers_mut().insert(CONTENT_RANGE, range);
        }
        response
    }

    fn with_body(&self, status: StatusCode, coding: Coding, body: Bytes) -> HttpResponse<BoxBody> {
        let mut response = HttpResponse::with_body(status, BoxBody::new(body));
        let headers = response.headers_mut();
        headers.reserve(self.headers.len() + OTHERS);
        for (name, value) in &self.headers {
            headers.append(name.clone(), value.clone());
        }
        if coding != Coding::Identity {
            headers.insert(CONTENT_ENCODING, HeaderValue::from_static(coding.name()));
            if let Some(tag) = self.tag_in(coding) {
                headers.insert(ETAG, tag.printed.clone());
            }
        }
        if self.has_digests() {
            let is_coded = coding != Coding::Identity;
            let is_part = status == StatusCode::PARTIAL_CONTENT;
            let wrong = [(is_coded || is_part, OF_THE_CONTENT), (is_coded, OF_THE_REPRESENTATION)];
            for name in wrong.into_iter().filter(|(is, _)| *is).flat_map(|(_, names)| names) {
                headers.remove(name);
            }
        }
        response
    }

    fn not_modified(&self, coding: Coding) -> HttpResponse<BoxBody> {
        let mut response = HttpResponse::with_body(StatusCode::NOT_MODIFIED, BoxBody::new(()));
        for (name, value) in self.headers.iter().filter(|(name, _)| NOT_MODIFIED.contains(name)) {
            response.headers_mut().append(name.clone(), value.clone());
        }
        if let Some(tag) = self.tag_in(coding) {
            response.headers_mut().insert(ETAG, tag.printed.clone());
        }
        response
    }
}
