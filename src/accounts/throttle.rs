//! Limits how often a client may try to sign in.
//!
//! - Failures are counted by name and address together, by address, and by name. A window of 15 minutes
//!   begins with the first failure. A success resets the counts for its name.
//! - An attempt counts once it is known to have failed. Within one instance, attempts from the same address
//!   or for the same name are compared one at a time, so that none slips through while another is compared.
//!   Across instances at most one per instance can.
//! - A client that leaves while its attempt waits makes room for others.
//! - A refused attempt is not counted: a client that guesses a name from one address uses up the limit of
//!   that address and does not lock the owner out.
//! - The counts are values of the cache, so instances that share a Redis share them. Each process counts on
//!   its own, too: neither an outage of Redis nor a program that writes to it allows guessing.
//! - Counts are stored under a digest: the cache holds no names and no addresses of visitors.
//!
//! Source: Django has no such limit; its documentation recommends libraries that count in the cache.

use std::hash::{BuildHasher, RandomState};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::{Either, select};
use tokio::sync::{Mutex, MutexGuard, Semaphore, SemaphorePermit};

use crate::cache::presence::Client;
use crate::cache::store::MemoryStore;
use crate::cache::values::{Settings, Timeout, Values};
use crate::cache::{self, Cache};
use crate::site::digest;
use crate::site::words::fold;

/// Length of a window.
const WINDOW: Duration = Duration::from_secs(15 * 60);

/// Most failures for one name from one address in a window.
pub const FOR_A_NAME_FROM_AN_ADDRESS: i64 = 10;

/// Most failures from one address in a window. Clients behind a proxy share an address.
pub const FROM_AN_ADDRESS: i64 = 50;

/// Most failures for one name in a window, from all addresses: more are no typing errors.
pub const FOR_A_NAME: i64 = 50;

/// Most attempts that wait or are compared at once in this process.
pub const MOST_WAITING: usize = 100;

/// How many locks the names share, and how many the addresses.
const STRIPES: usize = 64;

/// Counts failures and admits attempts one at a time.
#[derive(Debug)]
pub struct Throttle {
    /// The counts of this process: of all failures, and of those that the shared store did not take.
    own: Values,
    room: Semaphore,
    addresses: Stripes,
    names: Stripes,
}

/// Why an attempt is refused before its password is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// A limit of failures is reached.
    TooOften {
        /// When the window has ended at the latest, in seconds from now.
        seconds: u64,
    },
    /// Too many attempts are waiting, or the client has left before its turn.
    Crowded,
}

/// An admitted attempt. While it exists, other attempts for its name or from its address wait.
#[derive(Debug)]
pub struct Attempt<'t> {
    throttle: &'t Throttle,
    counts: [(String, i64); 3],
    _held: (SemaphorePermit<'t>, MutexGuard<'t, ()>, MutexGuard<'t, ()>),
}

impl Default for Throttle {
    fn default() -> Self {
        let store = Arc::new(MemoryStore::default());
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
    /// Returns a [`Refusal`] if a limit of failures is reached or too many attempts are waiting.
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
        // Checked before waiting, so that a refused attempt takes no place from others.
        self.check(cache, &counts).await?;
        let room = self.room.try_acquire().map_err(|_| Refusal::Crowded)?;
        // Always the address first, so that no two attempts deadlock.
        let by_address = unless_left(self.addresses.lock(address)).await.ok_or(Refusal::Crowded)?;
        let by_name = unless_left(self.names.lock(&name)).await.ok_or(Refusal::Crowded)?;
        // Checked again: other attempts may have failed while this one waited.
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
        let own_key = own_key(cache, key).await;
        let lost = lost(&own_key);
        let (shared, all, lost) =
            tokio::join!(cache.values().get(key), self.own.get(&own_key), self.own.get(&lost));
        // Numbers in the shared store are not sealed: one that another program wrote takes no failure
        // away that this process has counted.
        let shared = shared.ok().flatten().map_or(0, |count: i64| count.max(0));
        // The memory store does not fail. If it does, refuse every attempt.
        let own = |count: Result<Option<i64>, _>| count.map_or(i64::MAX, Option::unwrap_or_default);
        own(all).max(shared.saturating_add(own(lost)))
    }
}

impl Attempt<'_> {
    /// Counts the attempt as a failure.
    pub async fn fail(self, cache: &Cache) {
        for (key, _) in &self.counts {
            let (own, own_key) = (&self.throttle.own, own_key(cache, key).await);
            // The memory store does not fail.
            let _ = increment(own, &own_key).await;
            if increment(cache.values(), key).await.is_err() {
                let _ = increment(own, &lost(&own_key)).await;
            }
        }
    }

    /// Resets the counts for the name: the client is its owner.
    pub async fn succeed(self, cache: &Cache) {
        let [pair, _, name] = &self.counts;
        for (key, _) in [pair, name] {
            // A count that cannot be reset ends with its window.
            let mark = format!("{:016x}", getrandom::u64().unwrap_or_default());
            let mark = cache.values().set(&success(key), &mark, Timeout::After(WINDOW)).await;
            let _ = cache.values().delete(key).await;
            if mark.is_err() {
                let own_key = own_key(cache, key).await;
                let (own, lost) = (&self.throttle.own, lost(&own_key));
                let _ = tokio::join!(own.delete(&own_key), own.delete(&lost));
            }
        }
    }
}

/// Waits for a turn, unless the client leaves before it comes.
///
/// The server goes on with the request of a client that has closed its side, since it may still be reading.
pub(super) async fn unless_left<T>(turn: impl Future<Output = T>) -> Option<T> {
    let client = Client::current();
    match select(pin!(turn), pin!(client.left())).await {
        Either::Left((turn, _)) => Some(turn),
        Either::Right(_) => None,
    }
}

/// Locks chosen by a text's hash. Their fixed number bounds the memory that clients can take.
#[derive(Debug)]
struct Stripes {
    locks: [Mutex<()>; STRIPES],
    /// Randomly seeded, so that no client knows which texts share a lock.
    hasher: RandomState,
}

impl Default for Stripes {
    fn default() -> Self {
        Self { locks: std::array::from_fn(|_| Mutex::new(())), hasher: RandomState::new() }
    }
}

impl Stripes {
    async fn lock(&self, text: &str) -> MutexGuard<'_, ()> {
        self.locks[self.number(text)].lock().await
    }

    fn number(&self, text: &str) -> usize {
        self.hasher.hash_one(text) as usize % STRIPES
    }
}

/// Counts with Django's idiom: `add` begins a window and `incr` counts in it.
async fn increment(values: &Values, key: &str) -> Result<(), cache::Error> {
    values.add(key, &0_i64, Timeout::After(WINDOW)).await?;
    match values.incr(key, 1).await {
        // The window ended between the two calls.
        Err(cache::Error::Absent { .. }) => Ok(()),
        count => count.map(|_| ()),
    }
}

/// Returns the key under which this process counts failures since the last success in any process.
///
/// A success leaves a mark in the shared store. Marks are sealed: a program that writes to the store can put
/// an older one back, with the failures counted under it, and can make no new one.
async fn own_key(cache: &Cache, key: &str) -> String {
    match cache.values().get::<String>(&success(key)).await {
        Ok(Some(mark)) => format!("{key}.{mark}"),
        _ => key.to_owned(),
    }
}

fn success(key: &str) -> String {
    format!("success.{key}")
}

/// Returns the key under which failures are counted that the shared store did not take.
fn lost(key: &str) -> String {
    format!("lost.{key}")
}

fn key(kind: &str, texts: &[&str]) -> String {
    format!("sign-in.{kind}.{}", digest::of(texts.iter().copied()))
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;
    use futures_util::future::join_all;

    use super::*;
    use crate::cache::{Builder, InProcess};

    const TOO_OFTEN: Result<(), Refusal> = Err(Refusal::TooOften { seconds: WINDOW.as_secs() });

    fn cache() -> Cache {
        Builder::default().open(Arc::new(InProcess::new()))
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
        // Another spelling is the same name. The owner, at another address, is not locked out.
        assert_eq!(succeeds(&throttle, &cache, " MINA", "192.0.2.1").await, TOO_OFTEN);
        fails(&throttle, &cache, "mina", "192.0.2.2").await.unwrap();
        fails(&throttle, &cache, "otto", "192.0.2.1").await.unwrap();
        tokio::time::advance(WINDOW).await;
        fails(&throttle, &cache, "mina", "192.0.2.1").await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn a_name_may_be_tried_fifty_times_from_all_addresses_together() {
        let (throttle, cache) = (Throttle::default(), cache());
        for number in 0..FOR_A_NAME {
            fails(&throttle, &cache, "mina", &format!("192.0.2.{number}")).await.unwrap();
        }
        assert_eq!(fails(&throttle, &cache, "mina", "198.51.100.1").await, TOO_OFTEN);
        fails(&throttle, &cache, "otto", "198.51.100.1").await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn attempts_refused_for_one_address_do_not_lock_out_others() {
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
    async fn concurrent_attempts_are_counted_like_sequential_ones() {
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
    async fn the_number_of_waiting_attempts_is_limited() {
        let (throttle, cache) = (Throttle::default(), cache());
        let held = throttle.attempt(&cache, "mina", "192.0.2.1").await.unwrap();
        let mut waiting: Vec<_> = (1..MOST_WAITING)
            .map(|_| Box::pin(throttle.attempt(&cache, "mina", "192.0.2.1")))
            .collect();
        for attempt in &mut waiting {
            assert!(attempt.now_or_never().is_none());
        }
        // Of other locks, which are chosen at random.
        let other = |stripes: &Stripes, held: &str| {
            let mut texts = (0..).map(|number| format!("{held}{number}"));
            texts.find(|text| stripes.number(text) != stripes.number(held)).unwrap()
        };
        let (name, address) =
            (other(&throttle.names, "mina"), other(&throttle.addresses, "192.0.2.1"));
        let crowded = throttle.attempt(&cache, &name, &address).await.map(|_| ());
        assert_eq!(crowded, Err(Refusal::Crowded));
        // A client that disconnects frees its place.
        drop(waiting.pop());
        throttle.attempt(&cache, &name, &address).await.unwrap().succeed(&cache).await;
        // So does one that has left, although the server goes on with its request.
        let client = Client::default();
        let mut left = Box::pin(client.scope(throttle.attempt(&cache, "mina", "192.0.2.1")));
        assert!(left.as_mut().now_or_never().is_none());
        client.leave();
        assert_eq!(left.await.map(|_| ()), Err(Refusal::Crowded));
        let attempt = client.scope(throttle.attempt(&cache, &name, &address)).await;
        attempt.unwrap().succeed(&cache).await;
        drop((held, waiting));
    }
}
