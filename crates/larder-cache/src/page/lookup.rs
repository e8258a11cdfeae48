//! Handles one request for a page that may be stored.
//!
//! - A stored page is served while it is fresh. It is served stale during a rebuild, or if the rebuild
//!   fails, only if it permits that.
//! - One request builds a page, or a variant of it. The others wait, and check the result for themselves.
//! - The number of waiting requests per page is limited; further ones get a 503 with `Retry-After`.
//! - After a response that could not be stored, requests do not wait for each other for a while. Those with
//!   conditions or ranges go to the handler directly.

use std::collections::BTreeSet;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use actix_web::body::BoxBody;
use actix_web::dev::ServiceRequest;
use actix_web::http::header::{HeaderMap, HeaderValue, RETRY_AFTER};
use actix_web::http::{Method, StatusCode};
use actix_web::web;
use actix_web::{HttpMessage, HttpResponse};

use super::deliver::Asked;
use super::found_page::FoundPage;
use super::handed::Served;
use super::request;
use super::rules::Rules;
use super::status::{CacheStatus, Forward};
use super::stored::Stored;
use crate::Cache;
use crate::cache::{Missed, Recalled};
use crate::dependencies::Staleness;
use crate::entry::Entry;
use crate::event::{Event, Miss, Outcome};
use crate::find::{self, Look};
use crate::flight::{Landing, Leader, Turn, land};
use crate::front::Front;
use crate::http::freshness::Use;
use crate::key::Key;
use crate::level::Level;
use crate::stamps::Stamps;
use crate::tag::Tag;
use crate::tier::shared;

/// A request for a page, with all that is needed to answer it.
pub(super) struct Lookup {
    pub cache: web::Data<Cache>,
    /// Key of the URL.
    pub key: Key,
    pub current: Arc<Stamps>,
    pub rules: Rc<Rules>,
    pub asked: Asked,
    /// The tag of the user for whom the page is stored.
    pub user: Option<Tag>,
    /// The cache in front, if it may store the answer.
    pub front: Option<Front>,
    pub began: Instant,
    /// Whether a layer around the site wants to know which page a hit is.
    pub is_wanted: bool,
}

/// The result of the lookup.
pub(super) enum Found {
    Answer(HttpResponse<BoxBody>),
    /// A stale page that may be served during a rebuild, and the headers on which its URL varies.
    Stale(FoundPage, BTreeSet<String>),
    /// The response is not to be stored: the client does not want the whole of it, or forbids it.
    PassThrough(CacheStatus),
    /// No page: build it.
    Nothing(Task),
}

/// A page to build.
#[derive(Default)]
pub(super) struct Task {
    pub miss: Option<Miss>,
    pub forward: Forward,
    /// The headers on which the URL is known to vary.
    pub varies: BTreeSet<String>,
    /// A stale page to revalidate, or to serve if the build fails.
    pub old: Option<FoundPage>,
    /// Wakes the waiting requests of this process.
    pub leader: Option<Leader>,
    /// The lock among instances.
    pub lock: Option<shared::Lock>,
    /// Whether the handler can see what a layer around the cache has made of the visitor's cookies.
    pub is_of_visitor: bool,
}

/// The result of a lookup in the local tier.
pub(super) enum Looked {
    Page(FoundPage, BTreeSet<String>),
    Uncacheable(BTreeSet<String>),
    Missed(Key, Missed, BTreeSet<String>),
}

/// Builds the response for a request that finds too many waiting.
fn turned_away(name: &str, forward: Forward) -> HttpResponse<BoxBody> {
    let mut response = HttpResponse::new(StatusCode::SERVICE_UNAVAILABLE);
    response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("1"));
    CacheStatus::NotStored(forward, "too many wait").write(name, &mut response);
    response
}

/// A page that a request wants, for [`find::find`].
struct Sought<'s> {
    lookup: &'s Lookup,
    headers: &'s HeaderMap,
    is_head: bool,
}

/// A page that was not found, or not fresh.
struct Unfound {
    key: Key,
    missed: Missed,
    task: Task,
    is_stale: bool,
}

impl find::Wanted for Sought<'_> {
    type Key = Key;
    type Load = Arc<Entry>;
    type Answer = Found;
    type Missed = Unfound;

    async fn look(&self) -> Look<Found, Unfound> {
        let lookup = self.lookup;
        let unfound = match lookup.look(self.headers) {
            Looked::Page(kept, varies) => match kept.usage_then() {
                Use::Fresh => return Look::There(Found::Answer(lookup.hit(&kept).await)),
                Use::WhileRevalidating if !lookup.must_wait(&kept) => {
                    return Look::There(Found::Stale(kept, varies));
                }
                Use::WhileRevalidating | Use::IfError | Use::Never => {
                    let missed = Missed { miss: Miss::Expired, old: Some(kept.entry) };
                    lookup.unfound(kept.key, missed, varies, true)
                }
            },
            Looked::Uncacheable(_) if lookup.asked.is_conditional() => {
                let status = CacheStatus::NotStored(Forward::UriMiss, "uncacheable");
                return Look::There(Found::PassThrough(status));
            }
            Looked::Uncacheable(varies) => {
                return Look::There(Found::Nothing(Task { varies, ..Task::default() }));
            }
            Looked::Missed(key, missed, varies) => lookup.unfound(key, missed, varies, false),
        };
        // No request may use what the handler has said to another one, so none waits.
        let is_validated_each_time =
            unfound.task.old.as_ref().is_some_and(FoundPage::is_for_validation);
        match self.is_head || is_validated_each_time {
            true => Look::Alone(unfound),
            false => Look::Missing(unfound),
        }
    }

    fn turn(&self, unfound: &Unfound) -> Turn {
        self.lookup.cache.take_turn(&unfound.key, &self.lookup.current)
    }

    fn is_outdated(&self, unfound: &Unfound) -> bool {
        unfound.missed.is_outdated(&self.lookup.cache, &unfound.key)
    }

    async fn landed(&self, unfound: &Unfound, entry: Arc<Entry>, behind: u64) -> Option<Found> {
        let answer = self.lookup.collapsed(&unfound.key, entry, &unfound.task, behind).await?;
        Some(Found::Answer(answer))
    }

    async fn failed(&self, unfound: &Unfound) -> Option<Found> {
        Some(Found::Answer(self.lookup.instead(&unfound.task).await?))
    }
}

impl Lookup {
    /// Looks the page up, and waits for another request that is building it.
    pub(super) async fn find(&self, request: &ServiceRequest) -> Found {
        let headers = request.headers();
        if request.extensions().contains::<request::Bypass>() {
            return Found::Nothing(Task { forward: Forward::Request, ..Task::default() });
        }
        if self.rules.obeys_requests
            && let Some(found) = self.find_as_directed(headers).await
        {
            return found;
        }
        let sought = Sought { lookup: self, headers, is_head: request.method() == Method::HEAD };
        loop {
            let (unfound, leader) = match find::find(&sought).await {
                find::Found::Answer(found) => return found,
                find::Found::Full(unfound) => {
                    return Found::Answer(turned_away(self.cache.name(), unfound.task.forward));
                }
                // A page nested in itself has its own key, so it cannot wait for itself: see `apart`.
                find::Found::Circle(_, unfound) => (unfound, None),
                find::Found::Build(unfound, leader) => (unfound, leader),
            };
            let Unfound { key, mut task, is_stale, .. } = unfound;
            // Without a leader it is built alone. A stale page is revalidated at once: no other instance is
            // likely to have a newer one.
            let is_recalled = leader.is_some() && !is_stale;
            task.leader = leader;
            if !is_recalled {
                return Found::Nothing(task);
            }
            if let Some(found) = self.recall(&key, task).await {
                return found;
            }
        }
    }

    /// Looks the page up in the local tier.
    pub(super) fn look(&self, headers: &HeaderMap) -> Looked {
        let (stored, entry, at) = match self.cache.peek::<Stored>(&self.key, &self.current) {
            Ok(found) => found,
            Err(missed) => return Looked::Missed(self.key.clone(), missed, BTreeSet::new()),
        };
        let names = match &*stored {
            Stored::Page(page) => {
                let kept = FoundPage { key: self.key.clone(), page: page.clone(), entry, at };
                return Looked::Page(kept, BTreeSet::new());
            }
            Stored::Uncacheable => return Looked::Uncacheable(BTreeSet::new()),
            Stored::Varies(variants) => {
                // The note may be counted among the pages of its URL, where the least used one goes.
                entry.count_hit();
                variants.names.clone()
            }
        };
        let Some(key) = self.variant_key(&names, headers) else {
            return Looked::Uncacheable(names);
        };
        match self.cache.peek::<Stored>(&key, &self.current) {
            Ok((stored, entry, at)) => match &*stored {
                Stored::Page(page) => {
                    Looked::Page(FoundPage { key, page: page.clone(), entry, at }, names)
                }
                Stored::Varies(_) | Stored::Uncacheable => Looked::Uncacheable(names),
            },
            Err(missed) => Looked::Missed(key, missed, names),
        }
    }

    fn unfound(
        &self,
        key: Key,
        missed: Missed,
        varies: BTreeSet<String>,
        is_stale: bool,
    ) -> Unfound {
        let old = missed.old.as_ref().and_then(|entry| FoundPage::of(&key, entry.clone()));
        let forward = match &old {
            Some(_) => Forward::from(&missed.miss),
            // Neither is a marker a stored page.
            None if varies.is_empty() => Forward::UriMiss,
            None => Forward::VaryMiss,
        };
        // Only expired pages are revalidated: an invalidated one has different data.
        let old = old.filter(|_| missed.miss == Miss::Expired);
        let miss = Some(missed.miss.clone());
        let task = Task { miss, forward, varies, old, ..Task::default() };
        Unfound { key, missed, task, is_stale }
    }

    /// Looks the page up in the shared tier before it is built.
    ///
    /// Returns `None` if the local tier must be looked at again.
    async fn recall(&self, key: &Key, task: Task) -> Option<Found> {
        let policy = self.rules.policy_for(Duration::ZERO);
        match self.cache.recall::<Stored>(Level::Page, key, &policy, &self.current).await {
            Recalled::Nothing(lock) => Some(Found::Nothing(Task { lock, ..task })),
            Recalled::Found(_, entry) => {
                let kept = FoundPage::of(key, entry.clone());
                let Some(kept) = kept.filter(|kept| kept.usage() == Use::Fresh) else {
                    // Found a marker or a stale page, which is in the local tier now: all look it up there.
                    land(task.leader, Landing::Lost);
                    return None;
                };
                self.note_variant(&task.varies, Some((key, &entry)));
                let answer = self.hit(&kept).await;
                land(task.leader, Landing::Entry(entry));
                Some(Found::Answer(answer))
            }
        }
    }

    pub(super) async fn hit(&self, kept: &FoundPage) -> HttpResponse<BoxBody> {
        let (age, status) = kept.report_hit(&self.cache, self.began);
        let name = self.cache.name();
        let mut response = kept.page.answer(&self.asked, Some(age), (name, status)).await;
        // Not that of a variant: requests can differ in a header that is not among the compared ones.
        if self.is_wanted && kept.key == self.key {
            let served = Served::new(&self.cache, kept.key.clone(), kept.page.clone());
            response.extensions_mut().insert(served);
        }
        self.marked(response, kept, age)
    }

    /// Answers with the page that another request has built, unless it is older than our stamps.
    async fn collapsed(
        &self,
        key: &Key,
        entry: Arc<Entry>,
        task: &Task,
        behind: u64,
    ) -> Option<HttpResponse<BoxBody>> {
        let kept = entry.is_at_least(&self.current).then(|| FoundPage::of(key, entry))??;
        if kept.usage() != Use::Fresh {
            return None;
        }
        let event = Event::new(Level::Page, key, Outcome::Collapsed, self.began.elapsed());
        self.cache.report(event.of(&kept.entry).behind(behind));
        let status = (self.cache.name(), CacheStatus::Collapsed(task.forward));
        let age = kept.age().as_secs();
        let answer = kept.page.answer(&self.asked, Some(age), status).await;
        Some(self.marked(answer, &kept, age))
    }

    /// Returns the stale page, if it permits that, after another request failed to build the page.
    async fn instead(&self, task: &Task) -> Option<HttpResponse<BoxBody>> {
        let old = task.old.as_ref().filter(|old| old.is_for_errors())?;
        Some(self.stale(old, Staleness::Error, None).await)
    }

    /// Answers with a stale page, for the reason `why`; `failed` is the status of a handler that failed.
    pub(super) async fn stale(
        &self,
        old: &FoundPage,
        why: Staleness,
        failed: Option<u16>,
    ) -> HttpResponse<BoxBody> {
        self.cache.report_entry(Level::Page, &old.key, Outcome::Stale(why), self.began, &old.entry);
        let age = old.age();
        let since = age.saturating_sub(old.page.freshness.lifetime).as_secs();
        let status = match why {
            Staleness::Error => CacheStatus::Failed { since, status: failed },
            _ => CacheStatus::Stale { since, why: why.name() },
        };
        old.page.answer(&self.asked, Some(age.as_secs()), (self.cache.name(), status)).await
    }
}
