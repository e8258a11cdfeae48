//! The cookbook: recipes, made of foods in amounts.
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
//! - Three tables, three questions, one entry: all pages are made from that. Django's `prefetch_related`.
//!
//! `fixture` reads what `larder load cookbook` is given.

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
use crate::site::shelf::Shelf;

/// What staff find of it in their index.
pub const SHELF: Shelf = Shelf {
    name: "Recipes",
    all: "/cookbook",
    new: Some("/cookbook/new"),
    find: |state, search| Box::pin(service::find(state, search)),
};

/// And of what recipes are made of.
pub const FOODS_SHELF: Shelf = Shelf {
    name: "Foods",
    all: "/cookbook",
    new: None,
    find: |state, search| Box::pin(service::find_foods(state, search)),
};

/// The cookbook's URLs.
pub fn routes(cfg: &mut web::ServiceConfig) {
    cfg.service(
        web::resource("/cookbook")
            .wrap(page::cached(keys::page()))
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
