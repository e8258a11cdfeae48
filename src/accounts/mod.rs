//! The staff: who they are, and how they are known.
//!
//! | URL | |
//! |---|---|
//! | `GET`, `POST /login` | [`pages::ask`], [`pages::sign_in`] |
//! | `POST /logout` | [`pages::sign_out`] |
//! | `GET`, `POST /staff/password` | [`pages::ask_password`], [`pages::change_password`] |
//!
//! - What browsers and programs show is drawn by chance, and only its digest is kept.
//! - A session ends when its owner signs out; sessions and tokens end with the password, whichever program
//!   changes it, and at once.
//! - Accounts are added from the command line: `larder account add`.
//!
//! [`identify`] finds out who asks, for all other sections; they see a
//! [`Visitor`](crate::site::visitor::Visitor).

pub mod forms;
pub mod identify;
pub mod keys;
pub mod model;
pub mod names;
pub mod pages;
pub mod passwords;
pub mod queries;
pub mod service;
pub mod throttle;

use actix_web::web;

/// The URLs of the accounts.
pub fn routes(cfg: &mut web::ServiceConfig) {
    cfg.service(
        web::resource("/login")
            .route(web::get().to(pages::ask))
            .route(web::post().to(pages::sign_in)),
    )
    .service(web::resource("/logout").route(web::post().to(pages::sign_out)))
    .service(
        web::resource("/staff/password")
            .route(web::get().to(pages::ask_password))
            .route(web::post().to(pages::change_password)),
    );
}
