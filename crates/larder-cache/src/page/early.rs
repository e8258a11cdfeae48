//! Answers page hits before the layers and the router of an app: [`Cache::early_hits`].
//!
//! - The first hit goes through all layers. How it was sent is remembered: its headers, and which stored page it was.
//!   The next request that asks for the same is answered from there, if that page may still be served.
//! - Nothing is served for longer: the stamps are compared as always, and the entry is the one that the local tier has.
//! - Only plain requests are answered: `GET` or `HEAD` without a body, cookies, credentials, headers of proxies, or any
//!   header that is not listed in [`super::wish`]. All others go through the layers.
//! - Conditions are among the listed headers. Whether a page fulfils them follows from the page, so the answer to the
//!   same conditions is known for as long as the page is: 304, or the page.
//! - A response of which a layer has changed body or status, or that sets a cookie, is not remembered.
//! - Each worker remembers by itself, so that nothing is locked or counted between workers; at most [`PLACES`] responses,
//!   without their bodies.
//! - Only pages under [`Rules::shared`](super::Rules::shared) are remembered, and none that varies by request headers.
//!   Rules that look at visitors may look at anything, unless they say that they tell them apart by cookies.
//! - Nothing is remembered where a cache in front is told what it may store, which each answer says anew.

use std::cell::RefCell;
use std::future::{Ready, ready};
use std::rc::Rc;
use std::sync::{Arc, Weak};
use std::time::Instant;

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{Service, ServiceRequest, ServiceResponse, Transform, forward_ready};
use actix_web::http::StatusCode;
use actix_web::http::header::{AGE, HeaderMap, HeaderName, HeaderValue, SET_COOKIE};
use actix_web::{Error, HttpMessage, HttpResponse};
use futures_util::future::{Either, LocalBoxFuture};

use super::found_page::FoundPage;
use super::handed::{Known, Served, Wanted};
use super::request::Bypass;
use super::status::{CACHE_STATUS, CacheStatus};
use super::stored::{Page, Stored};
use super::wish::{OwnWish, Wish};
use crate::Cache;
use crate::http::encoding::Coding;
use crate::http::freshness::Use;
use crate::key::Key;
use crate::level::Level;
use crate::stamps::{Current, Stamps, StampsResult};
use crate::{random, tracking};

/// The most responses that a worker remembers; a power of two.
const PLACES: usize = 512;

impl Cache {
    /// Returns a layer that answers most page hits before the layers and the router in it.
    ///
    /// What a page costs on the way out of an app, from routing to security headers, is saved for each hit but the
    /// first. Layers that must see every request, such as a log, stand around it:
    ///
    /// ```
    /// # use std::time::Duration;
    /// use actix_web::{App, middleware, web};
    /// use larder_cache::{Cache, page};
    ///
    /// # async fn index() -> &'static str { "<h1>Blog</h1>" }
    /// let cache = Cache::in_memory();
    /// let app = App::new()
    ///     .app_data(web::Data::new(cache.clone()))
    ///     .service(web::resource("/").wrap(page::cached(Duration::from_secs(300))).get(index))
    ///     .wrap(middleware::DefaultHeaders::new().add(("x-frame-options", "DENY")))
    ///     .wrap(cache.early_hits())
    ///     .wrap(middleware::Logger::default());
    /// ```
    ///
    /// What the layers in it do with a page must follow from the page, the method, the target, and the headers `Host`,
    /// `Accept`, `Accept-Encoding`, `Accept-Language`, `Cache-Control`, `Pragma`, `If-None-Match`, `If-Modified-Since`,
    /// `Sec-Fetch-*` and `Upgrade-Insecure-Requests`; requests with cookies, credentials or unknown headers pass
    /// through them. So do not put a layer in it that counts or refuses requests by the client's address,
    /// `User-Agent` or `Referer`: wrap that around it.
    pub fn early_hits<S, B>(
        &self,
    ) -> impl Transform<
        S,
        ServiceRequest,
        Response = ServiceResponse<BoxBody>,
        Error = Error,
        InitError = (),
    > + use<S, B>
    where
        S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error> + 'static,
        B: MessageBody + 'static,
    {
        EarlyHits(self.clone())
    }
}

/// The layer's factory.
struct EarlyHits(Cache);

impl<S, B> Transform<S, ServiceRequest> for EarlyHits
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error> + 'static,
    B: MessageBody + 'static,
{
    type Response = ServiceResponse<BoxBody>;
    type Error = Error;
    type Transform = EarlyHitsLayer<S>;
    type InitError = ();
    type Future = Ready<Result<Self::Transform, ()>>;

    fn new_transform(&self, service: S) -> Self::Future {
        let sent = RefCell::new(vec![None; PLACES]);
        let known = Rc::new(Remembered { cache: self.0.clone(), seed: random::u64(), sent });
        ready(Ok(EarlyHitsLayer { service: Rc::new(service), known }))
    }
}

/// The service of the layer.
struct EarlyHitsLayer<S> {
    service: Rc<S>,
    known: Rc<Remembered>,
}

/// What a worker remembers.
struct Remembered {
    cache: Cache,
    /// So that clients cannot choose whose place they take.
    seed: u64,
    /// Each response at the place of its wish; the newest stays.
    sent: RefCell<Vec<Option<Rc<Sent>>>>,
}

/// A page hit as the layers have sent it.
struct Sent {
    wish: OwnWish,
    key: Key,
    page: Weak<Page>,
    /// The coding of the body; `None` for a 304, which has none.
    coding: Option<Coding>,
    /// All headers but `Age` and `Cache-Status`. Copies, whose counts of references no other worker touches.
    headers: Vec<(HeaderName, HeaderValue)>,
    /// Age, remaining seconds, and how they were printed last: they change once a second.
    printed: RefCell<Option<(u64, CacheStatus, [HeaderValue; 2])>>,
}

type Answer = Result<ServiceResponse<BoxBody>, Error>;

impl<S, B> Service<ServiceRequest> for EarlyHitsLayer<S>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error> + 'static,
    B: MessageBody + 'static,
{
    type Response = ServiceResponse<BoxBody>;
    type Error = Error;
    type Future = Either<Ready<Answer>, LocalBoxFuture<'static, Answer>>;

    forward_ready!(service);

    fn call(&self, mut request: ServiceRequest) -> Self::Future {
        let began = Instant::now();
        let (service, known) = (self.service.clone(), self.known.clone());
        let Some(wish) = known.wish(&request) else {
            return Either::Right(Box::pin(async move {
                Ok(service.call(request).await?.map_into_boxed_body())
            }));
        };
        let Some(sent) = known.find(&wish) else {
            let wish = wish.to_own();
            return Either::Right(Box::pin(known.pass(service, request, wish)));
        };
        match known.cache.ask_for_stamps() {
            Current::Ready(current) => {
                let current = match known.answer(&sent, current, began) {
                    Ok(response) => {
                        return Either::Left(ready(Ok(request.into_response(response))));
                    }
                    Err(current) => current,
                };
                Known::hand_over(&mut request, &known.cache, current);
                Either::Right(Box::pin(known.pass(service, request, sent.wish.clone())))
            }
            Current::Pending(current) => Either::Right(Box::pin(async move {
                let current = match known.answer(&sent, current.await, began) {
                    Ok(response) => return Ok(request.into_response(response)),
                    Err(current) => current,
                };
                Known::hand_over(&mut request, &known.cache, current);
                known.pass(service, request, sent.wish.clone()).await
            })),
        }
    }
}

impl Remembered {
    /// Returns what the request asks for, if a remembered response may answer it.
    fn wish<'r>(&self, request: &'r ServiceRequest) -> Option<Wish<'r>> {
        let is_plain = self.cache.has(Level::Page)
            // What goes to a cache in front is marked for it each time.
            && self.cache.shared.front.is_none()
            // Within another page cache, this is a part of its page.
            && tracking::pinned().is_none()
            && !request.extensions().contains::<Bypass>();
        if is_plain { Wish::of(request.head(), self.seed) } else { None }
    }

    fn find(&self, wish: &Wish<'_>) -> Option<Rc<Sent>> {
        let sent = self.sent.borrow()[wish.hash as usize % PLACES].clone();
        sent.filter(|sent| sent.wish.is(wish))
    }

    /// Answers with the page as it was sent before, if that may still be served; otherwise returns the stamps.
    fn answer(
        &self,
        sent: &Sent,
        current: StampsResult,
        began: Instant,
    ) -> Result<HttpResponse<BoxBody>, Option<Arc<Stamps>>> {
        // The clock is read once: for the end of the check, the age of the page, and the event.
        let now = tokio::time::Instant::now();
        let current = self.cache.checked(Some((began, now.into_std())), current);
        let kept = current.as_ref().and_then(|current| self.find_again(sent, current, now));
        let Some(kept) = kept.filter(|kept| kept.usage_then() == Use::Fresh) else {
            return Err(current);
        };
        let (age, status) = kept.report_hit(&self.cache, began);
        Ok(sent.again(&kept.page, age, (self.cache.name(), status)))
    }

    /// Returns the page that was sent, if it is still stored and valid.
    fn find_again(
        &self,
        sent: &Sent,
        current: &Stamps,
        now: tokio::time::Instant,
    ) -> Option<FoundPage> {
        let (stored, entry, at) = self.cache.peek_at::<Stored>(&sent.key, current, now).ok()?;
        let Stored::Page(page) = &*stored else { return None };
        let is_it = std::ptr::eq(Arc::as_ptr(page), sent.page.as_ptr());
        is_it.then(|| FoundPage { key: sent.key.clone(), page: page.clone(), entry, at })
    }

    /// Lets the layers answer, and remembers how they have sent the page if it was a hit.
    async fn pass<S, B>(
        self: Rc<Self>,
        service: Rc<S>,
        request: ServiceRequest,
        wish: OwnWish,
    ) -> Answer
    where
        S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error>,
        B: MessageBody + 'static,
    {
        request.extensions_mut().insert(Wanted);
        let mut response = service.call(request).await?.map_into_boxed_body();
        let served = response.response_mut().extensions_mut().remove::<Served>();
        let Some(served) = served.filter(|served| served.is_of(&self.cache)) else {
            return Ok(response);
        };
        let (request, response) = response.into_parts();
        let (response, body) = response.into_parts();
        let (sent, body) = match body.try_into_bytes() {
            Ok(bytes) => {
                let sent = Sent::of(wish, served, (&response, &bytes), self.cache.name());
                (sent, BoxBody::new(bytes))
            }
            Err(body) => (None, body),
        };
        if let Some(sent) = sent {
            let place = sent.wish.hash as usize % PLACES;
            self.sent.borrow_mut()[place] = Some(Rc::new(sent));
        }
        Ok(ServiceResponse::new(request, response.set_body(body)))
    }
}

impl Sent {
    /// Remembers a response, unless it is another one than that of the page cache.
    fn of(
        wish: OwnWish,
        served: Served,
        (response, body): (&HttpResponse<()>, &bytes::Bytes),
        name: &str,
    ) -> Option<Self> {
        let (page, headers) = (&served.page, response.headers());
        let codings = [Coding::Identity, Coding::Gzip, Coding::Brotli];
        let is_it =
            |bytes: &bytes::Bytes| bytes.as_ptr() == body.as_ptr() && bytes.len() == body.len();
        let coding = match response.status() {
            StatusCode::NOT_MODIFIED if body.is_empty() => None,
            status if status == page.status => {
                Some(codings.into_iter().find(|coding| is_it(page.body_in(*coding)))?)
            }
            _ => return None,
        };
        let status = CacheStatus::of(response)?;
        let is_unchanged = response.head().keep_alive()
            && !headers.contains_key(SET_COOKIE)
            && is_only(headers, &CACHE_STATUS, &status.value(name)?)
            && headers.get_all(AGE).count() == 1;
        let is_named = |name: &HeaderName| *name == AGE || *name == CACHE_STATUS;
        let copy = |value: &HeaderValue| HeaderValue::from_bytes(value.as_bytes()).ok();
        let others = headers.iter().filter(|(name, _)| !is_named(name));
        let headers = others
            .map(|(name, value)| Some((name.clone(), copy(value)?)))
            .collect::<Option<_>>()?;
        let (page, printed) = (Arc::downgrade(page), RefCell::new(None));
        is_unchanged.then_some(Self { wish, key: served.key, page, coding, headers, printed })
    }

    /// Sends the page again, at another age.
    fn again(
        &self,
        page: &Page,
        age: u64,
        (name, status): (&str, CacheStatus),
    ) -> HttpResponse<BoxBody> {
        let mut response = match self.coding {
            Some(coding) => {
                let body = BoxBody::new(page.body_in(coding).clone());
                HttpResponse::with_body(page.status, body)
            }
            None => HttpResponse::with_body(StatusCode::NOT_MODIFIED, BoxBody::new(())),
        };
        let headers = response.headers_mut();
        headers.reserve(self.headers.len() + 2);
        for (name, value) in &self.headers {
            headers.append(name.clone(), value.clone());
        }
        let mut printed = self.printed.borrow_mut();
        if printed.as_ref().is_none_or(|known| (known.0, known.1) != (age, status))
            && let Some(value) = status.value(name)
        {
            *printed = Some((age, status, [HeaderValue::from(age), value]));
        }
        if let Some((_, _, [age, status])) = &*printed {
            headers.insert(AGE, age.clone());
            headers.insert(CACHE_STATUS, status.clone());
        }
        drop(printed);
        response.extensions_mut().insert(status);
        response
    }
}

/// Reports whether a header has this value and no other.
fn is_only(headers: &HeaderMap, name: &HeaderName, value: &HeaderValue) -> bool {
    let mut values = headers.get_all(name);
    values.next() == Some(value) && values.next().is_none()
}
