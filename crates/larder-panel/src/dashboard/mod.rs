//! The dashboard of the cache: pages and a JSON API to inspect and modify it.
//!
//! | URL | |
//! |---|---|
//! | `GET /cache` | [`pages::index`]: all figures |
//! | `GET /cache/entries?like=&tag=&level=&page=` | [`entries::index`]: the entries |
//! | `GET /cache/entry?key=`, `POST /cache/entry/delete` | [`entries::show`], [`entries::delete`]: one entry |
//! | `GET /cache/invalidate?tag=` | [`pages::ask`]: the confirmation of an invalidation |
//! | `POST /cache/invalidate` | [`pages::invalidate`]: invalidates a tag |
//! | `GET /cache/keys` | [`api::keys`]: the keys, as JSON |
//! | `GET /cache/key`, `POST /cache/key` | [`api::key`]: one key; [`api::set`]: sets a value |
//! | `POST /cache/key/delete` | [`api::delete`] |
//! | `GET /cache/stats` | [`api::stats`]: statistics |
//! | `POST /cache/clear` | [`api::clear`] |
//!
//! - Keys hold what visitors searched for. So the application decides which clients have access.
//! - No response is stored.

pub mod api;
pub mod audit;
mod chart;
pub mod entries;
pub mod forms;
pub mod history;
mod overview;
pub mod pages;
mod pagination;
pub mod service;
mod words;
