//! All entries of this process at one look: how many, what stands out, what hangs on which tag.
//!
//! - The look is bounded: so many entries, however many there are; and says whether that was all.
//! - What hangs on a tag depends on it at its present stamp: what is stale already hangs on nothing.

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

/// So many entries are looked at, at most.
pub const MOST: usize = 20_000;

/// So many entries stand out.
const TOP: usize = 10;

/// What was seen.
#[derive(Debug, Default)]
pub struct Summary {
    /// Of pages, fragments and queries.
    pub shares: [Share; 3],
    /// Whether all entries were looked at.
    pub is_whole: bool,
    /// What took longest to make, that first.
    pub slowest: Vec<Description>,
    /// Whose hits saved the most time, that first.
    pub most_saved: Vec<Description>,
    /// The tags, those first on which most hangs. Without [`Tag::ANY`], on which nothing does.
    pub tags: Vec<Dependents>,
}

/// The entries of one level.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Share {
    /// How many, valid or not.
    pub entries: u64,
    /// Their bytes with their keys, about.
    pub bytes: u64,
}

/// What hangs on a tag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dependents {
    /// The tag, and its stamp as it is now.
    pub stamp: TagStamp,
    /// Pages, fragments and queries that depend on it as it is now.
    pub entries: [u64; 3],
}

impl Dependents {
    /// On all three levels.
    pub fn all(&self) -> u64 {
        self.entries.iter().sum()
    }
}

type Kept = (Arc<Key>, Arc<Entry>);

impl Inspection {
    /// Looks at the entries of this process. Without a current there is nothing to tell about tags.
    pub async fn summary(&self) -> Summary {
        let current = self.current().await;
        let kept: Vec<Kept> = self.local.iter().flat_map(LocalTier::iter).take(MOST).collect();
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

    /// How many entries of this process that are valid now would be stale if these tags moved: pages,
    /// fragments, queries. Looks at [`MOST`] of them.
    ///
    /// # Errors
    /// When nobody vouches for what is kept, so that nothing of it is served.
    pub async fn would_invalidate(&self, tags: &[Tag]) -> Result<[u64; 3], StampsUnavailable> {
        let current = self.current().await?;
        let mut counts = [0; 3];
        for (_, entry) in self.local.iter().flat_map(LocalTier::iter).take(MOST) {
            let hangs = entry.tags().any(|tag| tags.contains(tag));
            counts[entry.level() as usize] +=
                u64::from(hangs && entry.validate(&current) == Validity::Fresh);
        }
        Ok(counts)
    }
}

/// The entries with the most of something; not those with nothing of it.
fn top(kept: &[Kept], current: &StampsResult, much: impl Fn(&Entry) -> u128) -> Vec<Description> {
    let mut order: Vec<(u128, &Kept)> = kept.iter().map(|kept| (much(&kept.1), kept)).collect();
    order.retain(|(much, _)| *much > 0);
    order.sort_by_key(|(much, kept)| (Reverse(*much), kept.0.clone()));
    let first = order.into_iter().take(TOP);
    first.map(|(_, (key, entry))| look::outline(in_memory(key, entry), entry, current)).collect()
}

fn dependents(kept: &[Kept], current: &Stamps) -> Vec<Dependents> {
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
    let told = |(tag, (stamp, entries)): (&Tag, (Stamp, [u64; 3]))| Dependents {
        stamp: TagStamp::from(&(tag.clone(), stamp)),
        entries,
    };
    let mut tags: Vec<Dependents> = counts.into_iter().map(told).collect();
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
    use crate::inspect::{Kind, Wanted};
    use crate::policy::Policy;
    use crate::stats::Stats;

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
    async fn what_hangs_on_a_tag_depends_on_it_at_its_present_stamp() {
        let (cache, versions) = filled().await;
        versions.bump(&[MILK]);
        let summary = cache.inspect().summary().await;
        let tags = summary.tags.iter().map(|tag| (tag.stamp.tag.as_str(), tag.all()));
        assert_eq!(tags.collect::<Vec<_>>(), [("!", 31), ("teas", 30), ("milk", 0)]);
        assert_eq!((summary.shares[2].entries, summary.is_whole), (31, true));
        assert!(summary.shares[2].bytes > 31 * 256);
    }

    #[tokio::test(start_paused = true)]
    async fn what_would_go_is_valid_now_and_counted_once() {
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
    async fn what_is_kept_is_browsed_by_pattern_kind_tag_and_part() {
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
