//! Summarises the entries of this process: how many, the most expensive, dependents by tag.
//!
//! - At most [`MOST`] entries are examined, and the summary says whether those were all.
//! - Dependents are counted at the tag's current stamp, so a stale entry is not a dependent.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::sync::Arc;

use super::description::{Description, TagStamp};
use super::{Inspection, in_memory, look};
use crate::entry::{Entry, Validity};
use crate::key::Key;
use crate::removal::Removal;
use crate::stamps::{Stamps, StampsResult, StampsUnavailable};
use crate::tag::{Stamp, Tag};
use crate::tier::local::{self, LocalTier};

/// The number of entries that are examined at most.
pub const MOST: usize = 20_000;

/// The length of the lists of the most expensive entries.
const TOP: usize = 10;

/// The summary of a process's entries.
#[derive(Debug, Default)]
pub struct Summary {
    /// The shares of pages, fragments and queries.
    pub shares: [Share; 3],
    /// Whether all entries were examined.
    pub is_whole: bool,
    /// The entries that took longest to build, slowest first.
    pub slowest: Vec<Description>,
    /// The entries whose hits saved the most time, best first.
    pub most_saved: Vec<Description>,
    /// The tags with their dependents, most first; without [`Tag::ANY`], which has none.
    pub tags: Vec<Dependents>,
}

/// The entries of one level.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Share {
    /// Their number, valid or not.
    pub entries: u64,
    /// Their approximate bytes, with their keys.
    pub bytes: u64,
}

/// The number of entries that depend on a tag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dependents {
    /// The tag and its current stamp.
    pub stamp: TagStamp,
    /// The pages, fragments and queries that depend on it at this stamp.
    pub entries: [u64; 3],
}

impl Dependents {
    /// Returns the number on all three levels.
    pub fn all(&self) -> u64 {
        self.entries.iter().sum()
    }
}

type Found = (Arc<Key>, Arc<Entry>);

impl Inspection {
    /// Summarises the entries of this process; without current stamps it lists no tags.
    pub async fn summary(&self) -> Summary {
        let current = self.current().await;
        let kept: Vec<Found> = self.local.iter().flat_map(LocalTier::iter).take(MOST).collect();
        let mut shares = [Share::default(); 3];
        for (key, entry) in &kept {
            let share = &mut shares[entry.level() as usize];
            share.entries += 1;
            share.bytes += u64::from(local::weight(key, entry));
        }
        Summary {
            shares,
            is_whole: kept.len() < MOST,
            slowest: top(&kept, &current, |entry| entry.cost().took.as_micros()),
            most_saved: top(&kept, &current, |entry| {
                entry.cost().took.as_micros() * u128::from(entry.hits())
            }),
            tags: current.as_deref().map(|current| dependents(&kept, current)).unwrap_or_default(),
        }
    }

    /// Counts the valid entries that a change of these tags would invalidate, by level.
    ///
    /// The levels are pages, fragments and queries. At most [`MOST`] entries of this process are
    /// examined.
    ///
    /// # Errors
    /// [`StampsUnavailable`] if no entry can be validated, and so none would be served.
    pub async fn would_invalidate(&self, tags: &[Tag]) -> Result<[u64; 3], StampsUnavailable> {
        let current = self.current().await?;
        let mut counts = [0; 3];
        for (_, entry) in self.local.iter().flat_map(LocalTier::iter).take(MOST) {
            let depends = entry.tags().any(|tag| tags.contains(tag));
            counts[entry.level() as usize] +=
                u64::from(depends && entry.validate(&current) == Validity::Fresh);
        }
        Ok(counts)
    }
}

/// Describes the entries with the largest amounts, without those of zero.
fn top(
    kept: &[Found],
    current: &StampsResult,
    amount: impl Fn(&Entry) -> u128,
) -> Vec<Description> {
    let mut order: Vec<(u128, &Found)> = kept.iter().map(|kept| (amount(&kept.1), kept)).collect();
    order.retain(|(amount, _)| *amount > 0);
    order.sort_by_key(|(amount, kept)| (Reverse(*amount), kept.0.clone()));
    let first = order.into_iter().take(TOP);
    first.map(|(_, (key, entry))| look::outline(in_memory(key, entry), entry, current)).collect()
}

fn dependents(kept: &[Found], current: &Stamps) -> Vec<Dependents> {
    let mut counts: HashMap<&Tag, (Stamp, [u64; 3])> = current
        .stamps()
        .filter(|(tag, _)| **tag != Tag::ANY && !Removal::has(tag))
        .map(|(tag, stamp)| (tag, (stamp, [0; 3])))
        .collect();
    for (_, entry) in kept {
        for (tag, stamp) in entry.stamps() {
            let now = current.stamp(tag);
            let (_, entries) = counts.entry(tag).or_insert((now, [0; 3]));
            entries[entry.level() as usize] += u64::from(*stamp == now);
        }
    }
    let dependents = |(tag, (stamp, entries)): (&Tag, (Stamp, [u64; 3]))| Dependents {
        stamp: TagStamp::from(&(tag.clone(), stamp)),
        entries,
    };
    let mut tags: Vec<Dependents> = counts.into_iter().map(dependents).collect();
    tags.sort_by_key(|dependents| (Reverse(dependents.all()), dependents.stamp.tag.clone()));
    tags
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::Cache;
    use crate::builder::Builder;
    use crate::in_process::InProcess;
    use crate::inspect::{Kind, Stats, Wanted};
    use crate::policy::Policy;

    const TEAS: Tag = Tag::named("teas");
    const MILK: Tag = Tag::named("milk");

    async fn lookup(cache: &Cache, versions: &InProcess, tag: &Tag, number: u64) {
        let key = Key::named("shelf").part("of", tag.as_str()).part("n", number).build();
        let load = async || {
            versions.reads(std::slice::from_ref(tag));
            tokio::time::advance(Duration::from_millis(number)).await;
            Ok::<_, ()>(number)
        };
        let minute = Policy::fresh_for(Duration::from_secs(60));
        cache.get_or_set(&key, &minute, load).await.unwrap();
    }

    async fn filled() -> (Cache, Arc<InProcess>) {
        let versions = Arc::new(InProcess::new());
        let options = Builder::default().listener(Arc::new(Stats::default()));
        let cache = options.open(versions.clone());
        for number in 0..30 {
            lookup(&cache, &versions, &TEAS, number).await;
        }
        lookup(&cache, &versions, &MILK, 0).await;
        (cache, versions)
    }

    #[tokio::test(start_paused = true)]
    async fn a_dependent_has_the_tag_at_its_current_stamp() {
        let (cache, versions) = filled().await;
        versions.bump(&[MILK]);
        let summary = cache.inspect().summary().await;
        let tags = summary.tags.iter().map(|tag| (tag.stamp.tag.as_str(), tag.all()));
        assert_eq!(tags.collect::<Vec<_>>(), [("!", 31), ("teas", 30), ("milk", 0)]);
        assert_eq!((summary.shares[2].entries, summary.is_whole), (31, true));
        assert!(summary.shares[2].bytes > 31 * 256);
    }

    #[tokio::test(start_paused = true)]
    async fn would_invalidate_counts_each_valid_entry_once() {
        let (cache, versions) = filled().await;
        let inspection = cache.inspect();
        let all = [TEAS, MILK, Tag::EVERYTHING];
        assert_eq!(inspection.would_invalidate(&all).await.unwrap(), [0, 0, 31]);
        assert_eq!(inspection.would_invalidate(&[MILK]).await.unwrap(), [0, 0, 1]);
        versions.bump(&[TEAS]);
        assert_eq!(inspection.would_invalidate(&all).await.unwrap(), [0, 0, 1]);
    }

    #[tokio::test(start_paused = true)]
    async fn hits_are_counted_for_each_entry() {
        let (cache, versions) = filled().await;
        for _ in 0..3 {
            lookup(&cache, &versions, &TEAS, 7).await;
        }
        let found = cache.inspect().describe("shelf:of=\"teas\":n=7").await.unwrap();
        assert_eq!(found[0].hits, Some(3));
    }

    #[tokio::test(start_paused = true)]
    async fn entries_are_listed_by_pattern_kind_tag_and_page() {
        let (cache, _) = filled().await;
        let inspection = cache.inspect();
        let all = Wanted { pattern: "*", kind: None, tag: None, skip: 0, take: 10 };
        let found = async |wanted: Wanted<'_>| {
            let browsed = inspection.list(&wanted).await;
            (browsed.total, browsed.rows.len(), browsed.is_whole)
        };
        assert_eq!(found(all).await, (31, 10, true));
        assert_eq!(found(Wanted { skip: 30, ..all }).await, (31, 1, true));
        assert_eq!(found(Wanted { tag: Some("milk"), ..all }).await, (1, 1, true));
        assert_eq!(found(Wanted { pattern: "*n=1?", ..all }).await, (10, 10, true));
        assert_eq!(found(Wanted { kind: Some(Kind::Page), ..all }).await, (0, 0, true));
    }
}
