//! The errors with which a request fails.
//!
//! - Visitors get a status and a sentence. The causes are logged once, with their whole chain.
//! - [`crate::site::error_page`] adds the page around the sentence.

use std::fmt::Write;
use std::sync::Arc;

use actix_web::http::StatusCode;
use actix_web::http::header::{LOCATION, RETRY_AFTER, WWW_AUTHENTICATE};
use actix_web::{HttpResponse, ResponseError};

use crate::cache;
use crate::db;
use crate::site::form::FormErrors;
use crate::site::text::TextError;
use larder_panel::RequestId;

/// When to retry after a temporary refusal: restarts and failovers take seconds.
const RETRY_SECONDS: &str = "5";

/// Why a request failed.
#[derive(Debug, Clone, thiserror::Error)]
pub enum AppError {
    /// 404: there is nothing at this address.
    #[error(
        "There is nothing at this address. It may have been deleted, or the link may be outdated."
    )]
    NotFound,
    /// 404: the named object does not exist.
    #[error("{0}")]
    Absent(&'static str),
    /// 404: the list has no such page.
    #[error("The list has no such page. It may have become shorter.")]
    NoPage {
        /// The address of its last page.
        last: String,
    },
    /// 400: the request is malformed.
    #[error("{0}")]
    BadRequest(&'static str),
    /// 303 to the sign-in page: the page is for staff, and the client is not signed in.
    #[error("Staff only. Please sign in first.")]
    SignInFirst {
        /// The path of this site that the client asked for.
        back: String,
    },
    /// 403: a write of a client that is not signed in, or not any more.
    #[error("Staff only, and you are not signed in. Please sign in first.")]
    SessionEnded,
    /// 401: a program sent no token, or an invalid one.
    #[error("Token required: send Authorization: Bearer TOKEN (see larder account token).")]
    TokenNeeded,
    /// 403: the action is forbidden, or forbidden for this client.
    #[error("{0}")]
    Forbidden(&'static str),
    /// 408: the request body did not arrive in time.
    #[error("The request took too long to arrive. Please try again.")]
    TooSlow,
    /// 409: other data, written in the meantime, violates a constraint.
    #[error(
        "Something that this depends on was changed at the same time. Please look at it again, and then \
         try once more."
    )]
    Conflict(#[source] db::Error),
    /// 412: the version that `If-Match` names is not the present one.
    #[error("It has been changed: the current version does not match If-Match.")]
    Overtaken,
    /// 413: the request body is too large.
    #[error("The request is too large: at most {limit} bytes are accepted.")]
    TooLarge {
        /// In bytes.
        limit: usize,
    },
    /// 415: the body is not an HTML form.
    #[error("Content-Type must be application/x-www-form-urlencoded, in UTF-8.")]
    UnsupportedForm,
    /// 415: the body is not JSON.
    #[error("Content-Type must be application/json, in UTF-8.")]
    UnsupportedJson,
    /// 421: the request is for another host.
    #[error(
        "Unknown host: use a name and port that this shop was started with (--host NAME, or \
         NAME:PORT)."
    )]
    UnknownHost,
    /// 422: the request is well-formed, but cannot be done.
    #[error("{0}")]
    Unprocessable(&'static str),
    /// 422: a text is too long, or contains a forbidden character.
    #[error("{0}")]
    Text(#[from] TextError),
    /// 422: some fields are invalid. For programs only: a visitor gets the form back.
    #[error("Some fields are invalid; errors has a sentence for each.")]
    Invalid(FormErrors),
    /// 429: too many attempts.
    #[error("Too many attempts. Please try again in {seconds} seconds.")]
    TooMany {
        /// Seconds until the next attempt is allowed.
        seconds: u64,
    },
    /// 503: more clients sign in at this moment than passwords can be compared.
    #[error("Too many visitors are signing in at this moment. Please try again in a few seconds.")]
    Crowded,
    /// 503: the database is unreachable, or all its connections are busy.
    #[error("The shop is busy or its database is unavailable. Please try again in a moment.")]
    Unavailable(#[source] db::Error),
    /// 503: the connection broke during the commit. The page must not say that nothing was saved.
    #[error(
        "The connection to the database was lost while saving: it may have been saved, or not. Please look \
         before you try again."
    )]
    Uncertain(#[source] db::Error),
    /// 503: an upstream site does not answer and never did. The log has the cause.
    #[error("The supplier is unavailable, and no earlier prices are stored.")]
    Upstream,
    /// 503: the store of the cache is unreachable or refused. Only staff see it.
    #[error(
        "The cache’s shared store failed: it is unavailable or full, or the value is too large."
    )]
    Store(#[source] Arc<cache::Error>),
    /// 503: entries are deleted through the database, which refused the write.
    #[error("Nothing was deleted: the database refused the write. Try again in a moment.")]
    NotRemoved(#[source] Arc<cache::Error>),
    /// 500: a bug, or a broken database.
    #[error("Something went wrong on our side. The error has been logged.")]
    Internal(#[source] Arc<anyhow::Error>),
}

impl AppError {
    /// Returns the reason in one sentence for the log: the first cause, or else the visitors' sentence.
    pub fn reason(&self) -> String {
        std::error::Error::source(self).map_or_else(|| self.to_string(), ToString::to_string)
    }
}

impl From<db::Error> for AppError {
    fn from(error: db::Error) -> Self {
        match &error {
            db::Error::Unreachable(_)
            | db::Error::Busy
            | db::Error::Lost(_)
            | db::Error::Refused(_) => Self::Unavailable(error),
            db::Error::Uncertain(_) | db::Error::Unanswered => Self::Uncertain(error),
            db::Error::Conflict(_) => Self::Conflict(error),
            db::Error::Query(_) | db::Error::Panicked => Self::Internal(Arc::new(error.into())),
        }
    }
}

impl From<cache::Error> for AppError {
    fn from(error: cache::Error) -> Self {
        match error {
            cache::Error::NotRemoved(_) => Self::NotRemoved(Arc::new(error)),
            _ => Self::Store(Arc::new(error)),
        }
    }
}

impl From<askama::Error> for AppError {
    fn from(error: askama::Error) -> Self {
        Self::Internal(Arc::new(anyhow::Error::new(error).context("render a page")))
    }
}

impl ResponseError for AppError {
    fn status_code(&self) -> StatusCode {
        match self {
            Self::NotFound | Self::Absent(_) | Self::NoPage { .. } => StatusCode::NOT_FOUND,
            Self::BadRequest(_) => StatusCode::BAD_REQUEST,
            Self::SignInFirst { .. } => StatusCode::SEE_OTHER,
            Self::TokenNeeded => StatusCode::UNAUTHORIZED,
            Self::TooMany { .. } => StatusCode::TOO_MANY_REQUESTS,
            Self::SessionEnded | Self::Forbidden(_) => StatusCode::FORBIDDEN,
            Self::TooSlow => StatusCode::REQUEST_TIMEOUT,
            Self::TooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Conflict(_) => StatusCode::CONFLICT,
            Self::Overtaken => StatusCode::PRECONDITION_FAILED,
            Self::UnsupportedForm | Self::UnsupportedJson => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::UnknownHost => StatusCode::MISDIRECTED_REQUEST,
            Self::Unprocessable(_) | Self::Text(_) | Self::Invalid(_) => {
                StatusCode::UNPROCESSABLE_ENTITY
            }
            Self::Crowded
            | Self::Unavailable(_)
            | Self::Uncertain(_)
            | Self::Upstream
            | Self::Store(_)
            | Self::NotRemoved(_) => StatusCode::SERVICE_UNAVAILABLE,
            Self::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// Returns the response without a body, which the error page adds.
    fn error_response(&self) -> HttpResponse {
        log(self);
        let mut answer = HttpResponse::build(self.status_code());
        match self {
            Self::SignInFirst { back } => {
                let query = form_urlencoded::Serializer::new(String::new())
                    .append_pair("next", back)
                    .finish();
                answer.insert_header((LOCATION, format!("/login?{query}")));
            }
            Self::TokenNeeded => {
                answer.insert_header((WWW_AUTHENTICATE, "Bearer"));
            }
            Self::Crowded => {
                answer.insert_header((RETRY_AFTER, "5"));
            }
            Self::Upstream => {
                answer.insert_header((RETRY_AFTER, "10"));
            }
            Self::Unavailable(_) | Self::Uncertain(_) | Self::Store(_) | Self::NotRemoved(_) => {
                answer.insert_header((RETRY_AFTER, RETRY_SECONDS));
            }
            Self::TooSlow => {
                answer.force_close();
            }
            Self::TooMany { seconds } => {
                answer.insert_header((RETRY_AFTER, seconds.to_string()));
            }
            _ => {}
        }
        answer.finish()
    }
}

/// Logs the causes, which visitors must not see.
fn log(error: &AppError) {
    match error {
        AppError::Internal(_)
        | AppError::Unavailable(_)
        | AppError::Uncertain(_)
        | AppError::Conflict(_)
        | AppError::Store(_)
        | AppError::NotRemoved(_) => {
            let request = RequestId::current().map(tracing::field::display);
            tracing::error!(request, error = chain(error), "request failed");
        }
        _ => tracing::debug!(status = error.status_code().as_u16(), "request refused"),
    }
}

/// Joins the causes of the error, outermost first.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = String::new();
    let causes = std::iter::successors(error.source(), |error| error.source());
    for cause in causes {
        let separator = if text.is_empty() { "" } else { ": " };
        // Writing to a `String` cannot fail.
        let _ = write!(text, "{separator}{cause}");
    }
    text
}
