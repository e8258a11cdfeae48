//! Larder: a grocer's catalogue, with Django's three levels of caching for actix-web.
//!
//! All pages are rendered on the server.
//!
//! # Layout
//!
//! In the order in which a newcomer may read it:
//!
//! - [`app`]: every URL, and the middleware around it.
//! - [`layers`]: the part of that middleware that a page answered early does not pass.
//! - [`products`]: a section. All sections are built in the same way.
//! - [`events`]: tastings and their guests, as JSON for programs and as a page.
//! - [`cookbook`]: recipes of three tables in one entry.
//! - [`scoreboard`]: an aggregate over many rows.
//! - [`supplier`]: prices from a slow upstream.
//! - [`accounts`], [`staff`]: accounts that may write, and the index of the pages where they do it.
//! - [`cache`]: the framework. It depends neither on this shop nor on SQL.
//! - [`sql`]: how a database reports to the cache what has changed; connections and transactions.
//! - [`db`]: the schema and its migrations.
//! - [`site`]: what all pages share.
//! - [`panel`]: who sees the toolbar, the dashboard and the metrics, which are a crate of their own.
//! - [`health`]: what load balancers query.
//! - [`state`], [`config`], [`server`], [`cli`], [`error`]: how the program is put together.
//!
//! Data flows one way: `app` → [`cache::page`] → a section's `pages` → its `service` → [`cache`] or its
//! `queries` → a template, and back. `tests/architecture.rs` enforces it.

pub mod accounts;
pub mod app;
pub use larder_cache as cache;
pub use larder_sql as sql;
pub mod cli;
pub mod config;
pub mod cookbook;
pub mod db;
#[cfg(doctest)]
mod documents;
pub mod error;
pub mod events;
pub mod health;
pub mod layers;
pub mod panel;
pub mod products;
pub mod scoreboard;
pub mod server;
pub mod site;
pub mod staff;
pub mod state;
pub mod supplier;
