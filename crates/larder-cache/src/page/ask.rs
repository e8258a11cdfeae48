//! Asking handlers.
//!
//! - As nobody in particular, where pages are for everybody.
//! - Anew, where what it read meanwhile mixes two states of the data.
//! - From the same place: a request that is sent once more is routed from where it had come to.
//! - One that panics is one that fails.

use std::pin::pin;

use actix_web::dev::{Path, Service, ServiceRequest, ServiceResponse, Url};
use actix_web::{Error, HttpMessage, HttpRequest, ResponseError};
use futures_util::future::{Either, select};

use super::request;
use super::rules::Rules;
use super::visit::Visit;
use crate::flight::Leader;
use crate::key::Key;
use crate::level::Level;
use crate::panics::caught;
use crate::scope::{self, Dependencies};

/// How often a page is made anew because the data changed while it was made.
const RESTARTS: u32 = 4;

tokio::task_local! {
    /// The key of the page whose handler is asked.
    pub(super) static MAKING: Key;
}

/// A key of its own for a cache that stands within another one, which is just making `key`: they would
/// wait for each other.
pub(super) fn apart(key: Key) -> Key {
    match MAKING.try_with(|making| *making == key) {
        Ok(true) => Key::named("page.within").part("of", key.as_str()).build(),
        _ => key,
    }
}

/// A handler that has panicked; the log has its message. Answered as a 500.
#[derive(Debug, thiserror::Error)]
#[error("Something went wrong on our side.")]
pub struct Panicked;

impl ResponseError for Panicked {}

/// Calls a handler, and whatever is between it and the cache; a panic is an error.
pub(super) async fn call<S, B>(
    service: &S,
    request: ServiceRequest,
) -> Result<ServiceResponse<B>, Error>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error>,
{
    let address = request.uri().clone();
    caught(async { service.call(request).await }).await.unwrap_or_else(|panic| {
        panic.log(address.path());
        Err(Panicked.into())
    })
}

/// What `work` brings, which is the load of this leader, if there is one; nothing where it is given up.
pub(super) async fn led<W: Future>(leader: Option<&Leader>, work: W) -> Option<W::Output> {
    let Some(leader) = leader else { return Some(work.await) };
    let work = pin!(leader.load().run(work));
    match select(work, pin!(leader.given_up())).await {
        Either::Left((brought, _)) => Some(brought),
        Either::Right(_) => None,
    }
}

/// Lets the handler answer, who sees nobody where pages are for everybody.
pub(super) async fn ask<S, B>(
    service: &S,
    rules: &Rules,
    mut request: ServiceRequest,
) -> Result<ServiceResponse<B>, Error>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error>,
{
    let hidden = request::make_anybodys(&mut request, rules);
    let response = call(service, request).await?;
    if let Some(hidden) = hidden {
        response.request().extensions_mut().extend(hidden);
    }
    Ok(response)
}

/// A request that was answered, to be sent once more from `place`.
pub(super) fn again(request: HttpRequest, place: &Path<Url>) -> ServiceRequest {
    let mut request = ServiceRequest::from_request(request);
    *request.match_info_mut() = place.clone();
    request
}

impl Visit {
    /// Lets the handler answer; anew, if what it read meanwhile mixes two states of the data.
    pub async fn call<S, B>(
        &self,
        service: &S,
        request: ServiceRequest,
    ) -> (Result<ServiceResponse<B>, Error>, Dependencies)
    where
        S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error>,
    {
        let mut view = self.view.clone();
        let place = request.match_info().clone();
        let ask = |request| MAKING.scope(self.key.clone(), ask(service, &self.rules, request));
        let mut made = scope::collect_for(&self.key, view, ask(request)).await;
        for _ in 0..RESTARTS {
            if !made.1.is_torn() {
                break;
            }
            made = match made {
                (Ok(response), torn) => match self.cache.view_for(Level::Page).await {
                    Some(newer) => {
                        view = newer;
                        let request = again(response.into_parts().0, &place);
                        scope::collect_for(&self.key, view, ask(request)).await
                    }
                    None => return (Ok(response), torn),
                },
                failed => return failed,
            };
        }
        made
    }

    /// Asks the handler once more, from `place`, and for the page itself.
    pub async fn call_anew<S, B>(
        &self,
        service: &S,
        answer: ServiceResponse<B>,
        place: &Path<Url>,
    ) -> (Result<ServiceResponse<B>, Error>, Dependencies)
    where
        S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error>,
    {
        let mut request = again(answer.into_parts().0, place);
        request::make_whole(&mut request);
        self.call(service, request).await
    }
}
