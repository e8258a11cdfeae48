//! The page cache: level one, whole responses.
//!
//! ```text
//! web::resource("/").wrap(page::cached(keys::index())).get(pages::index)
//! ```
//!
//! - Candidates and keys: [`request`], [`address`], [`target`], [`query`], [`variants`].
//! - The handler of a shared page never sees a password, nor a cookie by which it is not keyed ([`rules`]).
//! - Around third-party handlers, only the response's own headers decide, as RFC 9111 reads them
//!   ([`http`](crate::http)).
//! - A page depends on every tag that was read while it was built; no list is kept by hand.
//! - One request builds a page. The others wait and check for themselves whether it is recent enough. If it
//!   cannot be shared, each request builds its own.
//! - Conditions, ranges and codings apply to the stored page ([`compress`]).
//! - A stale page is revalidated before it is rebuilt, or served stale if it permits that.
//! - A successful write invalidates the pages of its URL: `write_epochs`.
//! - Every response reports what the cache did: [`status`].
//!
//! Not here: fragments ([`super::fragment`]), values ([`super::cache`]).

mod added;
pub mod address;
mod admission;
pub mod budget;
mod canary;
pub mod compress;
pub mod contradiction;
pub mod deliver;
mod directed;
mod fetch;
mod handler;
pub mod head;
mod lookup;
mod middleware;
mod nested;
pub mod outcome;
pub mod query;
pub mod request;
pub mod request_flags;
pub mod rules;
pub mod status;
pub mod stored;
pub mod target;
mod unstored;
pub mod variants;

pub use middleware::{Cached, cached};
pub use rules::Rules;

#[cfg(test)]
mod tests;
