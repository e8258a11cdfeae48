//! Notes about a URL: on which headers it varies, how many pages of it are stored, and what cannot be stored.
//!
//! - A URL that varies has a note under its key, with the names of the headers, and a key for each variant.
//! - Where the owner's rules compute values, each has a key of its own, which needs no note to be found. A note under
//!   the key without the values counts their pages, the variants of those, and the notes about them, together.
//! - A note is written when a page is stored, never on a hit.
//!
//! Not here: which page leaves for another ([`super::variants`]).

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use actix_web::http::header::{AUTHORIZATION, COOKIE, HeaderMap, HeaderName};

use super::address;
use super::lookup::{Lookup, Task};
use super::request;
use super::stored::Stored;
use super::variants::Variants;
use crate::entry::Entry;
use crate::http::conditional::CONDITIONS;
use crate::http::variant::variant;
use crate::http::vary::Vary;
use crate::key::Key;
use crate::level::Level;

impl Lookup {
    /// Returns the key for the page, and the headers on which its URL varies beyond its key.
    pub(super) fn place(
        &self,
        vary: Vary,
        task: &Task,
        seen: &HeaderMap,
    ) -> Result<(Key, BTreeSet<String>), &'static str> {
        let Vary::Names(names) = Vary::Names(task.varies.clone()).union(vary) else {
            return Err("vary");
        };
        let names: BTreeSet<_> =
            names.into_iter().filter(|name| !address::has(&self.rules, name)).collect();
        if names.is_empty() {
            return Ok((self.key.clone(), names));
        }
        let key = self.variant_key(&names, seen).ok_or("variant too long")?;
        Ok((key, names))
    }

    /// Returns the key of the variant for a request with these headers, or `None` if it has none.
    pub(super) fn variant_key(&self, names: &BTreeSet<String>, headers: &HeaderMap) -> Option<Key> {
        let is_seen = |name: &&String| {
            let is = |known: &HeaderName| known.as_str() == name.as_str();
            let is_taken_off = CONDITIONS.iter().chain(&request::OF_CACHES).any(is);
            let is_hidden = |name: &str| {
                is(&COOKIE) || is(&AUTHORIZATION) || request::is_hidden(name, &self.rules)
            };
            !(is_taken_off || self.rules.is_shared && is_hidden(name))
        };
        let names = names.iter().filter(is_seen).cloned().collect();
        let variant = variant(&Vary::Names(names), headers)?;
        let key = Key::named("page.variant").part("of", self.key.as_str()).part("is", variant);
        Some(key.build().variant(&self.key))
    }

    /// Notes on which headers the URL varies, and which of its pages was just stored.
    ///
    /// A URL with one page needs no note.
    pub(super) fn note_variant(
        &self,
        names: &BTreeSet<String>,
        stored: Option<(&Key, &Arc<Entry>)>,
    ) {
        let Some(all) = self.key.variant_of() else {
            if !names.is_empty() {
                self.count(&self.key, names, stored);
            }
            return;
        };
        let none = BTreeSet::new();
        if !names.is_empty() {
            // The note about this value is one of the entries that are counted.
            let note = self.count(&self.key, names, None);
            self.count(all, &none, Some((&self.key, &note)));
        }
        if stored.is_some() {
            self.count(all, &none, stored);
        }
    }

    /// Notes under `key` that its pages vary on `names`, and counts `stored` among them; returns the note.
    fn count(
        &self,
        key: &Key,
        names: &BTreeSet<String>,
        stored: Option<(&Key, &Arc<Entry>)>,
    ) -> Arc<Entry> {
        let (note, old) = match self.cache.peek::<Stored>(key, &self.current) {
            Ok((_, note, _)) => (Some(note.clone()), Some(note)),
            // The note is no longer valid, but the variants it knows are still stored.
            Err(missed) => (None, missed.old),
        };
        let known = old.and_then(|old| old.body::<Stored>());
        let known = match known.as_deref() {
            Some(Stored::Varies(known)) if known.names == *names => Some(known.renewed()),
            _ => None,
        };
        let note = note.filter(|_| known.is_some());
        let variants = known.unwrap_or_else(|| Variants::from(names.clone()));
        let leaves = stored.and_then(|(key, entry)| variants.take_in(key, entry));
        leaves.iter().for_each(|key| self.cache.evict(key));
        match note.filter(|note| note.size() as usize >= variants.size()) {
            Some(note) => note,
            None => self.mark(key, Variants::LIFETIME, Stored::Varies(variants)),
        }
    }

    /// Notes that requests need not wait for a response that cannot be stored.
    ///
    /// If the URL varies, this is for the variant of this request only.
    pub(super) fn note_uncacheable(&self, varies: &BTreeSet<String>, seen: &HeaderMap) {
        let key = match varies.is_empty() {
            true => Some(self.key.clone()),
            // A variant too long for a key gets no note: one under the URL would be for every client.
            false => self.variant_key(varies, seen),
        };
        if let Some(key) = key {
            self.mark(&key, Stored::UNCACHEABLE_FOR, Stored::Uncacheable);
        }
    }

    fn mark(&self, key: &Key, lifetime: Duration, note: Stored) -> Arc<Entry> {
        let (size, policy) = (note.size(), self.rules.policy_for(lifetime));
        // What is counted are the entries of this process.
        let is_count = self.key.variant_of() == Some(key);
        let policy = if is_count { policy.local_only() } else { policy };
        self.cache.mark(Level::Page, key, &policy, note, size, &self.current)
    }
}
