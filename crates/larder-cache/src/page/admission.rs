//! Turns the response of a handler into a page, if it may be stored.
//!
//! - The decision looks at the handler's own headers, before the defaults for browsers are written.
//! - The stale windows of the rules apply unless the response forbids stale use.
//! - A streamed body, or one larger than the rules allow, is not stored.
//! - What must be revalidated before each use is stored if its handler gave a validator.

use std::time::{Duration, Instant, SystemTime};

use actix_web::HttpResponse;
use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::http::header::{AGE, DATE, EXPIRES, HeaderMap};
use bytes::Bytes;

use super::holed::Holes;
use super::lookup::Lookup;
use super::stored::Page;
use crate::http::conditional::Validators;
use crate::http::freshness::{Freshness, Owner};
use crate::http::storable::Answer;
use crate::http::targeted::TargetedPolicy as Said;
use crate::http::vary::Vary;
use crate::http::{age, date};

/// What was decided about a response that may be stored.
pub(super) struct Admitted {
    freshness: Freshness,
    initial_age: Duration,
    /// The age that the response gave itself.
    age: Option<Duration>,
    vary: Vary,
}

/// A page that may be stored.
pub(super) struct Admission {
    pub page: Page,
    pub vary: Vary,
    /// The `Age` that an upstream gave it, in seconds.
    pub age: Option<u64>,
}

/// A response that is not stored, unchanged, and the rule that refuses it.
pub(super) struct Refused {
    pub response: HttpResponse<BoxBody>,
    pub rule: &'static str,
}

impl Lookup {
    /// Returns the page, or the unchanged response and the rule that refuses it.
    ///
    /// The handler was called at `started`.
    pub(super) fn page_of(
        &self,
        seen: &HeaderMap,
        response: HttpResponse<BoxBody>,
        started: Instant,
    ) -> Result<Admission, Box<Refused>> {
        let refused = |response, rule| Err(Box::new(Refused { response, rule }));
        let judged = match self.judge(seen, &response, started) {
            Ok(judged) => judged,
            Err(rule) => return refused(response, rule),
        };
        match response.body().size() {
            BodySize::Stream => return refused(response, "streaming"),
            BodySize::Sized(bytes) if bytes > self.rules.largest as u64 => {
                return refused(response, "too large");
            }
            _ => {}
        }
        let mut response = response;
        let holes = response.extensions_mut().remove::<Holes>().map(|Holes(holes)| holes);
        let (head, body) = response.into_parts();
        let body = match body.try_into_bytes() {
            Ok(body) => without_spare_room(body),
            Err(body) => return refused(head.set_body(body), "streaming"),
        };
        let Admitted { freshness, initial_age, age, vary } = judged;
        let (status, headers) = (head.status(), head.headers());
        let page = Page::new(
            status,
            headers,
            (body, holes.unwrap_or_default()),
            freshness,
            initial_age,
            &self.rules,
        );
        Ok(Admission { page, vary, age: age.map(|age| age.as_secs()) })
    }

    /// Decides about a response to a request with the headers `seen`.
    pub(super) fn judge(
        &self,
        seen: &HeaderMap,
        response: &HttpResponse<BoxBody>,
        started: Instant,
    ) -> Result<Admitted, &'static str> {
        if response.error().is_some() {
            return Err("error");
        }
        let headers = response.headers();
        let said = Said::of(headers, &self.rules.targets);
        let now = SystemTime::now();
        let date = date::only(headers.get_all(DATE), now);
        let expires = date::lifetime(headers.get_all(EXPIRES), date.unwrap_or(now), now);
        let mut freshness = Freshness::of(&said, expires, self.rules.owner);
        if let (Some(freshness), Some(policy)) = (&mut freshness, &self.rules.policy)
            && !freshness.must_revalidate
        {
            let window = |grace: Duration| (!grace.is_zero()).then_some(grace);
            let revalidating = window(policy.grace_while_revalidating());
            freshness.while_revalidating = freshness.while_revalidating.or(revalidating);
            freshness.if_error = freshness.if_error.or(window(policy.grace_on_error()));
        }
        let vary = Vary::of(headers);
        let can_be_revalidated = self.rules.revalidates && Validators::of(headers, now).are_any();
        let answer = Answer {
            request: seen,
            status: response.status(),
            headers,
            directives: &said.directives,
            freshness: freshness.as_ref(),
            vary: &vary,
            can_be_revalidated,
            is_keyed_by_cookies: self.rules.is_shared,
            is_of_one_user: self.rules.is_personal,
        };
        answer.may_be_stored(&self.rules.statuses)?;
        let freshness = freshness.ok_or("no lifetime")?;
        let (age, initial_age) = match self.rules.owner {
            Owner::Always(_) => (None, Duration::ZERO),
            _ => {
                let age = age::age(headers.get_all(AGE));
                let requested = now.checked_sub(started.elapsed()).unwrap_or(now);
                (age, age::Exchange { requested, answered: now }.initial_age(age, date))
            }
        };
        if initial_age >= freshness.end() && !can_be_revalidated {
            return Err("stale");
        }
        Ok(Admitted { freshness, initial_age, age, vary })
    }
}

/// Returns a body in as many bytes as it has. A template's is in a buffer that was doubled until it was large enough.
fn without_spare_room(body: Bytes) -> Bytes {
    match body.try_into_mut() {
        Ok(whole) if whole.capacity() - whole.len() > whole.len() / 16 => {
            Bytes::copy_from_slice(&whole)
        }
        Ok(whole) => whole.freeze(),
        Err(shared) => shared,
    }
}
