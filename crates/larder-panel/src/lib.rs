#![doc = include_str!("../README.md")]
//!
//! # Layout
//!
//! - The front door: `panel`, `hooks`, `state`, `layer`, `routes`.
//! - What all addresses share: `guard`, `refusal`, `form`, `page`, `assets`, `error`, `explain`, `figures`.
//! - What is observed: [`sql`], `moves`, [`rendered`], `trace`, [`RequestId`], [`secrets`].
//! - The parts: `toolbar`, `dashboard`, `metrics`.

#![warn(missing_docs)]

mod assets;
mod dashboard;
mod error;
#[cfg(feature = "sql")]
mod explain;
mod figures;
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
