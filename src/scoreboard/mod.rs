//! The tasting league: who guesses best.
//!
//! | URL | |
//! |---|---|
//! | `GET /scoreboard?season=` | [`pages::index`]: the table of a season, the newest by default |
//! | `GET /scoreboard/members/{id}/edit`, `POST /scoreboard/members/{id}` | [`pages::edit`], [`pages::update`] |
//!
//! - Thousands of rows become one table, once a week: an aggregate that is worth keeping.
//! - The table is in the page twice: as HTML in the order of positions, and as JSON that the browser sorts.
//! - Whoever has signed in sees the row of the member of their name marked; the table itself is everybody's.
//!
//! `fixture` reads what `larder load scores` is given, `sample` fills an empty shop.

pub mod fixture;
pub mod forms;
pub mod keys;
pub mod model;
pub mod pages;
pub mod queries;
pub mod sample;
pub mod service;

use actix_web::web;

use crate::cache::page;
use crate::site::shelf::Shelf;

/// What staff find of it in their index.
pub const SHELF: Shelf = Shelf {
    name: "Members of the league",
    all: "/scoreboard",
    new: None,
    find: |state, search| Box::pin(service::find(state, search)),
};

/// The league's URLs.
pub fn routes(cfg: &mut web::ServiceConfig) {
    cfg.service(
        web::resource("/scoreboard")
            .wrap(page::cached(keys::page()))
            .route(web::get().to(pages::index)),
    )
    .service(web::resource("/scoreboard/members/{id}").route(web::post().to(pages::update)))
    .service(web::resource("/scoreboard/members/{id}/edit").route(web::get().to(pages::edit)));
}
