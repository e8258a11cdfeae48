//! The variants of one address that are stored, and which of them makes room for another.
//!
//! - So many and no more: a client that sends others cannot push out all other pages.
//! - The one that was used least makes room; of several, the one that was not used for longest. A new one is
//!   always taken in, so that no junk keeps it out.
//! - Uses are halved each minute: what was used much once does not stay for ever.
//! - A variant that made room is remembered by how often it was asked for: who sends new ones without end
//!   cannot make each look-up of an old one a miss.
//!
//! A hit writes nothing here: the entry itself counts its hits, and they are read when room is needed.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use crate::entry::Entry;
use crate::key::Key;

/// What the variants of an address are told apart by, and which are stored.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Variants {
    /// The request headers, by their names in lower case.
    pub names: BTreeSet<String>,
    #[serde(skip)]
    stored: Arc<Mutex<Uses>>,
}

impl Variants {
    /// Variants of one address that are stored.
    pub const MOST: usize = 256;

    /// What it takes to remember them, about: room for all of them is counted from the start.
    pub(super) const SIZE: usize = Self::MOST * 32 + Sketch::COUNTERS;

    /// How long it is known that an address varies, and on what.
    pub(super) const LIFETIME: Duration = Duration::from_secs(60 * 60);

    /// Takes in the variant that was just stored under `key`, and returns the key of the one that is to make
    /// room for it.
    pub(super) fn take_in(&self, key: &Key, entry: &Arc<Entry>) -> Option<Key> {
        self.stored.lock().unwrap().take_in(key, entry, Instant::now())
    }

    /// The same variants, told apart by the same names, for another lifetime.
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
    /// Gone where the memory of the process was needed for something else.
    entry: Weak<Entry>,
    /// Its hits that were counted already.
    seen: u64,
    /// How often it was stored or answered, lately.
    count: u32,
    /// When it was last found to have been used.
    last: u64,
}

impl Use {
    /// Counts the hits since the last time.
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

/// How the variants of an address are used.
#[derive(Debug, Default)]
struct Uses {
    /// By a hash of their keys.
    variants: HashMap<u64, Use>,
    /// Those that were taken in.
    clock: u64,
    halved: Option<Instant>,
    /// How often each was stored since there is no more room.
    asked: Sketch,
    /// With so many, it is looked which are gone.
    swept_at: usize,
}

impl Uses {
    /// After so long what was used counts half.
    const HALF_LIFE: Duration = Duration::from_secs(60);

    /// Fewer are not swept.
    const FEW: usize = 16;

    fn take_in(&mut self, key: &Key, entry: &Arc<Entry>, now: Instant) -> Option<Key> {
        self.clock += 1;
        let (clock, hash) = (self.clock, xxhash_rust::xxh3::xxh3_64(key.as_str().as_bytes()));
        if let Some(known) = self.variants.get_mut(&hash) {
            known.look(clock);
            let count = known.count.saturating_add(1);
            *known =
                Use { entry: Arc::downgrade(entry), seen: 0, count, last: clock, key: key.clone() };
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

    /// Forgets those that are gone. What is left doubles before it is done again.
    fn sweep(&mut self) {
        if self.variants.len() >= self.swept_at.max(Self::FEW) {
            self.variants.retain(|_, known| known.is_there());
            self.swept_at = 2 * self.variants.len();
        }
    }

    /// Removes the one that was used least, and not for longest.
    fn make_room(&mut self, now: Instant) -> Option<Key> {
        self.halve(now);
        for known in self.variants.values_mut() {
            known.look(self.clock);
        }
        let rank = |known: &Use| (known.is_there(), known.count, known.last);
        let (hash, _) = self.variants.iter().min_by_key(|(_, known)| rank(known))?;
        let hash = *hash;
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

/// How often each of many was counted, about: never less than it was, since the numbers were last halved.
///
/// A count-min sketch, as W-TinyLFU uses one.
#[derive(Debug, Default)]
struct Sketch {
    counters: Vec<u8>,
    counted: usize,
}

impl Sketch {
    /// A power of two; they are there only where there is no more room.
    const COUNTERS: usize = 4096;

    /// After so many all numbers are halved. Fewer than the counters: of what is new, one in forty then finds all
    /// four of its counters taken, and counts as seen before.
    const WINDOW: usize = Self::COUNTERS / 8;

    /// Counts one, and returns how often it was counted.
    fn count(&mut self, hash: u64) -> u32 {
        if self.counted % Self::WINDOW == Self::WINDOW - 1 {
            self.counters.iter_mut().for_each(|counter| *counter >>= 1);
        }
        self.counted = self.counted.wrapping_add(1);
        self.counters.resize(Self::COUNTERS, 0);
        // Four places of twelve bits each.
        let places = [0, 12, 24, 36].map(|bits| (hash >> bits) as usize % Self::COUNTERS);
        let least = places.map(|place| self.counters[place]).into_iter().min().unwrap_or(0);
        let count = least.saturating_add(1);
        for place in places {
            // Only the least ones grow: the others were counted for others.
            self.counters[place] = self.counters[place].max(count);
        }
        u32::from(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::Policy;
    use crate::scope::Dependencies;

    /// The variants of an address with their entries, as the memory of a process has them.
    #[derive(Default)]
    struct Address {
        variants: Variants,
        entries: HashMap<Key, Arc<Entry>>,
    }

    impl Address {
        /// A look-up; whether it is a hit.
        fn ask(&mut self, kind: &str) -> bool {
            let key = Key::named("variant").part("kind", kind).build();
            if let Some(entry) = self.entries.get(&key) {
                entry.count_hit();
                return true;
            }
            let policy = Policy::fresh_for(Duration::from_secs(60));
            let entry = Arc::new(Entry::new(Arc::new(()), Dependencies::default(), &policy, 1));
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
    fn junk_keeps_no_variant_out_and_pushes_none_out_that_is_used() {
        let mut address = Address::default();
        address.ask_times(Variants::MOST, |nth| format!("junk {nth}"));
        assert!(!address.ask("late") && address.ask("late"), "it is taken in at once");
        address.ask_times(10 * Variants::MOST, |nth| format!("more {nth}"));
        assert!(address.ask("late"), "it was used twice, and none of the junk was");
        assert!(!address.ask("junk 0") && address.ask("junk 0"));
    }

    #[test]
    fn of_those_that_are_used_as_much_the_one_that_was_not_for_longest_goes() {
        let mut address = Address::default();
        address.ask_times(Variants::MOST, |nth| nth.to_string());
        address.ask_times(3, |nth| format!("new {nth}"));
        for nth in 0..Variants::MOST {
            let key = Key::named("variant").part("kind", nth.to_string()).build();
            assert_eq!(address.entries.contains_key(&key), nth >= 3, "{nth}");
        }
    }

    /// Junk that is asked for twice stays, and new junk comes without end.
    #[test]
    fn a_flood_cannot_make_each_look_up_a_miss() {
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
    fn a_variant_that_is_used_stays_however_many_come() {
        let mut address = Address::default();
        for _ in 0..50 {
            address.ask("hot");
        }
        address.ask_times(100_000, |nth| nth.to_string());
        assert!(address.ask("hot"));
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_used_long_ago_makes_room() {
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
    fn those_that_are_gone_take_no_room() {
        let mut address = Address::default();
        for round in 0..10 {
            address.ask_times(Variants::MOST - 1, |nth| format!("{round} {nth}"));
            address.entries.clear();
        }
        let known = address.variants.stored.lock().unwrap();
        assert!(known.variants.len() <= Variants::MOST);
    }
}
