//! The page cache: level one, whole responses.
//!
//! ```text
//! web::resource("/").wrap(page::cached(keys::index())).get(pages::index)
//! ```
//!
//! - Candidates and keys: `request`, `address`, `target`, `query`, `notes`, `variants`.
//! - The handler of a shared page sees nothing of its visitor: neither a password, nor a cookie by which the page is
//!   not keyed, nor what middleware has made of them (`request`, `visitor`).
//! - Around third-party handlers, only the response's own headers decide, as RFC 9111 reads them
//!   ([`http`](crate::http)).
//! - A page depends on every tag that was read while it was built; no list is kept by hand.
//! - One request builds a page. The others wait and check for themselves whether it is recent enough. If it
//!   cannot be shared, each request builds its own.
//! - The small places of a page that differ for each visitor are holes ([`hole`], `holed`, `coded_holes`).
//! - Conditions, ranges and codings apply to the stored page (`compress`).
//! - A stale page is revalidated before it is rebuilt, or served stale if it permits that.
//! - A successful write invalidates the pages of its URL: `write_epochs`.
//! - Every response reports what the cache did: `status`.
//! - A layer around an app can answer hits before routing, as they were sent before: `early`, `wish`, `handed`.
//!
//! # The order of layers
//!
//! The page cache stands around everything that is about the visitor, so wrap it last:
//!
//! ```text
//!              right                                   wrong
//!  request ──▶ log                         request ──▶ log
//!              │                                       │
//!              ▼         a hit                         ▼
//!              page cache ─────▶ client                session        reads and writes sessions on hits, too
//!              │ a miss: no cookies, no extensions     │
//!              ▼                                       ▼         a hit
//!              session                                 page cache ─────▶ client
//!              │                                       │ a miss: no cookies, no extensions
//!              ▼                                       ▼
//!              handler                                 handler
//! ```
//!
//! - In the wrong order nothing leaks either: the handler of a shared page gets a request without the
//!   extensions, whatever has filled them. But a session that the handler begins is lost, a handler that insists on
//!   one fails, and each hit pays for the session.
//! - Around third-party handlers ([`Rules::respecting`]) nothing is stored there, since the handler sees the
//!   session, and nothing in its response shows whether it has read it. `Cache-Status` says `session around`.
//! - In the right order a session that the handler begins shows in its `Set-Cookie`, so the response is not stored;
//!   and a handler that reads one must say `Vary: Cookie` or `private`, as for any other cache.
//! - The first request shows a wrong order, and the log then says it.
//! - Where the owner's rules look at the visitor ([`Rules::key_by`], [`Rules::per_user`], [`Rules::hole`]), the layer
//!   that finds the visitor has to be around the page cache: then this order is the right one.
//!
//! What many layers need on every request, such as the number of the request, is named by [`Rules::carry`].
//! Extensions of the connection ([`HttpServer::on_connect`](actix_web::HttpServer::on_connect)) cannot be hidden:
//! handlers of shared pages must not read them.
//!
//! Not here: fragments ([`super::fragment`]), values (`cache`).

mod added;
mod address;
mod admission;
mod budget;
mod canary;
mod coded_holes;
mod compress;
mod contradiction;
mod deliver;
mod directed;
mod duplicate;
mod early;
mod fetch;
mod found_page;
mod fronted;
mod handed;
mod handler;
mod head;
mod holed;
mod lookup;
mod middleware;
mod nested;
mod notes;
mod of_request;
mod outcome;
mod outward;
mod query;
mod request;
mod request_flags;
mod rules;
mod status;
pub(crate) mod stored;
mod target;
mod unstored;
mod variants;
mod visitor;
mod wish;

pub use budget::limit_store_time;
pub use head::head_as_get;
pub use holed::hole;
pub use middleware::{Cached, cached};
pub use outcome::Outcome;
pub use request::Bypass;
pub use rules::Rules;
pub use status::{CACHE_STATUS, CacheStatus, Forward};
pub use target::{Target, Unknown};

#[cfg(test)]
mod tests;
