//! The cache, seen and steered from outside.
//!
//! | URL | |
//! |---|---|
//! | `POST /cache/invalidate` | [`pages::invalidate`]: the button |
//! | `GET /cache/keys` | [`api::keys`]: what is kept |
//! | `GET /cache/key`, `POST /cache/key` | [`api::key`]: one of them; [`api::set`]: a value |
//! | `POST /cache/key/delete` | [`api::delete`] |
//! | `GET /cache/stats` | [`api::stats`]: figures |
//! | `POST /cache/clear` | [`api::clear`] |

pub mod api;
pub mod forms;
pub mod pages;
pub mod service;

use actix_web::middleware::from_fn;
use actix_web::web;

/// The dashboard's URLs.
pub fn routes(cfg: &mut web::ServiceConfig) {
    cfg.service(web::resource("/cache/invalidate").route(web::post().to(pages::invalidate)))
        .service(
            web::scope("/cache")
                .wrap(from_fn(api::guard))
                .service(web::resource("/keys").route(web::get().to(api::keys)))
                .service(
                    web::resource("/key")
                        .route(web::get().to(api::key))
                        .route(web::post().to(api::set)),
                )
                .service(web::resource("/key/delete").route(web::post().to(api::delete)))
                .service(web::resource("/stats").route(web::get().to(api::stats)))
                .service(web::resource("/clear").route(web::post().to(api::clear))),
        );
}
