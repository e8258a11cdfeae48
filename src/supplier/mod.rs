//! The supplier: prices that are fetched from a slow and unreliable upstream.
//!
//! | URL | |
//! |---|---|
//! | `GET /supplier` | [`pages::index`]: the prices, and when they were fetched |
//!
//! - Visitors wait at most a second if any prices are stored. Concurrent visitors share one call.
//! - An answer of the upstream is used only if all of it is valid.
//! - The page is not in the page cache: its hits would skip the lookup that refreshes the prices before they expire.
//!
//! `sample` is the built-in upstream.

pub mod client;
pub mod keys;
pub mod model;
pub mod pages;
pub mod sample;
pub mod service;

use actix_web::{HttpRequest, web};
use client::Client;

use crate::site::list::admin_section::AdminSection;
use crate::state::State;

/// The supplier's prices in the staff index.
pub const ADMIN_SECTION: AdminSection = AdminSection {
    list: &model::LIST,
    note: "price",
    find: |request, query, size| {
        Box::pin(service::find(&State::of(request).cache, client_of(request), query, size))
    },
};

/// Registers the URLs of the supplier.
pub fn routes(cfg: &mut web::ServiceConfig) {
    cfg.service(web::resource("/supplier").route(web::get().to(pages::index)));
}

/// Returns the client of the supplier, which `app` hands to every request.
fn client_of(request: &HttpRequest) -> &Client {
    request.app_data::<web::Data<Client>>().expect("the app has a client of the supplier")
}
