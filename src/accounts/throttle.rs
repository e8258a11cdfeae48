//! How often a client may try to sign in.
//!
//! - Counted are failures for a name from an address, from an address, and for a name, in windows of a quarter
//!   of an hour that begin with the first; a success takes back what was counted for its name.
//! - An attempt counts once it is known to have failed. Attempts from one address, and those for one name, are
//!   compared one after the other, so that none slips through while another is being compared; only as many
//!   as there are instances may.
//! - An attempt that is refused by one count is not counted by the others: a client that tries a name from one
//!   place uses up what that place may try, and does not lock its owner out.
//! - The counts are values of the cache, so that instances which share a Redis share them. While that does
//!   not answer, this process counts by itself: an outage of Redis allows no guessing.
//! - What is counted is kept under a digest: names and addresses of visitors are in no cache.
//!
//! Source: Django has none; its documentation sends people to libraries that count in the cache.

use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Mutex, MutexGuard, Semaphore, SemaphorePermit};

use crate::cache::store::memory::{Limits, MemoryStore};
use crate::cache::values::{Settings, Timeout, Values};
use crate::cache::{self, Cache};
use crate::site::digest;
use crate::site::text::fold;

/// A window.
const WINDOW: Duration = Duration::from_secs(15 * 60);

/// Failures for one name from one address in a window.
pub const FOR_A_NAME_FROM_AN_ADDRESS: i64 = 10;

/// Failures from one address in a window; behind a proxy or at work many share one.
pub const FROM_AN_ADDRESS: i64 = 50;

/// Failures for one name in a window, from wherever: more are no typing errors.
pub const FOR_A_NAME: i64 = 50;

/// Attempts that wait or are compared in this process at once.
pub const MOST_WAITING: usize = 100;

/// Names and addresses share so many locks.
const STRIPES: usize = 64;

/// Counts failures, and lets attempts in one after the other.
#[derive(Debug)]
pub struct Throttle {
    /// Where this process counts by itself.
    own: Values,
    room: Semaphore,
    addresses: Stripes,
    names: Stripes,
}

/// Why an attempt is refused before the password is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// There were too many failures.
    TooOften {
        /// When the window ends at the latest, in seconds.
        seconds: u64,
    },
    /// Too many attempts are waiting.
    Crowded,
}

/// An attempt whose password may be compared. It holds up others of its name and its address.
#[derive(Debug)]
pub struct Attempt<'t> {
    throttle: &'t Throttle,
    counts: [(String, i64); 3],
    _held: (SemaphorePermit<'t>, MutexGuard<'t, ()>, MutexGuard<'t, ()>),
}

impl Default for Throttle {
    fn default() -> Self {
        let store = Arc::new(MemoryStore::new(Limits::default()));
        Self {
            own: Values::new(store, Settings::new("sign-in")),
            room: Semaphore::new(MOST_WAITING),
            addresses: Stripes::default(),
            names: Stripes::default(),
        }
    }
}

impl Throttle {
    /// Waits until an attempt for this name from this address may be made.
    ///
    /// # Errors
    /// [`Refusal`], where there were too many failures by one of the counts, or too many are waiting.
    pub async fn attempt(
        &self,
        cache: &Cache,
        name: &str,
        address: &str,
    ) -> Result<Attempt<'_>, Refusal> {
        let name = fold(name.trim());
        let counts = [
            (key("both", &[&name, address]), FOR_A_NAME_FROM_AN_ADDRESS),
            (key("address", &[address]), FROM_AN_ADDRESS),
            (key("name", &[&name]), FOR_A_NAME),
        ];
        // First without waiting: an attempt that is refused takes no place from others.
        self.check(cache, &counts).await?;
        let room = self.room.try_acquire().map_err(|_| Refusal::Crowded)?;
        // Always in this order, so that no two wait for each other.
        let by_address = self.addresses.lock(address).await;
        let by_name = self.names.lock(&name).await;
        self.check(cache, &counts).await?;
        Ok(Attempt { throttle: self, counts, _held: (room, by_address, by_name) })
    }

    async fn check(&self, cache: &Cache, counts: &[(String, i64); 3]) -> Result<(), Refusal> {
        for (key, limit) in counts {
            if self.failures(cache, key).await >= *limit {
                return Err(Refusal::TooOften { seconds: WINDOW.as_secs() });
            }
        }
        Ok(())
    }

    async fn failures(&self, cache: &Cache, key: &str) -> i64 {
        let count = match cache.values().get(key).await {
            Ok(count) => Ok(count),
            Err(_) => self.own.get(key).await,
        };
        // Memory has no reason to fail; where it has, every attempt is refused.
        count.map_or(i64::MAX, Option::unwrap_or_default)
    }
}

impl Attempt<'_> {
    /// Counts it: the name and the password do not go together.
    pub async fn fail(self, cache: &Cache) {
        for (key, _) in &self.counts {
            if increment(cache.values(), key).await.is_err() {
                // Memory has no reason to fail.
                let _ = increment(&self.throttle.own, key).await;
            }
        }
    }

    /// Takes back what was counted for the name: it was its owner.
    pub async fn succeed(self, cache: &Cache) {
        let [pair, _, name] = &self.counts;
        for (key, _) in [pair, name] {
            // Where it cannot be taken back the window ends by itself.
            let _ = tokio::join!(cache.values().delete(key), self.throttle.own.delete(key));
        }
    }
}

/// Locks that are chosen by a text. A fixed number of them takes no memory for what strangers send.
#[derive(Debug)]
struct Stripes {
    locks: [Mutex<()>; STRIPES],
    /// No client can know which texts share a lock.
    hasher: RandomState,
}

impl Default for Stripes {
    fn default() -> Self {
        Self { locks: std::array::from_fn(|_| Mutex::new(())), hasher: RandomState::new() }
    }
}

impl Stripes {
    async fn lock(&self, text: &str) -> MutexGuard<'_, ()> {
        let number = self.hasher.hash_one(text) % STRIPES as u64;
        self.locks[number as usize].lock().await
    }
}

/// Django's idiom: `add` begins a window, `incr` counts in it.
async fn increment(values: &Values, key: &str) -> Result<(), cache::Error> {
    values.add(key, &0_i64, Timeout::After(WINDOW)).await?;
    match values.incr(key, 1).await {
        // The window ended between the two.
        Err(cache::Error::Absent { .. }) => Ok(()),
        count => count.map(|_| ()),
    }
}

fn key(kind: &str, texts: &[&str]) -> String {
    format!("sign-in.{kind}.{}", digest::of(texts.iter().copied()))
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;
    use futures_util::future::join_all;

    use super::*;
    use crate::cache::open::Options;
    use crate::cache::view::InProcess;

    const TOO_OFTEN: Result<(), Refusal> = Err(Refusal::TooOften { seconds: WINDOW.as_secs() });

    fn cache() -> Cache {
        Options::default().open(Arc::new(InProcess::new()))
    }

    async fn fails(
        throttle: &Throttle,
        cache: &Cache,
        name: &str,
        address: &str,
    ) -> Result<(), Refusal> {
        throttle.attempt(cache, name, address).await?.fail(cache).await;
        Ok(())
    }

    async fn succeeds(
        throttle: &Throttle,
        cache: &Cache,
        name: &str,
        address: &str,
    ) -> Result<(), Refusal> {
        throttle.attempt(cache, name, address).await?.succeed(cache).await;
        Ok(())
    }

    #[tokio::test(start_paused = true)]
    async fn a_name_may_be_tried_ten_times_from_one_address_in_a_quarter_of_an_hour() {
        let (throttle, cache) = (Throttle::default(), cache());
        for _ in 0..FOR_A_NAME_FROM_AN_ADDRESS {
            fails(&throttle, &cache, "Mina", "192.0.2.1").await.unwrap();
        }
        // Otherwise spelled, it is the same name; its owner is not locked out, who is elsewhere.
        assert_eq!(succeeds(&throttle, &cache, " MINA", "192.0.2.1").await, TOO_OFTEN);
        fails(&throttle, &cache, "mina", "192.0.2.2").await.unwrap();
        fails(&throttle, &cache, "otto", "192.0.2.1").await.unwrap();
        tokio::time::advance(WINDOW).await;
        fails(&throttle, &cache, "mina", "192.0.2.1").await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn a_name_may_be_tried_fifty_times_from_wherever() {
        let (throttle, cache) = (Throttle::default(), cache());
        for number in 0..FOR_A_NAME {
            fails(&throttle, &cache, "mina", &format!("192.0.2.{number}")).await.unwrap();
        }
        assert_eq!(fails(&throttle, &cache, "mina", "198.51.100.1").await, TOO_OFTEN);
        fails(&throttle, &cache, "otto", "198.51.100.1").await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn what_one_place_is_refused_is_not_counted_for_others() {
        let (throttle, cache) = (Throttle::default(), cache());
        for _ in 0..2 * FOR_A_NAME {
            let _ = fails(&throttle, &cache, "mina", "192.0.2.1").await;
        }
        fails(&throttle, &cache, "mina", "198.51.100.1").await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn an_address_may_try_many_names_but_not_all() {
        let (throttle, cache) = (Throttle::default(), cache());
        for number in 0..FROM_AN_ADDRESS {
            fails(&throttle, &cache, &format!("name {number}"), "192.0.2.1").await.unwrap();
        }
        assert_eq!(fails(&throttle, &cache, "one more", "192.0.2.1").await, TOO_OFTEN);
        fails(&throttle, &cache, "one more", "192.0.2.2").await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn a_success_is_never_counted_and_takes_back_the_failures_of_its_name() {
        let (throttle, cache) = (Throttle::default(), cache());
        for number in 0..2 * FROM_AN_ADDRESS {
            succeeds(&throttle, &cache, &format!("name {number}"), "192.0.2.1").await.unwrap();
        }
        for _ in 0..3 {
            for _ in 1..FOR_A_NAME_FROM_AN_ADDRESS {
                fails(&throttle, &cache, "mina", "192.0.2.1").await.unwrap();
            }
            succeeds(&throttle, &cache, "Mina", "192.0.2.1").await.unwrap();
        }
    }

    #[tokio::test(start_paused = true)]
    async fn attempts_at_once_are_counted_as_those_one_after_the_other_are() {
        let (throttle, cache) = (Throttle::default(), cache());
        let slow = async |is_right: bool, address: String| {
            let attempt = throttle.attempt(&cache, "mina", &address).await?;
            tokio::time::sleep(Duration::from_millis(100)).await;
            if is_right {
                attempt.succeed(&cache).await;
            } else {
                attempt.fail(&cache).await;
            }
            Ok::<(), Refusal>(())
        };
        let right = join_all((0..MOST_WAITING).map(|_| slow(true, "192.0.2.1".to_owned()))).await;
        assert!(right.iter().all(Result::is_ok), "{right:?}");
        let wrong = join_all((0..60).map(|_| slow(false, "192.0.2.1".to_owned()))).await;
        let compared = wrong.iter().filter(|done| done.is_ok()).count();
        assert_eq!(compared as i64, FOR_A_NAME_FROM_AN_ADDRESS);
        let wrong =
            join_all((0..60).map(|number| slow(false, format!("198.51.100.{number}")))).await;
        let compared = wrong.iter().filter(|done| done.is_ok()).count();
        assert_eq!(compared as i64, FOR_A_NAME - FOR_A_NAME_FROM_AN_ADDRESS);
    }

    #[tokio::test(start_paused = true)]
    async fn only_so_many_wait() {
        let (throttle, cache) = (Throttle::default(), cache());
        let held = throttle.attempt(&cache, "mina", "192.0.2.1").await.unwrap();
        let mut waiting: Vec<_> = (1..MOST_WAITING)
            .map(|_| Box::pin(throttle.attempt(&cache, "mina", "192.0.2.1")))
            .collect();
        for attempt in &mut waiting {
            assert!(attempt.now_or_never().is_none());
        }
        let crowded = throttle.attempt(&cache, "otto", "192.0.2.2").await.map(|_| ());
        assert_eq!(crowded, Err(Refusal::Crowded));
        // A client that leaves gives its place to the next.
        drop(waiting.pop());
        throttle.attempt(&cache, "otto", "192.0.2.2").await.unwrap().succeed(&cache).await;
        drop((held, waiting));
    }
}
