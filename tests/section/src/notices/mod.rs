//! Notices: what the shop tells its visitors.
//!
//! | URL | |
//! |---|---|
//! | `GET /notices` | [`pages::index`] |
//! | `GET /notices/new`, `POST /notices` | [`pages::new`], [`pages::create`] |

pub mod forms;
pub mod keys;
pub mod model;
pub mod pages;
pub mod queries;
pub mod service;

use actix_web::web;

use crate::cache::page;
use crate::site::list::admin_section::AdminSection;
use crate::state::State;

/// The notices in the staff index.
pub const ADMIN_SECTION: AdminSection = AdminSection {
    list: &model::LIST,
    note: "created",
    find: |request, query, size| Box::pin(service::find(State::of(request), query, size)),
};

/// Registers the URLs of the notices.
pub fn routes(cfg: &mut web::ServiceConfig) {
    cfg.service(
        web::resource("/notices")
            .wrap(page::cached(keys::index()))
            .route(web::get().to(pages::index))
            .route(web::post().to(pages::create)),
    )
    .service(web::resource("/notices/new").route(web::get().to(pages::new)));
}
