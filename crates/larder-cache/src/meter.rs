//! Measures what a task spends on stores and on coding.
//!
//! - Outside of [`Spent::by`] the clock is not read.
//! - Only the task's own time counts, not that of writes behind the answer.

use std::cell::Cell;
use std::time::{Duration, Instant};

/// What a task has spent up to now.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Spent {
    /// The number of calls to a store.
    pub round_trips: u32,
    /// The time spent waiting for their answers.
    pub waited: Duration,
    /// The time spent converting values to bytes and back.
    pub coding: Duration,
}

tokio::task_local! {
    static CURRENT: Cell<Spent>;
}

impl Spent {
    /// Runs `work`, and returns its result and what it spent.
    ///
    /// ```
    /// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
    /// use larder_cache::meter::Spent;
    ///
    /// let (answer, spent) = Spent::by(async { 42 }).await;
    /// assert_eq!((answer, spent.round_trips), (42, 0));
    /// # });
    /// ```
    pub async fn by<T>(work: impl Future<Output = T>) -> (T, Self) {
        CURRENT
            .scope(Cell::default(), async {
                let done = work.await;
                (done, CURRENT.with(Cell::get))
            })
            .await
    }
}

/// Counts a call to a store until the returned guard is dropped: answered or cancelled.
pub(super) fn round_trip() -> RoundTrip {
    RoundTrip(is_measured().then(Instant::now))
}

/// A call under way.
#[must_use = "the time is counted while this lives"]
pub(super) struct RoundTrip(Option<Instant>);

impl RoundTrip {
    /// Does not count the call, since the store was not reached.
    pub(super) fn forget(mut self) {
        self.0 = None;
    }
}

impl Drop for RoundTrip {
    fn drop(&mut self) {
        if let Some(began) = self.0 {
            add(|spent| {
                spent.round_trips += 1;
                spent.waited += began.elapsed();
            });
        }
    }
}

/// Counts the time of `work` as coding.
pub(super) fn coding<T>(work: impl FnOnce() -> T) -> T {
    let began = is_measured().then(Instant::now);
    let done = work();
    if let Some(began) = began {
        add(|spent| spent.coding += began.elapsed());
    }
    done
}

fn is_measured() -> bool {
    CURRENT.try_with(|_| ()).is_ok()
}

fn add(change: impl FnOnce(&mut Spent)) {
    let _ = CURRENT.try_with(|current| {
        let mut spent = current.get();
        change(&mut spent);
        current.set(spent);
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_measured_task_reports_what_it_spent() {
        let ((), spent) = Spent::by(async {
            drop(round_trip());
            coding(|| {
                std::hint::black_box([0_u8; 4096].iter().map(|byte| u64::from(*byte)).sum::<u64>())
            });
        })
        .await;
        assert_eq!(spent.round_trips, 1);
        assert!(spent.coding > Duration::ZERO);
    }

    #[test]
    fn without_measuring_the_clock_is_not_read() {
        assert!(round_trip().0.is_none());
    }
}
