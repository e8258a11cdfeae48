//! The cache framework: Django's three levels for actix-web.
//!
//! Nothing here knows the shop, or SQL.
pub mod codec;
mod derive;
pub mod entry;
pub mod error;
pub mod event;
mod far;
pub mod flight;
pub mod fragment;
pub mod handle;
pub mod key;
pub mod near;
pub mod open;
pub mod page;
pub mod policy;
pub mod refresh;
pub mod scope;
pub mod stats;
pub mod store;
pub mod tag;
pub mod values;
pub mod view;

pub use error::Error;
pub use handle::Cache;
