//! Health checks for load balancers and service managers.
//!
//! | URL | |
//! |---|---|
//! | `GET /health/live` | [`pages::live`]: 200 while the process answers at all |
//! | `GET /health/ready` | [`pages::ready`]: 200 if the shop can be served, else 503; lists the checks |
//!
//! - Live: the process answers. Nothing else is checked.
//! - Ready: the database answers and takes writes, and has its migrations and triggers. Redis is
//!   reported, and so are writes that are refused; neither makes the shop unready.
//! - A shop that was told to stop is not ready, while it goes on for `--drain` seconds.
//! - The answer comes within two seconds, even if a check hangs.
//! - Any client may ask, under any host name: it gets single words, and cannot start a second check
//!   while one is under way.
//! - The log says once why the shop is not ready.

pub mod pages;
pub mod service;

use actix_web::web;

pub use service::Health;

/// Registers the URLs. The guard of the whole app admits them under any host name (`site::origin`).
pub fn routes(cfg: &mut web::ServiceConfig) {
    cfg.service(web::resource("/health/live").route(web::get().to(pages::live)))
        .service(web::resource("/health/ready").route(web::get().to(pages::ready)));
}
