//! The staff's own page: all that the sections keep, counted, searched, and linked to where it is edited.
//!
//! | URL | |
//! |---|---|
//! | `GET /staff` | [`pages::index`]: every shelf, searched with `?q=` |
//!
//! It knows no section: `app` hands it their shelves.

pub mod pages;

use actix_web::web;

use crate::site::shelf::Shelf;

/// What the sections show, in the order of the page.
#[derive(Clone)]
pub struct Shelves(pub Vec<Shelf>);

/// The URLs of the staff.
pub fn routes(cfg: &mut web::ServiceConfig) {
    cfg.service(web::resource("/staff").route(web::get().to(pages::index)));
}
