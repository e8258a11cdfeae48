//! The dashboard of the cache: pages and a JSON API to inspect and modify it.
//!
//! | URL | |
//! |---|---|
//! | `GET /cache` | [`pages::index`]: all figures |
//! | `GET /cache/entries?like=&tag=&level=&page=` | [`entries::index`]: the entries |
//! | `GET /cache/entry?key=`, `POST /cache/entry/delete` | [`entries::show`], [`entries::delete`]: one entry |
//! | `GET /cache/invalidate?tag=` | [`pages::ask`]: the confirmation of an invalidation |
//! | `POST /cache/invalidate` | [`pages::invalidate`]: invalidates a tag |
//! | `GET /cache/keys` | [`api::keys`]: the keys, as JSON |
//! | `GET /cache/key`, `POST /cache/key` | [`api::key`]: one key; [`api::set`]: sets a value |
//! | `POST /cache/key/delete` | [`api::delete`] |
//! | `GET /cache/stats` | [`api::stats`]: statistics |
//! | `POST /cache/clear` | [`api::clear`] |
//!
//! - Keys hold what visitors searched for. So only clients on this machine, without a proxy, have
//!   access; in a shop with staff, only signed-in staff, from any address.
//! - No response is stored.

pub mod api;
pub mod audit;
mod chart;
pub mod entries;
pub mod forms;
pub mod history;
mod overview;
pub mod pages;
pub mod service;
mod words;

use std::sync::Arc;

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{CACHE_CONTROL, HeaderValue};
use actix_web::middleware::{Next, from_fn};
use actix_web::{Error, web};

use crate::cache::store::Store;
use crate::error::AppError;
use crate::site::client::Client;
use crate::site::visitor::Visitor;
use crate::site::{assets, problem};
use audit::{Act, Audit, Door};
use history::History;

/// The section whose navigation link is marked: none.
const SECTION: &str = "";

/// Addresses for people, whose errors are pages; those of all others are problems (RFC 9457).
const PAGES: [&str; 5] =
    ["/cache", "/cache/entries", "/cache/entry", "/cache/entry/delete", "/cache/invalidate"];

/// The state of the dashboard in one process.
#[derive(Debug)]
pub struct Dashboard {
    /// The counts of the last hour.
    pub history: Arc<History>,
    /// The last invalidations and deletions.
    pub audit: Audit,
    /// The store that instances share.
    shared: Option<Arc<dyn Store>>,
}

impl Dashboard {
    /// Creates the dashboard of `history`, where `shared` is the store that instances share.
    pub fn new(history: Arc<History>, shared: Option<Arc<dyn Store>>) -> Self {
        Self { history, audit: Audit::default(), shared }
    }

    /// Records that the shop has cleared its cache at the start.
    pub fn note_start(&self) {
        self.audit.note(Act::Cleared, "everything", Door::Start, None);
    }
}

/// Registers the dashboard's URLs.
pub fn routes(cfg: &mut web::ServiceConfig) {
    cfg.service(
        web::scope("/cache")
            .wrap(from_fn(guard))
            .service(web::resource("").route(web::get().to(pages::index)))
            .service(web::resource("/entries").route(web::get().to(entries::index)))
            .service(web::resource("/entry").route(web::get().to(entries::show)))
            .service(web::resource("/entry/delete").route(web::post().to(entries::delete)))
            .service(
                web::resource("/invalidate")
                    .route(web::get().to(pages::ask))
                    .route(web::post().to(pages::invalidate)),
            )
            .service(web::resource("/keys").route(web::get().to(api::keys)))
            .service(
                web::resource("/key")
                    .route(web::get().to(api::key))
                    .route(web::post().to(api::set)),
            )
            .service(web::resource("/key/delete").route(web::post().to(api::delete)))
            .service(web::resource("/stats").route(web::get().to(api::stats)))
            .service(web::resource("/clear").route(web::post().to(api::clear))),
    );
}

/// Returns the address of the style sheet.
fn stylesheet() -> &'static str {
    assets::DASHBOARD_STYLESHEET.url()
}

/// Returns the address of the page of `key`.
fn entry_at(key: &str) -> String {
    address("/cache/entry", "key", key)
}

/// Returns an address with one field in its query.
fn address(path: &str, field: &str, value: &str) -> String {
    let query = form_urlencoded::Serializer::new(String::new()).append_pair(field, value).finish();
    format!("{path}?{query}")
}

/// Checks access: staff where the shop has some, else clients on this machine.
fn may_look(request: &ServiceRequest, is_page: bool) -> Result<(), AppError> {
    let visitor = Visitor::of(request.request());
    match (visitor.may_sign_in(), visitor.name()) {
        (true, _) if is_page => Err(AppError::SignInFirst { back: request.uri().to_string() }),
        (true, _) => Err(AppError::TokenNeeded),
        (false, Some(_)) => Ok(()),
        (false, None) if Client::of(request.request()).is_local => Ok(()),
        (false, None) => Err(AppError::Forbidden(
            "The cache is shown only on the machine that the shop runs on, without a proxy.",
        )),
    }
}

/// Guards all routes: checks access, forbids storing, and formats errors.
async fn guard<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let is_page = PAGES.contains(&request.path());
    let mut response = match may_look(&request, is_page) {
        Ok(()) => next.call(request).await?.map_into_boxed_body(),
        Err(refusal) => request.error_response(refusal),
    };
    if !is_page {
        response = problem::tell(response);
    }
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}
