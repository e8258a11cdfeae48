//! Making a page: the handler is asked, and what it answers is judged, kept and answered.
//!
//! - The handler is asked for the whole page, as nobody in particular where pages are for everybody.
//! - It is asked anew where what it read meanwhile mixes two states of the data.
//! - About a stale page it is asked whether that is still good; its 304 brings the stored headers up to
//!   date. Source: RFC 9111 §4.3.
//! - Where it fails, a stale page is answered if that one says so. Source: RFC 5861 §4.
//!
//! Not here: whether an answer may be kept (`super::judged`).

use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{Service, ServiceRequest, ServiceResponse};
use actix_web::http::header::HeaderMap;
use actix_web::http::{Method, StatusCode};
use actix_web::{Error, HttpMessage, HttpRequest, HttpResponse};

use super::conditional::{Validators, questions};
use super::freshness::Use;
use super::judged::Refused;
use super::middleware::{ask, pass_by};
use super::status::{CacheStatus, Forward};
use super::stored::{Page, Stored};
use super::vary::Vary;
use super::visit::{Kept, Task, Visit};
use super::{merge, request};
use crate::cache::derive::land;
use crate::cache::event::{Outcome, Staleness};
use crate::cache::flight::{Landing, Turn};
use crate::cache::handle::{Made, refusal};
use crate::cache::key::Key;
use crate::cache::level::Level;
use crate::cache::policy::Policy;
use crate::cache::scope::{self, Dependencies};

/// How often a page is made anew because the data changed while it was made.
const RESTARTS: u32 = 4;

tokio::task_local! {
    /// The key of the page whose handler is asked.
    static MAKING: Key;
}

/// A key of its own for a cache that stands within another one, which is just making `key`: they would
/// wait for each other.
pub(super) fn apart(key: Key) -> Key {
    match MAKING.try_with(|making| *making == key) {
        Ok(true) => Key::named("page.within").part("of", key.as_str()).build(),
        _ => key,
    }
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
            let status = CacheStatus::NotStored(task.forward, "head");
            return pass_by(service, &self.rules, request, status).await;
        }
        let started = Instant::now();
        if let Some(miss) = task.miss.clone() {
            self.cache.tell(Level::Page, &self.key, Outcome::Miss(miss), self.began);
        }
        request::make_whole(&mut request);
        let likeness = self.prepare(&mut request, task.old.as_ref());
        let (mut answered, mut dependencies) = self.call(service, request).await;
        if let Ok(answer) = answered.as_ref()
            && is_about_another(task.old.as_ref(), answer)
        {
            (answered, dependencies) = self.call_anew(service, answered?).await;
        }
        let failed = answered.as_ref().map_or(true, |answer| answer.status().is_server_error());
        if let Some(old) = task.old.as_ref().filter(|old| failed && old.is_for_errors())
            && let Some(response) = self.stale(old, Staleness::Error).await
        {
            land(task.leader, Landing::Failed);
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
        old.is_for_errors().then(|| likeness(request))
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
        let is_useful = task.old.as_ref().is_some_and(|old| old.usage() != Use::Never);
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
                let is_about_who_asked = ["cookie", "authorization"].contains(&rule);
                let says_nothing = ["status", "error"].contains(&rule);
                if !(says_nothing || is_about_who_asked && is_useful) {
                    self.note_uncacheable(&task.varies, seen);
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
        let place = self.place(vary, &task, seen, lifetime);
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
        lifetime: Duration,
    ) -> Result<Key, &'static str> {
        let known = Vary::Names(task.varies.clone());
        let Vary::Names(names) = known.union(vary) else { return Err("vary") };
        if names.is_empty() {
            return Ok(self.key.clone());
        }
        let key = self.variant_key(&names, seen).ok_or("variant too long")?;
        if self.note_variants(names, &key, lifetime) { Ok(key) } else { Err("too many variants") }
    }

    /// Asks the handler once more, and for the page itself.
    async fn call_anew<S, B>(
        &self,
        service: &S,
        answer: ServiceResponse<B>,
    ) -> (Result<ServiceResponse<B>, Error>, Dependencies)
    where
        S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error>,
    {
        let mut request = ServiceRequest::from_request(answer.into_parts().0);
        request::make_whole(&mut request);
        self.call(service, request).await
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
        let ask = |request| MAKING.scope(self.key.clone(), ask(service, &self.rules, request));
        let mut made = scope::collect_for(&self.key, view, ask(request)).await;
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
                        scope::collect_for(&self.key, view, ask(request)).await
                    }
                    None => return (Ok(response), torn),
                },
                failed => return failed,
            };
        }
        made
    }
}

/// Whether a handler that was asked about the stored page says that another one is still good: nobody else
/// has asked for that. RFC 9111 §4.3.4.
fn is_about_another<B>(old: Option<&Kept>, answer: &ServiceResponse<B>) -> bool {
    let is_another = |page: &Page| {
        let now = SystemTime::now();
        !merge::freshens(&page.validators, &Validators::of(answer.headers(), now))
    };
    answer.status() == StatusCode::NOT_MODIFIED && old.and_then(Kept::page).is_some_and(is_another)
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
