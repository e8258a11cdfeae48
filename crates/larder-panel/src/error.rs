//! The errors with which a request to the panel fails.
//!
//! - Clients get a status and a sentence. Causes are logged, and not shown.

use std::sync::Arc;

use actix_web::http::StatusCode;
use actix_web::http::header::RETRY_AFTER;
use actix_web::{HttpResponse, ResponseError};

use crate::cache;

/// Why a request to the panel failed.
#[derive(Debug, Clone, thiserror::Error)]
pub(crate) enum PanelError {
    /// 404: there is nothing at this address, or not for this client.
    #[error("There is nothing at this address.")]
    NotFound,
    /// 404: the named object does not exist.
    #[error("{0}")]
    Absent(&'static str),
    /// 404: the list has no such page.
    #[error("The list has no such page. It may have become shorter.")]
    NoPage,
    /// 400: the request is malformed.
    #[error("{0}")]
    BadRequest(&'static str),
    /// 403: a write that comes from a page of another site.
    #[error("This form was sent by a page of another site.")]
    Foreign,
    /// 408: the form did not arrive in time.
    #[error("The request took too long to arrive. Please try again.")]
    TooSlow,
    /// 413: the form is too large.
    #[error("The request is too large: at most {limit} bytes are accepted.")]
    TooLarge {
        /// In bytes.
        limit: usize,
    },
    /// 415: the body is no form.
    #[error("Content-Type must be application/x-www-form-urlencoded.")]
    NoForm,
    /// 422: the request is well-formed, but cannot be done.
    #[error("{0}")]
    Unprocessable(&'static str),
    /// 503: the store of the cache is unreachable or refused.
    #[error(
        "The cache’s shared store failed: it is unavailable or full, or the value is too large."
    )]
    Store(#[source] Arc<cache::Error>),
    /// 503: stamps could not be changed.
    #[error("Nothing was changed: the source of stamps refused it. Try again in a moment.")]
    NotRemoved(#[source] Arc<cache::Error>),
    /// 500: a template or a record could not be written.
    #[error("Something went wrong on our side. The error has been logged.")]
    Internal(String),
}

impl PanelError {
    /// Reports whether only clients that may see the panel are told of it.
    pub(crate) fn is_told(&self) -> bool {
        !matches!(self, Self::NotFound | Self::Foreign)
    }
}

impl From<cache::Error> for PanelError {
    fn from(error: cache::Error) -> Self {
        match error {
            cache::Error::NotRemoved(_) => Self::NotRemoved(Arc::new(error)),
            _ => Self::Store(Arc::new(error)),
        }
    }
}

impl From<askama::Error> for PanelError {
    fn from(error: askama::Error) -> Self {
        Self::Internal(format!("render a page: {error}"))
    }
}

impl From<serde_json::Error> for PanelError {
    fn from(error: serde_json::Error) -> Self {
        Self::Internal(format!("write JSON: {error}"))
    }
}

/// Returns an error with what caused it: `redis store: no answer within 80ms`.
fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let causes = std::iter::successors(Some(error), |error| (**error).source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

impl ResponseError for PanelError {
    fn status_code(&self) -> StatusCode {
        match self {
            Self::NotFound | Self::Absent(_) | Self::NoPage => StatusCode::NOT_FOUND,
            Self::BadRequest(_) => StatusCode::BAD_REQUEST,
            Self::Foreign => StatusCode::FORBIDDEN,
            Self::TooSlow => StatusCode::REQUEST_TIMEOUT,
            Self::TooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            Self::NoForm => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::Unprocessable(_) => StatusCode::UNPROCESSABLE_ENTITY,
            Self::Store(_) | Self::NotRemoved(_) => StatusCode::SERVICE_UNAVAILABLE,
            Self::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// Returns the response without a body, which `refusal` adds.
    fn error_response(&self) -> HttpResponse {
        let cause = match self {
            Self::Internal(cause) => Some(cause.clone()),
            Self::Store(error) => Some(chain(&**error)),
            Self::NotRemoved(error) => Some(error.to_string()),
            _ => None,
        };
        if let Some(error) = cause {
            tracing::error!(error, "a request to the panel failed");
        }
        let mut answer = HttpResponse::build(self.status_code());
        match self {
            Self::Store(_) | Self::NotRemoved(_) => answer.insert_header((RETRY_AFTER, "5")),
            Self::TooSlow => answer.force_close(),
            _ => &mut answer,
        };
        answer.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cache::store::StoreError;

    #[test]
    fn the_log_tells_what_an_error_was_caused_by() {
        let error = cache::Error::Store { store: "redis", source: StoreError::Closed };
        assert_eq!(chain(&error), format!("{error}: {}", StoreError::Closed));
    }
}
