//! Work in the background, which no request waits for.
//!
//! - One job of each name runs at a time. One that is asked for meanwhile runs once more afterwards, since it may have
//!   to do what the running one has passed already.
//! - A job that failed, as behind a lock, is tried again after a pause, which grows.

use std::collections::HashMap;
use std::fmt::Display;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// The pause before a job that failed is tried again; it doubles with each failure.
const PAUSE: Duration = Duration::from_secs(5);

/// The longest pause.
const LONGEST: Duration = Duration::from_secs(600);

/// The jobs of one process. Cloning is cheap, and all clones are the same.
///
/// For each job that has not succeeded yet, this says whether it was asked for since it last began.
#[derive(Debug, Clone, Default)]
pub struct Jobs(Arc<Mutex<HashMap<&'static str, bool>>>);

impl Jobs {
    /// Starts `work`; if a job of this name runs, it runs once more when that has succeeded.
    pub fn start<E, F>(&self, name: &'static str, work: impl Fn() -> F + Send + 'static)
    where
        E: Display + Send + 'static,
        F: Future<Output = Result<(), E>> + Send + 'static,
    {
        if self.lock().insert(name, true).is_some() {
            return;
        }
        let jobs = self.clone();
        tokio::spawn(async move {
            let mut pause = PAUSE;
            while jobs.takes(name) {
                // In a task of its own, so that a panic is a failure, too.
                let error = match tokio::spawn(work()).await {
                    Ok(Ok(())) => {
                        pause = PAUSE;
                        continue;
                    }
                    Ok(Err(error)) => error.to_string(),
                    Err(panic) => panic.to_string(),
                };
                tracing::warn!(
                    job = name,
                    error,
                    "a job in the background failed; it is tried again"
                );
                tokio::time::sleep(pause).await;
                pause = LONGEST.min(2 * pause);
                jobs.lock().insert(name, true);
            }
        });
    }

    /// Reports whether the job was asked for since it last began, and begins it; otherwise it is done.
    fn takes(&self, name: &'static str) -> bool {
        let mut asked = self.lock();
        let is_asked = asked.insert(name, false) == Some(true);
        if !is_asked {
            asked.remove(name);
        }
        is_asked
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<&'static str, bool>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

    use super::*;

    /// Counts the runs of a job that fails in the first ones.
    fn counted(
        runs: &Arc<AtomicUsize>,
        fails: usize,
    ) -> impl Fn() -> std::future::Ready<Result<(), &'static str>> + Send + use<> {
        let runs = runs.clone();
        move || {
            let is_failing = runs.fetch_add(1, SeqCst) < fails;
            std::future::ready(if is_failing { Err("as the test asks") } else { Ok(()) })
        }
    }

    async fn ends(jobs: &Jobs) {
        while !jobs.lock().is_empty() {
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_job_that_is_asked_for_while_it_runs_runs_once_more() {
        let (jobs, runs) = (Jobs::default(), Arc::<AtomicUsize>::default());
        let (opens, opened) = tokio::sync::watch::channel(false);
        let again = runs.clone();
        jobs.start("one", move || {
            again.fetch_add(1, SeqCst);
            let mut opened = opened.clone();
            async move { opened.wait_for(|is_open| *is_open).await.map(drop) }
        });
        while runs.load(SeqCst) == 0 {
            tokio::task::yield_now().await;
        }
        for _ in 0..3 {
            jobs.start("one", counted(&runs, 0));
        }
        jobs.start("other", counted(&runs, 0));
        opens.send_replace(true);
        ends(&jobs).await;
        assert_eq!(runs.load(SeqCst), 3, "two of one, and another");
        jobs.start("one", counted(&runs, 0));
        ends(&jobs).await;
        assert_eq!(runs.load(SeqCst), 4);
    }

    #[tokio::test(start_paused = true)]
    async fn a_job_that_failed_is_tried_again_after_pauses_that_grow() {
        let (jobs, runs) = (Jobs::default(), Arc::<AtomicUsize>::default());
        let began = tokio::time::Instant::now();
        jobs.start("one", counted(&runs, 3));
        ends(&jobs).await;
        assert_eq!(runs.load(SeqCst), 4);
        let waited = began.elapsed();
        assert!(waited >= PAUSE * 7 && waited < PAUSE * 8, "{waited:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_job_that_panics_has_failed() {
        let (jobs, runs) = (Jobs::default(), Arc::<AtomicUsize>::default());
        let work = counted(&runs, 0);
        jobs.start("one", move || {
            let is_first = work().into_inner().is_ok() && runs.load(SeqCst) == 1;
            async move { if is_first { panic!("as the test asks") } else { Ok::<_, String>(()) } }
        });
        ends(&jobs).await;
    }
}
