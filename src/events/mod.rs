//! Tastings and their guests: a JSON API for programs, and pages for people.
//!
//! | URL | |
//! |---|---|
//! | `GET /events` | [`pages::index`]: the coming tastings, by pages |
//! | `GET /events/{id}` | [`pages::show`]: a tasting; for staff with its guests, and a form to add one |
//! | `GET /events/new`, `POST /events` | [`edit::new`], [`edit::create`] |
//! | `GET /events/{id}/edit`, `POST /events/{id}` | [`edit::edit`], [`edit::update`] |
//! | `GET`, `POST /events/{id}/delete` | [`edit::ask`], [`edit::delete`] |
//! | `/events/guests/…` | the same for their guests |
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
pub mod moment;
pub mod openapi;
pub mod pages;
pub mod queries;
pub mod sample;
pub mod service;

use actix_web::middleware::from_fn;
use actix_web::web;

use self::edit::Item;
use self::model::{Event, Guest};
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
        web::resource("/api").wrap(page::cached(keys::api_page())).route(web::get().to(pages::api)),
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
            .route(web::post().to(edit::create::<Event>)),
    )
    .service(web::resource("/events/guests").route(web::post().to(edit::create::<Guest>)))
    .service(web::resource("/events/new").route(web::get().to(edit::new::<Event>)))
    .service(web::resource("/events/guests/new").route(web::get().to(edit::new::<Guest>)))
    .service(
        web::resource("/events/{id}")
            .wrap(page::cached(keys::show_page()))
            .route(web::get().to(pages::show))
            .route(web::post().to(edit::update::<Event>)),
    )
    .service(web::resource("/events/guests/{id}").route(web::post().to(edit::update::<Guest>)));
    for_changes::<Event>(cfg, "/events/{id}");
    for_changes::<Guest>(cfg, "/events/guests/{id}");
}

fn for_changes<T: Item>(cfg: &mut web::ServiceConfig, item: &str) {
    let form = |name: &str| web::resource(format!("{item}/{name}"));
    cfg.service(form("edit").route(web::get().to(edit::edit::<T>))).service(
        form("delete")
            .route(web::get().to(edit::ask::<T>))
            .route(web::post().to(edit::delete::<T>)),
    );
}
