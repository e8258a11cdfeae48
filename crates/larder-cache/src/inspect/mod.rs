//! Inspects the cache: what is stored, its age, its dependencies, and whether it is valid.
//!
//! - It is for people: command lines, dashboards, toolbars. It is compiled with the feature `inspect` only.
//! - A key is the one that the program uses: `posts.list:page=1`, `motd`. A store has complete names,
//!   `blog:entry:…:posts.list:page=1`, which are accepted too. A key may be stored in several places:
//!   in memory, in the store, in the store by another build.
//! - Inspection does not count as use, and decodes only the cache's own types.
//! - A deletion first changes a stamp (`removal`), then empties the store, then memory.
//!   Without a stamp source no stamp changes, so instances keep their entries: see
//!   [`Inspection::reaches_instances`].
//!
//! Not here: events ([`super::event`]).

mod dependents;
mod description;
mod first_keys;
mod list;
mod look;
mod reader;
mod stats;
mod summary;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::future::OptionFuture;

#[cfg(feature = "actix")]
pub use super::page::stored::PageDetails;
pub use description::{
    Body, BuildCost, Description, Kind, Listed, Listing, LookUps, Memory, Statistics, Store,
    TagStamp, Verdict,
};
pub use list::{ListPage, Wanted};
pub(crate) use reader::{BodyReader, Describe, start};
pub use stats::Stats;
pub use summary::{Dependents, MOST, Share, Summary};

use self::first_keys::FirstKeys;
use super::entry::{self, Entry};
use super::error::Error;
use super::key::Key;
use super::level::Level;
use super::removal::Removal;
use super::stamps::{StampSource, StampsResult, StampsUnavailable};
use super::store::number::whole;
use super::store::{StoreError, Ttl, budget};
use super::tag::{Stamp, Tag};
use super::tier::local::LocalTier;
use super::tier::shared::ParsedKey;
use super::values::{Timeout, Values};

/// A view of a cache, or of a store that caches share.
///
/// ```
/// # use std::sync::Arc;
/// # use larder_cache::{Builder, InProcess};
/// # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
/// # let cache = Builder::default().open(Arc::new(InProcess::new()));
/// let listing = cache.inspect().keys("posts.*", 100).await?;
/// for listed in listing.keys {
///     println!("{} {} in {}", listed.kind.name(), listed.key, listed.place);
/// }
/// # Ok::<(), larder_cache::Error>(())
/// # }).unwrap();
/// ```
#[derive(Clone)]
pub struct Inspection {
    readers: &'static [BodyReader],
    local: Option<LocalTier>,
    /// The beginning of the names of all entries in a store.
    entries: Arc<str>,
    values: Values,
    versions: Option<Arc<dyn StampSource>>,
    /// The number of characters that are shown of a body.
    letters: usize,
}

/// The number of characters that are shown of a body by default.
const LETTERS: usize = 200;

impl Inspection {
    /// Creates the view of [`Cache::inspect`](super::Cache::inspect) or
    /// [`Builder::inspect`](super::Builder::inspect).
    pub(super) fn new(
        readers: &'static [BodyReader],
        local: Option<LocalTier>,
        (entries, values): (&str, Values),
        versions: Option<Arc<dyn StampSource>>,
    ) -> Self {
        Self { readers, local, entries: entries.into(), values, versions, letters: LETTERS }
    }

    /// Shows this many characters of a body.
    #[must_use]
    pub fn showing(self, letters: usize) -> Self {
        Self { letters, ..self }
    }

    /// Returns the first `limit` keys that match: `*` is any text, `?` is any one character.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn keys(&self, pattern: &str, limit: usize) -> Result<Listing, Error> {
        let mut first = FirstKeys::of(pattern, limit);
        let current = self.current().await;
        for (key, entry) in self.local.iter().flat_map(LocalTier::iter).filter(is_there(&current)) {
            first.take(in_memory(&key, &entry));
        }
        for front in [&*self.entries, self.values.cache_front()] {
            self.walk(front, |listed| first.take(listed)).await?;
        }
        Ok(first.listing())
    }

    /// Describes everything under a key or a complete name; returns nothing if there is nothing.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn describe(&self, key: &str) -> Result<Vec<Description>, Error> {
        let current = self.current().await;
        let mut found: Vec<Description> =
            self.describe_in_memory(key, &current).into_iter().collect();
        for listed in self.find(key).await? {
            found.extend(self.look_at(listed, &current).await?);
        }
        Ok(found)
    }

    /// Deletes everything under a key or a complete name; returns in how many places it was.
    ///
    /// # Errors
    /// If the stamps cannot be changed, nothing is deleted. If the store does not answer, an entry
    /// is deleted but may still occupy space in the store, and a value may remain.
    pub async fn delete(&self, key: &str) -> Result<u64, Error> {
        let current = self.current().await;
        self.remove(Removal::Deleted.of_key(self.key_of(key))).await?;
        let there = self.delete_in_store(key).await;
        let local = self.local.as_ref().and_then(|local| Some((local, local.find(key)?)));
        let here = local
            .is_some_and(|(local, found)| local.remove(&found.0) && is_there(&current)(&found));
        Ok(u64::from(here) + there?)
    }

    async fn delete_in_store(&self, key: &str) -> Result<u64, Error> {
        let names: Vec<String> = self.find(key).await?.into_iter().filter_map(|l| l.name).collect();
        self.values.delete_names(&names).await
    }

    /// Changes the stamp of a removal, if there is a stamp source.
    async fn remove(&self, tag: Tag) -> Result<(), Error> {
        let Some(versions) = &self.versions else { return Ok(()) };
        Ok(versions.invalidate(vec![tag]).await?)
    }

    /// Reports whether a deletion here reaches every instance, and not only the store.
    pub fn reaches_instances(&self) -> bool {
        self.versions.is_some()
    }

    /// Returns the key in a complete name, or the text itself if it is not one.
    fn key_of<'k>(&self, key: &'k str) -> &'k str {
        ParsedKey::of(&self.entries, key).map_or(key, |parsed| parsed.key)
    }

    /// Ends the lifetime of the entry under a key; returns in how many places it was.
    ///
    /// The next request rebuilds it. If that fails, its policy, or the page itself, may still
    /// permit serving it. This holds in every instance, also for a load that began before. The
    /// entry is deleted from the shared store.
    ///
    /// # Errors
    /// Those of [`Inspection::delete`].
    pub async fn end(&self, key: &str) -> Result<u64, Error> {
        self.remove(Removal::Ended.of_key(self.key_of(key))).await?;
        let here = self.local.as_ref().and_then(|local| Some((local, local.find(key)?)));
        let there = self.delete_in_store(key).await?;
        // Last, so that no lookup finds it in the store again and stores it here.
        if let Some((local, (key, entry))) = &here {
            local.insert((**key).clone(), Arc::new(entry.ended()));
        }
        Ok(u64::from(here.is_some()) + there)
    }

    /// Sets a value: a whole number, which can be incremented, or else text.
    ///
    /// # Errors
    /// Those of [`Values::set`].
    pub async fn set(&self, key: &str, text: &str, timeout: Timeout) -> Result<(), Error> {
        match whole(text.as_bytes()) {
            Some(number) => self.values.set(key, &number, timeout).await,
            None => self.values.set(key, text, timeout).await,
        }
    }

    /// Deletes every entry and every value of this application; returns how many there were.
    ///
    /// # Errors
    /// Those of [`Inspection::delete`].
    pub async fn clear(&self) -> Result<u64, Error> {
        let current = self.current().await;
        self.remove(Removal::Deleted.of_all()).await?;
        let entries = self.values.store().clear(&self.entries).await;
        let values = self.values.clear().await;
        let mut here = 0;
        if let Some(local) = &self.local {
            here = local.iter().filter(is_there(&current)).count() as u64;
            local.clear();
        }
        Ok(here + entries.map_err(|source| self.failed(source))? + values?)
    }

    /// Returns the figures of the cache, without lookups, which a listener counts
    /// (`stats`).
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn statistics(&self) -> Result<Statistics, Error> {
        let (mut entries, mut values) = (0, 0);
        let is_counted = |listed: &Listed| listed.kind != Kind::Lock;
        self.walk(&self.entries, |listed| entries += u64::from(is_counted(&listed))).await?;
        let front = self.values.cache_front();
        self.walk(front, |listed| values += u64::from(is_counted(&listed))).await?;
        let store = self.values.store();
        let stats =
            budget::without_budget(store.stats()).await.map_err(|source| self.failed(source))?;
        Ok(Statistics {
            look_ups: Vec::new(),
            memory: self.local.as_ref().map(memory),
            store: Store {
                name: store.name().to_owned(),
                entries,
                values,
                keys: stats.entries,
                bytes: stats.bytes,
                limit_bytes: stats.limit_bytes,
                evicted: stats.evicted,
                expired: stats.expired,
            },
        })
    }

    /// Returns the figures of this process's entries, or `None` without a process. Visits all
    /// entries.
    pub fn memory(&self) -> Option<Memory> {
        self.local.as_ref().map(memory)
    }

    /// Counts the entries of this process that depend on each tag at this stamp, by level.
    ///
    /// The levels are pages, fragments and queries. At most `most` entries are examined, so the
    /// counts may be too low.
    pub fn dependents_of(&self, tags: &[(Tag, Stamp)], most: usize) -> Vec<[u64; 3]> {
        let entries = self.local.iter().flat_map(LocalTier::iter).take(most);
        dependents::count(entries.map(|(_, entry)| entry), tags)
    }

    /// Returns the stamps to validate by.
    ///
    /// # Errors
    /// [`StampsUnavailable`] if they are not known, or if there is no stamp source.
    pub async fn current(&self) -> StampsResult {
        match &self.versions {
            Some(versions) => versions.current().get().await,
            None => Err(StampsUnavailable("the database was not asked".to_owned())),
        }
    }

    /// Asks the shared store for a key that is never stored, to see whether it answers; `None` without one.
    pub async fn probe(&self) -> Option<Result<(), StoreError>> {
        let store = self.values.store();
        let asked = || budget::without_budget(store.has("never-stored"));
        OptionFuture::from(store.is_shared().then(asked)).await.map(|answer| answer.map(drop))
    }

    /// Reports whether the circuit breaker of the shared store is open; `None` without one.
    pub fn is_paused(&self) -> Option<bool> {
        let store = self.values.store();
        store.is_shared().then(|| store.is_paused())
    }

    fn describe_in_memory(&self, key: &str, current: &StampsResult) -> Option<Description> {
        let (key, entry) = self.local.as_ref()?.find(key).filter(is_there(current))?;
        Some(look::at_entry(self.readers, in_memory(&key, &entry), &entry, current, self.letters))
    }

    /// Returns where in the store a key is, or would be.
    async fn find(&self, key: &str) -> Result<Vec<Listed>, Error> {
        if key.starts_with(&*self.entries) || key.starts_with(self.values.cache_front()) {
            return Ok(self.listed(key).into_iter().collect());
        }
        let mut found = BTreeSet::new();
        let is_it = |listed: &Listed| listed.key == key && listed.kind != Kind::Lock;
        self.walk(&self.entries, |listed| {
            if is_it(&listed) {
                found.insert(listed);
            }
        })
        .await?;
        found.extend(self.listed(&self.values.name(key)));
        Ok(found.into_iter().collect())
    }

    async fn look_at(
        &self,
        at: Listed,
        current: &StampsResult,
    ) -> Result<Option<Description>, Error> {
        let Some(name) = at.name.clone() else { return Ok(None) };
        let Some(bytes) = self.fetch(&name).await? else { return Ok(None) };
        let ttl = budget::without_budget(self.values.store().ttl(&name)).await;
        let ttl = ttl.map_err(|source| self.failed(source))?;
        if ttl == Ttl::Absent {
            return Ok(None);
        }
        let (slot, found) = (self.values.slot(&name), (&bytes, ttl));
        Ok(Some(match at.kind {
            Kind::Page | Kind::Fragment | Kind::Query => {
                look::at_sealed(self.readers, slot, at, found, current, self.letters)
            }
            Kind::Value | Kind::Lock => look::at_value(slot, at, found),
        }))
    }

    async fn fetch(&self, name: &str) -> Result<Option<Bytes>, Error> {
        let bytes = budget::without_budget(self.values.store().get(name)).await;
        bytes.map_err(|source| self.failed(source))
    }

    /// Visits everything in the store whose name begins with `front`.
    async fn walk(&self, front: &str, mut visit: impl FnMut(Listed)) -> Result<(), Error> {
        let mut from = None;
        loop {
            let page = budget::without_budget(self.values.store().scan(front, from)).await;
            let page = page.map_err(|source| self.failed(source))?;
            page.keys.iter().filter_map(|name| self.listed(name)).for_each(&mut visit);
            from = page.next;
            if from.is_none() {
                return Ok(());
            }
        }
    }

    /// Parses a complete name; returns `None` if it is not one of this application.
    fn listed(&self, name: &str) -> Option<Listed> {
        let (kind, key) = match ParsedKey::of(&self.entries, name) {
            Some(parsed) => (look::kind_named(self.readers, parsed), parsed.key),
            None => self.value_named(name)?,
        };
        let place = self.values.store().name().to_owned();
        Some(Listed { kind, key: key.to_owned(), place, name: Some(name.to_owned()) })
    }

    /// Returns `motd` of `blog:values:1:motd`; at another version the whole name is the key.
    fn value_named<'n>(&self, name: &'n str) -> Option<(Kind, &'n str)> {
        let rest = name.strip_prefix(self.values.cache_front())?;
        Some(match (name.strip_prefix(&self.values.front()), rest.strip_prefix("lock:")) {
            (Some(key), _) => (Kind::Value, key),
            (None, Some(key)) => (Kind::Lock, key),
            (None, None) => (Kind::Value, name),
        })
    }

    fn failed(&self, source: super::store::StoreError) -> Error {
        Error::Store { store: self.values.store().name(), source }
    }
}

/// Reports whether an entry was not deleted.
///
/// One that another instance deleted leaves memory at its next lookup, and is hidden until then.
fn is_there(current: &StampsResult) -> impl Fn(&(Arc<Key>, Arc<Entry>)) -> bool {
    move |(_, entry)| {
        current.as_ref().map_or(true, |current| entry.validate(current) != entry::Validity::Deleted)
    }
}

fn in_memory(key: &Key, entry: &Entry) -> Listed {
    let (kind, key, place) = (entry.level().into(), key.to_string(), "memory".to_owned());
    Listed { kind, key, place, name: None }
}

fn memory(local: &LocalTier) -> Memory {
    let (bytes, limit_bytes) = local.bytes();
    let mut memory = Memory { bytes, limit_bytes, evicted: local.evicted(), ..Memory::default() };
    for (_, entry) in local.iter() {
        *match entry.level() {
            Level::Page => &mut memory.pages,
            Level::Fragment => &mut memory.fragments,
            Level::Query => &mut memory.queries,
        } += 1;
    }
    memory
}
