//! What happened during a request, told to who may know.
//!
//! - It observes: the cache's events and the database's statements; it changes neither.
//! - It stands outside the page cache, so nothing of it is ever stored.
//! - Where it is not allowed it costs one comparison.

mod recorder;
mod server_timing;

use std::time::Instant;

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::middleware::Next;
use actix_web::{Error, web};

pub use recorder::Recorder;

use crate::db::log::{self, Log};
use crate::site::access;
use crate::state::{State, Toolbar};

/// Adds `Server-Timing` where the toolbar is allowed, for the whole app.
pub async fn observe<B: MessageBody>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<B>, Error> {
    if !is_allowed(&request) {
        return next.call(request).await;
    }
    let started = Instant::now();
    let statements = Log::default();
    let recording = recorder::record(log::observe(statements.clone(), next.call(request)));
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
