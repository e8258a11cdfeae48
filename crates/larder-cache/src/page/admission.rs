//! Turns the response of a handler into a page, if it may be stored.
//!
//! - The decision looks at the handler's own headers, before the defaults for browsers are written.
//! - The stale windows of the rules apply unless the response forbids stale use.
//! - A streamed body, or one larger than the rules allow, is not stored.

use std::time::{Duration, SystemTime};

use actix_web::HttpResponse;
use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::http::header::{AGE, DATE, EXPIRES, HeaderMap};

use super::lookup::Lookup;
use super::stored::Page;
use crate::http::freshness::{Freshness, Owner};
use crate::http::storable::Answer;
use crate::http::targeted::TargetedPolicy as Said;
use crate::http::vary::Vary;
use crate::http::{age, date};

/// What was decided about a response that may be stored.
struct Admitted {
    freshness: Freshness,
    initial_age: Duration,
    vary: Vary,
}

/// A response that is not stored, unchanged, and the rule that refuses it.
pub(super) struct Refused {
    pub response: HttpResponse<BoxBody>,
    pub rule: &'static str,
}

impl Lookup {
    /// Returns the page and its `Vary`, or the unchanged response and the rule that refuses it.
    pub fn page_of(
        &self,
        seen: &HeaderMap,
        response: HttpResponse<BoxBody>,
    ) -> Result<(Page, Vary), Box<Refused>> {
        let refused = |response, rule| Err(Box::new(Refused { response, rule }));
        let judged = match self.judge(seen, &response) {
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
        let (head, body) = response.into_parts();
        let body = match body.try_into_bytes() {
            Ok(body) => body,
            Err(body) => return refused(head.set_body(body), "streaming"),
        };
        let Admitted { freshness, initial_age, vary } = judged;
        let codes = self.rules.has_codings;
        let page = Page::new(head.status(), head.headers(), body, freshness, initial_age, codes);
        Ok((page, vary))
    }

    fn judge(
        &self,
        seen: &HeaderMap,
        response: &HttpResponse<BoxBody>,
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
        let answer = Answer {
            request: seen,
            status: response.status(),
            headers,
            directives: &said.directives,
            freshness: freshness.as_ref(),
            vary: &vary,
        };
        answer.may_be_stored(&self.rules.statuses)?;
        let freshness = freshness.ok_or("no lifetime")?;
        let initial_age = match self.rules.owner {
            Owner::Always(_) => Duration::ZERO,
            _ => {
                let exchange = age::Exchange { requested: now, answered: now };
                exchange.initial_age(age::age(headers.get_all(AGE)), date)
            }
        };
        if initial_age >= freshness.end() {
            return Err("stale");
        }
        Ok(Admitted { freshness, initial_age, vary })
    }
}
