//! The middleware that caches the responses of handlers.

use std::cell::Cell;
use std::future::{Ready, ready};
use std::rc::Rc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{Service, ServiceRequest, ServiceResponse, Transform, forward_ready};
use actix_web::http::Method;
use actix_web::{Error, HttpMessage, web};
use futures_util::future::LocalBoxFuture;

use super::added::vary_by_language;
use super::address;
use super::deliver::Asked;
use super::fronted::front_for;
use super::handed::{Known, Wanted};
use super::handler::{apart, ask, call};
use super::head::ignore_range;
use super::holed::fill;
use super::lookup::{Found, Lookup};
use super::of_request::Fillings;
use super::outward;
use super::request;
use super::request_flags::RequestFlags;
use super::rules::Rules;
use super::status::CacheStatus;
use super::target::Origin;
use super::wish::is_compared;
use crate::Cache;
use crate::http::invalidation::{self, Address};
use crate::level::Level;
use crate::tag::Tag;

/// Caches the pages of a resource, a scope or an app by its owner's rules.
///
/// The rules are [`Rules`], or a [`Policy`](crate::policy::Policy) for shared pages. A handler whose page
/// depends on other headers must name them in `Vary`. The [`Cache`] is taken from the app's data; without
/// one every request bypasses the middleware, and the log says so once.
///
/// Only bodies in memory are stored. A stream (`BodyStream`, `SizedStream`, the files of actix-files) is passed
/// on as it comes: to store it, the cache would have to collect it before the client gets the first byte, and
/// could not send what a stream that fails half-way had already sent.
///
/// ```
/// # use std::{sync::Arc, time::Duration};
/// use actix_web::{App, web};
/// use larder_cache::{Builder, InProcess, Policy, page};
///
/// # async fn index() -> &'static str { "<h1>Blog</h1>" }
/// let cache = Builder::default().name("blog").open(Arc::new(InProcess::new()));
/// let hour = Policy::fresh_for(Duration::from_secs(3600));
/// let app = App::new()
///     .app_data(web::Data::new(cache))
///     .service(web::resource("/").wrap(page::cached(hour)).get(index));
/// ```
///
/// Source: Django's `cache_page`.
///
/// # Panics
/// If the rules contradict each other: [`Rules::check`]. So the app does not start.
pub fn cached(rules: impl Into<Rules>) -> Cached {
    let rules = rules.into();
    if let Err(contradiction) = rules.check() {
        panic!("the rules of a page cache contradict each other: {contradiction}");
    }
    Cached { rules }
}

/// The middleware's factory. See [`cached`].
#[derive(Debug, Clone)]
pub struct Cached {
    rules: Rules,
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
        let (service, rules) = (Rc::new(service), Rc::new(self.rules.clone()));
        let of_a_user = rules.of_a_user().map(Rc::new);
        ready(Ok(Middleware { service, rules, of_a_user, is_checked: Cell::new(false) }))
    }
}

/// A handler behind the page cache.
pub struct Middleware<S> {
    service: Rc<S>,
    rules: Rc<Rules>,
    /// The rules for the pages of a user, where pages are stored for users.
    of_a_user: Option<Rc<Rules>>,
    /// Whether the first request has come, which shows what is around the cache.
    is_checked: Cell<bool>,
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

    fn call(&self, mut request: ServiceRequest) -> Self::Future {
        let service = self.service.clone();
        if !self.is_checked.replace(true) {
            check_surroundings(&mut request, &self.rules);
        }
        let fillings = self.rules.fillings(request.request());
        self.rules.note_keys(&mut request);
        let Some(of_a_user) = &self.of_a_user else {
            return Box::pin(answer(service, self.rules.clone(), request, (None, fillings)));
        };
        let user = self.rules.user_of(request.request());
        let rules = if user.is_some() { of_a_user.clone() } else { self.rules.clone() };
        Box::pin(async move {
            let is_personal = user.is_some();
            let mut response = answer(service, rules, request, (user, fillings)).await?;
            outward::divide(response.headers_mut(), is_personal);
            Ok(response)
        })
    }
}

/// Logs what the first request shows of a wrong setup: a forgotten cache, a wrong order of layers.
fn check_surroundings(request: &mut ServiceRequest, rules: &Rules) {
    if request.app_data::<web::Data<Cache>>().is_none() {
        tracing::error!(
            "the app has no cache, so no page is stored: add \
             `App::app_data(web::Data::new(cache))` where `page::cached` is used"
        );
    }
    // The layer that finds the visitor for the rules is around the cache. Where pages are not shared, this is asked
    // again for each page that is built.
    if rules.is_shared && !rules.look_at_visitors() && request::were_cookies_read(request) {
        warn_of_order(rules, request.path());
    }
}

/// Logs once that a layer around the cache has read the cookies.
pub(super) fn warn_of_order(rules: &Rules, path: &str) {
    if rules.is_order_said.swap(true, Ordering::Relaxed) {
        return;
    }
    let effect = match rules.is_shared {
        true => "the handlers of shared pages see nothing of it",
        false => "no page is stored, since its handler could see it",
    };
    tracing::warn!(
        path,
        "a layer around `page::cached` reads the cookies, such as a session: {effect}; put the \
         page cache around that layer, so wrap it last"
    );
}

/// Answers from a stored page, or has it built.
async fn answer<S, B>(
    service: Rc<S>,
    rules: Rc<Rules>,
    mut request: ServiceRequest,
    (user, fillings): (Option<String>, Fillings),
) -> Result<ServiceResponse<BoxBody>, Error>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error> + 'static,
    B: MessageBody + 'static,
{
    let began = Instant::now();
    let cache = request.app_data::<web::Data<Cache>>().cloned();
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return write(&*service, &rules, cache.as_ref(), request, fillings).await;
    }
    // Also if the handler answers: it may not know this rule.
    ignore_range(&mut request);
    let flags = RequestFlags::of(request.headers());
    let candidate = request::candidate(request.headers(), flags, &rules);
    let current = match (&cache, candidate.and_then(|()| address::settle(&mut request))) {
        (_, Err(rule)) => Err(rule),
        (None, Ok(())) => Err("no cache"),
        (Some(cache), Ok(())) => match Known::take(&mut request, cache) {
            Some(current) => Ok(current),
            None => cache.stamps_for(Level::Page).await.ok_or("off"),
        },
    };
    let (cache, current) = match (cache, current) {
        (Some(cache), Ok(current)) => (cache, current),
        (_, current) => {
            let rule = current.err().unwrap_or("off");
            if rule == request::SESSION {
                return pass_seen(&*service, &rules, request, &fillings).await;
            }
            let status = CacheStatus::Bypass(rule);
            let asked = Asked::nothing(fillings);
            return pass_by(&*service, &rules, request, (&asked, status)).await;
        }
    };
    let write_epoch = match rules.is_emptied_by_writes {
        true => {
            let origin = address::origin(request.request(), flags);
            cache.write_epochs().of((&origin.scheme, &origin.host, request.path()))
        }
        false => 0,
    };
    let within = (write_epoch, user.as_deref());
    let key = apart(address::key(&mut request, flags, &rules, within));
    let key = cache.own(&key).into_owned();
    let asked = Asked::of(request.headers(), flags, rules.has_ranges, fillings);
    let front = front_for(cache.shared.front, &rules, &request);
    let user = user.map(|id| Tag::from(format!("user#{id}")));
    let is_wanted = request.extensions().contains::<Wanted>()
        && (rules.is_shared && !rules.is_emptied_by_writes && user.is_none())
        && rules.tell_apart_by_cookies()
        && rules.headers.iter().all(is_compared)
        // What a request's directives accept depends on the age of the page.
        && !(rules.obeys_requests && request::has_directives(request.headers()));
    let lookup = Lookup { cache, key, current, rules, asked, user, front, began, is_wanted };
    match lookup.find(&request).await {
        Found::Answer(response) => Ok(request.into_response(response)),
        Found::Stale(old, varies) => lookup.refresh_behind(service, request, old, varies).await,
        Found::PassThrough(status) => {
            pass_by(&*service, &lookup.rules, request, (&lookup.asked, status)).await
        }
        Found::Nothing(task) => lookup.make(service, request, task).await,
    }
}

/// Lets the handler answer, evaluates what the client asked, and reports that the cache was bypassed.
pub(super) async fn pass_by<S, B>(
    service: &S,
    rules: &Rules,
    request: ServiceRequest,
    (asked, status): (&Asked, CacheStatus),
) -> Result<ServiceResponse<BoxBody>, Error>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error>,
    B: MessageBody + 'static,
{
    let (request, response) = ask(service, rules, request).await?.into_parts();
    let mut response = asked.of_unstored(response);
    vary_by_language(response.headers_mut(), rules);
    status.report(&request, &mut response);
    Ok(ServiceResponse::new(request, response))
}

/// Lets the handler answer a signed-in client, with the client's credentials.
async fn pass_seen<S, B>(
    service: &S,
    rules: &Rules,
    request: ServiceRequest,
    fillings: &Fillings,
) -> Result<ServiceResponse<BoxBody>, Error>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error>,
    B: MessageBody + 'static,
{
    let response = call(service, rules, request).await?;
    Ok(filled(response, fillings, CacheStatus::Bypass(request::SESSION)))
}

/// Passes a write to the handler; its success invalidates its URL and those that the response names.
///
/// Source: RFC 9111 §4.4.
async fn write<S, B>(
    service: &S,
    rules: &Rules,
    cache: Option<&web::Data<Cache>>,
    mut request: ServiceRequest,
    fillings: Fillings,
) -> Result<ServiceResponse<BoxBody>, Error>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error>,
    B: MessageBody + 'static,
{
    let method = request.method().clone();
    request::restore_tags(&mut request, rules);
    // A request without a valid host has no pages.
    let is_settled = rules.is_emptied_by_writes && address::settle(&mut request).is_ok();
    let response = filled(call(service, rules, request).await?, &fillings, CacheStatus::Method);
    if let Some(cache) = cache.filter(|_| is_settled)
        && invalidation::invalidates(&method, response.status())
    {
        empty(cache, &response);
    }
    Ok(response)
}

/// Fills the holes of a response that is not looked at further.
fn filled(
    response: ServiceResponse<BoxBody>,
    fillings: &Fillings,
    status: CacheStatus,
) -> ServiceResponse<BoxBody> {
    let (request, response) = response.into_parts();
    let (mut response, _) = fill(response, fillings);
    status.report(&request, &mut response);
    ServiceResponse::new(request, response)
}

fn empty(cache: &Cache, response: &ServiceResponse<BoxBody>) {
    let request = response.request();
    let origin = address::origin(request, RequestFlags::of(request.headers()));
    let written = Address {
        scheme: &origin.scheme,
        host: &origin.host,
        path: request.path(),
        query: request.uri().query(),
    };
    let named = written.named_by(response.headers());
    let paths = named.iter().map(|target| target.path.as_str()).chain([written.path]);
    // Also invalidates by the connection's own host: a client that forges forwarding headers must not spare
    // these pages.
    let direct = Origin::of(request);
    for path in paths {
        cache.write_epochs().renew((&origin.scheme, &origin.host, path));
        if direct != origin {
            cache.write_epochs().renew((&direct.scheme, &direct.host, path));
        }
    }
}
