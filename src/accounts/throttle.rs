//! How often somebody may try to sign in.
//!
//! - Counted are attempts for a name from an address, from an address, and for a name, in windows of a quarter
//!   of an hour that begin with the first; a success takes back what was counted for its name.
//! - What is refused by one count is not counted by the next: who tries a name from one place uses up what
//!   that place may try, and does not lock its owner out.
//! - The counts are values of the cache, so that instances which share a Redis share them. Where that does
//!   not answer, this process counts by itself: Redis may die, and nobody may guess for that.
//! - What is counted is kept under a digest: names and addresses of visitors are in no cache.
//!
//! Source: Django has none; its documentation sends people to libraries that count in the cache.

use std::sync::Arc;
use std::time::Duration;

use crate::cache::store::memory::{Limits, MemoryStore};
use crate::cache::values::{Settings, Timeout, Values};
use crate::cache::{self, Cache};
use crate::site::digest;
use crate::site::text::fold;

/// A window.
const WINDOW: Duration = Duration::from_secs(15 * 60);

/// Attempts for one name from one address in a window.
pub const FOR_A_NAME_FROM_AN_ADDRESS: i64 = 10;

/// Attempts from one address in a window; behind a proxy or at work many share one.
pub const FROM_AN_ADDRESS: i64 = 50;

/// Attempts for one name in a window, from wherever: more are no typing errors.
pub const FOR_A_NAME: i64 = 50;

/// Counts attempts.
#[derive(Debug)]
pub struct Throttle {
    /// Where this process counts by itself.
    own: Values,
}

/// It was tried too often.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooOften {
    /// When the window ends at the latest, in seconds.
    pub seconds: u64,
}

impl Default for Throttle {
    fn default() -> Self {
        let store = Arc::new(MemoryStore::new(Limits::default()));
        Self { own: Values::new(store, Settings::new("sign-in")) }
    }
}

impl Throttle {
    /// Counts one attempt for this name from this address.
    ///
    /// # Errors
    /// [`TooOften`], where there were too many by one of the counts.
    pub async fn attempt(&self, cache: &Cache, name: &str, address: &str) -> Result<(), TooOften> {
        let limits = [
            (pair(name, address), FOR_A_NAME_FROM_AN_ADDRESS),
            (key("address", &[address]), FROM_AN_ADDRESS),
            (by_name(name), FOR_A_NAME),
        ];
        for (key, limit) in limits {
            if self.count(cache, &key).await > limit {
                return Err(TooOften { seconds: WINDOW.as_secs() });
            }
        }
        Ok(())
    }

    /// Takes back what was counted for a name: it was its owner.
    pub async fn succeed(&self, cache: &Cache, name: &str, address: &str) {
        for key in [pair(name, address), by_name(name)] {
            // Where it cannot be taken back the window ends by itself.
            let _ = tokio::join!(cache.values().delete(&key), self.own.delete(&key));
        }
    }

    async fn count(&self, cache: &Cache, key: &str) -> i64 {
        match incremented(cache.values(), key).await {
            Ok(count) => count,
            // Memory has no reason to fail; where it has, nobody is let in.
            Err(_) => incremented(&self.own, key).await.unwrap_or(i64::MAX),
        }
    }
}

/// Django's idiom: `add` begins a window, `incr` counts in it.
async fn incremented(values: &Values, key: &str) -> Result<i64, cache::Error> {
    values.add(key, &0_i64, Timeout::After(WINDOW)).await?;
    match values.incr(key, 1).await {
        // The window ended between the two.
        Err(cache::Error::Absent { .. }) => Ok(1),
        count => count,
    }
}

fn by_name(name: &str) -> String {
    key("name", &[&fold(name.trim())])
}

fn pair(name: &str, address: &str) -> String {
    key("both", &[&fold(name.trim()), address])
}

fn key(kind: &str, texts: &[&str]) -> String {
    format!("sign-in.{kind}.{}", digest::of(texts.iter().copied()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cache::open::Options;
    use crate::cache::view::InProcess;

    fn cache() -> Cache {
        Options::default().open(Arc::new(InProcess::new()))
    }

    #[tokio::test(start_paused = true)]
    async fn a_name_may_be_tried_ten_times_from_one_address_in_a_quarter_of_an_hour() {
        let (throttle, cache) = (Throttle::default(), cache());
        for _ in 0..FOR_A_NAME_FROM_AN_ADDRESS {
            throttle.attempt(&cache, "Mina", "192.0.2.1").await.unwrap();
        }
        // Otherwise spelled, it is the same name; its owner is not locked out, who is elsewhere.
        throttle.attempt(&cache, " MINA", "192.0.2.1").await.unwrap_err();
        throttle.attempt(&cache, "mina", "192.0.2.2").await.unwrap();
        throttle.attempt(&cache, "otto", "192.0.2.1").await.unwrap();
        tokio::time::advance(WINDOW).await;
        throttle.attempt(&cache, "mina", "192.0.2.1").await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn a_name_may_be_tried_fifty_times_from_wherever() {
        let (throttle, cache) = (Throttle::default(), cache());
        for number in 0..FOR_A_NAME {
            throttle.attempt(&cache, "mina", &format!("192.0.2.{number}")).await.unwrap();
        }
        throttle.attempt(&cache, "mina", "198.51.100.1").await.unwrap_err();
        throttle.attempt(&cache, "otto", "198.51.100.1").await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn what_one_place_is_refused_is_not_counted_for_others() {
        let (throttle, cache) = (Throttle::default(), cache());
        for _ in 0..2 * FOR_A_NAME {
            let _ = throttle.attempt(&cache, "mina", "192.0.2.1").await;
        }
        throttle.attempt(&cache, "mina", "198.51.100.1").await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn an_address_may_try_many_names_but_not_all() {
        let (throttle, cache) = (Throttle::default(), cache());
        for number in 0..FROM_AN_ADDRESS {
            throttle.attempt(&cache, &format!("name {number}"), "192.0.2.1").await.unwrap();
        }
        throttle.attempt(&cache, "one more", "192.0.2.1").await.unwrap_err();
        throttle.attempt(&cache, "one more", "192.0.2.2").await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn who_gets_in_begins_anew() {
        let (throttle, cache) = (Throttle::default(), cache());
        for _ in 0..3 {
            for _ in 0..FOR_A_NAME_FROM_AN_ADDRESS {
                throttle.attempt(&cache, "mina", "192.0.2.1").await.unwrap();
            }
            throttle.succeed(&cache, "Mina", "192.0.2.1").await;
        }
    }
}
