//! What happened during a request, told to who may know.
//!
//! - It observes: the events of the cache, of the database and of the log; it changes none of them.
//! - It stands outside the page cache, so nothing of it is ever stored.
//! - Where it is off it costs one comparison.
//! - Where the shop has staff it is for them alone; of all others nothing is remembered.
//! - Its own addresses are not observed, and for whom it is not allowed there is nothing at them.
//!
//! | URL | |
//! |---|---|
//! | `GET /toolbar/requests` | the last requests; `?format=json` |
//! | `GET /toolbar/requests/{id}` | all that is known of one; `?format=json` |
//! | `GET /toolbar/explain?id=&n=` | the plan of its n-th statement |
//! | `POST /toolbar/purge` | fields `key` (with `how=end`: softly) or `tag`, and `back` |
//! | `POST /toolbar/bypass` | has the page `back` made anew when it is next asked for |
//!
//! In reading order: `watch` (a request under observation), `incoming`, `recorder`, `lines`, `processor`
//! (what is collected), `compose`, `tree`, `verdict`, `statement`, `redact` (what of it is secret), `room` (the record of it), [`record`], `inject`,
//! `server_timing` (what goes out), `memory`, `warnings`, `panels`, `json`, `pages`, `forms`, `about`
//! (what is shown).

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

/// The toolbar's own addresses.
const OWN: &str = "/toolbar/";

/// Addresses that have no row in the history: they are no pages, and asked for all the time.
const UNLISTED: [&str; 3] = ["/static/", "/metrics", "/health"];

/// The toolbar's URLs.
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

/// Observes requests where that is allowed, and puts the toolbar into their pages; for the whole app.
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
    // Boxed: each layer that observes has room for what it wraps, twice; and what wraps all requests is
    // moved about.
    let response = Box::pin(service.call(request));
    Either::Left(Box::pin(async move { watch(watched, &memory, &state.cache, response).await }))
}

type Parts = (web::Data<Memory>, web::Data<State>);

/// Where a request is remembered, if it is observed.
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

/// Whether who asks may know, as far as can be said before it is known who that is: where the shop has staff,
/// only they may, and who shows no session is none of them.
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
