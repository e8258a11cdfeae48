//! Work in the background, which no request waits for.
//!
//! - One job of each name runs at a time.
//! - A job that failed, as behind a lock, is not started again for a while.

use std::collections::HashMap;
use std::fmt::Display;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How long a job that failed is not started again.
const PAUSE: Duration = Duration::from_secs(5);

/// The jobs of one process. Cloning is cheap, and all clones are the same.
#[derive(Debug, Clone, Default)]
pub struct Jobs(Arc<Mutex<HashMap<&'static str, Job>>>);

#[derive(Debug, Clone, Copy)]
enum Job {
    Running,
    Failed(Instant),
}

impl Jobs {
    /// Starts `work`, unless a job of this name runs or has failed a moment ago.
    pub fn start<E: Display + Send + 'static>(
        &self,
        name: &'static str,
        work: impl Future<Output = Result<(), E>> + Send + 'static,
    ) {
        let mut known = self.lock();
        match known.get(name) {
            Some(Job::Running) => return,
            Some(Job::Failed(at)) if at.elapsed() < PAUSE => return,
            _ => known.insert(name, Job::Running),
        };
        let jobs = self.clone();
        tokio::spawn(async move {
            // In a task of its own, so that a panic is a failure, too.
            let error = match tokio::spawn(work).await {
                Ok(Ok(())) => {
                    jobs.lock().remove(name);
                    return;
                }
                Ok(Err(error)) => error.to_string(),
                Err(panic) => panic.to_string(),
            };
            jobs.lock().insert(name, Job::Failed(Instant::now()));
            tracing::warn!(job = name, error, "a job in the background failed; it is tried again");
        });
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<&'static str, Job>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[actix_web::test]
    async fn one_job_of_a_name_runs_and_none_soon_after_it_failed() {
        let jobs = Jobs::default();
        let (ran, mut runs) = tokio::sync::mpsc::unbounded_channel();
        let start = |name, result: Result<(), &'static str>| {
            let ran = ran.clone();
            jobs.start(name, async move {
                let _ = ran.send(name);
                tokio::task::yield_now().await;
                result
            });
        };
        start("one", Ok(()));
        start("one", Ok(()));
        start("other", Err("as the test asks"));
        assert_eq!((runs.recv().await, runs.recv().await), (Some("one"), Some("other")));
        while jobs.lock().values().any(|job| matches!(job, Job::Running)) {
            tokio::task::yield_now().await;
        }
        start("other", Ok(()));
        start("one", Ok(()));
        assert_eq!(runs.recv().await, Some("one"));
        assert!(runs.try_recv().is_err(), "the other waits");
    }

    #[actix_web::test]
    async fn a_job_that_panics_has_failed() {
        let jobs = Jobs::default();
        jobs.start("one", async {
            if true { panic!("as the test asks") } else { Ok::<_, String>(()) }
        });
        while matches!(jobs.lock().get("one"), Some(Job::Running)) {
            tokio::task::yield_now().await;
        }
        assert!(matches!(jobs.lock().get("one"), Some(Job::Failed(_))));
    }
}
