//! Measures the processor time of a request: of its own polls, not of other tasks.

use std::future::poll_fn;
use std::pin::pin;
use std::time::Duration;

use nix::time::{ClockId, clock_gettime};

/// Runs `work` and returns its result with the processor time of its polls.
pub async fn measure<T>(work: impl Future<Output = T>) -> (T, Duration) {
    let mut work = pin!(work);
    let mut used = Duration::ZERO;
    let done = poll_fn(|context| {
        let began = processor_time();
        let polled = work.as_mut().poll(context);
        used += processor_time().saturating_sub(began);
        polled
    });
    let done = done.await;
    (done, used)
}

/// Returns the processor time of this thread; zero if the system does not report it.
fn processor_time() -> Duration {
    clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID).map(Duration::from).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spin() -> u64 {
        (0..3_000_000_u64).fold(0, |sum, number| std::hint::black_box(sum ^ number))
    }

    #[tokio::test]
    async fn what_runs_meanwhile_is_not_counted() {
        let idle = measure(async {
            tokio::task::yield_now().await;
        });
        let busy = async { spin() };
        let (((), idle), _) = tokio::join!(idle, busy);
        let (_, used) = measure(async { spin() }).await;
        assert!(used > Duration::ZERO && idle < used, "{idle:?} {used:?}");
    }
}
