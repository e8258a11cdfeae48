//! The cache framework: Django's three levels for actix-web, never stale after a write.
//!
//! It knows nothing of this shop, nor of SQL: an application brings its own [`StampSource`], which say
//! what has changed.
//!
//! # The words
//!
//! - *tag* ([`tag::Tag`]): the name of something that can change: a table, a bucket of its rows.
//! - *stamp* ([`tag::Stamp`]): a tag's version. Equal stamps mean equal data.
//! - *current* ([`stamps::Stamps`]): the stamps of all tags, as one moment saw them.
//! - *entry* ([`entry::Entry`]): an immutable fact, "this key was this, at these stamps". Served only
//!   while its stamps are those of the current.
//! - *value* ([`values`]): what somebody set, as in Django's low-level API. Nobody vouches for it.
//! - *policy* ([`policy::Policy`]): how long an entry is fresh, and what may be done when it cannot be
//!   made anew.
//! - *scope* ([`tracking`]): what a page, fragment or value depended on while it was made: collected, never
//!   listed.
//!
//! # The three levels
//!
//! | Level | What | How | Django |
//! |---|---|---|---|
//! | one | whole pages | [`page::cached`] around a route | `cache_page`, per-current cache |
//! | two | parts of templates | `{% filter cached(self.header()) %}`, [`fragment`] | `{% cache %}` |
//! | three | results of queries | [`Cache::get_or_set`] | `cache.get_or_set` |
//!
//! All three are entries, so they are right in the same way: what was made from old data is not served,
//! whoever changed the data. Beside them stands the low-level API of values, [`Cache::values`].
//!
//! ```
//! use std::sync::Arc;
//! use std::time::Duration;
//!
//! use larder_cache::builder::Builder;
//! use larder_cache::key::Key;
//! use larder_cache::policy::Policy;
//! use larder_cache::tag::Tag;
//! use larder_cache::in_process::InProcess;
//!
//! const TEAS: Tag = Tag::named("teas");
//! const LIST: Policy = Policy::fresh_for(Duration::from_secs(300));
//!
//! # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
//! let versions = Arc::new(InProcess::new());
//! let cache = Builder::default().open(versions.clone());
//! let key = Key::named("teas.list").build();
//!
//! // A source says what it reads: the stamp first, then the data.
//! let load = async || {
//!     versions.reads(&[TEAS]);
//!     Ok::<_, std::io::Error>(vec!["Assam".to_owned()])
//! };
//! let teas = cache.get_or_set(&key, &LIST, load).await?;
//! assert_eq!(*teas, ["Assam"]);
//!
//! // Whoever writes says so; the next look-up loads anew.
//! versions.bump(&[TEAS]);
//! let teas = cache.get_or_set(&key, &LIST, async || {
//!     versions.reads(&[TEAS]);
//!     Ok::<_, std::io::Error>(vec!["Assam".to_owned(), "Ceylon".to_owned()])
//! }).await?;
//! assert_eq!(teas.len(), 2);
//! # Ok::<(), std::io::Error>(())
//! # }).unwrap();
//! ```
//!
//! # Choosing a policy
//!
//! A lifetime does not keep entries right: the stamps do. It bounds the memory of what nobody asks for,
//! and it is all there is for sources that have no stamps. So:
//!
//! | What is cached | Policy |
//! |---|---|
//! | pages, fragments, queries over tables with triggers | [`Policy::fresh_for`](policy::Policy::fresh_for) an hour or a day; nothing else is needed |
//! | an expensive aggregate over such tables | the same, and a single load however many ask |
//! | a slow upstream without stamps | fresh for as long as its data may be old, [`stale_if_error`](policy::Policy::stale_if_error) for when it fails, [`refresh_before`](policy::Policy::refresh_before) so that nobody waits, [`soft_timeout`](policy::Policy::soft_timeout) for when it hangs, [`retry_after`](policy::Policy::retry_after) so that it can recover; with [`Cache::get_or_refresh`] |
//! | something that may be old while it is made anew, by decision of its owner | [`stale_while_revalidate`](policy::Policy::stale_while_revalidate) |
//! | a counter, a limit, something a visitor chose | no entry at all: a value, [`Cache::values`] |
//!
//! What is served old is marked, and nothing made from it is kept; `Cache-Status` says
//! `detail="stale-if-error"`, and listeners are told ([`event`]).
//!
//! # Coming from Django
//!
//! | Django | Here |
//! |---|---|
//! | `@cache_page(60 * 15)` | `.wrap(page::cached(Policy::fresh_for(…)))`; the page also goes when its data change |
//! | `UpdateCacheMiddleware`, `FetchFromCacheMiddleware` | the same around a scope or an app |
//! | `{% cache 500 sidebar user.id %}` | [`Fragment::new`](fragment::Fragment::new)`(…).vary_on("user", id)`, and `{% filter cached(self.sidebar()) %}` |
//! | `make_template_fragment_key`, `cache.delete` | [`Cache::delete_fragment`] with the same declaration |
//! | `cache.get_or_set(key, f, 300)` for data | [`Cache::get_or_set`]: right after every write; for anything else `cache.values().get_or_set` |
//! | `get`, `set`, `add`, `touch`, `incr`, `get_many`, … | the same names on [`Cache::values`] |
//! | `cache.clear()` | [`Cache::clear`]; on a shared Redis only what is ours |
//! | `KEY_PREFIX`, `VERSION`, `TIMEOUT` | [`values::Settings`] |
//! | `LocMemCache`, `RedisCache`, `DummyCache` | [`store::memory`], [`store::redis`], [`store::null`] |
//! | `CACHES["default"]` and other aliases | each [`Cache`] that is opened is one; there is no registry of names |
//! | signals and `cache.delete` after each `save()` | nothing: whoever reads says what, and triggers say what changed |
//! | `ConditionalGetMiddleware` | every cached page has an `ETag` and answers 304 ([`page::conditional`]) |
//! | `@never_cache` | `Cache-Control: no-store` in the answer; it is then not kept |
//!
//! # What is promised
//!
//! - Nobody is served an entry whose tags have moved, in the current that its reader judges by. How new
//!   that current is, [`StampSource`] promises.
//! - One load of a key at a time in a process; waiters take nothing older than their own current.
//! - Nothing here fails a request: a store in trouble is a miss. But a load that asks for its own key, which
//!   would never end, panics and says so; and a panic in a handler is answered as an error.
//! - A page made for one visitor is never another's: a cached page's handler sees no cookie.
//! - Not promised: that values ([`values`]) are true; that a load which reads what it does not say
//!   (a file, the time, another table) is noticed; that what a policy lets be served old is new.
//!
//! # Layout
//!
//! In reading order: [`tag`], [`stamps`], [`tracking`], [`entry`], [`removal`], [`key`], [`policy`]; [`cache`],
//! `derive`, [`refresh`], [`flight`], [`presence`], `lineage`, `panics`, [`tier`], [`secret`]; [`fragment`],
//! [`page`]; [`values`], [`store`], [`codec`]; [`event`], [`stats`], [`meter`], [`inspect`], [`builder`].

pub mod builder;
mod built;
pub mod cache;
pub mod codec;
pub mod dependencies;
mod derive;
pub mod entry;
pub mod error;
pub mod event;
pub mod flight;
#[cfg(test)]
mod forgery;
pub mod fragment;
pub mod in_process;
pub mod inspect;
pub mod key;
pub mod level;
mod lineage;
pub mod meter;
pub mod page;
mod panics;
pub mod policy;
pub mod presence;
mod random;
pub mod refresh;
pub mod removal;
pub mod secret;
pub mod stamps;
pub mod stats;
pub mod store;
mod sync;
pub mod tag;
pub mod tier;
pub mod tracking;
pub mod values;
mod write_epochs;

pub use cache::Cache;
pub use error::Error;
pub use lineage::Circle;
pub use stamps::StampSource;
