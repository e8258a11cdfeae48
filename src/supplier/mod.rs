//! The supplier: prices from a slow upstream, which answers when it likes.
//!
//! | URL | |
//! |---|---|
//! | `GET /supplier` | [`pages::index`]: the prices, and when they were fetched |
//!
//! - Visitors never wait for more than a moment where there are prices, however old; nobody asks twice at once.
//! - What the upstream says is believed only where it is whole and in its right form.
//! - The page is not cached as a page: it would not notice that its prices are to be fetched ahead of their end.
//!
//! `sample` is the upstream that is built in.

pub mod client;
pub mod keys;
pub mod model;
pub mod pages;
pub mod sample;
pub mod service;

use actix_web::web;

use crate::site::shelf::Shelf;

/// What staff find of it in their index.
pub const SHELF: Shelf = Shelf {
    name: "Supplier’s prices",
    all: "/supplier",
    new: None,
    find: |state, search| Box::pin(service::find(state, search)),
};

/// The supplier's URLs.
pub fn routes(cfg: &mut web::ServiceConfig) {
    cfg.service(web::resource("/supplier").route(web::get().to(pages::index)));
}
