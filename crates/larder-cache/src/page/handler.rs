//! Calls handlers on behalf of the page cache.
//!
//! - The handlers of shared pages are called without credentials.
//! - A handler is called again if it read two different states of the data.
//! - A repeated request is routed again from the place in the path where it had arrived.
//! - A panic counts as a failure.

use std::pin::pin;

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{Path, Service, ServiceRequest, ServiceResponse, Url};
use actix_web::{Error, HttpMessage, HttpRequest, ResponseError};
use futures_util::future::{Either, select};

use super::holed;
use super::lookup::Lookup;
use super::nested::MAKING;
use super::request;
use super::rules::Rules;
use crate::dependencies::Dependencies;
use crate::flight::Leader;
use crate::hole::Render;
use crate::key::Key;
use crate::level::Level;
use crate::panics::caught;
use crate::tracking;

/// How often a page is rebuilt because the data changed during the build.
const RESTARTS: u32 = 4;

/// Returns another key if this task is already building `key` in an outer page cache.
///
/// With the same key, the inner cache would wait for the outer one, and the outer one for the inner one.
pub(super) fn apart(key: Key) -> Key {
    let within = |key: &Key| Key::named("page.within").part("of", key.as_str()).build();
    match MAKING.try_with(|making| *making == key) {
        Ok(true) => match key.variant_of() {
            Some(all) => within(&key).variant(&within(all)),
            None => within(&key),
        },
        _ => key,
    }
}

/// The error of a handler that panicked: answered as 500. The log has the panic's message.
#[derive(Debug, thiserror::Error)]
#[error("Something went wrong on our side.")]
pub(super) struct Panicked;

impl ResponseError for Panicked {}

/// Calls a handler and the middleware between it and the cache; turns a panic into an error.
///
/// Where the rules have holes, the response gets them among its extensions.
pub(super) async fn call<S, B>(
    service: &S,
    rules: &Rules,
    request: ServiceRequest,
) -> Result<ServiceResponse<BoxBody>, Error>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error>,
    B: MessageBody + 'static,
{
    let address = request.uri().clone();
    let called = caught(async { service.call(request).await });
    let render = (!rules.holes.is_empty()).then(Render::new);
    let called = Render::run(render, called).await;
    let answered = called.unwrap_or_else(|panic| {
        panic.log(address.path());
        Err(Panicked.into())
    });
    let response = answered?.map_into_boxed_body();
    request::note_tag(response.headers(), rules);
    Ok(match render {
        Some(render) => holed::cut(render, rules, response),
        None => response,
    })
}

/// Runs `work` as the load of this leader, if there is one; returns `None` if it is given up.
pub(super) async fn led<W: Future>(leader: Option<&Leader>, work: W) -> Option<W::Output> {
    let Some(leader) = leader else { return Some(work.await) };
    let work = pin!(leader.load().run(work));
    match select(work, pin!(leader.given_up())).await {
        Either::Left((brought, _)) => Some(brought),
        Either::Right(_) => None,
    }
}

/// Calls the handler, on shared pages without credentials.
pub(super) async fn ask<S, B>(
    service: &S,
    rules: &Rules,
    mut request: ServiceRequest,
) -> Result<ServiceResponse<BoxBody>, Error>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error>,
    B: MessageBody + 'static,
{
    let hidden = request::strip_credentials(&mut request, rules);
    let response = call(service, rules, request).await?;
    if let Some(hidden) = hidden {
        response.request().extensions_mut().extend(hidden);
    }
    Ok(response)
}

/// Turns a request that was already answered into one to be sent again from `place`.
pub(super) fn again(request: HttpRequest, place: &Path<Url>) -> ServiceRequest {
    let mut request = ServiceRequest::from_request(request);
    *request.match_info_mut() = place.clone();
    request
}

impl Lookup {
    /// Calls the handler, and calls it again while what it read mixes two states of the data.
    pub(super) async fn call<S, B>(
        &self,
        service: &S,
        request: ServiceRequest,
    ) -> (Result<ServiceResponse<BoxBody>, Error>, Dependencies)
    where
        S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error>,
        B: MessageBody + 'static,
    {
        let mut current = self.current.clone();
        let place = request.match_info().clone();
        let ask = |request| MAKING.scope(self.key.clone(), ask(service, &self.rules, request));
        let mut made = tracking::track_for(&self.key, current.clone(), ask(request)).await;
        for _ in 0..RESTARTS {
            if !made.1.is_inconsistent() {
                break;
            }
            self.cache.compare_with_source(&made.1, &current);
            made = match made {
                (Ok(response), inconsistent) => match self.cache.stamps_for(Level::Page).await {
                    Some(newer) => {
                        current = newer;
                        let request = again(response.into_parts().0, &place);
                        tracking::track_for(&self.key, current.clone(), ask(request)).await
                    }
                    // Without current stamps a retry is pointless: the response is sent, but not stored.
                    None => return (Ok(response), inconsistent),
                },
                failed => return failed,
            };
        }
        made
    }

    /// Calls the handler again from `place`, without conditions, for the page itself.
    pub(super) async fn call_anew<S, B>(
        &self,
        service: &S,
        answer: ServiceResponse<BoxBody>,
        place: &Path<Url>,
    ) -> (Result<ServiceResponse<BoxBody>, Error>, Dependencies)
    where
        S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error>,
        B: MessageBody + 'static,
    {
        let mut request = again(answer.into_parts().0, place);
        request::strip_conditionals(&mut request);
        self.call(service, request).await
    }
}
