//! One time budget for all that a request waits for stores.

use std::time::Duration;

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::middleware::Next;
use actix_web::{Error, web};

use crate::cache::Cache;
use crate::cache::store::Budget;

/// What a request waits for the answers of stores, in all. Beside it, it waits at most 100 ms for what
/// another instance is just making.
const BUDGET: Duration = Duration::from_millis(80);

/// Bounds what a request waits for the shared store, for the whole app. Without one it costs nothing.
pub async fn limit<B: MessageBody>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<B>, Error> {
    let is_shared = request.app_data::<web::Data<Cache>>().is_some_and(|cache| cache.is_shared());
    if is_shared {
        Budget::new(BUDGET).scope(next.call(request)).await
    } else {
        next.call(request).await
    }
}
