//! Level one: whole pages.
//!
//! ```text
//! web::resource("/").wrap(page::cached(keys::index())).get(pages::index)
//! ```
//!
//! - What a page may answer, and by which key: [`request`], [`address`], [`target`], [`authority`], [`query`],
//!   [`passed_on`], [`variant`], [`variants`].
//! - A page that is for everybody: its handler never sees a cookie or a password ([`rules`]).
//! - Around handlers of others only what an answer says of itself counts, as RFC 9111 reads it:
//!   [`directives`], [`targeted`], [`freshness`], [`vary`], [`storable`].
//! - A page depends on every tag that was read while it was made, and on nothing listed by hand.
//! - One request makes a page; the others wait for it and judge for themselves whether it is new
//!   enough. A page that cannot be shared is made by each for itself.
//! - Conditions, parts and codings are of the stored page: [`conditional`], [`range`], [`encoding`],
//!   [`compress`].
//! - A stale page is asked about before it is made anew ([`merge`]), or answered if it says so.
//! - An answered write makes the pages of its address stale: [`invalidation`], [`generations`].
//! - Every answer says what happened. See [`status`].
//!
//! Not here: fragments ([`super::fragment`]), values ([`super::handle`]).

pub mod address;
pub mod age;
mod ask;
pub mod authority;
pub mod budget;
mod canary;
pub mod compress;
pub mod conditional;
pub mod date;
pub mod directives;
pub mod encoding;
pub mod entity_tag;
mod fill;
pub mod freshness;
#[cfg(test)]
pub mod fuzz;
pub mod generations;
pub mod head;
pub mod invalidation;
mod judged;
pub mod list;
pub mod merge;
mod middleware;
pub mod passed_on;
pub mod patch;
pub mod query;
pub mod range;
pub mod request;
pub mod response;
pub mod rules;
pub mod shape;
pub mod status;
pub mod storable;
pub mod stored;
pub mod structured;
pub mod target;
pub mod targeted;
pub mod told;
pub mod variant;
pub mod variants;
pub mod vary;
mod visit;

pub use middleware::{Cached, cached};
pub use rules::Rules;

#[cfg(test)]
mod tests;
