#![doc = include_str!("../README.md")]
//!
//! # Vocabulary
//!
//! - *tag* ([`Tag`]): the name of something that can change, such as a table or a group of its rows.
//! - *stamp* ([`Stamp`]): a tag's version. Equal stamps mean equal data.
//! - *stamps* ([`stamps::Stamps`]): the stamp of every tag at one moment. The current ones come from a
//!   stamp source ([`StampSource`]), such as a database; [`InProcess`] is one for changes that this process makes.
//! - *entry* ([`Entry`]): an immutable body, with the stamps of the data that it was built from.
//! - *freshness check*: compares these with the current stamps. An entry is *fresh* if they are equal and
//!   its lifetime lasts. Otherwise it is *stale*: expired or invalidated.
//! - *value* ([`values`]): what a caller set, as in Django's low-level API. It has no freshness check.
//! - *policy* ([`Policy`]): how long an entry is fresh, and what may be served if it cannot be rebuilt.
//! - *dependency tracking* ([`tracking`]): records what a page, fragment or query reads while it is built
//!   or loaded. No list of dependencies is kept by hand.
//! - *flight*: the single load of a key, for which all concurrent callers wait.
//! - *tier*: the local tier is the memory of this process, the shared tier a store that instances share.
//! - *event* ([`Event`]): a hit, a miss or another outcome, reported to listeners.
//!
//! # Where to begin
//!
//! - Pages: [`page::cached`] and its rules, [`page::Rules`].
//! - Fragments: [`fragment::Fragment`] and [`Cache::render`].
//! - Queries: [`Cache::get_or_set`], [`Cache::get_or_load`]; [`Cache::get_or_refresh`] for sources that fail.
//! - Values: [`Cache::values`].
//! - Opening a cache: [`Cache::in_memory`], or [`Builder`].
//! - Choosing how long: [`Policy`]. The stamps keep entries right, not the lifetime.
//! - Testing: the module `testing` (feature `testing`) has what tests need, and the three tests that one writes first.
//!   [`page::CacheStatus::of`] is what the page cache did. Lifetimes go by tokio's clock.
//!
//! # Layout
//!
//! In reading order, for those who change it:
//!
//! - The model: `tag`, `stamps`, `in_process`, `dependencies`, `tracking`, `level`, `key`, `policy`, `entry`,
//!   `removal`.
//! - The cache: `builder`, `cache`, `scope`, `built`, `find`, `flight`, `derive`, `refresh`, `presence`, `lineage`, `panics`,
//!   `tier`, `namespace`, `secret`, `error`.
//! - Levels one and two: `page` over `http`, `write_epochs`, `front`, `fragment`, `hole`.
//! - Values and stores: `values`, `store`, `codec`.
//! - Observation: `event`, `listeners`, `meter`, `inspect`.
//! - Primitives: `random`, `sync`.

// Pages, Redis and inspection use parts of the core that nothing else does.
#![cfg_attr(
    not(all(feature = "actix", feature = "front", feature = "redis", feature = "inspect")),
    allow(dead_code)
)]
#![warn(missing_docs)]
// Without a feature, what it shows to users is reached by none.
#![cfg_attr(
    all(
        feature = "actix",
        feature = "askama",
        feature = "compress",
        feature = "front",
        feature = "inspect",
        feature = "redis"
    ),
    warn(unreachable_pub)
)]

mod builder;
mod built;
mod cache;
mod codec;
mod dependencies;
mod derive;
mod entry;
mod error;
pub mod event;
mod find;
mod flight;
mod footprint;
#[cfg(all(test, feature = "redis"))]
mod forgery;
pub mod fragment;
#[cfg(feature = "front")]
pub mod front;
#[cfg(all(feature = "actix", not(feature = "front")))]
mod front;
mod hole;
#[cfg(feature = "actix")]
pub mod http;
mod in_process;
#[cfg(feature = "inspect")]
pub mod inspect;
mod key;
mod level;
mod lineage;
mod listeners;
pub mod meter;
mod namespace;
#[cfg(all(test, feature = "redis", feature = "inspect"))]
mod neighbours;
#[cfg(feature = "actix")]
pub mod page;
mod panics;
mod policy;
pub mod presence;
mod random;
mod refresh;
mod removal;
mod scope;
mod secret;
pub mod stamps;
pub mod store;
mod sync;
mod tag;
#[cfg(feature = "testing")]
pub mod testing;
mod tier;
pub mod tracking;
pub mod values;
#[cfg(feature = "actix")]
mod write_epochs;

pub use builder::Builder;
pub use cache::Cache;
#[cfg(feature = "schedules")]
pub use entry::Validity;
pub use entry::{Body, Entry};
pub use error::Error;
pub use event::{Event, Listener};
pub use in_process::InProcess;
pub use key::{Key, Part};
pub use level::{Level, Levels};
pub use policy::Policy;
pub use refresh::Failure;
pub use secret::Secret;
pub use stamps::StampSource;
pub use tag::{Stamp, Tag};
