//! The toolbar: shows what happened during a request to clients that may see it.
//!
//! - It observes the events of the cache, of the database and of the log, and changes none of them.
//! - It stands outside the page cache, so no page with the toolbar is ever stored.
//! - If it is off, it costs one comparison.
//! - If the shop has staff, only they see it; requests of other visitors are not recorded.
//! - Its own URLs are not observed, and answer 404 to clients that may not see it.
//!
//! | URL | |
//! |---|---|
//! | `GET /toolbar/requests` | the last requests; `?format=json` |
//! | `GET /toolbar/requests/{id}` | the record of one request; `?format=json` |
//! | `GET /toolbar/explain?id=&n=` | the plan of its n-th statement |
//! | `POST /toolbar/purge` | fields `key` (with `how=end`: softly) or `tag`, and `back` |
//! | `POST /toolbar/bypass` | rebuilds the page `back` at its next request |
//!
//! In reading order: `watch` (a request under observation), `incoming`, `recorder`, `lines`, `processor`
//! (what is collected), `compose`, `tree`, `verdict`, `statement`, `redact` (which parts are secret),
//! `room` (the limits of a record), [`record`], `inject`, `server_timing` (what is sent), `memory`,
//! `warnings`, `panels`, `json`, `pages`, `forms`, `about` (what is shown).

mod about;
mod compose;
mod forms;
mod incoming;
mod inject;
mod json;
mod lines;
mod memory;
mod node;
mod pages;
mod panels;
mod processor;
pub mod record;
mod recorder;
mod redact;
mod room;
#[cfg(test)]
mod sample;
mod seen;
mod server_timing;
mod statement;
#[cfg(test)]
mod stories;
mod tree;
mod verdict;
mod warnings;
mod watch;

use std::time::{Instant, SystemTime};

use actix_web::body::BoxBody;
use actix_web::dev::{Service, ServiceRequest, ServiceResponse};
use actix_web::http::header::COOKIE;
use actix_web::middleware::from_fn;
use actix_web::{Error, web};
use futures_util::future::Either;

pub use lines::Lines;
pub use memory::Memory;
pub use recorder::Recorder;

use self::incoming::Incoming;
use self::seen::Watched;
use self::watch::watch;
use crate::site::client::Client;
use crate::site::request_id::RequestId;
use crate::state::{Access, State, Toolbar};

/// The toolbar's own URLs.
const OWN: &str = "/toolbar/";

/// URLs without a row in the history: they are no pages, and are requested all the time.
const UNLISTED: [&str; 3] = ["/static/", "/metrics", "/health"];

/// Registers the toolbar's URLs.
pub fn routes(cfg: &mut web::ServiceConfig) {
    cfg.service(
        web::scope("/toolbar")
            .wrap(from_fn(pages::guard))
            .service(web::resource("/requests").route(web::get().to(pages::index)))
            .service(web::resource("/requests/{id}").route(web::get().to(pages::show)))
            .service(web::resource("/explain").route(web::get().to(pages::explain)))
            .service(web::resource("/purge").route(web::post().to(pages::purge)))
            .service(web::resource("/bypass").route(web::post().to(pages::bypass))),
    );
}

/// Observes requests if that is allowed, and injects the toolbar into their pages; for the whole app.
pub fn observe<S>(
    mut request: ServiceRequest,
    service: &S,
) -> impl Future<Output = Result<ServiceResponse<BoxBody>, Error>> + use<S>
where
    S: Service<ServiceRequest, Response = ServiceResponse<BoxBody>, Error = Error>,
{
    let memory = memory_of(&request);
    let Some((memory, state)) = memory else { return Either::Right(service.call(request)) };
    let mut watched = begin(&mut request, &memory);
    watched.is_for_staff = state.settings.access == Access::Staff;
    // Boxed: each layer that observes would hold the future that it wraps twice, and every request moves
    // the outermost future.
    let response = Box::pin(service.call(request));
    Either::Left(Box::pin(async move { watch(watched, &memory, &state.cache, response).await }))
}

type Parts = (web::Data<Memory>, web::Data<State>);

/// Returns the memory and the state for a request that is observed.
fn memory_of(request: &ServiceRequest) -> Option<Parts> {
    let is_observed = is_allowed(request) && !request.path().starts_with(OWN);
    let parts = || {
        let memory = request.app_data::<web::Data<Memory>>()?.clone();
        Some((memory, request.app_data::<web::Data<State>>()?.clone()))
    };
    is_observed.then(parts).flatten()
}

fn begin(request: &mut ServiceRequest, memory: &Memory) -> Watched {
    let (began, started) = (SystemTime::now(), Instant::now());
    let is_listed = !UNLISTED.iter().any(|front| request.path().starts_with(front));
    let id = RequestId::current().unwrap_or_default();
    let incoming = is_listed.then(|| Incoming::of(request, memory));
    Watched { id, incoming, began, started, own: started.elapsed(), is_for_staff: false }
}

/// Decides whether the client may see the toolbar, as far as is known before it is identified.
///
/// If the shop has staff, only they may, and a request without a cookie is not from staff.
fn is_allowed(request: &ServiceRequest) -> bool {
    let Some(state) = request.app_data::<web::Data<State>>() else { return false };
    if state.settings.access == Access::Staff && !request.headers().contains_key(COOKIE) {
        return false;
    }
    match state.settings.toolbar {
        Toolbar::Off => false,
        Toolbar::On => true,
        Toolbar::Local => Client::of(request.request()).is_local,
    }
}
