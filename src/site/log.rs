//! The access log: one line for each request.
//!
//! - Every request has an id, which all code that runs on its behalf can read ([`RequestId`]).
//! - A line is written when the head of the response is ready, or when the server notices that the client
//!   disconnected before that.
//! - Queries are not logged, since they hold what visitors searched for. Paths are, cut to 256 bytes.
//! - Responses of status 5xx are logged as warnings, requests of machines and for static files at debug, all
//!   others at info.
//! - An error response carries the id as `X-Request-Id`, for bug reports. Other responses do not, which saves
//!   its cost.
//! - If no line is wanted, nothing is copied or allocated for it.
//! - A panic before the response is logged and counted like any other failure: status 500.
//!
//! Not here: causes of failures, which [`crate::error`] logs under the same id; where lines go.

use std::future::{Ready, ready};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use actix_web::dev::{Service, ServiceRequest, ServiceResponse, Transform, forward_ready};
use actix_web::error::InternalError;
use actix_web::http::header::{
    CONTENT_LENGTH, HeaderMap, HeaderName, HeaderValue, TRANSFER_ENCODING,
};
use actix_web::http::{Method, StatusCode};
use actix_web::{Error, HttpMessage};
use pin_project_lite::pin_project;
use tokio::task::futures::TaskLocalFuture;

use super::client::Client;
use super::origin::Received;
use super::{connection, headers};
use crate::cache::page::CacheStatus;
use crate::error::AppError;
use larder_panel::RequestId;

/// The header with the id of a request, on error responses.
pub const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Bytes of a path that are logged.
const LONGEST: usize = 256;

/// A request that was answered.
#[derive(Debug, Clone, Copy)]
pub struct Answered<'a> {
    /// The method, as received.
    pub method: &'a Method,
    /// The status of the response.
    pub status: StatusCode,
    /// What the page cache did.
    pub cache: Option<CacheStatus>,
    /// The time until the head of the response was ready.
    pub took: Duration,
}

/// Counts the requests that are answered.
pub trait Counts: 'static {
    /// Counts one request; called on the thread of the request, so it must not block.
    fn count(&self, answered: Answered<'_>);

    /// Changes the number of requests whose answer has not begun.
    fn add_in_flight(&self, change: i64);
}

/// Names a request, counts it and writes its line, for the whole app.
///
/// One middleware with explicit types does all three: another function around the app would slow
/// down every hit, and would triple the size of the app's type and the memory that the compiler
/// needs.
pub struct AccessLog<C>(pub Rc<C>);

impl<S, B, C> Transform<S, ServiceRequest> for AccessLog<C>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error>,
    C: Counts,
{
    type Response = ServiceResponse<B>;
    type Error = Error;
    type Transform = AccessLogService<S, C>;
    type InitError = ();
    type Future = Ready<Result<Self::Transform, ()>>;

    fn new_transform(&self, service: S) -> Self::Future {
        ready(Ok(AccessLogService { service, counts: self.0.clone() }))
    }
}

/// The service of [`AccessLog`].
pub struct AccessLogService<S, C> {
    service: S,
    counts: Rc<C>,
}

impl<S, B, C> Service<ServiceRequest> for AccessLogService<S, C>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error>,
    C: Counts,
{
    type Response = ServiceResponse<B>;
    type Error = Error;
    type Future = TaskLocalFuture<RequestId, Answer<S::Future, C>>;

    forward_ready!(service);

    fn call(&self, request: ServiceRequest) -> Self::Future {
        let line = Line::begin(&request);
        let (id, counts) = (line.id, InFlight::begin(&self.counts));
        connection::asked(body_of(request.headers()));
        let response = caught(|| id.enter(|| self.service.call(request)));
        id.scope(Answer { response, line: Some(line), counts })
    }
}

/// Returns the length of a request's body as the server reads it; invalid lengths were refused before.
fn body_of(headers: &HeaderMap) -> u64 {
    if headers.contains_key(TRANSFER_ENCODING) {
        return u64::MAX;
    }
    let length = headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok());
    length.map_or(0, |length| length.trim().parse().unwrap_or(u64::MAX))
}

/// Runs `work`; logs a panic and returns `None` for it.
///
/// Unwind safe: a request whose handler has panicked is dropped as a whole, and what it shares with
/// other requests is behind locks, which the panic has poisoned.
fn caught<T>(work: impl FnOnce() -> T) -> Option<T> {
    let done = catch_unwind(AssertUnwindSafe(work));
    done.inspect_err(|panic| {
        let text = panic.downcast_ref::<&str>().copied();
        let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
        let request = RequestId::current().map(tracing::field::display);
        tracing::error!(request, panic = text.unwrap_or("without a message"), "request panicked");
    })
    .ok()
}

/// Returns the response to a request that panicked.
fn panicked() -> Error {
    AppError::Internal(Arc::new(anyhow::anyhow!("it panicked"))).into()
}

/// A request whose answer has not begun; its client may hang up.
pub struct InFlight<C: Counts>(Rc<C>);

impl<C: Counts> InFlight<C> {
    fn begin(counts: &Rc<C>) -> Self {
        counts.add_in_flight(1);
        Self(counts.clone())
    }
}

impl<C: Counts> Drop for InFlight<C> {
    fn drop(&mut self) {
        self.0.add_in_flight(-1);
    }
}

pin_project! {
    /// A pending response; `response` is `None` if the handler panicked before it began.
    pub struct Answer<F, C: Counts> {
        #[pin]
        response: Option<F>,
        line: Option<Line>,
        counts: InFlight<C>,
    }
}

impl<F, B, C> Future for Answer<F, C>
where
    F: Future<Output = Result<ServiceResponse<B>, Error>>,
    C: Counts,
{
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let mut this = self.project();
        let polled = this.response.as_mut().as_pin_mut();
        let polled = polled.and_then(|response| caught(|| response.poll(context)));
        let mut answer = match polled {
            Some(polled) => ready!(polled),
            None => {
                this.response.set(None);
                Err(panicked())
            }
        };
        connection::answered();
        if let Some(line) = this.line.take() {
            line.end(&mut answer, &*this.counts.0);
        }
        Poll::Ready(answer)
    }
}

/// A line that is still to be written.
struct Line {
    id: RequestId,
    began: Instant,
    method: Method,
    client: Client,
    /// Copied only if lines of level info are wanted.
    path: Option<Box<str>>,
    is_written: bool,
}

impl Line {
    fn begin(request: &ServiceRequest) -> Self {
        let path = tracing::enabled!(tracing::Level::INFO).then(|| head(request.path()).into());
        let method = request.method().clone();
        let client = Client::of(request.request());
        Self {
            id: RequestId::new(),
            began: Instant::now(),
            method,
            client,
            path,
            is_written: false,
        }
    }

    /// Writes the line, and adds the request's id to an error response.
    fn end<B>(mut self, answer: &mut Result<ServiceResponse<B>, Error>, counts: &impl Counts) {
        self.is_written = true;
        match answer {
            Ok(response) if is_error(response.status()) => {
                put_name(self.id, response.headers_mut());
            }
            Ok(_) => {}
            Err(error) => {
                // The layers around the app have not seen this error: it cut a handler or a layer short.
                let mut response = error.error_response();
                put_name(self.id, response.headers_mut());
                headers::write(&mut response, true);
                *answer = Err(InternalError::from_response("the request failed", response).into());
            }
        }
        let answer = &*answer;
        let (status, cache) = match answer {
            Ok(response) => (response.status(), CacheStatus::of(response.response())),
            Err(error) => (error.as_response_error().status_code(), None),
        };
        let took = self.began.elapsed();
        let answered = Answered { method: &self.method, status, cache, took };
        counts.count(answered);
        if self.path.is_none() && !status.is_server_error() {
            return;
        }
        let (path, error) = match answer {
            Ok(response) => (response.request().path(), response.response().error()),
            Err(error) => ("", Some(error)),
        };
        // As it was received: what is inside may have rewritten it.
        let received = answer.as_ref().ok().and_then(|response| {
            response.request().extensions().get::<Received>().map(|Received(path)| path.clone())
        });
        let path = self.path.as_deref().or(received.as_deref()).unwrap_or(path);
        self.write(&answered, head(path), reason(status, error).as_deref());
    }

    fn write(&self, answered: &Answered<'_>, path: &str, reason: Option<&str>) {
        let Answered { status, cache, took, .. } = *answered;
        let (request, method) = (self.id, head(self.method.as_str()));
        let cache_reason = cache.map(CacheStatus::reason).filter(|reason| !reason.is_empty());
        let cache = cache.map(|cache| cache.outcome().name());
        let (status_code, took_ms) = (status.as_u16(), millis(took));
        let client = self.client.address.map(tracing::field::display);
        if status.is_server_error() {
            tracing::warn!(
                %request, client, method, path, status = status_code, took_ms, cache, cache_reason, reason,
                "request"
            );
        } else if is_for_machines(path) {
            tracing::debug!(
                %request, client, method, path, status = status_code, took_ms, cache, cache_reason, reason,
                "request"
            );
        } else {
            tracing::info!(
                %request, client, method, path, status = status_code, took_ms, cache, cache_reason, reason,
                "request"
            );
        }
    }
}

/// In milliseconds, to the microsecond.
fn millis(took: Duration) -> f64 {
    took.as_micros() as f64 / 1_000.0
}

impl Drop for Line {
    fn drop(&mut self) {
        if let (false, Some(path)) = (self.is_written, &self.path) {
            let (request, method, path) = (self.id, head(self.method.as_str()), &**path);
            let took_ms = millis(self.began.elapsed());
            let client = self.client.address.map(tracing::field::display);
            tracing::info!(%request, client, method, path, took_ms, "client disconnected");
        }
    }
}

fn is_error(status: StatusCode) -> bool {
    status.is_client_error() || status.is_server_error()
}

/// Returns the reason for an error; `None` if the response is no error.
fn reason(status: StatusCode, error: Option<&Error>) -> Option<String> {
    is_error(status).then(|| match error.and_then(Error::as_error::<AppError>) {
        Some(error) => error.reason(),
        None => status.canonical_reason().unwrap_or("unknown reason").to_owned(),
    })
}

fn put_name(id: RequestId, headers: &mut HeaderMap) {
    if let Ok(value) = HeaderValue::from_str(&id.to_string()) {
        headers.insert(X_REQUEST_ID, value);
    }
}

/// Whether machines request this path, again and again.
fn is_for_machines(path: &str) -> bool {
    path.starts_with("/static/") || path.starts_with("/health/") || path == "/metrics"
}

/// Returns the beginning of a text, at most `LONGEST` bytes of it.
fn head(text: &str) -> &str {
    &text[..text.floor_char_boundary(LONGEST)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_paths_are_cut_between_two_letters() {
        let long = "é".repeat(LONGEST);
        assert_eq!(head(&long), "é".repeat(LONGEST / 2));
        assert_eq!(head("/"), "/");
        let odd = format!("/{long}");
        assert_eq!(head(&odd).len(), LONGEST - 1);
    }

    #[test]
    fn requests_of_machines_are_logged_at_debug() {
        let cases = [
            ("/static/shop.0.css", true),
            ("/health/ready", true),
            ("/metrics", true),
            ("/", false),
            ("/metricsandmore", false),
            ("/statics", false),
        ];
        for (path, expected) in cases {
            assert_eq!(is_for_machines(path), expected, "{path}");
        }
    }

    #[actix_web::test]
    async fn a_panic_is_answered_with_500_and_counted() {
        struct Counted(std::cell::Cell<u16>, std::cell::Cell<i64>);
        impl Counts for Counted {
            fn count(&self, answered: Answered<'_>) {
                assert_eq!(self.1.get(), 1, "it is in flight");
                self.0.set(answered.status.as_u16());
            }

            fn add_in_flight(&self, change: i64) {
                self.1.set(self.1.get() + change);
            }
        }
        async fn handler() -> &'static str {
            std::panic::resume_unwind(Box::new("as the test asks"))
        }
        let counted = Rc::new(Counted(std::cell::Cell::new(0), std::cell::Cell::new(0)));
        let app = actix_web::App::new()
            .route("/late", actix_web::web::get().to(handler))
            .wrap_fn(|request, service| {
                if request.path() == "/early" {
                    std::panic::resume_unwind(Box::new("as the test asks"));
                }
                service.call(request)
            })
            .wrap(AccessLog(counted.clone()));
        let app = actix_web::test::init_service(app).await;
        for path in ["/late", "/early"] {
            counted.0.set(0);
            let request = actix_web::test::TestRequest::with_uri(path).to_request();
            let error = app.call(request).await.expect_err("nothing is around it");
            let response = error.error_response();
            assert_eq!((response.status().as_u16(), counted.0.get()), (500, 500), "{path}");
            assert_eq!(counted.1.get(), 0, "{path}");
            assert!(response.headers().contains_key(X_REQUEST_ID), "{path}");
            assert!(response.headers().contains_key("content-security-policy"), "{path}");
        }
    }
}
