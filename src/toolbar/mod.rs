//! What happened during a request, told to who may know.
//!
//! - It observes: the cache's events and the database's statements; it changes neither.
//! - It stands outside the page cache, so nothing of it is ever stored.
//! - Where it is not allowed it costs one comparison.

mod recorder;
mod server_timing;

use std::time::Instant;

use actix_web::dev::{Service, ServiceRequest, ServiceResponse};
use actix_web::{Error, web};
use futures_util::future::Either;

pub use recorder::Recorder;

use crate::db::log::{self, Log};
use crate::site::access;
use crate::state::{State, Toolbar};

/// Adds `Server-Timing` where the toolbar is allowed, for the whole app.
pub fn observe<S, B>(
    request: ServiceRequest,
    service: &S,
) -> impl Future<Output = Result<ServiceResponse<B>, Error>> + use<S, B>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error>,
{
    let is_allowed = is_allowed(&request);
    let started = Instant::now();
    let response = service.call(request);
    // Boxed: what wraps all requests is moved about, and a recording is large.
    if is_allowed {
        Either::Left(Box::pin(record(started, response)))
    } else {
        Either::Right(response)
    }
}

async fn record<B>(
    started: Instant,
    response: impl Future<Output = Result<ServiceResponse<B>, Error>>,
) -> Result<ServiceResponse<B>, Error> {
    let statements = Log::default();
    let recording = recorder::record(log::observe(statements.clone(), response));
    let (response, lookups) = recording.await;
    let mut response = response?;
    let statements = statements.statements();
    server_timing::write(response.headers_mut(), started.elapsed(), &statements, &lookups);
    Ok(response)
}

fn is_allowed(request: &ServiceRequest) -> bool {
    let Some(state) = request.app_data::<web::Data<State>>() else { return false };
    match state.settings.toolbar {
        Toolbar::Off => false,
        Toolbar::On => true,
        Toolbar::Local => access::is_local(request),
    }
}
