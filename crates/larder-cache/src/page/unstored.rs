//! Evaluates a client's conditions on a response that is not stored.
//!
//! - The fetch was for the whole page, so the handler has not seen them. Or it has, and ignored them.
//! - Conditions are evaluated on the validators that the handler gave: 304, 412.
//! - One range of a 200 is answered with that part, also of a streamed body whose length is known: 206, 416.
//!   What follows the part is not read.
//! - Other headers stay, such as `Set-Cookie`: this is still the handler's response to this client.
//!
//! Not here: the same for stored pages ([`super::deliver`]).

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::SystemTime;

use actix_web::HttpResponse;
use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::http::StatusCode;
use actix_web::http::header::{
    CONTENT_ENCODING, CONTENT_LANGUAGE, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, HeaderName,
};
use bytes::Bytes;

use super::deliver::Asked;
use super::holed::fill;
use crate::http::conditional::{Judgement, Validators};
use crate::http::digests::{OF_THE_CONTENT, OF_THE_REPRESENTATION};
use crate::http::range::Part;

/// Headers that describe a body, which 304, 412 and 416 do not have.
const OF_THE_BODY: [HeaderName; 4] =
    [CONTENT_TYPE, CONTENT_LENGTH, CONTENT_ENCODING, CONTENT_LANGUAGE];

impl Asked {
    /// Returns what the client gets of a response that is not stored.
    ///
    /// One with holes is always whole: the conditions are about a page for all.
    pub(super) fn of_unstored(&self, response: HttpResponse<BoxBody>) -> HttpResponse<BoxBody> {
        let (response, is_filled) = fill(response, &self.fillings);
        if is_filled {
            return response;
        }
        let is_whole = response.status() != StatusCode::PARTIAL_CONTENT;
        let Some(conditions) = self.conditions.as_ref().filter(|_| is_whole) else {
            return response;
        };
        // Conditions apply only to what would otherwise succeed. RFC 9110 §13.2.1.
        if !response.status().is_success() {
            return response;
        }
        let now = SystemTime::now();
        let validators = Validators::of(response.headers(), now);
        match conditions.judge(&validators, now) {
            Judgement::Whole => {}
            Judgement::NotModified => return bodiless(response, StatusCode::NOT_MODIFIED),
            Judgement::PreconditionFailed => {
                return bodiless(response, StatusCode::PRECONDITION_FAILED);
            }
        }
        let length = match response.body().size() {
            BodySize::Sized(length) if response.status() == StatusCode::OK => length,
            _ => return response,
        };
        match Part::of(conditions, &validators, length, now) {
            part if self.has_ranges => part_of(response, &part, length),
            _ => response,
        }
    }
}

fn part_of(response: HttpResponse<BoxBody>, part: &Part, length: u64) -> HttpResponse<BoxBody> {
    let content_range = part.content_range(length);
    let mut response = match part {
        Part::Whole => return response,
        Part::Unsatisfiable => bodiless(response, StatusCode::RANGE_NOT_SATISFIABLE),
        Part::Bytes(range) => {
            let (mut head, body) = response.into_parts();
            *head.status_mut() = StatusCode::PARTIAL_CONTENT;
            head.headers_mut().remove(CONTENT_LENGTH);
            // They hold for the whole content, of which this is a part.
            OF_THE_CONTENT.iter().for_each(|name| drop(head.headers_mut().remove(name)));
            let left = range.end() - range.start() + 1;
            head.set_body(BoxBody::new(PartOf { body, skipped: *range.start(), left }))
        }
    };
    if let Some(range) = content_range {
        response.headers_mut().insert(CONTENT_RANGE, range);
    }
    response
}

fn bodiless(response: HttpResponse<BoxBody>, status: StatusCode) -> HttpResponse<BoxBody> {
    let (mut head, _) = response.into_parts();
    *head.status_mut() = status;
    let digests = OF_THE_CONTENT.into_iter().chain(OF_THE_REPRESENTATION);
    for name in OF_THE_BODY.into_iter().chain(digests) {
        head.headers_mut().remove(name);
    }
    head.set_body(BoxBody::new(()))
}

/// The bytes of a body after the first `skipped`, and only as many as are `left`.
struct PartOf {
    body: BoxBody,
    skipped: u64,
    left: u64,
}

impl MessageBody for PartOf {
    type Error = <BoxBody as MessageBody>::Error;

    fn size(&self) -> BodySize {
        BodySize::Sized(self.left)
    }

    fn poll_next(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Self::Error>>> {
        while self.left > 0 {
            let mut bytes = match ready!(Pin::new(&mut self.body).poll_next(context)) {
                Some(Ok(bytes)) => bytes,
                ended => return Poll::Ready(ended),
            };
            let skipped = self.skipped.min(bytes.len() as u64);
            self.skipped -= skipped;
            // Lossless: it is at most the length of the chunk.
            drop(bytes.split_to(skipped as usize));
            let taken = self.left.min(bytes.len() as u64);
            if taken > 0 {
                self.left -= taken;
                bytes.truncate(taken as usize);
                return Poll::Ready(Some(Ok(bytes)));
            }
        }
        Poll::Ready(None)
    }
}
