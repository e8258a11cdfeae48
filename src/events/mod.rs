//! Tastings and their guests: a JSON API for programs, and pages for people.
//!
//! | URL | |
//! |---|---|
//! | `GET /events` | [`pages::index`]: the coming tastings, by pages |
//! | `GET /events/new`, `POST /events` | [`events::new`], [`events::create`] |
//! | `GET /events/{id}/edit`, `POST /events/{id}` | [`events::edit`], [`events::update`] |
//! | `GET`, `POST /events/{id}/delete` | [`events::ask`], [`events::delete`] |
//! | `/events/guests/…` | the same for their guests: [`guests`] |
//! | `GET`, `POST /api/events` | [`api::list_events`], [`api::create_event`] |
//! | `GET`, `PUT`, `DELETE /api/events/{id}` | [`api::show_event`], [`api::replace_event`], [`api::delete_event`] |
//! | `GET`, `POST /api/guests` | [`api::list_guests`], of one event with `?event=`; [`api::create_guest`] |
//! | `GET`, `PUT`, `DELETE /api/guests/{id}` | [`api::show_guest`], [`api::replace_guest`], [`api::delete_guest`] |
//! | | If the shop has staff, guests need a session or a token: [`visitor::staff_only`] |
//! | `GET /api/openapi.json`, `GET /api` | the description of the API: [`openapi`], [`pages::api`] |

pub mod api;
pub mod edit;
pub mod forms;
pub mod keys;
pub mod model;
pub mod openapi;
pub mod pages;
pub mod queries;
pub mod sample;
pub mod service;

use actix_web::middleware::from_fn;
use actix_web::web;

use self::edit::{events, guests};
use crate::cache::page;
use crate::site::list::admin_section::AdminSection;
use crate::site::visitor;
use crate::state::State;

/// The tastings' section of the staff index.
pub const ADMIN_SECTION: AdminSection = AdminSection {
    list: &model::EVENTS,
    note: "when",
    find: |request, query, size| Box::pin(service::find(State::of(request), query, size)),
};

/// The guests' section of the staff index.
pub const GUESTS_ADMIN_SECTION: AdminSection = AdminSection {
    list: &model::GUESTS,
    note: "tasting",
    find: |request, query, size| Box::pin(service::find_guests(State::of(request), query, size)),
};

/// Registers the URLs of the tastings.
pub fn routes(cfg: &mut web::ServiceConfig) {
    for_people(cfg);
    cfg.service(
        web::resource("/api").wrap(page::cached(keys::document())).route(web::get().to(pages::api)),
    )
    .service(
        web::resource("/api/openapi.json")
            .wrap(page::cached(keys::document()))
            .route(web::get().to(api::document)),
    )
    .service(
        web::resource("/api/events")
            .wrap(page::cached(keys::events_page()))
            .route(web::get().to(api::list_events))
            .route(web::post().to(api::create_event)),
    )
    .service(
        web::resource("/api/events/{id}")
            .wrap(page::cached(keys::one_page()))
            .route(web::get().to(api::show_event))
            .route(web::put().to(api::replace_event))
            .route(web::delete().to(api::delete_event)),
    )
    .service(
        web::resource("/api/guests")
            .wrap(page::cached(keys::guests_page()))
            .wrap(from_fn(visitor::staff_only))
            .route(web::get().to(api::list_guests))
            .route(web::post().to(api::create_guest)),
    )
    .service(
        web::resource("/api/guests/{id}")
            .wrap(page::cached(keys::one_page()))
            .wrap(from_fn(visitor::staff_only))
            .route(web::get().to(api::show_guest))
            .route(web::put().to(api::replace_guest))
            .route(web::delete().to(api::delete_guest)),
    );
}

/// Registers the pages for people, and the forms of the staff.
fn for_people(cfg: &mut web::ServiceConfig) {
    cfg.service(
        web::resource("/events")
            .route(web::get().to(pages::index))
            .route(web::post().to(events::create)),
    )
    .service(web::resource("/events/new").route(web::get().to(events::new)))
    .service(web::resource("/events/guests").route(web::post().to(guests::create)))
    .service(web::resource("/events/guests/new").route(web::get().to(guests::new)))
    .service(web::resource("/events/{id}").route(web::post().to(events::update)))
    .service(web::resource("/events/{id}/edit").route(web::get().to(events::edit)))
    .service(
        web::resource("/events/{id}/delete")
            .route(web::get().to(events::ask))
            .route(web::post().to(events::delete)),
    )
    .service(web::resource("/events/guests/{id}").route(web::post().to(guests::update)))
    .service(web::resource("/events/guests/{id}/edit").route(web::get().to(guests::edit)))
    .service(
        web::resource("/events/guests/{id}/delete")
            .route(web::get().to(guests::ask))
            .route(web::post().to(guests::delete)),
    );
}
