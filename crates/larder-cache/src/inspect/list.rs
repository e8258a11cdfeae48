//! Going through what is kept, page by page.
//!
//! - A store that does not answer takes nothing from what this process shows.
//! - Which tags an entry in a store depends on is known only to who opens it: where a tag is asked for,
//!   the memory of this process is looked through, and no store.
//! - Locks are nobody's business here.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::description::{Description, Kind, Listed};
use super::summary::MOST;
use super::{Inspection, glob, in_memory, is_there, look, shared};
use crate::entry::Entry;
use crate::error::Error;
use crate::stamps::StampsResult;
use crate::tier::local::LocalTier;

/// Which of what is kept, and which part of that.
#[derive(Debug, Clone, Copy)]
pub struct Wanted<'w> {
    /// Over keys: `*` is any text, `?` any one character.
    pub pattern: &'w str,
    /// Only of this kind.
    pub kind: Option<Kind>,
    /// Only what depends on the tag of this name.
    pub tag: Option<&'w str>,
    /// So many are passed over.
    pub skip: usize,
    /// And so many shown at most.
    pub take: usize,
}

/// Some of what is kept.
#[derive(Debug)]
pub struct ListPage {
    /// Ordered by kind and key.
    pub rows: Vec<Description>,
    /// How many there are in all.
    pub total: u64,
    /// Whether all was looked through: not more than [`MOST`] are.
    pub is_whole: bool,
    /// Why the store is not among them.
    pub trouble: Option<Error>,
}

type Rows = BTreeMap<Listed, Option<Arc<Entry>>>;

impl Inspection {
    /// What is wanted, described without bodies of entries in memory; see the module.
    pub async fn list(&self, wanted: &Wanted<'_>) -> ListPage {
        let current = self.current().await;
        let mut rows_found = self.near_wanted(wanted, &current);
        let mut trouble = None;
        if wanted.tag.is_none() {
            for front in [shared::FRONT, self.values.cache_front()] {
                let walk = self.walk(front, |listed| {
                    if rows_found.len() < MOST && wanted.has(&listed) {
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

    fn near_wanted(&self, wanted: &Wanted<'_>, current: &StampsResult) -> Rows {
        let entries =
            self.local.iter().flat_map(LocalTier::iter).take(MOST).filter(is_there(current));
        let depends = |entry: &Entry| {
            wanted.tag.is_none_or(|tag| entry.tags().any(|known| known.as_str() == tag))
        };
        let entries = entries.filter(|(_, entry)| depends(entry));
        let listed = entries.map(|(key, entry)| (in_memory(&key, &entry), Some(entry)));
        listed.filter(|(listed, _)| wanted.has(listed)).collect()
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
    fn has(&self, listed: &Listed) -> bool {
        listed.kind != Kind::Lock
            && self.kind.is_none_or(|kind| listed.kind == kind)
            && glob::matches(self.pattern, &listed.key)
    }
}
