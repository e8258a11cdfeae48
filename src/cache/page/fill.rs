//! Making a page: the handler is asked, and what it answers is judged, kept and answered.
//!
//! - The handler is asked for the whole page, as nobody in particular where pages are for everybody.
//! - It is asked anew where what it read meanwhile mixes two states of the data.
//! - About a stale page it is asked whether that is still good; its 304 brings the stored headers up to
//!   date. Source: RFC 9111 §4.3.
//! - Where it fails, a stale page is answered if that one says so. Source: RFC 5861 §4.
//! - Whether an answer may be kept is judged on what the handler said.

use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::dev::{Service, ServiceRequest, ServiceResponse};
use actix_web::http::header::{AGE, DATE, EXPIRES, HeaderMap};
use actix_web::http::{Method, StatusCode};
use actix_web::{Error, HttpMessage, HttpRequest, HttpResponse};

use super::conditional::{Validators, questions};
use super::freshness::{Freshness, Owner, Use};
use super::middleware::pass_by;
use super::status::{CacheStatus, Forward};
use super::storable::Answer;
use super::stored::{Page, Stored};
use super::targeted::Policy as Said;
use super::vary::Vary;
use super::visit::{Kept, Task, Visit};
use super::{age, date, merge, request};
use crate::cache::derive::land;
use crate::cache::event::{Outcome, Staleness};
use crate::cache::flight::{Landing, Turn};
use crate::cache::handle::{Made, refusal};
use crate::cache::level::Level;
use crate::cache::policy::Policy;
use crate::cache::scope::{self, Dependencies};

/// How often a page is made anew because the data changed while it was made.
const RESTARTS: u32 = 4;

/// What was judged of an answer that may be kept.
struct Judged {
    freshness: Freshness,
    initial_age: Duration,
    vary: Vary,
}

/// An answer that is not kept, untouched, and the rule that refuses it.
struct Refused {
    response: HttpResponse<BoxBody>,
    rule: &'static str,
}

impl Visit {
    /// Answers the stale page, and has it made anew meanwhile, once.
    ///
    /// The handler gets the request, with all that the framework keeps in it; the answer belongs to a
    /// likeness of it: handlers and whatever is around this middleware would else share one request,
    /// which the framework does not allow.
    pub async fn refresh_behind<S, B>(
        self,
        service: Rc<S>,
        mut request: ServiceRequest,
        old: Kept,
    ) -> Result<ServiceResponse<BoxBody>, Error>
    where
        S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error> + 'static,
        B: MessageBody + 'static,
    {
        let Some(response) = self.stale(&old, Staleness::Revalidating).await else {
            return self.make(&*service, request, Task::default()).await;
        };
        let Turn::Lead(leader) = self.cache.take_turn(&old.key) else {
            return Ok(request.into_response(response));
        };
        let likeness = likeness(&mut request);
        self.cache.tell(Level::Page, &old.key, Outcome::Refreshing, Instant::now());
        let forward = Forward::Stale;
        let task = Task { forward, old: Some(old), leader: Some(leader), ..Task::default() };
        actix_web::rt::spawn(async move {
            // Whoever asked has an answer already; a failure leaves the page as it is.
            let _ = self.make(&*service, request, task).await;
        });
        Ok(ServiceResponse::new(likeness, response))
    }

    /// Lets the handler make the page and keeps it, if that is allowed.
    pub async fn make<S, B>(
        self,
        service: &S,
        mut request: ServiceRequest,
        task: Task,
    ) -> Result<ServiceResponse<BoxBody>, Error>
    where
        S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error>,
        B: MessageBody + 'static,
    {
        if self.rules.obeys_requests && request::asks(request.headers(), "only-if-cached") {
            // RFC 9111 §5.2.1.7.
            let mut response = HttpResponse::new(StatusCode::GATEWAY_TIMEOUT);
            CacheStatus::NotStored(task.forward, "only-if-cached").write(response.headers_mut());
            return Ok(request.into_response(response));
        }
        if request.method() == Method::HEAD {
            request::make_anybodys(&mut request, &self.rules);
            return pass_by(service, request, CacheStatus::NotStored(task.forward, "head")).await;
        }
        let started = Instant::now();
        if let Some(miss) = task.miss.clone() {
            self.cache.tell(Level::Page, &self.key, Outcome::Miss(miss), started);
        }
        request::make_whole(&mut request, &self.rules);
        let likeness = self.prepare(&mut request, task.old.as_ref());
        let (answered, dependencies) = self.call(service, request).await;
        let failed = answered.as_ref().map_or(true, |answer| answer.status().is_server_error());
        if let Some(old) = task.old.as_ref().filter(|old| failed && is_for_errors(old))
            && let Some(response) = self.stale(old, Staleness::Error).await
        {
            land(task.leader, Landing::Nothing);
            let request = match (answered, likeness) {
                (Ok(answer), _) => answer.into_parts().0,
                (Err(_), Some(likeness)) => likeness,
                (Err(error), None) => return Err(error),
            };
            return Ok(ServiceResponse::new(request, response));
        }
        let (request, response) = answered?.into_parts();
        let made = (dependencies, started);
        let response =
            self.keep(request.headers(), response.map_into_boxed_body(), task, made).await;
        Ok(ServiceResponse::new(request, response))
    }

    /// Asks about the stale page, where the owner wants that; a likeness of the request for an answer
    /// should the handler fail without one.
    fn prepare(&self, request: &mut ServiceRequest, old: Option<&Kept>) -> Option<HttpRequest> {
        let old = old?;
        if self.rules.revalidates
            && let Some(page) = old.page()
        {
            for (name, value) in questions(&page.header_map()) {
                request.headers_mut().insert(name, value);
            }
        }
        is_for_errors(old).then(|| likeness(request))
    }

    /// Keeps the answer if that is allowed, and gives it to who asked.
    async fn keep(
        &self,
        seen: &HeaderMap,
        response: HttpResponse<BoxBody>,
        mut task: Task,
        (dependencies, started): (Dependencies, Instant),
    ) -> HttpResponse<BoxBody> {
        let is_revalidated = response.status() == StatusCode::NOT_MODIFIED;
        let response = match task.old.take().filter(|_| is_revalidated) {
            Some(old) => freshened(&old, response),
            None => response,
        };
        let forward = task.forward;
        let (page, vary) = match self.page_of(seen, response) {
            Ok(page) => page,
            Err(refused) => {
                let Refused { mut response, rule } = *refused;
                self.cache.tell(Level::Page, &self.key, Outcome::NotStored(rule), started);
                if rule != "status" && rule != "error" {
                    self.note_uncacheable();
                }
                land(task.leader, Landing::Nothing);
                CacheStatus::NotStored(forward, rule).write(response.headers_mut());
                return response;
            }
        };
        let stored = Arc::new(Stored::Page(Box::new(page)));
        let Stored::Page(page) = &*stored else { unreachable!("it is a page") };
        let lifetime = page.freshness.end().saturating_sub(page.initial_age);
        let (size, body) = (stored.size(), stored.clone());
        let place = self.place(vary, &task, seen);
        let rule = refusal(&dependencies).or_else(|| place.as_ref().err().copied());
        let made = Made { body, dependencies, size, started };
        let kept = match (&place, rule) {
            (Ok(key), None) => {
                self.cache.keep(Level::Page, key, &Policy::fresh_for(lifetime), made, task.lock)
            }
            _ => None,
        };
        let varies = matches!(&place, Ok(key) if *key != self.key);
        let landing = match kept {
            // Who waited for the address looks again for a variant of its own.
            Some(_) if varies && task.varies.is_empty() => Landing::Lost,
            Some(entry) => Landing::Entry(entry),
            None => Landing::Nothing,
        };
        land(task.leader, landing);
        let status = match rule {
            Some(rule) => CacheStatus::NotStored(forward, rule),
            None if is_revalidated => CacheStatus::Revalidated,
            None => CacheStatus::Stored(forward),
        };
        page.answer(&self.asked, None, &status).await
    }

    /// Where the page is to be kept.
    fn place(
        &self,
        vary: Vary,
        task: &Task,
        seen: &HeaderMap,
    ) -> Result<crate::cache::key::Key, &'static str> {
        let known = Vary::Names(task.varies.clone());
        let Vary::Names(names) = known.union(vary) else { return Err("vary") };
        if names.is_empty() {
            return Ok(self.key.clone());
        }
        let key = self.variant_key(&names, seen).ok_or("variant too long")?;
        if self.note_variants(names) { Ok(key) } else { Err("too many variants") }
    }

    /// The page that an answer is, and on what it varies; or the answer untouched, and the rule that
    /// refuses it.
    fn page_of(
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
        let Judged { freshness, initial_age, vary } = judged;
        let codes = self.rules.has_codings;
        let page = Page::new(head.status(), head.headers(), body, freshness, initial_age, codes);
        Ok((page, vary))
    }

    fn judge(
        &self,
        seen: &HeaderMap,
        response: &HttpResponse<BoxBody>,
    ) -> Result<Judged, &'static str> {
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
        Ok(Judged { freshness, initial_age, vary })
    }

    /// Lets the handler answer; anew, if what it read meanwhile mixes two states of the data.
    async fn call<S, B>(
        &self,
        service: &S,
        request: ServiceRequest,
    ) -> (Result<ServiceResponse<B>, Error>, Dependencies)
    where
        S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error>,
    {
        let mut view = self.view.clone();
        let mut made = scope::collect(view, service.call(request)).await;
        for _ in 0..RESTARTS {
            if !made.1.is_torn() {
                break;
            }
            made = match made {
                (Ok(response), torn) => match self.cache.view_for(Level::Page).await {
                    Some(newer) => {
                        view = newer;
                        let (request, _) = response.into_parts();
                        let request = ServiceRequest::from_request(request);
                        scope::collect(view, service.call(request)).await
                    }
                    None => return (Ok(response), torn),
                },
                failed => return failed,
            };
        }
        made
    }
}

/// Whether a stale page may be answered where a new one could not be made.
fn is_for_errors(old: &Kept) -> bool {
    matches!(old.usage(), Use::IfError)
        || old.page().is_some_and(|page| {
            let stale = old.age().saturating_sub(page.freshness.lifetime);
            page.freshness.if_error.is_some_and(|window| stale < window)
        })
}

/// The stored page with what a 304 says of it; the 304 itself where it is about another one.
fn freshened(old: &Kept, response: HttpResponse<BoxBody>) -> HttpResponse<BoxBody> {
    let now = SystemTime::now();
    match old.page() {
        Some(page)
            if merge::freshens(&page.validators, &Validators::of(response.headers(), now)) =>
        {
            let headers = merge::merge(&page.header_map(), response.headers());
            let mut whole = HttpResponse::with_body(page.status, BoxBody::new(page.body.clone()));
            *whole.headers_mut() = headers;
            whole
        }
        _ => response,
    }
}

/// A request like this one, for an answer that is given while a handler has this one.
fn likeness(request: &mut ServiceRequest) -> HttpRequest {
    let mut like = actix_web::test::TestRequest::default()
        .method(request.method().clone())
        .uri(&request.uri().to_string())
        .version(request.version());
    if let Some(peer) = request.peer_addr() {
        like = like.peer_addr(peer);
    }
    for (name, value) in request.headers() {
        like = like.append_header((name.clone(), value.clone()));
    }
    let like = like.to_http_request();
    std::mem::swap(&mut *like.extensions_mut(), &mut *request.extensions_mut());
    like
}
