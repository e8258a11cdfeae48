//! The staff's accounts: who may sign in, and how requests are identified.
//!
//! | URL | |
//! |---|---|
//! | `GET`, `POST /login` | [`pages::ask`], [`pages::sign_in`] |
//! | `POST /login/resume` | [`resume`]: signs in, and does the form that the end of a session interrupted |
//! | `POST /logout` | [`pages::sign_out`] |
//! | `GET`, `POST /staff/password` | [`pages::ask_password`], [`pages::change_password`] |
//!
//! - Secrets of browsers and programs are random. Only their digest is stored.
//! - A session ends two weeks after its last use, ninety days after it began, or when its owner signs out. Any program that changes the password ends all sessions and
//!   tokens of the account at once.
//! - Accounts are added from the command line: `larder account add`.
//!
//! [`identify`] identifies the account for all other sections; they see a
//! [`Visitor`](crate::site::visitor::Visitor).

pub mod forms;
pub mod identify;
pub mod keys;
pub mod model;
pub mod names;
pub mod pages;
pub mod passwords;
pub mod queries;
pub mod resume;
pub mod service;
pub mod session;
pub mod throttle;

use actix_web::web;

use crate::site::origin::INTERRUPTED;

/// Registers the URLs of the accounts.
pub fn routes(cfg: &mut web::ServiceConfig) {
    cfg.service(
        web::resource("/login")
            .route(web::get().to(pages::ask))
            .route(web::post().to(pages::sign_in)),
    )
    .service(web::resource(INTERRUPTED).route(web::post().to(resume::offer)))
    .service(web::resource("/logout").route(web::post().to(pages::sign_out)))
    .service(
        web::resource("/staff/password")
            .route(web::get().to(pages::ask_password))
            .route(web::post().to(pages::change_password)),
    );
}
