//! Which answers a cache in front of the site may store ([`crate::front`]).

use std::iter::successors;

use actix_web::HttpResponse;
use actix_web::body::BoxBody;
use actix_web::dev::ServiceRequest;
use actix_web::http::StatusCode;
use actix_web::http::header::{AUTHORIZATION, COOKIE, HOST, HeaderName, HeaderValue};

use super::found_page::FoundPage;
use super::lookup::Lookup;
use super::of_request::Keyed;
use super::rules::Rules;
use crate::front::{Front, LONGEST_ANSWER, Mark};
use crate::http::passed_on::PassedOn;
use crate::key::Key;
use crate::removal::Removal;

/// Returns the cache in front, if it may store the answer to this request.
pub(super) fn front_for(
    front: Option<Front>,
    rules: &Rules,
    request: &ServiceRequest,
) -> Option<Front> {
    let front = front?;
    let headers = request.headers();
    let is_anonymous = !headers.contains_key(COOKIE) && !headers.contains_key(AUTHORIZATION);
    let is_empty = |keyed: &Keyed| {
        keyed.header().is_some_and(|name| headers.get(name).is_none_or(HeaderValue::is_empty))
    };
    let is_for_all = rules.tell_apart_by_cookies() && rules.keyed.iter().all(is_empty);
    // Another key than by address and host is not known in front.
    let is_keyed = !rules.headers.is_empty() || !rules.cookies.is_empty();
    // Writes to its address invalidate it here, and are not seen in front.
    let is_known = rules.is_shared && !rules.is_emptied_by_writes && !is_keyed;
    // The front ignores what else proxies forward, so a client could choose for all what the page shows.
    let is_plain = |(name, value): (&HeaderName, &HeaderValue)| match name.as_str() {
        "x-forwarded-proto" => true,
        // The front writes it itself.
        "cf-visitor" => front == Front::Cloudflare,
        "fastly-ssl" => front == Front::Fastly,
        "x-forwarded-host" => headers.get(HOST) == Some(value),
        name => PassedOn::of(name) != Some(PassedOn::Origin),
    };
    (is_known && is_anonymous && is_for_all && headers.iter().all(is_plain)).then_some(front)
}

impl Lookup {
    /// Returns `answer`, marked if the cache in front may store it. It is this page, whose age goes out as `age`.
    pub(super) fn marked(
        &self,
        mut answer: HttpResponse<BoxBody>,
        found: &FoundPage,
        age: u64,
    ) -> HttpResponse<BoxBody> {
        let Some(front) = self.front else { return answer };
        let left = found.page.freshness.lifetime.saturating_sub(found.age_then());
        let left = left.min(found.entry.remaining_at(found.at)).as_secs();
        let is_whole = [found.page.status(), StatusCode::NOT_MODIFIED].contains(&answer.status());
        let is_filled = self.asked.fillings.fill_any(&found.page.holes);
        if left == 0 || !is_whole || is_filled || self.began.elapsed() > LONGEST_ANSWER {
            return answer;
        }
        let keys = || successors(Some(&found.key), |key| key.variant_of());
        let removals = [Removal::Deleted, Removal::Ended].map(|removal| {
            let of_key = |key: &Key| removal.of_key(key.as_str());
            keys().map(of_key).chain([removal.of_all()]).collect::<Vec<_>>()
        });
        let tags = found.entry.tags().chain(removals.iter().flatten());
        let names: Vec<&str> = tags.map(|tag| tag.as_str()).collect();
        let mark = Mark::new(front, &names, age + left, self.rules.is_told_apart);
        answer.extensions_mut().insert(mark);
        answer
    }
}
