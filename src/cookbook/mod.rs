//! The cookbook: recipes and their ingredients, each an amount of a food.
//!
//! | URL | |
//! |---|---|
//! | `GET /cookbook` | [`pages::index`] |
//! | `GET /cookbook/{id}` | [`pages::show`] |
//! | `GET /cookbook/new`, `POST /cookbook` | [`pages::new`], [`pages::create`] |
//! | `GET /cookbook/{id}/edit`, `POST /cookbook/{id}` | [`pages::edit`], [`pages::update`] |
//! | `GET`, `POST /cookbook/{id}/delete` | [`pages::ask`], [`pages::delete`] |
//! | `GET /cookbook/foods/{id}/edit`, `POST /cookbook/foods/{id}` | [`foods::edit`], [`foods::update`] |
//!
//! Three queries, one for each table, load the whole cookbook into one cache entry, like Django's
//! `prefetch_related`. All pages are built from that entry.
//!
//! `fixture` parses the file that `larder load cookbook` reads.

pub mod fixture;
pub mod foods;
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

/// The recipes in the staff index.
pub const ADMIN_SECTION: AdminSection = AdminSection {
    list: &model::LIST,
    note: "",
    find: |request, query, size| Box::pin(service::find(State::of(request), query, size)),
};

/// The foods in the staff index.
pub const FOODS_ADMIN_SECTION: AdminSection = AdminSection {
    list: &model::FOODS,
    note: "",
    find: |request, query, size| Box::pin(service::find_foods(State::of(request), query, size)),
};

/// Registers the URLs of the cookbook.
pub fn routes(cfg: &mut web::ServiceConfig) {
    cfg.service(
        web::resource("/cookbook")
            .wrap(page::cached(keys::index()))
            .route(web::get().to(pages::index))
            .route(web::post().to(pages::create)),
    )
    .service(web::resource("/cookbook/new").route(web::get().to(pages::new)))
    .service(web::resource("/cookbook/foods/{id}").route(web::post().to(foods::update)))
    .service(web::resource("/cookbook/foods/{id}/edit").route(web::get().to(foods::edit)))
    .service(
        web::resource("/cookbook/{id}")
            .wrap(page::cached(keys::page()))
            .route(web::get().to(pages::show))
            .route(web::post().to(pages::update)),
    )
    .service(web::resource("/cookbook/{id}/edit").route(web::get().to(pages::edit)))
    .service(
        web::resource("/cookbook/{id}/delete")
            .route(web::get().to(pages::ask))
            .route(web::post().to(pages::delete)),
    );
}
