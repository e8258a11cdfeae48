//! The tasting league: members and their weekly scores, ranked by season.
//!
//! | URL | |
//! |---|---|
//! | `GET /scoreboard?season=` | [`pages::index`]: the table of a season, the newest by default |
//! | `GET /scoreboard/members/{id}/edit`, `POST /scoreboard/members/{id}` | [`pages::edit`], [`pages::update`] |
//!
//! - Thousands of scores are aggregated into one table, which is cached for a week.
//! - The page holds the table twice: as HTML in the order of positions, and as JSON that the browser sorts.
//! - A signed-in visitor sees the row of the member with their name marked. The cached table is the same for all.
//!
//! `fixture` parses the file that `larder load scores` reads; `sample` fills an empty shop.

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
use crate::site::list::admin_section::AdminSection;
use crate::state::State;

/// The members in the staff index.
pub const ADMIN_SECTION: AdminSection = AdminSection {
    list: &model::MEMBERS,
    note: "favourite",
    find: |request, query, size| Box::pin(service::find(State::of(request), query, size)),
};

/// Registers the URLs of the league.
pub fn routes(cfg: &mut web::ServiceConfig) {
    cfg.service(
        web::resource("/scoreboard")
            .wrap(page::cached(keys::page()))
            .route(web::get().to(pages::index)),
    )
    .service(web::resource("/scoreboard/members/{id}").route(web::post().to(pages::update)))
    .service(web::resource("/scoreboard/members/{id}/edit").route(web::get().to(pages::edit)));
}
