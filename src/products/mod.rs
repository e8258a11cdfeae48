//! The catalogue: browse, add, edit and delete products.
//!
//! | URL | |
//! |---|---|
//! | `GET /` | [`pages::index`]: by pages, searched, sorted and filtered |
//! | `GET /products/{id}` | [`pages::show`] |
//! | `GET /products/new`, `POST /products` | [`pages::new`], [`pages::create`] |
//! | `GET /products/{id}/edit`, `POST /products/{id}` | [`pages::edit`], [`pages::update`] |
//! | `POST /products/selected` | [`many::change`]: preview, then change or delete many |
//! | `GET`, `POST /products/{id}/delete` | [`pages::ask`], [`pages::delete`] |

pub mod forms;
pub mod keys;
pub mod many;
pub mod model;
pub mod pages;
pub mod queries;
pub mod sample;
pub mod service;

use actix_web::web;

use crate::cache::page;
use crate::site::list::admin_section::AdminSection;
use crate::state::State;

/// The catalogue's section of the staff index.
pub const ADMIN_SECTION: AdminSection = AdminSection {
    list: &model::LIST,
    note: "price",
    find: |request, query, size| Box::pin(service::find(State::of(request), query, size)),
};

/// Registers the catalogue's URLs.
pub fn routes(cfg: &mut web::ServiceConfig) {
    cfg.service(
        web::resource("/").wrap(page::cached(keys::index())).route(web::get().to(pages::index)),
    )
    .service(web::resource("/products").route(web::post().to(pages::create)))
    .service(web::resource("/products/new").route(web::get().to(pages::new)))
    .service(web::resource("/products/selected").route(web::post().to(many::change)))
    .service(
        web::resource("/products/{id}")
            .wrap(page::cached(keys::show_page()))
            .route(web::get().to(pages::show))
            .route(web::post().to(pages::update)),
    )
    .service(web::resource("/products/{id}/edit").route(web::get().to(pages::edit)))
    .service(
        web::resource("/products/{id}/delete")
            .route(web::get().to(pages::ask))
            .route(web::post().to(pages::delete)),
    );
}
