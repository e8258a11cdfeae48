//! The page cache: level one, whole responses.
//!
//! ```text
//! web::resource("/").wrap(page::cached(keys::index())).get(pages::index)
//! ```
//!
//! - Candidates and keys: [`request`], [`address`], [`target`], [`authority`], [`query`], [`passed_on`],
//!   [`variant`], [`variants`].
//! - The handler of a shared page never sees a cookie or a password ([`rules`]).
//! - Around third-party handlers, only the response's own headers decide, as RFC 9111 reads them:
//!   [`directives`], [`targeted`], [`freshness`], [`vary`], [`storable`].
//! - A page depends on every tag that was read while it was built; no list is kept by hand.
//! - One request builds a page. The others wait and check for themselves whether it is recent enough. If it
//!   cannot be shared, each request builds its own.
//! - Conditions, ranges and codings apply to the stored page: [`conditional`], [`range`], [`encoding`],
//!   [`compress`].
//! - A stale page is revalidated before it is rebuilt ([`merge`]), or served stale if it permits that.
//! - A successful write invalidates the pages of its URL: [`invalidation`], `write_epochs`.
//! - Every response reports what the cache did: [`status`].
//!
//! Not here: fragments ([`super::fragment`]), values ([`super::cache`]).

pub mod address;
mod admission;
pub mod age;
pub mod authority;
pub mod budget;
mod canary;
pub mod compress;
pub mod conditional;
pub mod date;
pub mod deliver;
pub mod directives;
pub mod encoding;
pub mod entity_tag;
mod fetch;
pub mod freshness;
#[cfg(test)]
pub mod fuzz;
mod handler;
pub mod head;
pub mod invalidation;
pub mod list;
mod lookup;
pub mod merge;
mod middleware;
pub mod outcome;
pub mod passed_on;
pub mod patch;
pub mod query;
pub mod range;
pub mod request;
pub mod request_flags;
pub mod rules;
pub mod status;
pub mod storable;
pub mod stored;
pub mod structured;
pub mod target;
pub mod targeted;
pub mod variant;
pub mod variants;
pub mod vary;

pub use middleware::{Cached, cached};
pub use rules::Rules;

#[cfg(test)]
mod tests;
