//! The time that one request may wait for stores in total.
//!
//! - Only *time spent waiting* counts: a slow query between two lookups costs nothing.
//! - Concurrent calls are counted once.
//! - The budget belongs to the task: calls need no extra argument, and no layer in between can
//!   forget to pass it on. A task that a handler spawns has no budget, only the store's timeout.
//! - A store that never waits (memory) ignores the budget.

use std::{
    future::Future,
    sync::{Arc, Mutex},
    time::Duration,
};

use tokio::time::Instant;

tokio::task_local! {
    /// `None` inside [`without_budget`], where the budget does not count.
    static CURRENT: Option<Budget>;
}

/// The time one request may spend waiting for stores. Clones share it.
#[derive(Debug, Clone)]
pub(crate) struct Budget(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    left: Duration,
    /// The number of calls that are waiting.
    running: u32,
    /// When the first of them began.
    since: Instant,
}

impl Budget {
    /// Creates a budget of which nothing is spent.
    pub(crate) fn new(total: Duration) -> Self {
        Self(Arc::new(Mutex::new(State { left: total, running: 0, since: Instant::now() })))
    }

    /// Runs a request on this budget.
    pub(crate) async fn scope<F: Future>(self, request: F) -> F::Output {
        CURRENT.scope(Some(self), request).await
    }

    /// Returns the time that is not spent yet.
    pub(crate) fn left(&self) -> Duration {
        self.0.lock().unwrap().left()
    }

    fn begin(&self) {
        let mut state = self.0.lock().unwrap();
        if state.running == 0 {
            state.since = Instant::now();
        }
        state.running += 1;
    }

    fn end(&self) {
        let mut state = self.0.lock().unwrap();
        state.running -= 1;
        if state.running == 0 {
            state.left = state.left.saturating_sub(state.since.elapsed());
        }
    }
}

impl State {
    fn left(&self) -> Duration {
        match self.running {
            0 => self.left,
            _ => self.left.saturating_sub(self.since.elapsed()),
        }
    }
}

/// Returns what the current request has left, or `None` outside of a request with a budget.
pub(crate) fn left() -> Option<Duration> {
    current().map(|budget| budget.left())
}

/// Runs `work` without counting its time, such as a scan of all keys.
pub async fn without_budget<F: Future>(work: F) -> F::Output {
    CURRENT.scope(None, work).await
}

/// Spends the current request's budget until the returned guard is dropped.
pub(crate) fn spend() -> Spending {
    let budget = current();
    if let Some(budget) = &budget {
        budget.begin();
    }
    Spending(budget)
}

/// A guard that counts the time of one call.
#[must_use = "the time is counted while this lives"]
#[derive(Debug)]
pub(crate) struct Spending(Option<Budget>);

impl Drop for Spending {
    fn drop(&mut self) {
        if let Some(budget) = &self.0 {
            budget.end();
        }
    }
}

fn current() -> Option<Budget> {
    CURRENT.try_with(Clone::clone).ok().flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    async fn wait(time: Duration) {
        let _spending = spend();
        tokio::time::sleep(time).await;
    }

    #[tokio::test(start_paused = true)]
    async fn only_waiting_for_stores_is_spent() {
        let request = async {
            wait(30 * MS).await;
            tokio::time::sleep(1000 * MS).await;
            wait(20 * MS).await;
            left()
        };
        let left = Budget::new(80 * MS).scope(request).await;
        assert_eq!(left, Some(30 * MS));
    }

    #[tokio::test(start_paused = true)]
    async fn calls_at_the_same_time_are_spent_once() {
        let request = async {
            tokio::join!(wait(30 * MS), wait(20 * MS));
            left()
        };
        let left = Budget::new(80 * MS).scope(request).await;
        assert_eq!(left, Some(50 * MS));
    }

    #[tokio::test(start_paused = true)]
    async fn calls_that_overlap_are_spent_from_first_to_last() {
        let late = async {
            tokio::time::sleep(10 * MS).await;
            wait(30 * MS).await;
        };
        let request = async {
            tokio::join!(wait(30 * MS), late);
            left()
        };
        let left = Budget::new(80 * MS).scope(request).await;
        assert_eq!(left, Some(40 * MS));
    }

    #[tokio::test(start_paused = true)]
    async fn a_budget_ends_at_nothing() {
        let request = async {
            wait(100 * MS).await;
            left()
        };
        let left = Budget::new(80 * MS).scope(request).await;
        assert_eq!(left, Some(Duration::ZERO));
    }

    #[tokio::test(start_paused = true)]
    async fn a_cancelled_call_is_spent_until_it_was_cancelled() {
        let request = async {
            let _ = tokio::time::timeout(10 * MS, wait(70 * MS)).await;
            left()
        };
        let left = Budget::new(80 * MS).scope(request).await;
        assert_eq!(left, Some(70 * MS));
    }

    #[tokio::test]
    async fn work_run_apart_has_no_budget() {
        let request = without_budget(async { left() });
        assert_eq!(Budget::new(80 * MS).scope(request).await, None);
    }
}
