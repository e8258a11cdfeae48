//! The toolbar: shows what happened during a request to clients that may see it.
//!
//! - It observes the events of the cache, of the database and of the log, and changes none of them.
//! - It stands outside the page cache, so no page with the toolbar is ever stored.
//! - If it is off, it costs one decision.
//! - Requests of clients that may not see it are not recorded.
//! - Its own URLs are not observed, and answer 404 to clients that may not see it.
//!
//! | URL | |
//! |---|---|
//! | `GET /toolbar/requests` | the last requests; `?format=json`; `path`, `status`, `outcome`, `slower`, `queries` |
//! | `GET /toolbar/requests/{id}` | the record of one request; `?format=json` |
//! | `GET /toolbar/explain?id=&n=` | the plan of its n-th statement |
//! | `POST /toolbar/explain` | fields `id` and `n`: runs the statement for its plan, and rolls back |
//! | `POST /toolbar/purge` | fields `key` (with `how=end`: softly) or `tag`, and `back` |
//! | `POST /toolbar/bypass` | rebuilds the page `back` at its next request |
//!
//! In reading order: `watch` (a request under observation), `incoming`, `head`, `body`, `recorder`, `lines`, `processor`
//! (what is collected), `compose`, `tree`, `verdict`, `statement`, `redact` (which parts are secret),
//! `room` (the limits of a record), [`record`], `inject`, `server_timing` (what is sent), `memory`,
//! `warnings`, `panels`, `json`, `pages`, `forms` (what is shown).

mod body;
mod compose;
mod forms;
mod head;
mod incoming;
mod inject;
mod json;
mod lines;
mod memory;
mod node;
pub mod noticed;
pub mod pages;
mod panels;
mod processor;
pub mod record;
pub mod recorder;
mod redact;
mod room;
#[cfg(test)]
mod sample;
mod seen;
mod server_timing;
mod statement;
#[cfg(test)]
mod stories;
mod tree;
mod verdict;
mod warnings;
mod watch;

pub use lines::Lines;
pub use memory::Memory;
pub use watch::{begin, watch};
