//! Middleware that identifies the account behind each request.
//!
//! - Only a request with a session cookie or a bearer token costs a lookup.
//! - Session cookies that identify no account are removed; the request is then served as an anonymous one.
//! - Responses to a request with a valid session carry `no-store`: the next user of the browser cannot go
//!   back to them.
//! - Use extends a session, once a day, by a write that the response does not wait for.
//! - A shop without staff accounts looks up nothing.

use std::rc::Rc;

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{Service, ServiceRequest, ServiceResponse, forward_ready};
use actix_web::http::Method;
use actix_web::http::header::{
    AUTHORIZATION, CACHE_CONTROL, COOKIE, ETAG, HeaderMap, HeaderValue, LAST_MODIFIED,
};
use actix_web::{Error, HttpMessage, web};
use futures_util::future::{Either, LocalBoxFuture};

use super::model::{Known, Secret};
use super::{keys, resume, service, session};
use crate::error::AppError;
use crate::site::visitor::{ByStaff, Proof, SignedIn, Staff};
use crate::state::{Access, State};

/// Returns the service that identifies the account of each request for `service`; see the module.
pub fn around<S>(service: S) -> Identifying<S> {
    Identifying { service: Rc::new(service) }
}

/// The service of [`around`].
pub struct Identifying<S> {
    service: Rc<S>,
}

impl<S, B> Service<ServiceRequest> for Identifying<S>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error> + 'static,
    B: MessageBody + 'static,
{
    type Response = ServiceResponse<BoxBody>;
    type Error = Error;
    type Future = Either<
        LocalBoxFuture<'static, Result<Self::Response, Error>>,
        futures_util::future::MapOk<S::Future, fn(ServiceResponse<B>) -> Self::Response>,
    >;

    forward_ready!(service);

    fn call(&self, mut request: ServiceRequest) -> Self::Future {
        if is_resumed(&request) {
            let state = request.app_data::<web::Data<State>>().cloned();
            if let Some(state) = state {
                let resuming = resume::resume(self.service.clone(), state, request);
                return Either::Left(Box::pin(resuming));
            }
        }
        let shown = shown(&mut request);
        match (shown, request.app_data::<web::Data<State>>().cloned()) {
            (Some(shown), Some(state)) => {
                let service = self.service.clone();
                Either::Left(Box::pin(identified(service, state, request, shown)))
            }
            _ => {
                let boxed: fn(ServiceResponse<B>) -> Self::Response = |r| r.map_into_boxed_body();
                Either::Right(futures_util::TryFutureExt::map_ok(self.service.call(request), boxed))
            }
        }
    }
}

/// Whether the request signs in and carries a form.
fn is_resumed(request: &ServiceRequest) -> bool {
    request.method() == Method::POST && request.path() == resume::PATH
}

/// Returns the credentials that a request presents, if the shop has staff accounts.
fn shown(request: &mut ServiceRequest) -> Option<(Proof, Secret)> {
    let headers = request.headers();
    if !headers.contains_key(AUTHORIZATION) && !headers.contains_key(COOKIE) {
        return None;
    }
    let state = request.app_data::<web::Data<State>>()?;
    if state.settings.access != Access::Staff {
        return None;
    }
    let token = shown_token(headers).map(|token| (Proof::Token, token));
    let session = || session::shown(request.request()).map(|session| (Proof::Session, session));
    let shown = token.or_else(session);
    if shown.is_none() {
        session::take_off(request.headers_mut());
    }
    shown
}

async fn identified<S, B>(
    service: Rc<S>,
    state: web::Data<State>,
    mut request: ServiceRequest,
    (proof, secret): (Proof, Secret),
) -> Result<ServiceResponse<BoxBody>, Error>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error>,
    B: MessageBody + 'static,
{
    let known = match proof {
        Proof::Session => service::session(&state, &secret).await,
        Proof::Token => service::token(&state, &secret).await,
    };
    let mut is_extended = false;
    let is_known = match known {
        Ok(Some(known)) => {
            // Not by a `POST`, which may end the session.
            is_extended =
                request.method() == Method::GET && service::extend(&state, &secret, &known);
            let Known { account, name, .. } = known;
            let staff = Staff { id: account, name: name.into() };
            request.extensions_mut().insert(SignedIn { staff, proof });
            request.extensions_mut().insert(ByStaff);
            true
        }
        Ok(None) => false,
        Err(error) => return Ok(request.error_response::<AppError>(error)),
    };
    if !is_known || proof == Proof::Token {
        session::take_off(request.headers_mut());
    }
    let mut response = service.call(request).await?.map_into_boxed_body();
    if is_extended && !is_static(&response) {
        let cookie = session::cookie(response.request(), secret.as_str(), keys::SESSION_AGE);
        // Cannot fail: the value of a session is plain ASCII.
        let _ = response.response_mut().add_cookie(&cookie);
    }
    let is_seen = is_known && proof == Proof::Session;
    Ok(if is_seen { unstored(response) } else { response })
}

fn is_static(response: &ServiceResponse<BoxBody>) -> bool {
    response.request().path().starts_with("/static/")
}

/// Forbids storing a response to a signed-in account.
///
/// Static files stay storable: all clients get the same.
fn unstored(mut response: ServiceResponse<BoxBody>) -> ServiceResponse<BoxBody> {
    if is_static(&response) {
        return response;
    }
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.remove(ETAG);
    headers.remove(LAST_MODIFIED);
    response
}

/// Returns the bearer token of a request. Source: RFC 6750 §2.1.
fn shown_token(headers: &HeaderMap) -> Option<Secret> {
    let (scheme, token) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| Secret::shown(token.trim())).flatten()
}
