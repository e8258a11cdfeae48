//! One time budget for all that a request waits for stores.

use std::time::Duration;

use actix_web::dev::{Service, ServiceRequest, ServiceResponse};
use actix_web::{Error, web};
use futures_util::future::Either;

use crate::Cache;
use crate::store::Budget;

/// What a request waits for the answers of stores, in all. Beside it, it waits at most 100 ms for each
/// thing that another instance is just making: a page, and what the page is made of.
const BUDGET: Duration = Duration::from_millis(80);

/// Bounds what a request waits for the shared store, for the whole app. Without one it costs nothing.
pub fn limit<S, B>(
    request: ServiceRequest,
    service: &S,
) -> impl Future<Output = Result<ServiceResponse<B>, Error>> + use<S, B>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error>,
{
    let is_shared = request.app_data::<web::Data<Cache>>().is_some_and(|cache| cache.is_shared());
    let response = service.call(request);
    // Boxed: what wraps all requests is moved about, and had better be small.
    if is_shared {
        Either::Left(Box::pin(Budget::new(BUDGET).scope(response)))
    } else {
        Either::Right(response)
    }
}
