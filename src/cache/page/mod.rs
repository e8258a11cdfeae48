//! Level one: whole pages.
//!
//! ```text
//! web::resource("/").wrap(page::cached(keys::INDEX)).get(pages::index)
//! ```
//!
//! - Only `GET` is answered; `HEAD` is turned into it before routing. See [`request`], [`head`].
//! - Only complete answers that anybody may see are kept. See [`control`], [`vary`].
//! - A cached page is shared: its handler never sees a cookie or a password. See [`request`].
//! - A page depends on every tag that was read while it was made, and on nothing listed by hand.
//! - One request makes a page; the others wait for it and judge for themselves whether it is new
//!   enough. A page that cannot be shared is made by each for itself.
//! - Conditions are judged on the stored page. See [`conditional`].
//! - Every answer says what happened. See [`status`].
//!
//! Not here: fragments ([`super::fragment`]), values ([`super::handle`]), compression.

pub mod budget;
pub mod conditional;
pub mod control;
pub mod head;
mod middleware;
pub mod request;
pub mod response;
pub mod status;
pub mod vary;

pub use middleware::{Cached, cached};

#[cfg(test)]
mod tests;
