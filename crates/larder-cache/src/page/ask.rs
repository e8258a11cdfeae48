//! Asking handlers.
//!
//! - As nobody in particular, where pages are for everybody.
//! - Anew, where what it read meanwhile mixes two states of the data.
//! - From the same place: a request that is sent once more is routed from where it had come to.

use actix_web::dev::{Path, Service, ServiceRequest, ServiceResponse, Url};
use actix_web::{Error, HttpMessage, HttpRequest};

use super::request;
use super::rules::Rules;
use super::visit::Visit;
use crate::key::Key;
use crate::level::Level;
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
    let response = service.call(request).await?;
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
