//! The grammars and rules of HTTP caching: headers in, decisions out.
//!
//! - Source: RFC 9110 (semantics), 9111 (caching), 9211 (`Cache-Status`), 9213 (targeted fields), 5861
//!   (stale content). Each file names the sections that it follows.
//! - What cannot be read forbids: a page is rather not stored than stored against its sender's word.
//! - Knows headers and clocks, neither the cache nor a web framework; `types` is the only door.

pub(crate) mod age;
pub(crate) mod authority;
pub(crate) mod conditional;
pub(crate) mod date;
pub(crate) mod digests;
pub(crate) mod directives;
pub(crate) mod encoding;
pub(crate) mod entity_tag;
pub(crate) mod freshness;
#[cfg(test)]
pub mod fuzz;
pub(crate) mod invalidation;
pub(crate) mod language;
pub(crate) mod list;
pub(crate) mod merge;
pub(crate) mod passed_on;
pub(crate) mod range;
pub(crate) mod request_directives;
pub(crate) mod storable;
pub(crate) mod structured;
pub(crate) mod targeted;
pub(crate) mod types;
pub(crate) mod variant;
pub(crate) mod vary;

pub use authority::Authority;
pub use conditional::CONDITIONS;
pub use encoding::Coding;
pub use entity_tag::{EntityTag, EntityTags};
pub use list::{items, pair};
pub use passed_on::PassedOn;
