//! Forms and queries: a missing field is empty, an unknown one is ignored.

use std::time::Duration;

use actix_web::dev::Payload;
use actix_web::error::UrlencodedError;
use actix_web::{FromRequest, HttpRequest, web};
use futures_util::future::{LocalBoxFuture, Ready, ready};
use serde::de::DeserializeOwned;
use tokio::time::timeout;

use crate::error::PanelError;

/// Bytes of the largest form.
pub(crate) const LIMIT: usize = 64 * 1024;

/// How long a client may take to send a form.
const TIME: Duration = Duration::from_secs(30);

/// Extracts a posted form.
pub(crate) struct Form<T>(pub T);

impl<T: DeserializeOwned + 'static> FromRequest for Form<T> {
    type Error = PanelError;
    type Future = LocalBoxFuture<'static, Result<Self, PanelError>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let reading = actix_web::dev::UrlEncoded::<T>::new(request, payload).limit(LIMIT);
        Box::pin(async move {
            let read = timeout(TIME, reading).await.map_err(|_| PanelError::TooSlow)?;
            read.map(Self).map_err(|error| match error {
                UrlencodedError::Overflow { limit, .. } => PanelError::TooLarge { limit },
                UrlencodedError::ContentType => PanelError::NoForm,
                _ => PanelError::BadRequest("The form is incomplete, or has a field twice."),
            })
        })
    }
}

/// Extracts the query of an address.
pub(crate) struct Query<T>(pub T);

impl<T: DeserializeOwned> FromRequest for Query<T> {
    type Error = PanelError;
    type Future = Ready<Result<Self, PanelError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let read = web::Query::from_query(request.query_string());
        let error = |_| PanelError::BadRequest("The address has a field twice, or is not UTF-8.");
        ready(read.map(|web::Query(query)| Self(query)).map_err(error))
    }
}
