//! The cache framework: Django's three levels for actix-web.
//!
//! Nothing here knows the shop, or SQL.
pub mod codec;
pub mod entry;
pub mod event;
pub mod flight;
pub mod fragment;
pub mod handle;
pub mod key;
pub mod near;
pub mod open;
pub mod page;
pub mod policy;
pub mod scope;
pub mod stats;
pub mod tag;
pub mod view;

pub use handle::Cache;
