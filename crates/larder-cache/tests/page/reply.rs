//! The request that a handler sees, and its reply.

use std::sync::Arc;

use actix_web::body::{BodyStream, BoxBody, SizedStream};
use actix_web::error::{self, InternalError};
use actix_web::http::StatusCode;
use actix_web::http::header::HeaderMap;
use actix_web::web::Bytes;
use actix_web::{Error, HttpResponse};
use futures_util::{StreamExt, stream};
use tokio::sync::watch;

/// A request as the handler sees it.
#[derive(Debug, Clone)]
pub struct Asked {
    pub method: String,
    /// The raw target.
    pub target: String,
    pub path: String,
    pub query: String,
    pub scheme: String,
    pub host: String,
    pub headers: HeaderMap,
    pub body: String,
    /// The value of the cookie `sid`, as the framework reads it.
    pub user: Option<String>,
    /// The cookies as the framework reads them.
    pub cookies: String,
    /// The resource that the router matched.
    pub route: Option<String>,
    /// The path segment that the router extracted.
    pub file: Option<String>,
    /// Whether the request has the extension of a middleware around the cache.
    pub is_marked: bool,
    /// How often this target has been requested, including this time.
    pub nth: usize,
}

impl Asked {
    pub fn header(&self, name: &str) -> Option<String> {
        let value = self.headers.get(name)?;
        Some(String::from_utf8_lossy(value.as_bytes()).into_owned())
    }
}

/// The reply of a handler.
#[derive(Debug, Clone)]
pub struct Reply {
    status: u16,
    headers: Vec<(String, String)>,
    body: Body,
    /// The reply is sent only after this gate is opened.
    pub gate: Option<Gate>,
}

#[derive(Debug, Clone)]
enum Body {
    Whole(Bytes),
    /// This many kilobytes, one by one, with or without a `Content-Length`.
    Stream(usize, bool),
    /// Fails half-way.
    Cut,
    Panic,
    Error(StatusCode),
}

impl Reply {
    pub fn ok(body: impl Into<String>) -> Self {
        let body = Body::Whole(Bytes::from(body.into()));
        Self { status: 200, headers: Vec::new(), body, gate: None }
    }

    /// A page that may be stored for a minute.
    pub fn fresh(body: impl Into<String>) -> Self {
        Self::ok(body).with("Cache-Control", "max-age=60")
    }

    pub fn stream(kilobytes: usize, says_how_long: bool) -> Self {
        Self { body: Body::Stream(kilobytes, says_how_long), ..Self::fresh("") }
    }

    pub fn cut() -> Self {
        Self { body: Body::Cut, ..Self::fresh("") }
    }

    pub fn panic() -> Self {
        Self { body: Body::Panic, ..Self::fresh("") }
    }

    /// An error of the handler, which the framework answers with 500.
    pub fn error() -> Self {
        Self::refusal(StatusCode::INTERNAL_SERVER_ERROR)
    }

    /// An error of the handler, which the framework answers with this status.
    pub fn refusal(status: StatusCode) -> Self {
        Self { body: Body::Error(status), ..Self::fresh("") }
    }

    pub fn status(self, status: u16) -> Self {
        Self { status, ..self }
    }

    pub fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    /// Replaces the header lines of this name.
    pub fn but(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.retain(|(known, _)| !known.eq_ignore_ascii_case(name));
        self.with(name, value)
    }

    pub fn behind(self, gate: &Gate) -> Self {
        Self { gate: Some(gate.clone()), ..self }
    }

    /// Builds the framework's response.
    pub fn respond(self) -> Result<HttpResponse<BoxBody>, Error> {
        let kilobyte = || Ok::<_, Error>(Bytes::from(vec![b'x'; 1024]));
        let body = match self.body {
            Body::Whole(body) => BoxBody::new(body),
            Body::Stream(kilobytes, says_how_long) => {
                let chunks = stream::iter(0..kilobytes).map(move |_| kilobyte());
                match says_how_long {
                    true => BoxBody::new(SizedStream::new(kilobytes as u64 * 1024, chunks)),
                    false => BoxBody::new(BodyStream::new(chunks)),
                }
            }
            Body::Cut => {
                let chunks = [kilobyte(), Err(error::ErrorBadGateway("cut"))];
                BoxBody::new(SizedStream::new(2048, stream::iter(chunks)))
            }
            // Resuming skips the panic hook, which would print the panic.
            Body::Panic => std::panic::resume_unwind(Box::new("as the test asks")),
            Body::Error(status) => {
                return Err(InternalError::new("as the test asks", status).into());
            }
        };
        let mut response = HttpResponse::build(StatusCode::from_u16(self.status).unwrap());
        for (name, value) in self.headers {
            response.append_header((name.as_str(), value.as_str()));
        }
        Ok(response.body(body))
    }
}

/// Holds handlers up until the test opens it.
#[derive(Debug, Clone)]
pub struct Gate(Arc<watch::Sender<bool>>);

impl Gate {
    pub fn closed() -> Self {
        Self(Arc::new(watch::Sender::new(false)))
    }

    pub fn open(&self) {
        self.0.send_replace(true);
    }

    pub async fn pass(&self) {
        let _ = self.0.subscribe().wait_for(|is_open| *is_open).await;
    }
}
