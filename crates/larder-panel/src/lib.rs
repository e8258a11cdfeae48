//! A debug toolbar, a dashboard and metrics of [`larder_cache`], for any site on actix-web.
//!
//! ```
//! use actix_web::{App, test, web};
//! use larder_cache::Cache;
//! use larder_panel::Panel;
//!
//! # actix_web::rt::System::new().block_on(async {
//! let cache = Cache::in_memory();
//! let panel = Panel::new(&cache).at("/_larder").allow(|request| {
//!     request.peer_addr().is_none_or(|peer| peer.ip().is_loopback())
//! });
//! let app = App::new().app_data(web::Data::new(cache)).configure(panel.routes()).wrap(panel);
//! let app = test::init_service(app).await;
//! let asked = test::TestRequest::get().uri("/_larder/cache").to_request();
//! assert_eq!(test::call_service(&app, asked).await.status(), 200);
//! # });
//! ```
//!
//! - The toolbar shows what happened during a request. Pages carry it for clients that may see it; no page is stored
//!   with it.
//! - The dashboard shows what is cached and what that saves, and invalidates it.
//! - The metrics are for Prometheus.
//!
//! All addresses are below one ([`Panel::at`]), and only clients that the application allows get an answer
//! ([`Panel::allow`]). No database is needed. What a request asked one is recorded by [`sql::record`], or with the
//! feature `sql` by larder-sql's adapter itself.
//!
//! # Layout
//!
//! - The front door: `panel`, `hooks`, `state`, `layer`, `routes`.
//! - What all addresses share: `guard`, `refusal`, `form`, `page`, `assets`, `error`, `explain`.
//! - What is observed: [`sql`], `moves`, [`rendered`], `trace`, [`RequestId`], [`secrets`].
//! - The parts: `toolbar`, `dashboard`, `metrics`.

#![warn(missing_docs)]

mod assets;
mod dashboard;
mod error;
#[cfg(feature = "sql")]
mod explain;
mod form;
mod guard;
mod hooks;
mod layer;
mod metrics;
mod moves;
mod page;
mod panel;
pub mod redirect;
mod refusal;
pub mod rendered;
mod request_id;
mod routes;
pub mod secrets;
pub mod sql;
mod state;
mod toolbar;
mod trace;

use larder_cache as cache;

pub use hooks::Part;
pub use page::Page;
pub use panel::Panel;
pub use request_id::RequestId;
pub use toolbar::Lines;
