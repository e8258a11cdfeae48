//! A cache with Django's three levels for actix-web, in which no entry is stale after a write.
//!
//! It knows no SQL: an application supplies a [`StampSource`], which says what has changed. [`InProcess`]
//! is one for changes that this process makes itself; [`Cache::in_memory`] opens a cache with it.
//!
//! # Vocabulary
//!
//! - *tag* ([`Tag`]): the name of something that can change, such as a table or a group of its rows.
//! - *stamp* ([`Stamp`]): a tag's version. Equal stamps mean equal data.
//! - *stamps* ([`stamps::Stamps`]): the stamp of every tag at one moment. The current ones come from a
//!   stamp source.
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
//! # The three levels
//!
//! | Level | What | How | Django |
//! |---|---|---|---|
//! | one | whole pages | [`page::cached`] around a route | `cache_page`, the per-view cache |
//! | two | parts of templates | `{% filter cached(self.header()) %}`, [`fragment`] | `{% cache %}` |
//! | three | results of queries | [`Cache::get_or_set`], [`Cache::get_or_load`] | `cache.get_or_set` |
//!
//! All three store entries, so one freshness check covers them: what was built from old data is not
//! served, whichever program changed the data. Beside them stands the low-level API of values,
//! [`Cache::values`].
//!
//! ```
//! use std::time::Duration;
//!
//! use larder_cache::{Cache, Key, Policy, Tag};
//!
//! const TEAS: Tag = Tag::named("teas");
//! const LIST: Policy = Policy::fresh_for(Duration::from_secs(300));
//!
//! # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
//! let cache = Cache::in_memory();
//! let key = Key::named("teas.list").build();
//!
//! // A load records what it reads: first the stamp, then the data.
//! let load = async || {
//!     cache.reads(&[TEAS]);
//!     vec!["Assam".to_owned()]
//! };
//! let teas = cache.get_or_load(&key, &LIST, load).await;
//! assert_eq!(*teas, ["Assam"]);
//!
//! // A write invalidates its tags; the next lookup loads again.
//! cache.changed(&[TEAS]).await?;
//! let load = async || {
//!     cache.reads(&[TEAS]);
//!     vec!["Assam".to_owned(), "Ceylon".to_owned()]
//! };
//! let teas = cache.get_or_load(&key, &LIST, load).await;
//! assert_eq!(teas.len(), 2);
//! # Ok::<(), larder_cache::Error>(())
//! # }).unwrap();
//! ```
//!
//! [`Builder`] opens caches with a name, with stamps of a database, and with a store that instances
//! share.
//!
//! # Features
//!
//! | Feature | Brings | By default |
//! |---|---|---|
//! | `actix` | pages, as middleware of actix-web | on |
//! | `askama` | fragments as a filter of askama's templates | on |
//! | `redis` | a Redis that instances share | on |
//! | `redis-tls` | TLS to it, by rustls | off |
//! | `compress` | pages compressed once for all clients, and large values in a shared store | on |
//! | `inspect` | what is stored, for command lines, dashboards and toolbars | off |
//! | `testing` | a cache that stores nothing, a clock that a test moves, assertions | off |
//!
//! Without features it is the core: keys, tags, stamps, policies, entries, flights, values in memory, events.
//!
//! # Choosing a policy
//!
//! The stamps keep entries right, not the lifetime. A lifetime bounds the memory of entries that are no
//! longer requested, and it is the only bound for sources without stamps. So:
//!
//! | What is cached | Policy |
//! |---|---|
//! | pages, fragments, queries over tables with triggers | [`Policy::fresh_for`](Policy::fresh_for) an hour or a day; nothing else is needed |
//! | an expensive aggregate over such tables | the same: concurrent callers share a single load |
//! | a slow upstream without stamps | fresh for as long as its data may be old; [`stale_if_error`](Policy::stale_if_error) for when it fails, [`refresh_before`](Policy::refresh_before) so that callers do not wait, [`soft_timeout`](Policy::soft_timeout) for when it hangs, [`retry_after`](Policy::retry_after) so that it can recover; with [`Cache::get_or_refresh`] |
//! | data that its owner permits to be old while it is reloaded | [`stale_while_revalidate`](Policy::stale_while_revalidate) |
//! | a counter, a limit, something that a visitor chose | no entry: a value, [`Cache::values`] |
//!
//! A stale entry that is served is marked, and nothing built from it is stored. `Cache-Status` then says
//! `detail="stale-if-error"`, and an event is reported ([`event`]).
//!
//! # Testing
//!
//! - The module `testing` (feature `testing`) has what tests need, and the three tests that one writes first.
//! - What the page cache did is in each response: [`page::CacheStatus::of`].
//! - Lifetimes go by tokio's clock.
//!
//! # Coming from Django
//!
//! | Django | Here |
//! |---|---|
//! | `@cache_page(60 * 15)` | `.wrap(page::cached(Policy::fresh_for(…)))`; a change of its data invalidates the page, too |
//! | `UpdateCacheMiddleware`, `FetchFromCacheMiddleware` | the same around a scope or an app |
//! | `{% cache 500 sidebar user.id %}` | [`Fragment::new`](fragment::Fragment::new)`(…).vary_on("user", id)`, and `{% filter cached(self.sidebar()) %}` |
//! | `make_template_fragment_key`, `cache.delete` | [`Cache::delete_fragment`] with the same declaration |
//! | `cache.get_or_set(key, f, 300)` for data | [`Cache::get_or_set`], which is right after every write; for anything else `cache.values().get_or_set` |
//! | `get`, `set`, `add`, `touch`, `incr`, `get_many`, … | the same names on [`Cache::values`] |
//! | `cache.clear()` | [`Cache::clear`]; on a shared Redis it deletes only this application's keys |
//! | `KEY_PREFIX`, `VERSION`, `TIMEOUT` | [`values::Settings`] |
//! | `LocMemCache`, `RedisCache`, `DummyCache` | [`store::MemoryStore`], [`store::redis`], [`store::NullStore`] |
//! | `CACHES["default"]` and other aliases | one [`Cache`] for each; there is no registry of names |
//! | signals and `cache.delete` after each `save()` | nothing: loads record what they read, and triggers what changed |
//! | `ConditionalGetMiddleware` | every cached page has an `ETag` and answers 304 (`http::conditional`) |
//! | `@never_cache` | `Cache-Control: no-store` in the response; then it is not stored |
//!
//! # Guarantees
//!
//! - No reader is served an invalidated entry, unless its policy permits that. Entries are validated by
//!   the reader's own stamps; how recent these are, [`StampSource`] promises.
//! - A process runs one load of a key at a time, and a waiter takes no result older than its own stamps.
//! - The cache fails no request: a store that does not answer is a miss. Two exceptions: a load that asks
//!   for its own key, which would never end, panics with a message; and a panic in a handler is answered
//!   as an error.
//! - A page that was built for one visitor is never served to another: the handler of a shared page sees
//!   no cookie by which the page is not keyed, and no session that a layer has read ([`page`]).
//! - Not guaranteed: that values ([`values`]) are up to date; that a load which reads something without
//!   recording it (a file, the time, another table) is noticed; that a stale entry which a policy permits
//!   is recent.
//!
//! # Layout
//!
//! In reading order, for those who change it:
//!
//! - The model: `tag`, `stamps`, `in_process`, `dependencies`, `tracking`, `level`, `key`, `policy`, `entry`,
//!   `removal`.
//! - The cache: `builder`, `cache`, `scope`, `built`, `find`, `flight`, `derive`, `refresh`, `presence`, `lineage`, `panics`,
//!   `tier`, `namespace`, `secret`, `error`.
//! - Levels one and two: `page` over `http`, `write_epochs`, `fragment`, `hole`.
//! - Values and stores: `values`, `store`, `codec`.
//! - Observation: `event`, `listeners`, `meter`, `inspect`.
//! - Primitives: `random`, `sync`.

// Pages, Redis and inspection use parts of the core that nothing else does.
#![cfg_attr(not(all(feature = "actix", feature = "redis", feature = "inspect")), allow(dead_code))]
#![warn(missing_docs)]
// Without a feature, what it shows to users is reached by none.
#![cfg_attr(
    all(
        feature = "actix",
        feature = "askama",
        feature = "compress",
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
#[cfg(all(test, feature = "redis"))]
mod forgery;
pub mod fragment;
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
