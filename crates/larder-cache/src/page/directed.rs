//! Obeys the cache directives of requests, where the rules say so.
//!
//! - A page that the directives do not accept is revalidated, not fetched whole. RFC 9111 §5.2.1.
//! - A `HEAD` that shows another validator retires the stored page. RFC 9111 §4.3.5.

use std::time::{Instant, SystemTime};

use actix_web::HttpResponse;
use actix_web::body::BoxBody;
use actix_web::dev::ServiceResponse;
use actix_web::http::header::HeaderMap;

use super::found_page::FoundPage;
use super::lookup::{Found, Looked, Lookup, Task};
use super::status::{CacheStatus, Forward};
use super::stored::Stored;
use crate::event::{Miss, Outcome};
use crate::http::conditional::Validators;
use crate::http::freshness::Use;
use crate::http::request_directives::RequestDirectives;
use crate::level::Level;

impl Lookup {
    /// Returns what the request's directives ask for, or `None` if they leave that to the cache.
    pub(super) async fn find_as_directed(&self, headers: &HeaderMap) -> Option<Found> {
        let wanted = RequestDirectives::of(headers);
        if wanted == RequestDirectives::default() {
            return None;
        }
        let (kept, varies, is_valid) = match self.look(headers) {
            Looked::Page(kept, varies) => (Some(kept), varies, true),
            Looked::Missed(key, missed, varies) => {
                let old = missed.old.filter(|_| missed.miss == Miss::Expired);
                (old.and_then(|entry| FoundPage::of(&key, entry)), varies, false)
            }
            Looked::Uncacheable(varies) => (None, varies, false),
        };
        let is_fresh = kept.as_ref().is_some_and(|kept| is_valid && kept.usage() == Use::Fresh);
        // A page that has ended early, such as by hand, has no age at which it became stale.
        let has_ended_early = |kept: &FoundPage| !is_valid && kept.usage() == Use::Fresh;
        let accepted = kept.as_ref().filter(|kept| {
            !has_ended_early(kept) && wanted.accept(&kept.page.freshness, kept.age())
        });
        if let Some(kept) = accepted {
            return match kept.usage() {
                Use::Fresh => Some(Found::Answer(self.hit(kept).await)),
                // The cache serves it stale anyway, and refreshes it.
                Use::WhileRevalidating if is_valid => None,
                _ => Some(Found::Answer(self.by_permission(kept).await)),
            };
        }
        let forward = match &kept {
            _ if wanted.no_cache || is_fresh => Forward::Request,
            Some(_) => Forward::Stale,
            None if varies.is_empty() => Forward::UriMiss,
            None => Forward::VaryMiss,
        };
        match kept {
            // With `only-if-cached` nothing will be built that could be stored.
            _ if wanted.no_store && !wanted.only_if_cached => {
                Some(Found::PassThrough(CacheStatus::NotStored(forward, "no-store")))
            }
            None if !wanted.no_cache => None,
            old if wanted.are_strict() => {
                Some(Found::Nothing(Task { forward, varies, old, ..Task::default() }))
            }
            _ => None,
        }
    }

    /// Answers with a stale page, since the request permits it.
    async fn by_permission(&self, kept: &FoundPage) -> HttpResponse<BoxBody> {
        self.cache.report_entry(Level::Page, &kept.key, Outcome::Hit, self.began, &kept.entry);
        let age = kept.age();
        let since = age.saturating_sub(kept.page.freshness.lifetime).as_secs();
        let status = CacheStatus::Stale { since, why: "max-stale" };
        kept.page.answer(&self.asked, Some(age.as_secs()), (self.cache.name(), status)).await
    }

    /// Deletes the stored page if the handler's response to a `HEAD` has another validator.
    ///
    /// Only if that response could have been stored: one for a single client says nothing about the page.
    pub(super) async fn retire(
        &self,
        old: &FoundPage,
        head: &ServiceResponse<BoxBody>,
        started: Instant,
    ) {
        let is_for_all = self.judge(head.request().headers(), head.response(), started).is_ok();
        let of = |headers: &HeaderMap| Validators::of(headers, SystemTime::now());
        let is_another = of(&old.page.said()).contradict(&of(head.headers()));
        if is_for_all && is_another && head.status() == old.page.status() {
            // If the shared store does not answer, no reader accepts the page all the same.
            let _ = self.cache.delete::<Stored>(&old.key).await;
        }
    }
}
