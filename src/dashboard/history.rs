//! What the cache did in the last hour, minute by minute.
//!
//! - Counting takes no lock and does not allocate: each counter knows the minute that it counts, and
//!   begins anew with the first event of another one.
//! - What happens in one minute is counted in that minute, also when nothing happened for hours before.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::cache::event::{Event, Listener, Outcome};
use crate::cache::level::Level;

/// So many minutes are remembered, the present one among them.
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

/// What one level did in one minute.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Minute {
    /// How many minutes ago; 0 for the present one.
    pub ago: u64,
    /// Look-ups answered from the cache.
    pub hits: u64,
    /// Look-ups after which something was made.
    pub misses: u64,
    /// Look-ups answered with something old, as a policy allowed.
    pub stale: u64,
    /// What was made.
    pub loads: u64,
    /// How long that took, together.
    pub load_time: Duration,
}

impl Minute {
    /// All look-ups.
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
    /// The last hour of a level, oldest minute first.
    pub fn hour(&self, level: Level) -> Vec<Minute> {
        self.hour_until(self.minute(), level)
    }

    /// Minutes since the counting began, the first being 1: 0 is for what was never counted.
    fn minute(&self) -> u64 {
        self.began.elapsed().as_secs() / 60 + 1
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
        // What is left of a division by 60 fits.
        &self.minutes[(minute % MINUTES as u64) as usize][level as usize]
    }

    fn note(&self, minute: u64, event: &Event<'_>) {
        let counts = self.of(minute, event.level);
        match event.outcome {
            Outcome::Hit | Outcome::FarHit | Outcome::Collapsed => counts.hits.add(minute, 1),
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
        self.note(self.minute(), event);
    }
}

/// A counter of one minute, in one word: the minute in the upper bits, the count in the lower ones.
#[derive(Debug, Default)]
struct Dated(AtomicU64);

impl Dated {
    /// Bits of the count: 12 days of microseconds. The rest are minutes for 31 years.
    const BITS: u32 = 40;

    /// An hour of microseconds: so much is added at most, lest one count flow over.
    const MOST_AT_ONCE: u64 = 3_600_000_000;

    fn add(&self, minute: u64, more: u64) {
        let seen = self.0.load(Ordering::Relaxed);
        if seen >> Self::BITS == minute {
            self.0.fetch_add(more, Ordering::Relaxed);
            return;
        }
        // Who comes first begins anew, the others add to that. What is late by an hour is left out.
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
    use crate::cache::event::Miss;
    use crate::cache::key::Key;

    fn note(history: &History, minute: u64, outcome: Outcome) {
        let key = Key::named("test").build();
        let event = Event::new(Level::Page, &key, outcome, Duration::from_millis(3));
        history.note(minute, &event);
    }

    fn at(history: &History, now: u64, ago: usize) -> Minute {
        history.hour_until(now, Level::Page)[MINUTES - 1 - ago]
    }

    #[test]
    fn what_happens_in_one_minute_is_counted_in_that_minute() {
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
    fn after_an_hour_a_minute_begins_anew() {
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
    fn what_many_threads_count_in_a_new_minute_is_complete() {
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
