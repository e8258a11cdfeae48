//! Counts of cache events in the last hour, by minute.
//!
//! - Counting takes no lock and does not allocate: each counter stores the minute that it counts,
//!   and restarts with the first event of another minute.
//! - An event is counted in its own minute, also after hours without events.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::cache::Level;
use crate::cache::event::{Event, Listener, Outcome};

/// The number of minutes stored, including the current one.
pub const MINUTES: usize = 60;

/// The levels, in the order of their numbers.
pub const LEVELS: [Level; 3] = [Level::Page, Level::Fragment, Level::Query];

/// A listener that counts by minute and level.
#[derive(Debug)]
pub struct History {
    began: Instant,
    minutes: [[OfMinute; LEVELS.len()]; MINUTES],
}

#[derive(Debug, Default)]
struct OfMinute {
    hits: Dated,
    misses: Dated,
    stale: Dated,
    loads: Dated,
    load_micros: Dated,
}

/// The counts of one level in one minute.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Minute {
    /// How many minutes ago; 0 for the current one.
    pub ago: u64,
    /// Lookups answered from the cache.
    pub hits: u64,
    /// Lookups after which an entry was built or loaded.
    pub misses: u64,
    /// Lookups answered with stale data, as a policy allowed.
    pub stale: u64,
    /// Builds and loads.
    pub loads: u64,
    /// The total time of the builds and loads.
    pub load_time: Duration,
}

impl Minute {
    /// Returns the number of lookups.
    pub fn look_ups(&self) -> u64 {
        self.hits + self.misses + self.stale
    }
}

impl Default for History {
    fn default() -> Self {
        let minutes = std::array::from_fn(|_| std::array::from_fn(|_| OfMinute::default()));
        Self { began: Instant::now(), minutes }
    }
}

impl History {
    /// Returns the last hour of a level, oldest minute first.
    pub fn hour(&self, level: Level) -> Vec<Minute> {
        self.hour_until(self.minute(), level)
    }

    /// Returns the current minute, from 1 at the start: 0 marks counters that were never used.
    fn minute(&self) -> u64 {
        self.minute_at(Instant::now())
    }

    fn minute_at(&self, at: Instant) -> u64 {
        at.saturating_duration_since(self.began).as_secs() / 60 + 1
    }

    fn hour_until(&self, now: u64, level: Level) -> Vec<Minute> {
        let ages = (0..MINUTES as u64).rev();
        ages.map(|ago| match now.checked_sub(ago) {
            Some(minute) if minute > 0 => self.read(minute, ago, level),
            _ => Minute { ago, ..Minute::default() },
        })
        .collect()
    }

    fn read(&self, minute: u64, ago: u64, level: Level) -> Minute {
        let counts = self.of(minute, level);
        Minute {
            ago,
            hits: counts.hits.read(minute),
            misses: counts.misses.read(minute),
            stale: counts.stale.read(minute),
            loads: counts.loads.read(minute),
            load_time: Duration::from_micros(counts.load_micros.read(minute)),
        }
    }

    fn of(&self, minute: u64, level: Level) -> &OfMinute {
        // The remainder of a division by 60 fits in `usize`.
        &self.minutes[(minute % MINUTES as u64) as usize][level as usize]
    }

    fn note(&self, minute: u64, event: &Event<'_>) {
        let counts = self.of(minute, event.level);
        match event.outcome {
            Outcome::Hit | Outcome::SharedHit | Outcome::Collapsed => counts.hits.add(minute, 1),
            Outcome::Miss(_) => counts.misses.add(minute, 1),
            Outcome::Stale(_) => counts.stale.add(minute, 1),
            Outcome::Stored(_) | Outcome::NotStored(_) => {
                let micros = u64::try_from(event.took.as_micros()).unwrap_or(u64::MAX);
                counts.loads.add(minute, 1);
                counts.load_micros.add(minute, micros.min(Dated::MOST_AT_ONCE));
            }
            Outcome::Unreadable(_)
            | Outcome::Outage(_)
            | Outcome::Refreshing
            | Outcome::TimedOut => {}
        }
    }
}

impl Listener for History {
    fn on(&self, event: &Event<'_>) {
        self.note(self.minute_at(event.ended.unwrap_or_else(Instant::now)), event);
    }
}

/// A counter of one minute in one word: the minute in the upper bits, the count in the lower ones.
#[derive(Debug, Default)]
struct Dated(AtomicU64);

impl Dated {
    /// Bits of the count, enough for 12 days of microseconds. The others hold minutes for 31 years.
    const BITS: u32 = 40;

    /// The most that is added at once, an hour of microseconds: one addition cannot fill the count.
    const MOST_AT_ONCE: u64 = 3_600_000_000;

    fn add(&self, minute: u64, more: u64) {
        let seen = self.0.load(Ordering::Relaxed);
        if seen >> Self::BITS == minute {
            // Between load and add, another thread may reset the counter only if this one is an hour late.
            self.0.fetch_add(more, Ordering::Relaxed);
            return;
        }
        // The first thread restarts the counter, the others add to it. An event that is an hour
        // late is not counted.
        let _ = self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |word| {
            match (word >> Self::BITS).cmp(&minute) {
                std::cmp::Ordering::Less => Some((minute << Self::BITS) + more),
                std::cmp::Ordering::Equal => Some(word + more),
                std::cmp::Ordering::Greater => None,
            }
        });
    }

    fn read(&self, minute: u64) -> u64 {
        let word = self.0.load(Ordering::Relaxed);
        if word >> Self::BITS == minute { word & ((1 << Self::BITS) - 1) } else { 0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cache::Key;
    use crate::cache::event::Miss;

    fn note(history: &History, minute: u64, outcome: Outcome) {
        let key = Key::named("test").build();
        let event = Event::new(Level::Page, &key, outcome, Duration::from_millis(3));
        history.note(minute, &event);
    }

    fn at(history: &History, now: u64, ago: usize) -> Minute {
        history.hour_until(now, Level::Page)[MINUTES - 1 - ago]
    }

    #[test]
    fn events_are_counted_in_their_own_minute() {
        let history = History::default();
        note(&history, 1, Outcome::Miss(Miss::Absent));
        note(&history, 1, Outcome::Stored(7));
        for minute in [1, 2, 2, 2] {
            note(&history, minute, Outcome::Hit);
        }
        assert_eq!(history.hour_until(2, Level::Page).len(), MINUTES);
        let load_time = Duration::from_millis(3);
        let first = Minute { ago: 1, hits: 1, misses: 1, loads: 1, load_time, ..Minute::default() };
        assert_eq!(at(&history, 2, 1), first);
        assert_eq!(at(&history, 2, 0), Minute { hits: 3, ..Minute::default() });
        let others = history.hour_until(2, Level::Query);
        assert_eq!(others.iter().map(Minute::look_ups).sum::<u64>(), 0);
    }

    #[test]
    fn a_minute_is_reset_after_an_hour() {
        let history = History::default();
        note(&history, 5, Outcome::Hit);
        assert_eq!(at(&history, 64, 59).hits, 1, "59 minutes later it is the oldest");
        assert!(history.hour_until(65, Level::Page).iter().all(|minute| minute.hits == 0));
        note(&history, 65, Outcome::Hit);
        note(&history, 65, Outcome::Hit);
        assert_eq!(at(&history, 65, 0).hits, 2);
        note(&history, 5, Outcome::Hit);
        assert_eq!(at(&history, 65, 0).hits, 2, "what is late by an hour is left out");
    }

    #[test]
    fn counts_of_many_threads_in_a_new_minute_are_complete() {
        let history = History::default();
        for minute in [3, 63, 200] {
            std::thread::scope(|scope| {
                for _ in 0..8 {
                    scope.spawn(|| (0..500).for_each(|_| note(&history, minute, Outcome::Hit)));
                }
            });
            assert_eq!(at(&history, minute, 0).hits, 4_000, "minute {minute}");
        }
    }
}
