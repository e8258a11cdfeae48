//! Larder: a grocer's catalogue, rendered on the server, with Django's three levels of caching for
//! actix-web.
//!
//! # Layout
//!
//! In the order in which a newcomer may read it:
//!
//! - [`app`]: every URL, and what wraps it.
//! - [`products`]: a section; one section read, all read.
//! - [`events`]: tastings and their guests, as JSON for programs and as a page.
//! - [`cookbook`]: recipes of three tables in one entry.
//! - [`scoreboard`]: an aggregate over many rows.
//! - [`supplier`]: prices from a slow upstream.
//! - [`accounts`], [`staff`]: who may write, and where they find what they may.
//! - [`cache`]: the framework. Knows nothing of this shop, nor of SQL.
//! - [`versions`]: how the database tells the cache what has changed.
//! - [`db`]: connections, transactions, migrations.
//! - [`site`]: what all pages share.
//! - [`dashboard`], [`toolbar`]: the cache steered and observed.
//! - [`metrics`], [`health`]: what operators and load balancers ask.
//! - [`state`], [`config`], [`server`], [`cli`], [`error`]: how the program is put together.
//!
//! Data flows one way: `app` → [`cache::page`] → a section's `pages` → its `service` → [`cache`] or
//! its `queries` → a template, and back. `tests/architecture.rs` sees to it.

pub mod accounts;
pub mod app;
pub use larder_cache as cache;
pub mod cli;
pub mod config;
pub mod cookbook;
pub mod dashboard;
pub mod db;
pub mod error;
pub mod events;
pub mod health;
pub mod metrics;
pub mod products;
pub mod scoreboard;
pub mod server;
pub mod site;
pub mod staff;
pub mod state;
pub mod supplier;
pub mod toolbar;
pub mod versions;
