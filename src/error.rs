//! The only ways a request fails.
//!
//! - Visitors get a status and a sentence; causes go to the log, once, with their whole chain.
//! - The page around the sentence is put on by [`crate::site::error_page`], which needs the shop.

use std::fmt::Write;
use std::sync::Arc;

use actix_web::http::StatusCode;
use actix_web::http::header::{LOCATION, RETRY_AFTER, WWW_AUTHENTICATE};
use actix_web::{HttpResponse, ResponseError};

use crate::cache;
use crate::db;
use crate::site::form::FormErrors;
use crate::site::request_id::RequestId;
use crate::site::text::TextError;

/// When to try again where the database or the store refuses for now: restarts and failovers take seconds.
const RETRY_SECONDS: &str = "5";

/// How a request fails that wants HTML.
#[derive(Debug, Clone, thiserror::Error)]
pub enum AppError {
    /// 404: nothing is there.
    #[error("There is nothing at this address. Perhaps it has been deleted, or the link is old.")]
    NotFound,
    /// 404: what was asked for by its name is not there.
    #[error("{0}")]
    Absent(&'static str),
    /// 400: the request cannot be read.
    #[error("{0}")]
    BadRequest(&'static str),
    /// 303 to the page where staff sign in: who asks has not, and this is for staff.
    #[error("This is for staff. Please sign in first.")]
    SignInFirst {
        /// Where they wanted to go, a path of this site.
        back: String,
    },
    /// 401: a program shows no token, or one that is none.
    #[error(
        "This needs a token of this shop: Authorization: Bearer TOKEN (see larder account token)."
    )]
    TokenNeeded,
    /// 403: it may not be done, or not from here.
    #[error("{0}")]
    Forbidden(&'static str),
    /// 408: its body was not there in time.
    #[error("What you sent took too long to arrive. Please try again.")]
    TooSlow,
    /// 409: other data, written meanwhile, forbids it.
    #[error(
        "Something that this depends on was changed at the same time. Please look at it again, and then \
         try once more."
    )]
    Conflict(#[source] db::Error),
    /// 412: it is not what whoever wants to change it has seen.
    #[error("It has been changed meanwhile: this is not the version that If-Match names.")]
    Overtaken,
    /// 413: what was sent is too large.
    #[error("What was sent is too large. At most {limit} bytes are taken.")]
    TooLarge {
        /// In bytes.
        limit: usize,
    },
    /// 415: not the way a form is sent.
    #[error("Forms are taken as application/x-www-form-urlencoded, in UTF-8.")]
    UnsupportedForm,
    /// 415: not the way the API is written to.
    #[error("The API takes application/json, in UTF-8.")]
    UnsupportedJson,
    /// 421: for another host.
    #[error(
        "This shop does not go by that name and port. Use one that it was started with (--host NAME, or \
         NAME:PORT)."
    )]
    UnknownHost,
    /// 422: it can be read, but not done.
    #[error("{0}")]
    Unprocessable(&'static str),
    /// 422: a text is too long, or holds what it may not.
    #[error("{0}")]
    Text(#[from] TextError),
    /// 422: it can be read, but some of its fields cannot be taken. For programs: who fills in a form gets
    /// the form back.
    #[error("Some of it cannot be taken as it is; errors says what, field by field.")]
    Invalid(FormErrors),
    /// 429: tried too often.
    #[error("That was tried too often. Please wait, and try again in {seconds} seconds.")]
    TooMany {
        /// Until it may be tried again.
        seconds: u64,
    },
    /// 503: more clients sign in at this moment than passwords can be compared.
    #[error("Too many visitors are signing in at this moment. Please try again in a few seconds.")]
    Crowded,
    /// 503: the database is away, or everybody is busy.
    #[error("The shop is busy or its database is away. Please try again in a moment.")]
    Unavailable(#[source] db::Error),
    /// 503: the database broke off during the commit. It must not be said that nothing was saved.
    #[error(
        "The database broke off while this was being saved: it may have been saved, or not. Please look \
         before you try again."
    )]
    Uncertain(#[source] db::Error),
    /// 503: another site that the page needs does not answer, and never did. The log has why.
    #[error("The supplier does not answer just now, and there are no older prices to show.")]
    Upstream,
    /// 503: the store of the cache is away, or would not do it. Only who steers the cache sees it.
    #[error(
        "The store that the cache shares did not do it: it is away, full, or the value too large."
    )]
    Store(#[source] Arc<cache::Error>),
    /// 503: entries are deleted by way of the database, which did not take it.
    #[error("Nothing was deleted, since the database did not take it. Try again in a moment.")]
    NotRemoved(#[source] Arc<cache::Error>),
    /// 500: a bug, or a broken database.
    #[error("Something went wrong on our side. It has been written down.")]
    Internal(#[source] Arc<anyhow::Error>),
}

impl AppError {
    /// Why it failed, in one sentence for the log: the first cause, or else what visitors read.
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
            db::Error::Uncertain(_) => Self::Uncertain(error),
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
            Self::NotFound | Self::Absent(_) => StatusCode::NOT_FOUND,
            Self::BadRequest(_) => StatusCode::BAD_REQUEST,
            Self::SignInFirst { .. } => StatusCode::SEE_OTHER,
            Self::TokenNeeded => StatusCode::UNAUTHORIZED,
            Self::TooMany { .. } => StatusCode::TOO_MANY_REQUESTS,
            Self::Forbidden(_) => StatusCode::FORBIDDEN,
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

    /// Without a body: the page is put on outside.
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

/// Writes what only we may know into the log.
fn log(error: &AppError) {
    match error {
        AppError::Internal(_)
        | AppError::Unavailable(_)
        | AppError::Uncertain(_)
        | AppError::Conflict(_)
        | AppError::Store(_)
        | AppError::NotRemoved(_) => {
            let request = RequestId::current().map(tracing::field::display);
            tracing::error!(request, error = chain(error), "a request failed");
        }
        _ => tracing::debug!(status = error.status_code().as_u16(), "a request was refused"),
    }
}

/// The error with its causes, outermost first.
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
