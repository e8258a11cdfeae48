//! Limits the total time that a request waits for stores.

use actix_web::dev::{Service, ServiceRequest, ServiceResponse};
use actix_web::{Error, web};
use futures_util::future::Either;

use crate::Cache;
use crate::store::Budget;

/// Limits the time that requests to this app wait for the shared store; costs nothing without one.
pub fn limit_store_time<S, B>(
    request: ServiceRequest,
    service: &S,
) -> impl Future<Output = Result<ServiceResponse<B>, Error>> + use<S, B>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error>,
{
    let budget = request.app_data::<web::Data<Cache>>().and_then(|cache| cache.store_budget());
    let response = service.call(request);
    // Boxed to keep the future small: it wraps every request and is moved often.
    match budget {
        Some(budget) => Either::Left(Box::pin(Budget::new(budget).scope(response))),
        None => Either::Right(response),
    }
}
