//! Whether requests should come here, for load balancers and service managers.
//!
//! | URL | |
//! |---|---|
//! | `GET /health/live` | [`pages::live`]: 200 while the process answers at all |
//! | `GET /health/ready` | [`pages::ready`]: 200 if the shop can be served, else 503; what was looked at |
//!
//! - Alive is who answers: nobody else is asked.
//! - Ready is who has a database that answers and takes writes, its migrations and its triggers. Redis is
//!   reported, and so is a last write that was refused; neither makes the shop unready.
//! - The answer comes within two seconds, whatever hangs.
//! - Strangers may ask, under any host name: they learn single words, and cannot make the shop ask twice
//!   at a time.
//! - Why the shop is not ready stands in the log, once.

pub mod pages;
pub mod service;

use actix_web::web;

pub use service::Health;

/// The URLs. The guard of the whole app lets them be asked under any host name (`site::origin`).
pub fn routes(cfg: &mut web::ServiceConfig) {
    cfg.service(web::resource("/health/live").route(web::get().to(pages::live)))
        .service(web::resource("/health/ready").route(web::get().to(pages::ready)));
}
