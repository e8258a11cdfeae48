//! Tracks the stored variants of one URL, and chooses which one is evicted for a new one.
//!
//! - Their number is limited: a client that sends ever new headers cannot evict all other pages.
//! - The least used variant is evicted; of equally used ones, the least recently used. A new variant is
//!   always stored, so that junk cannot keep it out.
//! - Uses are halved every minute, so that a variant that was popular once does not stay for ever.
//! - A sketch remembers how often evicted variants were requested: an endless stream of new variants cannot
//!   turn every lookup of an old one into a miss.
//!
//! A hit writes nothing here: the entry counts its own hits, and they are read when room is needed.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use crate::entry::Entry;
use crate::key::Key;

/// The headers that distinguish the variants of a URL, and the stored variants.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Variants {
    /// Names of the request headers, in lower case.
    pub names: BTreeSet<String>,
    #[serde(skip)]
    stored: Arc<Mutex<Uses>>,
}

impl Variants {
    /// The largest number of stored variants of one URL.
    pub(crate) const MOST: usize = 256;

    /// The approximate size of what is known of one variant, in bytes.
    const SIZE: usize = 96;

    /// How long a URL is remembered to vary, and on which headers.
    pub(super) const LIFETIME: Duration = Duration::from_secs(60 * 60);

    /// Records the variant stored under `key`; returns the key of the variant to evict for it.
    pub(super) fn take_in(&self, key: &Key, entry: &Arc<Entry>) -> Option<Key> {
        self.stored.lock().unwrap().take_in(key, entry, Instant::now())
    }

    /// Returns the approximate size in bytes, in steps: there is room for some more variants.
    pub(super) fn size(&self) -> usize {
        let stored = self.stored.lock().unwrap();
        let room = stored.variants.len().next_power_of_two().max(4);
        let names = self.names.iter().map(String::len).sum::<usize>();
        names + room * Self::SIZE + stored.asked.counters.len()
    }

    /// Returns the same record for another lifetime.
    pub(super) fn renewed(&self) -> Self {
        Self { names: self.names.clone(), stored: self.stored.clone() }
    }
}

impl From<BTreeSet<String>> for Variants {
    fn from(names: BTreeSet<String>) -> Self {
        Self { names, stored: Arc::default() }
    }
}

/// One stored variant.
#[derive(Debug)]
struct Use {
    key: Key,
    /// Dead if the local tier has dropped the entry.
    entry: Weak<Entry>,
    /// Hits of the entry that are already part of `count`.
    seen: u64,
    /// Recent stores and hits, halved every minute.
    count: u32,
    /// Clock at which it was last found used.
    last: u64,
}

impl Use {
    /// Adds the hits since the last look.
    fn look(&mut self, clock: u64) {
        let hits = self.entry.upgrade().map_or(self.seen, |entry| entry.hits());
        let more = hits.saturating_sub(self.seen);
        if more > 0 {
            self.count = self.count.saturating_add(u32::try_from(more).unwrap_or(u32::MAX));
            (self.seen, self.last) = (hits, clock);
        }
    }

    fn is_there(&self) -> bool {
        self.entry.strong_count() > 0
    }
}

/// The use of the variants of a URL.
#[derive(Debug, Default)]
struct Uses {
    /// Variants by a hash of their keys.
    variants: HashMap<u64, Use>,
    /// Number of variants recorded so far.
    clock: u64,
    halved: Option<Instant>,
    /// How often each was stored since there is no more room.
    asked: Sketch,
    /// Number of variants at which dead entries are removed next.
    swept_at: usize,
}

impl Uses {
    /// After this time, earlier uses count half.
    const HALF_LIFE: Duration = Duration::from_secs(60);

    /// Fewer variants than this are not swept.
    const FEW: usize = 16;

    fn take_in(&mut self, key: &Key, entry: &Arc<Entry>, now: Instant) -> Option<Key> {
        self.clock += 1;
        let (clock, hash) = (self.clock, xxhash_rust::xxh3::xxh3_64(key.as_str().as_bytes()));
        if let Some(known) = self.variants.get_mut(&hash) {
            known.look(clock);
            let new = Arc::downgrade(entry);
            // Of the same entry, the hits so far are counted already.
            let seen = if new.ptr_eq(&known.entry) { known.seen } else { 0 };
            let count = known.count.saturating_add(1);
            *known = Use { entry: new, seen, count, last: clock, key: key.clone() };
            return None;
        }
        self.sweep();
        let is_full = self.variants.len() >= Variants::MOST;
        let leaves = if is_full { self.make_room(now) } else { None };
        let count = if is_full { self.asked.count(hash) } else { 1 };
        let (key, entry) = (key.clone(), Arc::downgrade(entry));
        self.variants.insert(hash, Use { key, entry, seen: 0, count, last: clock });
        leaves
    }

    /// Removes dead entries, and lets the number double before the next sweep.
    fn sweep(&mut self) {
        if self.variants.len() >= self.swept_at.max(Self::FEW) {
            self.variants.retain(|_, known| known.is_there());
            self.swept_at = 2 * self.variants.len();
        }
    }

    /// Removes the least used variant; of several, the least recently used.
    fn make_room(&mut self, now: Instant) -> Option<Key> {
        self.halve(now);
        for known in self.variants.values_mut() {
            known.look(self.clock);
        }
        let rank = |known: &Use| (known.is_there(), known.count, known.last);
        let (hash, _) = self.variants.iter().min_by_key(|(_, known)| rank(known))?;
        let hash = *hash;
        // A dead entry needs no eviction: its slot alone makes the room.
        self.variants.remove(&hash).filter(Use::is_there).map(|known| known.key)
    }

    fn halve(&mut self, now: Instant) {
        let passed = now.saturating_duration_since(*self.halved.get_or_insert(now));
        let times = passed.as_secs() / Self::HALF_LIFE.as_secs();
        if times == 0 {
            return;
        }
        let times = u32::try_from(times).unwrap_or(u32::MAX).min(31);
        self.variants.values_mut().for_each(|known| known.count >>= times);
        self.halved = Some(now);
    }
}

/// Counts approximately how often each of many hashes occurred; may overestimate.
///
/// A count-min sketch as in W-TinyLFU, whose counters are halved regularly.
#[derive(Debug, Default)]
struct Sketch {
    counters: Vec<u8>,
    counted: usize,
}

impl Sketch {
    /// A power of two; allocated only when there is no more room.
    const COUNTERS: usize = 4096;

    /// After this many counts all counters are halved.
    ///
    /// Fewer than the counters: one in forty new hashes then finds its four counters taken, and counts as
    /// seen before.
    const WINDOW: usize = Self::COUNTERS / 8;

    /// Counts one occurrence; returns how often it occurred.
    fn count(&mut self, hash: u64) -> u32 {
        if self.counted % Self::WINDOW == Self::WINDOW - 1 {
            self.counters.iter_mut().for_each(|counter| *counter >>= 1);
        }
        self.counted = self.counted.wrapping_add(1);
        self.counters.resize(Self::COUNTERS, 0);
        // Four indexes of twelve bits each.
        let places = [0, 12, 24, 36].map(|bits| (hash >> bits) as usize % Self::COUNTERS);
        let least = places.map(|place| self.counters[place]).into_iter().min().unwrap_or(0);
        let count = least.saturating_add(1);
        for place in places {
            // Only the smallest counters grow: larger ones were raised by other hashes.
            self.counters[place] = self.counters[place].max(count);
        }
        u32::from(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dependencies::Dependencies;
    use crate::policy::Policy;

    /// The variants of a URL with their entries, as in the local tier.
    #[derive(Default)]
    struct Address {
        variants: Variants,
        entries: HashMap<Key, Arc<Entry>>,
    }

    impl Address {
        /// Looks a variant up and stores it on a miss; reports whether it was a hit.
        fn ask(&mut self, kind: &str) -> bool {
            let key = Key::named("variant").part("kind", kind).build();
            if let Some(entry) = self.entries.get(&key) {
                entry.count_hit();
                return true;
            }
            let policy = Policy::fresh_for(Duration::from_secs(60));
            let entry = Arc::new(Entry::new(
                crate::level::Level::Page,
                Arc::new(()),
                Dependencies::default(),
                &policy,
                1,
            ));
            self.entries.insert(key.clone(), entry.clone());
            if let Some(leaves) = self.variants.take_in(&key, &entry) {
                self.entries.remove(&leaves).expect("it was stored");
            }
            assert!(self.entries.len() <= Variants::MOST);
            false
        }

        fn ask_times(&mut self, times: usize, kind: impl Fn(usize) -> String) {
            (0..times).for_each(|nth| {
                self.ask(&kind(nth));
            });
        }
    }

    #[test]
    fn junk_neither_keeps_new_variants_out_nor_evicts_used_ones() {
        let mut address = Address::default();
        address.ask_times(Variants::MOST, |nth| format!("junk {nth}"));
        assert!(!address.ask("late") && address.ask("late"), "it is taken in at once");
        address.ask_times(10 * Variants::MOST, |nth| format!("more {nth}"));
        assert!(address.ask("late"), "it was used twice, and none of the junk was");
        assert!(!address.ask("junk 0") && address.ask("junk 0"));
    }

    #[test]
    fn of_equally_used_variants_the_least_recently_used_is_evicted() {
        let mut address = Address::default();
        address.ask_times(Variants::MOST, |nth| nth.to_string());
        address.ask_times(3, |nth| format!("new {nth}"));
        for nth in 0..Variants::MOST {
            let key = Key::named("variant").part("kind", nth.to_string()).build();
            assert_eq!(address.entries.contains_key(&key), nth >= 3, "{nth}");
        }
    }

    /// Junk that is requested twice stays, and new junk comes without end.
    #[test]
    fn a_flood_cannot_make_every_lookup_a_miss() {
        let mut address = Address::default();
        for _ in 0..2 {
            address.ask_times(Variants::MOST - 1, |nth| format!("junk {nth}"));
        }
        let mut misses = 0;
        for round in 0..100 {
            misses += usize::from(!address.ask("hot"));
            address.ask_times(30, |nth| format!("{round} {nth}"));
        }
        assert!(misses <= 5, "{misses} of 100");
    }

    #[test]
    fn a_used_variant_survives_any_number_of_new_ones() {
        let mut address = Address::default();
        for _ in 0..50 {
            address.ask("hot");
        }
        address.ask_times(100_000, |nth| nth.to_string());
        assert!(address.ask("hot"));
    }

    #[tokio::test(start_paused = true)]
    async fn a_variant_that_was_used_long_ago_is_evicted() {
        let mut address = Address::default();
        for _ in 0..50 {
            address.ask("old");
        }
        address.ask_times(Variants::MOST, |nth| nth.to_string());
        assert!(address.ask("old"));
        tokio::time::advance(20 * Uses::HALF_LIFE).await;
        address.ask_times(3 * Variants::MOST, |nth| format!("new {nth}"));
        assert!(!address.ask("old"));
    }

    #[test]
    fn dead_entries_take_no_room() {
        let mut address = Address::default();
        for round in 0..10 {
            address.ask_times(Variants::MOST - 1, |nth| format!("{round} {nth}"));
            address.entries.clear();
        }
        let known = address.variants.stored.lock().unwrap();
        assert!(known.variants.len() <= Variants::MOST);
    }
}
