//! Builds a page: calls the handler, decides whether to store its response, and answers.
//!
//! - The handler is asked for the whole page, without credentials if the page is shared.
//! - A stale page is revalidated: a 304 of the handler updates the stored headers. RFC 9111 §4.3.
//! - If the handler fails or panics, a stale page is served if it permits that. RFC 5861 §4.
//! - A build is abandoned if its client has left and enough other requests came since.
//!
//! Not here: the call itself (`super::handler`), whether a response may be stored (`super::admission`).

use std::collections::BTreeSet;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Instant, SystemTime};

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{Service, ServiceRequest, ServiceResponse};
use actix_web::error::InternalError;
use actix_web::http::header::{HeaderMap, RETRY_AFTER};
use actix_web::http::{Method, StatusCode};
use actix_web::{Error, HttpMessage, HttpRequest, HttpResponse};

use super::added::vary_by_language;
use super::admission::{Admission, Refused};
use super::duplicate::duplicate;
use super::found_page::FoundPage;
use super::handler::{Panicked, led};
use super::holed::Holes;
use super::lookup::{Lookup, Task};
use super::middleware::{pass_by, warn_of_order};
use super::request;
use super::status::{CacheStatus, Forward};
use super::stored::{Page, Stored};
use crate::cache::{Built, refusal};
use crate::dependencies::Dependencies;
use crate::dependencies::{Note, Staleness};
use crate::event::Outcome;
use crate::flight::{Landing, Turn, land};
use crate::http::conditional::{Validators, questions};
use crate::http::freshness::Use;
use crate::http::merge;
use crate::level::Level;
use crate::panics;
use crate::policy::Policy;

impl Lookup {
    /// Reports whether the client must wait for a rebuild of this stale page.
    ///
    /// In the background the user of a user's page would be missing.
    pub(super) fn must_wait(&self, old: &FoundPage) -> bool {
        self.user.is_some() || old.page.is_to_be_awaited()
    }

    /// Serves the stale page, and rebuilds it once in the background.
    ///
    /// The background build gets the request, without the client's identity and without the extensions, save those
    /// that the rules carry. The response gets a copy of the request: the framework does not allow the handler and
    /// the surrounding middleware to share one.
    pub(super) async fn refresh_behind<S, B>(
        self,
        service: Rc<S>,
        mut request: ServiceRequest,
        old: FoundPage,
        varies: BTreeSet<String>,
    ) -> Result<ServiceResponse<BoxBody>, Error>
    where
        S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error> + 'static,
        B: MessageBody + 'static,
    {
        let response = self.stale(&old, Staleness::Revalidating, None).await;
        let Turn::Lead(leader) = self.cache.take_turn_behind(&old.key, &self.current) else {
            return Ok(request.into_response(response));
        };
        let clone = duplicate(&request).await?;
        // Surrounding middleware looks for its extensions when the response passes: move them over.
        std::mem::swap(&mut *clone.extensions_mut(), &mut *request.extensions_mut());
        self.rules.carry_over(&clone.extensions(), &mut request.extensions_mut());
        self.cache.report_outcome(Level::Page, &old.key, Outcome::Refreshing, Instant::now());
        request::strip_identity(&mut request, &self.rules, &varies);
        // The client has its answer: its directives are not for the rebuild.
        request::strip_conditionals(&mut request);
        let (cache, key, current) = (self.cache.clone(), old.key.clone(), self.current.clone());
        let (forward, page) = (Forward::Stale, old.page.clone());
        let task =
            Task { forward, varies, old: Some(old), leader: Some(leader), ..Task::default() };
        actix_web::rt::spawn(async move {
            // The client already has its response, and a failure leaves the page as it is.
            let _ = self.make(service, request, task).await;
            let kept = cache.peek::<Stored>(&key, &current).ok();
            let kept = kept.and_then(|(_, entry, _)| FoundPage::of(&key, entry));
            // The same page is still stored, so the rebuild failed: the next client waits for a rebuild.
            if kept.is_some_and(|kept| Arc::ptr_eq(&kept.page, &page)) {
                page.fail_behind();
            }
        });
        Ok(ServiceResponse::new(clone, response))
    }

    /// Has the handler build the page, and stores it if that is allowed.
    pub(super) async fn make<S, B>(
        self,
        service: Rc<S>,
        mut request: ServiceRequest,
        mut task: Task,
    ) -> Result<ServiceResponse<BoxBody>, Error>
    where
        S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error> + 'static,
        B: MessageBody + 'static,
    {
        if self.rules.obeys_requests && request::asks(request.headers(), "only-if-cached") {
            // RFC 9111 §5.2.1.7.
            let mut response = HttpResponse::new(StatusCode::GATEWAY_TIMEOUT);
            let status = CacheStatus::NotStored(task.forward, "only-if-cached");
            status.write(self.cache.name(), &mut response);
            return Ok(request.into_response(response));
        }
        let started = Instant::now();
        if request.method() == Method::HEAD {
            let status = CacheStatus::NotStored(task.forward, "head");
            let head = pass_by(&*service, &self.rules, request, (&self.asked, status)).await?;
            if let Some(old) = &task.old {
                self.retire(old, &head, started).await;
            }
            return Ok(head);
        }
        if let Some(miss) = task.miss.clone() {
            self.cache.report_outcome(Level::Page, &self.key, Outcome::Miss(miss), self.began);
        }
        request::strip_conditionals(&mut request);
        let may_be_of_visitor = !self.rules.is_shared && !self.rules.is_personal;
        if may_be_of_visitor && request::were_cookies_read(&mut request) {
            warn_of_order(&self.rules, request.path());
            task.is_of_visitor = true;
        }
        let clone = self.prepare(&mut request, task.old.as_ref()).await?;
        let place = request.match_info().clone();
        let called = led(task.leader.as_ref(), self.call(&*service, request)).await;
        let Some((mut answered, mut dependencies)) = called else { return Err(given_up()) };
        if let Ok(answer) = answered.as_ref()
            && is_about_another(task.old.as_ref(), answer)
        {
            (answered, dependencies) = self.call_anew(&*service, answered?, &place).await;
        }
        if let Err(error) = &answered {
            let is_panic = error.as_error::<Panicked>().is_some();
            let rule = if is_panic { panics::RULE } else { "error" };
            self.cache.report_outcome(Level::Page, &self.key, Outcome::NotStored(rule), started);
        }
        let status = match &answered {
            Ok(answer) => answer.status(),
            Err(error) => error.as_response_error().status_code(),
        };
        // A client that wants the page validated gets no stale one.
        let may_be_stale = answered.is_err() || status.is_server_error();
        let may_be_stale = may_be_stale && task.forward != Forward::Request;
        if let Some(old) = task.old.as_ref().filter(|old| may_be_stale && old.is_for_errors()) {
            let response = self.stale(old, Staleness::Error, Some(status.as_u16())).await;
            land(task.leader, Landing::Failed);
            let request = match (answered, clone) {
                (Ok(answer), _) => answer.into_parts().0,
                (Err(_), Some(clone)) => clone,
                (Err(error), None) => return Err(error),
            };
            return Ok(ServiceResponse::new(request, response));
        }
        let (request, response) = match answered {
            Ok(answer) => answer.into_parts(),
            Err(error) => {
                // Lands before returning: the waiting requests must not repeat the failure one by one.
                land(task.leader, Landing::Failed);
                return Err(error);
            }
        };
        let made = (dependencies, started);
        let response = response.map_into_boxed_body();
        let (response, kept) = self.keep(request.headers(), response, task, made).await;
        match kept.filter(|_| self.rules.has_canary) {
            None => Ok(ServiceResponse::new(request, response)),
            Some(kept) => self.send_canary(service, (request, response), kept, &place).await,
        }
    }

    /// Adds the revalidation headers if the rules want them.
    ///
    /// Returns a copy of the request in case the handler fails without a response and the stale page is
    /// served.
    async fn prepare(
        &self,
        request: &mut ServiceRequest,
        old: Option<&FoundPage>,
    ) -> Result<Option<HttpRequest>, Error> {
        let Some(old) = old else { return Ok(None) };
        if self.rules.revalidates {
            for (name, value) in questions(&old.page.said()) {
                request.headers_mut().insert(name, value);
            }
        }
        match old.is_for_errors() {
            true => duplicate(request).await.map(Some),
            false => Ok(None),
        }
    }

    /// Stores the response if allowed; returns what the client gets, and the stored page.
    async fn keep(
        &self,
        seen: &HeaderMap,
        response: HttpResponse<BoxBody>,
        mut task: Task,
        (mut dependencies, started): (Dependencies, Instant),
    ) -> (HttpResponse<BoxBody>, Option<FoundPage>) {
        if let Some(user) = &self.user {
            dependencies.add(user.clone(), self.current.stamp(user));
        }
        let is_revalidated = response.status() == StatusCode::NOT_MODIFIED;
        let is_useful = task.old.as_ref().is_some_and(|old| old.usage() != Use::Never);
        let old = task.old.take().filter(|_| is_revalidated);
        let response = match &old {
            Some(old) => freshened(old, response),
            None => response,
        };
        let forward = task.forward;
        let Admission { mut page, vary, age } = match self.admit(seen, response, started, &task) {
            Ok(admission) => admission,
            Err(refused) => {
                let Refused { response, rule } = *refused;
                self.cache.report_outcome(
                    Level::Page,
                    &self.key,
                    Outcome::NotStored(rule),
                    started,
                );
                // A refusal for one client's credentials must not replace a stale page that others can
                // still use, and a failure says nothing about the page.
                let is_about_who_asked = ["cookie", "authorization"].contains(&rule);
                let says_nothing = ["status", "error"].contains(&rule);
                if !(says_nothing || is_about_who_asked && is_useful) {
                    self.note_uncacheable(&task.varies, seen);
                }
                land(task.leader, Landing::Nothing);
                // The cause of a handler's failure says more than the failure itself.
                let cause = refusal(&dependencies).filter(|_| says_nothing);
                let rule = cause.unwrap_or(rule);
                let mut response = self.asked.of_unstored(response);
                vary_by_language(response.headers_mut(), &self.rules);
                CacheStatus::NotStored(forward, rule).write(self.cache.name(), &mut response);
                return (response, None);
            }
        };
        if let Some(old) = &old {
            page.take_codings_of(&old.page);
        }
        let page = Arc::new(page);
        let body = Arc::new(Stored::Page(page.clone()));
        let policy = self.policy_of(&page);
        let size = body.size();
        let place = self.place(vary, &task, seen);
        let rule = refusal(&dependencies).or_else(|| place.as_ref().err().copied());
        let note = dependencies.note().map(Note::name);
        let made = Built { body, dependencies, size, started, current: self.current.clone() };
        let kept = match (&place, rule) {
            (Ok((key, _)), None) => self.cache.store(Level::Page, key, &policy, made, task.lock),
            _ => None,
        };
        let varies = matches!(&place, Ok((_, names)) if !names.is_empty());
        // Before landing, so that the waiting requests find the new variant.
        if let Ok((key, names)) = &place {
            self.note_variant(names, kept.as_ref().map(|entry| (key, entry)));
        }
        let landing = match &kept {
            // Waiting requests may need another variant: they look it up themselves.
            Some(_) if varies && task.varies.is_empty() => Landing::Lost,
            Some(entry) => Landing::Entry(entry.clone()),
            None => Landing::Nothing,
        };
        land(task.leader, landing);
        let status = match rule {
            Some(rule) => CacheStatus::NotStored(forward, rule),
            None if is_revalidated => CacheStatus::Revalidated(forward),
            None => CacheStatus::Stored(forward, note),
        };
        let kept = kept.zip(place.ok());
        let at = tokio::time::Instant::now();
        let kept = kept.map(|(entry, (key, _))| FoundPage { key, page: page.clone(), entry, at });
        let answer = page.answer(&self.asked, age, (self.cache.name(), status)).await;
        let answer = match &kept {
            Some(found) => self.marked(answer, found, age.unwrap_or_default()),
            None => answer,
        };
        (answer, kept)
    }

    /// Returns the page, or the response of a handler that may have read the session of its visitor.
    fn admit(
        &self,
        seen: &HeaderMap,
        response: HttpResponse<BoxBody>,
        started: Instant,
        task: &Task,
    ) -> Result<Admission, Box<Refused>> {
        match task.is_of_visitor {
            true => Err(Box::new(Refused { response, rule: "session around" })),
            false => self.page_of(seen, response, started),
        }
    }

    /// Returns the policy by which a page is stored until it must not be used at all.
    ///
    /// Jitter is taken off lifetimes only: it must not shorten a window in which the page may be stale.
    fn policy_of(&self, page: &Page) -> Policy {
        let lifetime = page.freshness.end().saturating_sub(page.initial_age);
        let policy = self.rules.policy_for(lifetime);
        if page.freshness.end() > page.freshness.lifetime { policy.exact() } else { policy }
    }
}

/// Reports whether a 304 confirms another page than the stored one. RFC 9111 §4.3.4.
///
/// No client has asked about another one: its conditions were removed.
fn is_about_another<B>(old: Option<&FoundPage>, answer: &ServiceResponse<B>) -> bool {
    let is_another = |page: &Page| !is_about(&page.said(), answer.headers());
    answer.status() == StatusCode::NOT_MODIFIED && old.is_some_and(|old| is_another(&old.page))
}

/// Reports whether a 304 with the headers `new` is about the page for which the handler `said` this.
fn is_about(said: &HeaderMap, new: &HeaderMap) -> bool {
    let now = SystemTime::now();
    merge::freshens(&Validators::of(said, now), &Validators::of(new, now))
}

/// Returns the error for a client that has closed its side, and may still be reading, when its build was abandoned.
fn given_up() -> Error {
    let answer = HttpResponse::ServiceUnavailable().insert_header((RETRY_AFTER, "1")).finish();
    InternalError::from_response("others have asked for this page since", answer).into()
}

/// Returns the stored page with the headers of a 304, or the 304 itself if it is about another page.
fn freshened(old: &FoundPage, response: HttpResponse<BoxBody>) -> HttpResponse<BoxBody> {
    let (page, said) = (&old.page, old.page.said());
    if !is_about(&said, response.headers()) {
        return response;
    }
    let headers = merge::merge(&said, response.headers());
    let mut whole = HttpResponse::with_body(page.status, BoxBody::new(page.body.clone()));
    whole.extensions_mut().insert(Holes(page.holes.clone()));
    *whole.headers_mut() = headers;
    whole
}
