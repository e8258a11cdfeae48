//! The cache, steered from outside.
//!
//! | URL | |
//! |---|---|
//! | `POST /cache/invalidate` | [`pages::invalidate`]: the button |

pub mod forms;
pub mod pages;

use actix_web::web;

/// The dashboard's URLs.
pub fn routes(cfg: &mut web::ServiceConfig) {
    cfg.service(web::resource("/cache/invalidate").route(web::post().to(pages::invalidate)));
}
