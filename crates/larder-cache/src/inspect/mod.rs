//! The cache seen from outside: what is kept, how old it is, what it was made from, whether it is
//! still true.
//!
//! - It is for people: the command line and the dashboard. No section has a use for it.
//! - A key is what its program knows it by: `products.list:page=1`, `motd`. In a store it has a
//!   complete name, `larder:entry:…:products.list:page=1`, which is taken as well. One key may be
//!   kept in several places: in memory, in the store, in the store by another build.
//! - Looking does not count as use, and does not decode what only the program can read.
//! - Deleting moves a stamp first ([`super::removal`]), then empties the store, then memory. Without
//!   versions the stamp stays, and instances keep what they hold: [`Inspection::reaches_instances`].
//!
//! Not here: what happened ([`super::event`], [`super::stats`]).

mod dependents;
mod description;
mod list;
mod look;
mod reader;
mod summary;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::sync::Arc;

use bytes::Bytes;

pub use description::{
    Body, BuildCost, Description, Kind, Listed, Listing, LookUps, Memory, Statistics, Store,
    TagStamp, Verdict,
};
pub use list::{ListPage, Wanted};
pub(crate) use reader::{BodyReader, Describe, start};
pub use summary::{Dependents, MOST, Share, Summary};

use super::entry::{self, Entry};
use super::error::Error;
use super::key::Key;
use super::level::Level;
use super::removal::Removal;
use super::stamps::{StampSource, StampsResult, StampsUnavailable};
use super::store::number::whole;
use super::store::{Ttl, budget};
use super::tag::{Stamp, Tag};
use super::tier::local::LocalTier;
use super::tier::shared::{self, ParsedKey};
use super::values::{Timeout, Values, glob};

/// Looks into a cache, or into a store that caches share.
#[derive(Clone)]
pub struct Inspection {
    readers: &'static [BodyReader],
    local: Option<LocalTier>,
    values: Values,
    versions: Option<Arc<dyn StampSource>>,
    /// So many characters of a body are shown.
    letters: usize,
}

/// Characters of a body that are shown where nobody says how many.
const LETTERS: usize = 200;

impl Inspection {
    /// See [`Cache::inspect`](super::Cache::inspect) and [`super::builder::inspect`].
    pub(super) fn new(
        readers: &'static [BodyReader],
        local: Option<LocalTier>,
        values: Values,
        versions: Option<Arc<dyn StampSource>>,
    ) -> Self {
        Self { readers, local, values, versions, letters: LETTERS }
    }

    /// The same, which shows so many characters of a body.
    #[must_use]
    pub fn showing(self, letters: usize) -> Self {
        Self { letters, ..self }
    }

    /// At most `limit` of the keys that match: `*` is any text, `?` any one character.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn keys(&self, pattern: &str, limit: usize) -> Result<Listing, Error> {
        let mut first = FirstKeys { pattern, limit, keys: BTreeSet::new(), left_off: 0 };
        let current = self.current().await;
        for (key, entry) in self.local.iter().flat_map(LocalTier::iter).filter(is_there(&current)) {
            first.take(in_memory(&key, &entry));
        }
        for front in [shared::FRONT, self.values.cache_front()] {
            self.walk(front, |listed| first.take(listed)).await?;
        }
        Ok(Listing { keys: first.keys.into_iter().collect(), left_off: first.left_off })
    }

    /// All that is kept under a key, or under a complete name; empty if nothing is.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn describe(&self, key: &str) -> Result<Vec<Description>, Error> {
        let current = self.current().await;
        let mut found: Vec<Description> = self.near_at(key, &current).into_iter().collect();
        for listed in self.find(key).await? {
            found.extend(self.look_at(listed, &current).await?);
        }
        Ok(found)
    }

    /// Forgets what is kept under a key, or under a complete name; in how many places it was.
    ///
    /// # Errors
    /// When the versions cannot be moved: then nothing is forgotten. When the store does not answer: then
    /// an entry is, but may still take up room in the store, and a value may stay.
    pub async fn delete(&self, key: &str) -> Result<u64, Error> {
        let current = self.current().await;
        self.remove(Removal::Deleted.of_key(self.key_of(key))).await?;
        let there = self.delete_there(key).await;
        let local = self.local.as_ref().and_then(|local| Some((local, local.find(key)?)));
        let here = local
            .is_some_and(|(local, found)| local.remove(&found.0) && is_there(&current)(&found));
        Ok(u64::from(here) + there?)
    }

    async fn delete_there(&self, key: &str) -> Result<u64, Error> {
        let names: Vec<String> = self.find(key).await?.into_iter().filter_map(|l| l.name).collect();
        self.values.delete_names(&names).await
    }

    /// Moves the stamp of a removal, where there is one.
    async fn remove(&self, tag: Tag) -> Result<(), Error> {
        let Some(versions) = &self.versions else { return Ok(()) };
        Ok(versions.invalidate(vec![tag]).await?)
    }

    /// Whether what is deleted here is deleted in every instance, and not only from the store.
    pub fn reaches_instances(&self) -> bool {
        self.versions.is_some()
    }

    /// The key in a complete name; else what was given.
    fn key_of<'k>(&self, key: &'k str) -> &'k str {
        ParsedKey::of(key).map_or(key, |parsed| parsed.key)
    }

    /// Ends the lifetime of the entry under a key: it is made anew when it is next asked for, and where that
    /// fails its policy, or the page itself, may still let it be served. In how many places it was.
    ///
    /// That is so in every instance, also for a load that has begun before; from the store that instances
    /// share it is deleted.
    ///
    /// # Errors
    /// As [`Inspection::delete`].
    pub async fn end(&self, key: &str) -> Result<u64, Error> {
        self.remove(Removal::Ended.of_key(self.key_of(key))).await?;
        let here = self.local.as_ref().and_then(|local| Some((local, local.find(key)?)));
        let there = self.delete_there(key).await?;
        // Last: nobody finds it in the store again, and keeps that here.
        if let Some((local, (key, entry))) = &here {
            local.insert((**key).clone(), Arc::new(entry.ended()));
        }
        Ok(u64::from(here.is_some()) + there)
    }

    /// Remembers a value: a whole number as one that can be counted on, all else as text.
    ///
    /// # Errors
    /// Those of [`Values::set`].
    pub async fn set(&self, key: &str, text: &str, timeout: Timeout) -> Result<(), Error> {
        match whole(text.as_bytes()) {
            Some(number) => self.values.set(key, &number, timeout).await,
            None => self.values.set(key, text, timeout).await,
        }
    }

    /// Forgets every entry and every value of ours; how many there were.
    ///
    /// # Errors
    /// As [`Inspection::delete`].
    pub async fn clear(&self) -> Result<u64, Error> {
        let current = self.current().await;
        self.remove(Removal::Deleted.of_all()).await?;
        let entries = self.values.store().clear(shared::FRONT).await;
        let values = self.values.clear().await;
        let mut here = 0;
        if let Some(local) = &self.local {
            here = local.iter().filter(is_there(&current)).count() as u64;
            local.clear();
        }
        Ok(here + entries.map_err(|source| self.failed(source))? + values?)
    }

    /// What is kept, in figures; look-ups are counted by whoever listens ([`super::stats`]).
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn statistics(&self) -> Result<Statistics, Error> {
        let (mut entries, mut values) = (0, 0);
        let is_counted = |listed: &Listed| listed.kind != Kind::Lock;
        self.walk(shared::FRONT, |listed| entries += u64::from(is_counted(&listed))).await?;
        let front = self.values.cache_front();
        self.walk(front, |listed| values += u64::from(is_counted(&listed))).await?;
        let store = self.values.store();
        let stats = budget::apart(store.stats()).await.map_err(|source| self.failed(source))?;
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

    /// What this process keeps, in figures; none where no process is looked into. Walks all entries.
    pub fn memory(&self) -> Option<Memory> {
        self.local.as_ref().map(memory)
    }

    /// How many entries of this process depend on each tag at this stamp: pages, fragments, queries.
    ///
    /// Looks at so many entries at most: with more of them there are more than it says.
    pub fn dependents_of(&self, tags: &[(Tag, Stamp)], most: usize) -> Vec<[u64; 3]> {
        let entries = self.local.iter().flat_map(LocalTier::iter).take(most);
        dependents::count(entries.map(|(_, entry)| entry), tags)
    }

    /// The current to judge by.
    ///
    /// # Errors
    /// When nobody vouches, or nobody is here to ask.
    pub async fn current(&self) -> StampsResult {
        match &self.versions {
            Some(versions) => versions.current().get().await,
            None => Err(StampsUnavailable("the database was not asked".to_owned())),
        }
    }

    fn near_at(&self, key: &str, current: &StampsResult) -> Option<Description> {
        let (key, entry) = self.local.as_ref()?.find(key).filter(is_there(current))?;
        Some(look::at_entry(self.readers, in_memory(&key, &entry), &entry, current, self.letters))
    }

    /// Where in the store a key is, or would be.
    async fn find(&self, key: &str) -> Result<Vec<Listed>, Error> {
        if key.starts_with(shared::FRONT) || key.starts_with(self.values.cache_front()) {
            return Ok(self.listed(key).into_iter().collect());
        }
        let mut found = BTreeSet::new();
        let is_it = |listed: &Listed| listed.key == key && listed.kind != Kind::Lock;
        self.walk(shared::FRONT, |listed| {
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
        let ttl = budget::apart(self.values.store().ttl(&name)).await;
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
        let bytes = budget::apart(self.values.store().get(name)).await;
        bytes.map_err(|source| self.failed(source))
    }

    /// Visits everything in the store whose name begins so.
    async fn walk(&self, front: &str, mut visit: impl FnMut(Listed)) -> Result<(), Error> {
        let mut from = None;
        loop {
            let page = budget::apart(self.values.store().scan(front, from)).await;
            let page = page.map_err(|source| self.failed(source))?;
            page.keys.iter().filter_map(|name| self.listed(name)).for_each(&mut visit);
            from = page.next;
            if from.is_none() {
                return Ok(());
            }
        }
    }

    /// What a complete name says; none if it is none of ours.
    fn listed(&self, name: &str) -> Option<Listed> {
        let (kind, key) = match ParsedKey::of(name) {
            Some(parsed) => (look::kind_named(self.readers, parsed), parsed.key),
            None => self.value_named(name)?,
        };
        let place = self.values.store().name().to_owned();
        Some(Listed { kind, key: key.to_owned(), place, name: Some(name.to_owned()) })
    }

    /// `motd` of `larder-values:1:motd`; at another version the whole name, since that is the key.
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

/// Whether an entry was not deleted. One that another instance deleted leaves memory when it is next asked
/// for; until then it is not shown.
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

/// Keeps the first keys that match, in order, however many there are.
struct FirstKeys<'p> {
    pattern: &'p str,
    limit: usize,
    keys: BTreeSet<Listed>,
    left_off: u64,
}

impl FirstKeys<'_> {
    fn take(&mut self, listed: Listed) {
        if !glob::matches(self.pattern, &listed.key) {
            return;
        }
        self.keys.insert(listed);
        if self.keys.len() > self.limit {
            self.keys.pop_last();
            self.left_off += 1;
        }
    }
}
