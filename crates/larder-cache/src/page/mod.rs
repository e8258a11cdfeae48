//! The page cache: level one, whole responses.
//!
//! ```text
//! web::resource("/").wrap(page::cached(keys::index())).get(pages::index)
//! ```
//!
//! - Candidates and keys: `request`, `address`, `target`, `query`, `variants`.
//! - The handler of a shared page never sees a password, nor a cookie by which it is not keyed (`rules`).
//! - Around third-party handlers, only the response's own headers decide, as RFC 9111 reads them
//!   ([`http`](crate::http)).
//! - A page depends on every tag that was read while it was built; no list is kept by hand.
//! - One request builds a page. The others wait and check for themselves whether it is recent enough. If it
//!   cannot be shared, each request builds its own.
//! - Conditions, ranges and codings apply to the stored page (`compress`).
//! - A stale page is revalidated before it is rebuilt, or served stale if it permits that.
//! - A successful write invalidates the pages of its URL: `write_epochs`.
//! - Every response reports what the cache did: `status`.
//!
//! Not here: fragments ([`super::fragment`]), values (`cache`).

mod added;
mod address;
mod admission;
mod budget;
mod canary;
mod compress;
mod contradiction;
mod deliver;
mod directed;
mod duplicate;
mod fetch;
mod found_page;
mod handler;
mod head;
mod lookup;
mod middleware;
mod nested;
mod outcome;
mod query;
mod request;
mod request_flags;
mod rules;
mod status;
pub(crate) mod stored;
mod target;
mod unstored;
mod variants;

pub use budget::limit_store_time;
pub use head::head_as_get;
pub use middleware::{Cached, cached};
pub use outcome::Outcome;
pub use request::Bypass;
pub use rules::Rules;
pub use status::{CACHE_STATUS, CacheStatus, Forward};
pub use target::{Target, Unknown};

#[cfg(test)]
mod tests;
