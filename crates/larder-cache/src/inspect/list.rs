//! Lists what is stored, page by page.
//!
//! - If a store does not answer, the entries of this process are listed all the same.
//! - The tags of an entry in a store are known only once it is opened. So a list for one tag covers
//!   the memory of this process and no store.
//! - Locks are not listed.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::description::{Description, Kind, Listed};
use super::summary::MOST;
use super::{Inspection, in_memory, is_there, look};
use crate::entry::Entry;
use crate::error::Error;
use crate::stamps::StampsResult;
use crate::tier::local::LocalTier;
use crate::values::pattern::Pattern;

/// A filter of what is stored, and the page to list.
#[derive(Debug, Clone, Copy)]
pub struct Wanted<'w> {
    /// Matches keys: `*` is any text, `?` is any one character.
    pub pattern: &'w str,
    /// Only this kind.
    pub kind: Option<Kind>,
    /// Only entries that depend on the tag of this name.
    pub tag: Option<&'w str>,
    /// The number of rows to skip.
    pub skip: usize,
    /// The number of rows to return at most.
    pub take: usize,
}

/// One page of the list.
#[derive(Debug)]
pub struct ListPage {
    /// The rows, ordered by kind and key.
    pub rows: Vec<Description>,
    /// The number of rows on all pages.
    pub total: u64,
    /// Whether everything was examined: at most [`MOST`] are.
    pub is_whole: bool,
    /// Why the store's keys are missing.
    pub trouble: Option<Error>,
}

type Rows = BTreeMap<Listed, Option<Arc<Entry>>>;

impl Inspection {
    /// Lists the wanted page, with descriptions that leave out the bodies of entries in memory.
    pub async fn list(&self, wanted: &Wanted<'_>) -> ListPage {
        let current = self.current().await;
        let pattern = Pattern::of(wanted.pattern);
        let mut rows_found = self.wanted_in_memory((wanted, &pattern), &current);
        let mut trouble = None;
        if wanted.tag.is_none() {
            for front in [&*self.entries, self.values.cache_front()] {
                let walk = self.walk(front, |listed| {
                    if rows_found.len() < MOST && wanted.has(&pattern, &listed) {
                        rows_found.insert(listed, None);
                    }
                });
                trouble = walk.await.err();
                if trouble.is_some() {
                    break;
                }
            }
        }
        let (total, is_whole) = (rows_found.len() as u64, rows_found.len() < MOST);
        let rows = self.described(rows_found, wanted, &current, &mut trouble).await;
        ListPage { rows, total, is_whole, trouble }
    }

    fn wanted_in_memory(
        &self,
        (wanted, pattern): (&Wanted<'_>, &Pattern),
        current: &StampsResult,
    ) -> Rows {
        let entries =
            self.local.iter().flat_map(LocalTier::iter).take(MOST).filter(is_there(current));
        let depends = |entry: &Entry| {
            wanted.tag.is_none_or(|tag| entry.tags().any(|known| known.as_str() == tag))
        };
        let entries = entries.filter(|(_, entry)| depends(entry));
        let listed = entries.map(|(key, entry)| (in_memory(&key, &entry), Some(entry)));
        listed.filter(|(listed, _)| wanted.has(pattern, listed)).collect()
    }

    async fn described(
        &self,
        rows_found: Rows,
        wanted: &Wanted<'_>,
        current: &StampsResult,
        trouble: &mut Option<Error>,
    ) -> Vec<Description> {
        let mut rows = Vec::new();
        for (listed, entry) in rows_found.into_iter().skip(wanted.skip).take(wanted.take) {
            match entry {
                Some(entry) => rows.push(look::outline(listed, &entry, current)),
                None if trouble.is_some() => {}
                None => match self.look_at(listed, current).await {
                    Ok(description) => rows.extend(description),
                    Err(error) => *trouble = Some(error),
                },
            }
        }
        rows
    }
}

impl Wanted<'_> {
    fn has(&self, pattern: &Pattern, listed: &Listed) -> bool {
        listed.kind != Kind::Lock
            && self.kind.is_none_or(|kind| listed.kind == kind)
            && pattern.matches(&listed.key)
    }
}
