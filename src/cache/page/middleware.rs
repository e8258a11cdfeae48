//! The middleware around a handler.

use std::future::{Ready, ready};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Instant;

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{Service, ServiceRequest, ServiceResponse, Transform, forward_ready};
use actix_web::http::Method;
use actix_web::{Error, HttpResponse, web};
use futures_util::future::LocalBoxFuture;

use super::conditional::Conditions;
use super::request;
use super::response::{Page, Refused};
use super::status::CacheStatus;
use crate::cache::Cache;
use crate::cache::derive::land;
use crate::cache::entry::Entry;
use crate::cache::event::{Miss, Outcome};
use crate::cache::far;
use crate::cache::flight::{Landing, Leader, Turn};
use crate::cache::handle::{Made, Recalled, refusal};
use crate::cache::key::Key;
use crate::cache::level::Level;
use crate::cache::policy::Policy;
use crate::cache::scope::{self, Dependencies};
use crate::cache::view::View;

/// How often a page is made anew because the data changed while it was made.
const RESTARTS: u32 = 4;

/// Caches the whole pages of a resource, a scope or an app.
///
/// The pages are shared: `Cookie` and `Authorization` are taken off every request before the
/// handler sees it, so it does not know whom it serves. A handler that goes by other headers must say
/// so in `Vary`; such answers are not kept. Of the policy only the lifetime counts. The [`Cache`] is
/// found in the app's data; without one each request passes by.
///
/// Source: Django's `cache_page`.
pub fn cached(policy: Policy) -> Cached {
    Cached { policy }
}

/// See [`cached`].
#[derive(Debug, Clone, Copy)]
pub struct Cached {
    policy: Policy,
}

impl<S, B> Transform<S, ServiceRequest> for Cached
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error> + 'static,
    B: MessageBody + 'static,
{
    type Response = ServiceResponse<BoxBody>;
    type Error = Error;
    type Transform = Middleware<S>;
    type InitError = ();
    type Future = Ready<Result<Self::Transform, ()>>;

    fn new_transform(&self, service: S) -> Self::Future {
        ready(Ok(Middleware { service: Rc::new(service), policy: self.policy }))
    }
}

/// A handler behind the page cache.
pub struct Middleware<S> {
    service: Rc<S>,
    policy: Policy,
}

impl<S, B> Service<ServiceRequest> for Middleware<S>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error> + 'static,
    B: MessageBody + 'static,
{
    type Response = ServiceResponse<BoxBody>;
    type Error = Error;
    type Future = LocalBoxFuture<'static, Result<Self::Response, Error>>;

    forward_ready!(service);

    fn call(&self, request: ServiceRequest) -> Self::Future {
        let (service, policy) = (self.service.clone(), self.policy);
        Box::pin(async move { answer(&*service, policy, request).await })
    }
}

/// Answers from a stored page, or makes it.
async fn answer<S, B>(
    service: &S,
    policy: Policy,
    mut request: ServiceRequest,
) -> Result<ServiceResponse<BoxBody>, Error>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error>,
    B: MessageBody + 'static,
{
    if request.method() != Method::GET {
        return pass_by(service, request, CacheStatus::Method).await;
    }
    let key = request::key(&request);
    let conditions = request::make_anybodys(&mut request);
    let key = match key {
        Ok(key) => key,
        Err(reason) => return pass_by(service, request, CacheStatus::Bypass(reason)).await,
    };
    let Some(cache) = request.app_data::<web::Data<Cache>>().cloned() else {
        return pass_by(service, request, CacheStatus::Bypass("no cache")).await;
    };
    let Some(view) = cache.view_for(Level::Page).await else {
        return pass_by(service, request, CacheStatus::Bypass("off")).await;
    };
    let page = Wanted { cache: &cache, key, view, policy, conditions };
    match page.find().await {
        Found::Answer(response) => Ok(request.into_response(response)),
        Found::Nothing(task) => page.make(service, request, task).await,
    }
}

/// Lets the handler answer, and says that the cache had no part in it.
async fn pass_by<S, B>(
    service: &S,
    request: ServiceRequest,
    status: CacheStatus,
) -> Result<ServiceResponse<BoxBody>, Error>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error>,
    B: MessageBody + 'static,
{
    let mut response = service.call(request).await?.map_into_boxed_body();
    status.write(response.headers_mut());
    Ok(response)
}

/// A page that somebody asks for.
struct Wanted<'c> {
    cache: &'c Cache,
    key: Key,
    view: Arc<View>,
    policy: Policy,
    conditions: Conditions,
}

/// What there is of it.
enum Found {
    /// An answer.
    Answer(HttpResponse<BoxBody>),
    /// Nothing: make it.
    Nothing(Task),
}

/// A page that is to be made.
struct Task {
    miss: Miss,
    /// Where other requests of this process may wait for it.
    leader: Option<Leader>,
    /// Where other instances may.
    lock: Option<far::Lock>,
}

impl Wanted<'_> {
    /// Looks the page up, and waits for who makes it.
    async fn find(&self) -> Found {
        loop {
            let missed = match self.cache.look_up::<Page>(Level::Page, &self.key, &self.view) {
                Ok((page, entry)) => return Found::Answer(self.hit(&page, &entry)),
                Err(missed) => missed,
            };
            let leader = match self.cache.take_turn(&self.key) {
                Turn::Lead(leader) if missed.is_outdated(self.cache, &self.key) => {
                    // Somebody landed between our look-up and our turn.
                    drop(leader);
                    continue;
                }
                Turn::Lead(leader) => Some(leader),
                Turn::Wait(ticket) => match ticket.arrive().await {
                    Landing::Nothing | Landing::Failed => None,
                    Landing::Lost => continue,
                    Landing::Entry(entry) => match self.collapsed(&entry, &missed.miss) {
                        Some(answer) => return Found::Answer(answer),
                        None => continue,
                    },
                },
            };
            return self.recall(missed.miss, leader).await;
        }
    }

    /// Asks the shared store before the page is made.
    async fn recall(&self, miss: Miss, leader: Option<Leader>) -> Found {
        match self.cache.recall::<Page>(Level::Page, &self.key, &self.view).await {
            Recalled::Nothing(lock) => Found::Nothing(Task { miss, leader, lock }),
            Recalled::Found(page, entry) => {
                let answer = self.hit(&page, &entry);
                land(leader, Landing::Entry(entry));
                Found::Answer(answer)
            }
        }
    }

    fn hit(&self, page: &Page, entry: &Entry) -> HttpResponse<BoxBody> {
        let status = CacheStatus::Hit { ttl: entry.remaining().as_secs() };
        page.answer(&self.conditions, Some(entry.age().as_secs()), &status)
    }

    /// The page that another request has just made, unless it is older than our view.
    fn collapsed(&self, entry: &Entry, miss: &Miss) -> Option<HttpResponse<BoxBody>> {
        let page = entry.is_at_least(&self.view).then(|| entry.body::<Page>())??;
        self.cache.tell(Level::Page, &self.key, Outcome::Collapsed, Instant::now());
        let status = CacheStatus::Collapsed(miss.clone());
        Some(page.answer(&self.conditions, Some(entry.age().as_secs()), &status))
    }

    /// Lets the handler make the page and keeps it, if that is allowed.
    async fn make<S, B>(
        self,
        service: &S,
        request: ServiceRequest,
        task: Task,
    ) -> Result<ServiceResponse<BoxBody>, Error>
    where
        S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error>,
        B: MessageBody + 'static,
    {
        let Task { miss, leader, lock } = task;
        let started = Instant::now();
        self.cache.tell(Level::Page, &self.key, Outcome::Miss(miss.clone()), started);
        let (response, dependencies) = self.call(service, request).await;
        let (request, response) = response?.into_parts();
        let page = match Page::of(response) {
            Ok(page) => Arc::new(page),
            Err(refused) => {
                let Refused { mut response, reason } = *refused;
                self.cache.tell(Level::Page, &self.key, Outcome::NotStored(reason), started);
                land(leader, Landing::Nothing);
                CacheStatus::NotStored(miss, reason).write(response.headers_mut());
                return Ok(ServiceResponse::new(request, response));
            }
        };
        let status = match refusal(&dependencies) {
            None => CacheStatus::Stored(miss),
            Some(reason) => CacheStatus::NotStored(miss, reason),
        };
        let made = Made { body: page.clone(), dependencies, size: page.size(), started };
        let kept = self.cache.keep(Level::Page, &self.key, &self.policy, made, lock);
        land(leader, kept.map_or(Landing::Nothing, Landing::Entry));
        Ok(ServiceResponse::new(request, page.answer(&self.conditions, None, &status)))
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
