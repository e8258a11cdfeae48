//! One line of the log for each request.
//!
//! - Every request has a name, which whatever runs on its behalf can ask for ([`RequestId`]).
//! - A line is written when the head of the answer is there, or when the client went away before that and
//!   the server noticed.
//! - Queries are not written: they hold what visitors searched for. Paths are, as far as they are not
//!   longer than anybody wants to read.
//! - Failures of ours are warnings, static files and what machines ask are for debugging, all else is
//!   information.
//! - An answer that is an error carries the name as `X-Request-Id`, for who reports it; a page need not,
//!   and pays nothing.
//! - Where no line is wanted, nothing is copied or allocated for it.
//! - What panics before it has answered is a failure of ours like any other: a 500, a line, a figure.
//!
//! Not here: causes of failures, which [`crate::error`] writes under the same name; where lines go.

use std::future::{Ready, ready};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use actix_web::Error;
use actix_web::dev::{Service, ServiceRequest, ServiceResponse, Transform, forward_ready};
use actix_web::error::InternalError;
use actix_web::http::header::{
    CONTENT_LENGTH, HeaderMap, HeaderName, HeaderValue, TRANSFER_ENCODING,
};
use actix_web::http::{Method, StatusCode};
use pin_project_lite::pin_project;
use tokio::task::futures::TaskLocalFuture;

use super::client::Client;
use super::request_id::RequestId;
use super::{connection, headers};
use crate::cache::page::told::Told;
use crate::error::AppError;

/// The name of a request, on an answer that is an error.
pub const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// So many bytes of a path are written.
const LONGEST: usize = 256;

/// A request that was answered.
#[derive(Debug, Clone, Copy)]
pub struct Answered<'a> {
    /// The method, as it came.
    pub method: &'a Method,
    /// The status.
    pub status: StatusCode,
    /// What the page cache did.
    pub told: Option<Told<'a>>,
    /// Until the head of the answer was there.
    pub took: Duration,
}

/// Who counts the requests that are answered.
pub trait Counts: 'static {
    /// Counts one; called on the thread of the request, and must not block.
    fn count(&self, answered: Answered<'_>);
}

/// Names a request, has it counted and writes its line, for the whole app.
///
/// Both in one, and with types that are written out: another function around the app would take its part of
/// a hit's time, and would triple the size of the app's type, and with it what the compiler needs.
pub struct Lines<C>(pub Rc<C>);

impl<S, B, C> Transform<S, ServiceRequest> for Lines<C>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error>,
    C: Counts,
{
    type Response = ServiceResponse<B>;
    type Error = Error;
    type Transform = Lined<S, C>;
    type InitError = ();
    type Future = Ready<Result<Self::Transform, ()>>;

    fn new_transform(&self, service: S) -> Self::Future {
        ready(Ok(Lined { service, counts: self.0.clone() }))
    }
}

/// See [`Lines`].
pub struct Lined<S, C> {
    service: S,
    counts: Rc<C>,
}

impl<S, B, C> Service<ServiceRequest> for Lined<S, C>
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
        let id = line.id;
        connection::asked(body_of(request.headers()));
        let response = caught(|| id.enter(|| self.service.call(request)));
        id.scope(Answer { response, line: Some(line), counts: self.counts.clone() })
    }
}

/// How many bytes the body of a request has, as the server reads it: what is no number was refused before.
fn body_of(headers: &HeaderMap) -> u64 {
    if headers.contains_key(TRANSFER_ENCODING) {
        return u64::MAX;
    }
    let length = headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok());
    length.map_or(0, |length| length.trim().parse().unwrap_or(u64::MAX))
}

/// What `work` answers, or that it has panicked, which is written into the log.
///
/// Unwind safe: a request whose handler has panicked is dropped as a whole, and what it shares with others
/// are locks, which the panic has poisoned.
fn caught<T>(work: impl FnOnce() -> T) -> Option<T> {
    let done = catch_unwind(AssertUnwindSafe(work));
    done.inspect_err(|panic| {
        let text = panic.downcast_ref::<&str>().copied();
        let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
        let request = RequestId::current().map(tracing::field::display);
        tracing::error!(request, panic = text.unwrap_or("without a message"), "a request panicked");
    })
    .ok()
}

/// The answer to a request that has panicked.
fn panicked() -> Error {
    AppError::Internal(Arc::new(anyhow::anyhow!("it panicked"))).into()
}

pin_project! {
    /// An answer that is on its way; none where its making panicked before it had begun.
    pub struct Answer<F, C> {
        #[pin]
        response: Option<F>,
        line: Option<Line>,
        counts: Rc<C>,
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
            line.end(&mut answer, &**this.counts);
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
    /// Copied only where a line is wanted whatever the answer.
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

    /// Writes it, and the request's name into an answer that is an error.
    fn end<B>(mut self, answer: &mut Result<ServiceResponse<B>, Error>, counts: &impl Counts) {
        self.is_written = true;
        match answer {
            Ok(response) if is_error(response.status()) => {
                put_name(self.id, response.headers_mut());
            }
            Ok(_) => {}
            Err(error) => {
                // What is around the app has not seen it: a handler, or a layer, was cut short.
                let mut response = error.error_response();
                put_name(self.id, response.headers_mut());
                headers::write(response.headers_mut(), true, true);
                *answer = Err(InternalError::from_response("the request failed", response).into());
            }
        }
        let answer = &*answer;
        let (status, told) = match answer {
            Ok(response) => (response.status(), Told::of(response.headers())),
            Err(error) => (error.as_response_error().status_code(), None),
        };
        let took = self.began.elapsed();
        let answered = Answered { method: &self.method, status, told, took };
        counts.count(answered);
        if self.path.is_none() && !status.is_server_error() {
            return;
        }
        let (path, error) = match answer {
            Ok(response) => (response.request().path(), response.response().error()),
            Err(error) => (self.path.as_deref().unwrap_or_default(), Some(error)),
        };
        self.write(&answered, head(path), reason(status, error).as_deref());
    }

    fn write(&self, answered: &Answered<'_>, path: &str, reason: Option<&str>) {
        let Answered { status, told, took, .. } = *answered;
        let (request, method) = (self.id, head(self.method.as_str()));
        let cache = told.map(|told| told.outcome.name());
        let because = told.map(|told| told.reason).filter(|reason| !reason.is_empty());
        let (status_code, took_ms) = (status.as_u16(), millis(took));
        let client = self.client.address.map(tracing::field::display);
        if status.is_server_error() {
            tracing::warn!(
                %request, client, method, path, status = status_code, took_ms, cache, because, reason,
                "answered"
            );
        } else if is_for_machines(path) {
            tracing::debug!(
                %request, client, method, path, status = status_code, took_ms, cache, because, reason,
                "answered"
            );
        } else {
            tracing::info!(
                %request, client, method, path, status = status_code, took_ms, cache, because, reason,
                "answered"
            );
        }
    }
}

/// To the microsecond.
fn millis(took: Duration) -> f64 {
    took.as_micros() as f64 / 1_000.0
}

impl Drop for Line {
    fn drop(&mut self) {
        if let (false, Some(path)) = (self.is_written, &self.path) {
            let (request, method, path) = (self.id, head(self.method.as_str()), &**path);
            let took_ms = millis(self.began.elapsed());
            let client = self.client.address.map(tracing::field::display);
            tracing::info!(%request, client, method, path, took_ms, "the client went away");
        }
    }
}

fn is_error(status: StatusCode) -> bool {
    status.is_client_error() || status.is_server_error()
}

/// Why there is no better answer; none where the answer is no error.
fn reason(status: StatusCode, error: Option<&Error>) -> Option<String> {
    is_error(status).then(|| match error.and_then(Error::as_error::<AppError>) {
        Some(error) => error.reason(),
        None => status.canonical_reason().unwrap_or("no reason is known").to_owned(),
    })
}

fn put_name(id: RequestId, headers: &mut HeaderMap) {
    if let Ok(value) = HeaderValue::from_str(&id.to_string()) {
        headers.insert(X_REQUEST_ID, value);
    }
}

/// Whether it is asked by machines, again and again.
fn is_for_machines(path: &str) -> bool {
    path.starts_with("/static/") || path.starts_with("/health/") || path == "/metrics"
}

/// As much of a text as anybody wants to read.
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
    fn what_machines_ask_again_and_again_is_for_debugging() {
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
    async fn what_panics_is_answered_as_a_failure_of_ours_and_counted() {
        struct Counted(std::cell::Cell<u16>);
        impl Counts for Counted {
            fn count(&self, answered: Answered<'_>) {
                self.0.set(answered.status.as_u16());
            }
        }
        async fn handler() -> &'static str {
            std::panic::resume_unwind(Box::new("as the test asks"))
        }
        let counted = Rc::new(Counted(std::cell::Cell::new(0)));
        let app = actix_web::App::new()
            .route("/late", actix_web::web::get().to(handler))
            .wrap_fn(|request, service| {
                if request.path() == "/early" {
                    std::panic::resume_unwind(Box::new("as the test asks"));
                }
                service.call(request)
            })
            .wrap(Lines(counted.clone()));
        let app = actix_web::test::init_service(app).await;
        for path in ["/late", "/early"] {
            counted.0.set(0);
            let request = actix_web::test::TestRequest::with_uri(path).to_request();
            let error = app.call(request).await.expect_err("nothing is around it");
            let response = error.error_response();
            assert_eq!((response.status().as_u16(), counted.0.get()), (500, 500), "{path}");
            assert!(response.headers().contains_key(X_REQUEST_ID), "{path}");
            assert!(response.headers().contains_key("content-security-policy"), "{path}");
        }
    }
}
