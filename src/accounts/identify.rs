//! Middleware that identifies the account behind each request.
//!
//! - Only a request with a session cookie or a bearer token costs a lookup.
//! - Session cookies that identify no account are removed; the request is then served as an anonymous one.
//! - Responses to a request with a valid session carry `no-store`: the next user of the browser cannot go
//!   back to them.
//! - A shop without staff accounts looks up nothing.

use std::future::{Ready, ready};
use std::rc::Rc;

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{Service, ServiceRequest, ServiceResponse, Transform, forward_ready};
use actix_web::http::header::{
    AUTHORIZATION, CACHE_CONTROL, COOKIE, ETAG, HeaderMap, HeaderValue, LAST_MODIFIED,
};
use actix_web::{Error, HttpMessage, HttpRequest, web};
use futures_util::future::{Either, LocalBoxFuture};

use super::model::{Known, Secret};
use super::service;
use crate::error::AppError;
use crate::site::client::Client;
use crate::site::cookie;
use crate::site::visitor::{HOST_SESSION, Proof, SESSION, SignedIn, Staff, session_cookie};
use crate::state::{Access, State};

/// The middleware; see the module.
#[derive(Debug, Clone, Copy)]
pub struct Identify;

impl<S, B> Transform<S, ServiceRequest> for Identify
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error> + 'static,
    B: MessageBody + 'static,
{
    type Response = ServiceResponse<BoxBody>;
    type Error = Error;
    type Transform = Identifying<S>;
    type InitError = ();
    type Future = Ready<Result<Self::Transform, ()>>;

    fn new_transform(&self, service: S) -> Self::Future {
        ready(Ok(Identifying { service: Rc::new(service) }))
    }
}

/// The service behind [`Identify`].
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
    let session = || shown_session(request.request()).map(|session| (Proof::Session, session));
    let shown = token.or_else(session);
    if shown.is_none() {
        take_off(request.headers_mut());
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
    let is_known = match known {
        Ok(Some(Known { account, name, .. })) => {
            let staff = Staff { id: account, name: name.into() };
            request.extensions_mut().insert(SignedIn { staff, proof });
            true
        }
        Ok(None) => false,
        Err(error) => return Ok(request.error_response::<AppError>(error)),
    };
    if !is_known || proof == Proof::Token {
        take_off(request.headers_mut());
    }
    let response = service.call(request).await?.map_into_boxed_body();
    let is_seen = is_known && proof == Proof::Session;
    Ok(if is_seen { unstored(response) } else { response })
}

/// Forbids storing a response to a signed-in account.
///
/// Static files stay storable: all clients get the same.
fn unstored(mut response: ServiceResponse<BoxBody>) -> ServiceResponse<BoxBody> {
    if response.request().path().starts_with("/static/") {
        return response;
    }
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.remove(ETAG);
    headers.remove(LAST_MODIFIED);
    response
}

/// Returns the session secret in the request's cookies, if it is well-formed.
pub fn shown_session(request: &HttpRequest) -> Option<Secret> {
    session_in(request.headers(), session_cookie(Client::of(request)))
}

fn session_in(headers: &HeaderMap, name: &str) -> Option<Secret> {
    cookie::value(headers, name).and_then(Secret::shown)
}

/// Returns the bearer token of a request. Source: RFC 6750 §2.1.
fn shown_token(headers: &HeaderMap) -> Option<Secret> {
    let (scheme, token) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| Secret::shown(token.trim())).flatten()
}

/// Removes the session cookies and leaves all others.
fn take_off(headers: &mut HeaderMap) {
    let is_session = |pair: &[u8]| {
        let name = pair.split(|byte| *byte == b'=').next().unwrap_or_default();
        [SESSION, HOST_SESSION].iter().any(|one| name.trim_ascii() == one.as_bytes())
    };
    let lines: Vec<HeaderValue> = headers.remove(COOKIE).collect();
    for line in lines {
        let pairs = line.as_bytes().split(|byte| *byte == b';');
        let left: Vec<&[u8]> = pairs.filter(|pair| !is_session(pair)).collect();
        if let (false, Ok(line)) = (left.is_empty(), HeaderValue::from_bytes(&left.join(&b';'))) {
            headers.append(COOKIE, line);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(lines: &[&str]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(COOKIE, line.parse().unwrap());
        }
        headers
    }

    #[test]
    fn a_session_is_found_among_other_cookies() {
        let secret = Secret::draw();
        let line = format!("a=b; {SESSION}={}; c=d", secret.as_str());
        assert_eq!(session_in(&with(&["x=y", &line]), SESSION), Some(secret));
        assert_eq!(session_in(&with(&["larder-session=x; a=b"]), SESSION), None);
        // The cookie of one scheme does not count for the other.
        assert_eq!(session_in(&with(&[&line]), HOST_SESSION), None);
        let line = format!("__Host-{}", line.replace("a=b; ", ""));
        assert!(session_in(&with(&[&line]), HOST_SESSION).is_some());
        assert_eq!(session_in(&with(&[&line]), SESSION), None);
    }

    #[test]
    fn session_cookies_are_removed_and_other_cookies_are_left() {
        let mut headers =
            with(&["a=b; larder-session=x;c=d", " larder-session =y; __Host-larder-session=z"]);
        take_off(&mut headers);
        let left: Vec<_> = headers.get_all(COOKIE).map(|line| line.to_str().unwrap()).collect();
        assert_eq!(left, ["a=b;c=d"]);
    }
}
