//! The grammars and rules of HTTP caching: headers in, decisions out.
//!
//! - Source: RFC 9110 (semantics), 9111 (caching), 9211 (`Cache-Status`), 9213 (targeted fields), 5861
//!   (stale content). Each file names the sections that it follows.
//! - What cannot be read forbids: a page is rather not stored than stored against its sender's word.
//! - Knows headers and clocks, neither the cache nor a web framework; [`types`] is the only door.

pub mod age;
pub mod authority;
pub mod conditional;
pub mod date;
pub mod digests;
pub mod directives;
pub mod encoding;
pub mod entity_tag;
pub mod freshness;
#[cfg(test)]
pub mod fuzz;
pub mod invalidation;
pub mod list;
pub mod merge;
pub mod passed_on;
pub mod range;
pub mod request_directives;
pub mod storable;
pub mod structured;
pub mod targeted;
pub mod types;
pub mod variant;
pub mod vary;
