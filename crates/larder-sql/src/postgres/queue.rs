//! The requests that wait for stamps, and the queries that are under way.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use larder_cache::stamps::{StampsResult, StampsUnavailable};
use tokio::sync::oneshot;

use crate::driver::timed::Ran;

/// How long after a query has started the next one may start, if it is still under way.
///
/// A database nearby has answered by then. So one query after the other answers all that wait, which costs it least.
const OVERLAP: Duration = Duration::from_micros(500);

/// A request that waits.
pub(super) type Asker = oneshot::Sender<Answer>;

/// The stamps, and the statements that read them.
pub(super) type Answer = (StampsResult, Arc<[Ran]>);

/// The requests that wait and the queries under way, at times that the caller gives.
#[derive(Debug, Default)]
pub(super) struct State {
    waiting: Vec<Asker>,
    /// The queries under way, in the order in which they have started.
    under_way: Vec<Question>,
    /// The number of queries that have started.
    started: u64,
    /// The highest number of a query that was answered.
    answered: u64,
    /// When the thread that waits for the next start wakes by itself, if one waits.
    wakes: Option<Instant>,
    is_closed: bool,
}

/// A query that has started.
#[derive(Debug, Clone, Copy)]
pub(super) struct Question {
    /// Its place in the order of all queries.
    pub number: u64,
    since: Instant,
}

/// When a query may start.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Start {
    Now,
    /// After this time, unless a query ends before.
    After(Duration),
    /// When a request has come.
    WhenAsked,
}

impl State {
    /// Adds a request to the next query that starts; reports whether a thread has to be woken for it.
    ///
    /// It has not where a query is under way and has just started: then its thread goes on with the next one, or the
    /// one that waits wakes in time. Waking a thread costs more than anything else here.
    pub(super) fn join(&mut self, asker: Asker, now: Instant) -> bool {
        self.waiting.push(asker);
        let due = self.under_way.last().map_or(now, |latest| latest.since + OVERLAP);
        self.waiting.len() == 1 && self.wakes.is_some_and(|wakes| wakes > due.max(now))
    }

    /// Decides when the next query should start.
    pub(super) fn next_start(&self, now: Instant) -> Start {
        if self.waiting.is_empty() {
            return Start::WhenAsked;
        }
        let Some(latest) = self.under_way.last() else { return Start::Now };
        match (latest.since + OVERLAP).saturating_duration_since(now) {
            Duration::ZERO => Start::Now,
            remaining => Start::After(remaining),
        }
    }

    /// Starts a query; returns it with the requests that it answers.
    ///
    /// Each of them is older than the query, so the answer contains every write that the request must see.
    pub(super) fn start(&mut self, now: Instant) -> (Question, Vec<Asker>) {
        self.started += 1;
        let question = Question { number: self.started, since: now };
        self.under_way.push(question);
        (question, std::mem::take(&mut self.waiting))
    }

    /// Records that a query has ended.
    pub(super) fn end(&mut self, question: Question, is_answered: bool) {
        self.under_way.retain(|other| other.number != question.number);
        if is_answered {
            self.answered = self.answered.max(question.number);
        }
    }

    /// Reports whether a query has taken longer than a request waits, and none that started later was answered.
    pub(super) fn is_stuck(&self, patience: Duration, now: Instant) -> bool {
        let is_late = |question: &Question| {
            question.number > self.answered && now.duration_since(question.since) > patience
        };
        self.under_way.iter().any(is_late)
    }
}

/// The queue of all threads.
///
/// A thread that has ended a query starts the next one itself if a request waits. Only one of the others wakes by a
/// clock, or for the first request after a pause.
#[derive(Default)]
pub(super) struct Queue {
    state: Mutex<State>,
    /// Notified for the thread that waits for the next start.
    due: Condvar,
    /// Notified for another thread, which is to wait for the next start.
    spare: Condvar,
}

impl Queue {
    /// Adds a request to the next query that starts.
    ///
    /// # Errors
    /// If the database does not answer.
    pub(super) fn join(&self, asker: Asker, patience: Duration) -> Result<(), StampsUnavailable> {
        let now = Instant::now();
        let mut state = lock(&self.state);
        // A page asks for its fragments and queries too: each would wait anew.
        if state.is_stuck(patience, now) {
            return Err(unanswered_in_time());
        }
        let wakes = state.join(asker, now);
        drop(state);
        if wakes {
            self.due.notify_one();
        }
        Ok(())
    }

    /// Waits until a query should start; returns it with the requests that it answers.
    ///
    /// They are none if no request has come within `patience`. Returns `None` once the queue was closed.
    pub(super) fn take(&self, patience: Duration) -> Option<(Question, Vec<Asker>)> {
        let mut state = lock(&self.state);
        let mut is_overdue = false;
        let now = loop {
            if state.is_closed {
                return None;
            }
            let now = Instant::now();
            let wait = match state.next_start(now) {
                Start::Now => break now,
                Start::WhenAsked if is_overdue => break now,
                Start::WhenAsked => patience,
                Start::After(remaining) => remaining,
            };
            if state.wakes.is_some() {
                let waited = self.spare.wait(state);
                state = waited.unwrap_or_else(PoisonError::into_inner);
                continue;
            }
            state.wakes = Some(now + wait);
            let waited = self.due.wait_timeout(state, wait);
            let (again, timeout) = waited.unwrap_or_else(PoisonError::into_inner);
            state = again;
            state.wakes = None;
            is_overdue = wait == patience && timeout.timed_out();
        };
        let started = state.start(now);
        if state.wakes.is_none() {
            self.spare.notify_one();
        }
        Some(started)
    }

    /// Records that a query has ended, and whether it was answered. Its thread calls [`Queue::take`] soon.
    pub(super) fn end(&self, question: Question, is_answered: bool) {
        lock(&self.state).end(question, is_answered);
    }

    /// Ends the threads.
    pub(super) fn close(&self) {
        lock(&self.state).is_closed = true;
        self.due.notify_all();
        self.spare.notify_all();
    }
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

pub(super) fn unanswered_in_time() -> StampsUnavailable {
    StampsUnavailable("the database does not answer".into())
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    #[test]
    fn the_next_query_starts_when_none_is_under_way_or_soon_after_the_last_one() {
        let mut state = State::default();
        let began = Instant::now();
        let join = |state: &mut State, at| state.join(oneshot::channel().0, at);
        state.wakes = Some(began + Duration::from_secs(60));
        assert_eq!(state.next_start(began), Start::WhenAsked);
        let wakes = [join(&mut state, began), join(&mut state, began)];
        assert_eq!(wakes, [true, false], "the first one wakes a thread");
        assert_eq!(state.next_start(began), Start::Now);
        let (first, askers) = state.start(began);
        assert_eq!(askers.len(), 2);
        assert_eq!(state.next_start(began), Start::WhenAsked);
        let soon = began + Duration::from_micros(200);
        assert!(join(&mut state, soon), "the thread would wake too late");
        state.waiting.clear();
        state.wakes = Some(began + Duration::from_micros(400));
        assert!(!join(&mut state, soon), "the thread wakes in time");
        assert_eq!(state.next_start(soon), Start::After(Duration::from_micros(300)));
        assert_eq!(state.next_start(began + Duration::from_micros(500)), Start::Now);
        state.end(first, true);
        assert_eq!(state.next_start(soon), Start::Now);
    }

    #[test]
    fn one_query_that_hangs_turns_nothing_off_while_later_ones_are_answered() {
        const PATIENCE: Duration = Duration::from_secs(5);
        let mut state = State::default();
        let began = Instant::now();
        let at = |seconds| began + Duration::from_secs(seconds);
        let (hanging, _) = state.start(began);
        assert!(!state.is_stuck(PATIENCE, at(5)));
        assert!(state.is_stuck(PATIENCE, at(6)));
        let (later, _) = state.start(at(1));
        state.end(later, false);
        assert!(state.is_stuck(PATIENCE, at(6)), "a failure is no answer");
        let (later, _) = state.start(at(2));
        state.end(later, true);
        assert!(!state.is_stuck(PATIENCE, at(60)));
        let (third, _) = state.start(at(60));
        assert!(state.is_stuck(PATIENCE, at(66)), "nothing is answered any more");
        state.end(third, true);
        state.end(hanging, true);
        assert!(!state.is_stuck(PATIENCE, at(100)));
    }

    /// Lets other threads go on for this time.
    fn pass(time: Duration) {
        let began = Instant::now();
        while began.elapsed() < time {
            thread::yield_now();
        }
    }

    /// A lost notification would leave a request waiting.
    #[test]
    fn every_request_is_answered_whatever_the_threads_do() {
        const PATIENCE: Duration = Duration::from_secs(600);
        let queue = Arc::new(Queue::default());
        let threads = (0..4_u32).map(|thread| {
            let queue = queue.clone();
            thread::spawn(move || {
                let mut asked = thread;
                while let Some((question, askers)) = queue.take(PATIENCE) {
                    asked += 1;
                    // Sometimes the answer comes from far away.
                    if asked % 7 == 0 {
                        pass(2 * OVERLAP);
                    }
                    queue.end(question, true);
                    for asker in askers {
                        let _ = asker.send((Err(unanswered_in_time()), Arc::default()));
                    }
                }
            })
        });
        let threads: Vec<_> = threads.collect();
        thread::scope(|scope| {
            for client in 0..6 {
                let queue = &queue;
                scope.spawn(move || {
                    for number in 0..300 {
                        let (asker, answer) = oneshot::channel();
                        queue.join(asker, PATIENCE).unwrap();
                        answer.blocking_recv().unwrap().0.unwrap_err();
                        if (number + client) % 16 == 0 {
                            pass(OVERLAP);
                        }
                    }
                });
            }
        });
        queue.close();
        threads.into_iter().for_each(|thread| thread.join().unwrap());
    }
}
