//! Freshness by choice, for databases that are far away.
//!
//! - Strict, each request joins a question to the database that begins after the request.
//! - Bounded, the stamps that a question has brought may be used for a time that counts from when the question *began*.
//! - They end early where this process has ended a write, and where a build has read newer data.
//! - Work within [`strictly`] always asks. An application runs the requests of a client in it that has just written, in
//!   whatever instance: so the client sees its own write.

use std::fmt;
use std::str::FromStr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use larder_cache::Tag;
use larder_cache::stamps::{Current, Invalidation, StampSource, Stamps, StampsResult};
use nix::time::{ClockId, clock_gettime};

#[cfg(feature = "diesel")]
use crate::db::Url;

/// The longest bound that can be set by a text.
const LONGEST: Duration = Duration::from_secs(60 * 60);

/// What the application promises about the age of the data that it shows.
///
/// ```
/// use std::time::Duration;
///
/// use larder_sql::Freshness;
///
/// assert_eq!("strict".parse(), Ok(Freshness::Strict));
/// assert_eq!("250ms".parse(), Ok(Freshness::Bounded(Duration::from_millis(250))));
/// assert!("soon".parse::<Freshness>().is_err());
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Freshness {
    /// A request sees every write that was answered before it.
    #[default]
    Strict,
    /// A request may miss the writes of others that are more recent than this.
    Bounded(Duration),
}

impl Freshness {
    /// Returns how old stamps may be; `None` if they may not. A bound of zero is strict.
    pub fn bound(self) -> Option<Duration> {
        match self {
            Self::Bounded(bound) if !bound.is_zero() => Some(bound),
            _ => None,
        }
    }

    /// Returns the mode in force for the database at `url`: on SQLite a strict check waits for nothing.
    #[cfg(feature = "diesel")]
    pub fn on(self, url: &Url) -> Self {
        match url {
            Url::Sqlite(_) => Self::Strict,
            Url::Postgres(_) => self,
        }
    }

    /// Returns `source`, whose stamps may be used as this says; `writes` counts what ends them.
    pub(crate) fn around(
        self,
        source: Arc<dyn StampSource>,
        writes: Arc<AtomicU64>,
    ) -> Arc<dyn StampSource> {
        match self.bound() {
            Some(bound) => Arc::new(BoundedStamps::counting(source, bound, writes)),
            None => source,
        }
    }
}

impl FromStr for Freshness {
    type Err = String;

    /// Parses `strict`, or a number of `ms`, `s` or `min`.
    fn from_str(text: &str) -> Result<Self, String> {
        let number = text.trim_end_matches(|letter: char| letter.is_ascii_lowercase());
        let unit = match &text[number.len()..] {
            "strict" if number.is_empty() => return Ok(Self::Strict),
            "" if number == "0" => return Ok(Self::Strict),
            "ms" => Some(1),
            "s" => Some(1_000),
            "min" => Some(60_000),
            _ => None,
        };
        // `parse` alone would take a sign.
        let digits = number.bytes().all(|digit| digit.is_ascii_digit()).then_some(number);
        let number = digits.and_then(|digits| digits.parse::<u64>().ok());
        let bound = unit.zip(number).and_then(|(unit, number)| number.checked_mul(unit));
        match bound.map(Duration::from_millis) {
            Some(bound) if bound.is_zero() => Ok(Self::Strict),
            Some(bound) if bound <= LONGEST => Ok(Self::Bounded(bound)),
            _ => Err("expected strict, or a duration of at most 60min, such as 250ms or 2s".into()),
        }
    }
}

impl fmt::Display for Freshness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.bound() {
            Some(bound) => write!(f, "{bound:?}"),
            None => f.write_str("strict"),
        }
    }
}

tokio::task_local! {
    static STRICTLY: ();
}

/// Runs `work`, in which no stamps of an earlier question are used, whatever [`Freshness`] is chosen.
///
/// What `work` runs in a task of its own is not affected.
pub async fn strictly<T>(work: impl Future<Output = T>) -> T {
    STRICTLY.scope((), work).await
}

/// A source of stamps that uses those of an earlier question for a while.
///
/// The adapter for diesel makes it by itself ([`open_on`](crate::open_on)). With another driver, the application says
/// where its own writes end:
///
/// ```no_run
/// # #[cfg(feature = "sqlx")]
/// # async fn example<DB: larder_sql::sqlx::Supported>(pool: sqlx::Pool<DB>) -> Result<(), sqlx::Error> {
/// # const POSTS: larder_sql::Table = larder_sql::Table::named("posts");
/// use std::sync::Arc;
/// use std::time::Duration;
///
/// use larder_cache::Builder;
/// use larder_sql::BoundedStamps;
/// use larder_sql::sqlx::watch;
///
/// let stamps = watch(&pool, &[POSTS]).await?;
/// let stamps = Arc::new(BoundedStamps::new(stamps, Duration::from_millis(250)));
/// let cache = Builder::default().name("blog").open(stamps.clone());
///
/// // After each commit of the application, before it answers:
/// stamps.discard();
/// # Ok(())
/// # }
/// ```
pub struct BoundedStamps {
    source: Arc<dyn StampSource>,
    bound: Duration,
    /// The number of writes of this process that have ended.
    writes: Arc<AtomicU64>,
    held: Arc<Mutex<Option<Held>>>,
}

impl BoundedStamps {
    /// Returns `source`, whose stamps may be used until `bound` after the question for them began.
    pub fn new(source: Arc<dyn StampSource>, bound: Duration) -> Self {
        Self::counting(source, bound, Arc::default())
    }

    fn counting(source: Arc<dyn StampSource>, bound: Duration, writes: Arc<AtomicU64>) -> Self {
        Self { source, bound, writes, held: Arc::default() }
    }

    /// Ends the use of all stamps for which the question began before this call.
    ///
    /// A process calls it after its own commits, and before it answers.
    pub fn discard(&self) {
        self.writes.fetch_add(1, Ordering::Release);
    }

    /// Returns the current stamps at a time of [`since_boot`].
    fn current_at(&self, now: Duration) -> Current {
        // Both are read before the question begins: so the time is no later than its beginning, and a write that
        // ends while it is under way ends what it brings.
        let question =
            Question { began: now, writes: self.writes.load(Ordering::Acquire), bound: self.bound };
        if STRICTLY.try_with(|()| ()).is_err()
            && let Some(held) = &*lock(&self.held)
            && question.may_be_answered_by(&held.question)
        {
            return Current::Ready(Ok(held.stamps.clone()));
        }
        let held = self.held.clone();
        match self.source.current() {
            Current::Ready(answer) => Current::Ready(hold(&held, question, answer)),
            Current::Pending(answer) => {
                Current::Pending(Box::pin(async move { hold(&held, question, answer.await) }))
            }
        }
    }
}

impl StampSource for BoundedStamps {
    fn current(&self) -> Current {
        match since_boot() {
            Some(now) => self.current_at(now),
            None => self.source.current(),
        }
    }

    fn is_shared(&self) -> bool {
        self.source.is_shared()
    }

    fn invalidate(&self, tags: Vec<Tag>) -> Invalidation<'_> {
        Box::pin(async move {
            let invalidated = self.source.invalidate(tags).await;
            // Also after an error, since the change may have been committed.
            self.discard();
            invalidated
        })
    }

    fn outdated(&self, stamps: &Stamps) {
        let mut held = lock(&self.held);
        if held.as_ref().is_some_and(|held| held.stamps.id() == stamps.id()) {
            *held = None;
        }
    }
}

/// Stamps, and the question that brought them.
struct Held {
    stamps: Arc<Stamps>,
    question: Question,
}

/// A question for stamps.
#[derive(Debug, Clone, Copy)]
struct Question {
    /// The time just before it began, since the machine was started.
    began: Duration,
    /// How many writes of this process had ended then.
    writes: u64,
    bound: Duration,
}

impl Question {
    /// Reports whether the answer to an earlier question may be used for this one.
    fn may_be_answered_by(&self, earlier: &Question) -> bool {
        let age = self.began.checked_sub(earlier.began);
        self.writes == earlier.writes && age.is_some_and(|age| age < self.bound)
    }
}

/// Holds the answer to `question` unless that to a later one is held already; returns the answer.
fn hold(held: &Mutex<Option<Held>>, question: Question, answer: StampsResult) -> StampsResult {
    if let Ok(stamps) = &answer {
        let mut held = lock(held);
        if held.as_ref().is_none_or(|held| held.question.began <= question.began) {
            *held = Some(Held { stamps: stamps.clone(), question });
        }
    }
    answer
}

fn lock(held: &Mutex<Option<Held>>) -> MutexGuard<'_, Option<Held>> {
    held.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Returns the time since the machine was started, by a clock that goes on while the machine sleeps.
fn since_boot() -> Option<Duration> {
    #[cfg(any(target_os = "linux", target_os = "android"))]
    const CLOCK: ClockId = ClockId::CLOCK_BOOTTIME;
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    const CLOCK: ClockId = ClockId::CLOCK_MONOTONIC;
    clock_gettime(CLOCK).ok().map(Duration::from)
}

#[cfg(test)]
mod tests;
