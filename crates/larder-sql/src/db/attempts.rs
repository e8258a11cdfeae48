//! Runs a transaction, and runs it again if a retry can help.
//!
//! - A transaction is retried as a whole, so that its work sees one state. It is never retried after its
//!   commit was sent and not answered.
//! - The number of attempts is bounded, and so is the time that all of them wait for locks.

use std::sync::Arc;
use std::time::{Duration, Instant};

use diesel::QueryResult;
use diesel::r2d2::Pool;

use super::codes::{self, Meaning};
use super::conn::Conn;
use super::connect::{Manager, Pooled};
use super::deadline::Backend;
use super::error::Error;
use super::transaction::{self, Access, Failed};

/// Most attempts after a conflict with another transaction; by then a deadlock is usually won.
const RETRIES: u32 = 6;

/// Most attempts if the schema keeps changing under prepared statements.
const PREPARATIONS: u32 = 3;

/// Most attempts if connections break: about a second. A server that ends all of them takes a while, a busy one longer, and
/// the next one may be doomed, too.
const CONNECTIONS: u32 = 8;

/// The pause before the second attempt, after a conflict or on a broken connection.
///
/// It doubles with each attempt. A part of it is random, so that two transactions that blocked each other
/// do not collide again.
const PAUSE: Duration = Duration::from_millis(8);

/// The time limit of a read or write: for its permit and for the locks of other transactions.
#[derive(Debug, Clone, Copy)]
pub(super) struct Patience {
    began: Instant,
    limit: Duration,
}

impl Patience {
    /// Starts the limit now.
    pub fn of(limit: Duration) -> Self {
        Self { began: Instant::now(), limit }
    }

    /// Returns the time that is left.
    pub fn left(self) -> Duration {
        self.limit.saturating_sub(self.began.elapsed())
    }
}

/// The time limit of one read or write, and what is needed to enforce it.
#[derive(Debug)]
pub(super) struct Limits {
    pub patience: Patience,
    /// The process that runs its transaction.
    pub backend: Backend,
}

impl Limits {
    /// Starts the limit now.
    pub fn of(limit: Duration) -> Self {
        Self { patience: Patience::of(limit), backend: Backend::default() }
    }
}

/// The work of a transaction, which keeps its result itself: what runs it is compiled once, and not for each query.
pub(super) type Work<'w> = dyn FnMut(&mut Conn) -> QueryResult<()> + 'w;

/// Lets `run` run `work`, and returns the result of its last run.
pub(super) fn keep<T>(
    mut work: impl FnMut(&mut Conn) -> QueryResult<T>,
    run: impl FnOnce(&mut Work<'_>) -> Result<(), Error>,
) -> Result<T, Error> {
    let mut kept = None;
    run(&mut |conn| {
        kept = Some(work(conn)?);
        Ok(())
    })?;
    Ok(kept.expect("work that succeeds has a result"))
}

/// Runs `work` in a transaction on a connection of `pool`.
pub(super) fn run(
    pool: &Pool<Manager>,
    access: Access,
    limits: &Limits,
    work: &mut Work<'_>,
) -> Result<(), Error> {
    let mut pooled = pool.get()?;
    let mut attempt = 1;
    loop {
        let Err(failed) = run_once(&mut pooled, access, limits, work) else { return Ok(()) };
        let meaning = codes::meaning(&failed.error);
        pooled.settle(meaning);
        if meaning == Meaning::Disconnected && failed.is_at_commit && access == Access::Write {
            return Err(Error::Uncertain(Arc::new(failed.error)));
        }
        if attempt >= most_attempts(meaning) {
            return Err(Error::of(failed.error));
        }
        tracing::debug!(error = %failed.error, ?meaning, "retrying transaction");
        match meaning {
            Meaning::Disconnected => {
                // The broken connection is returned, and dropped, before another is taken. This thread may block.
                drop(pooled);
                std::thread::sleep(pause(attempt));
                pooled = pool.get()?;
            }
            Meaning::Retry => std::thread::sleep(pause(attempt)),
            _ => {}
        }
        attempt += 1;
    }
}

fn run_once(
    pooled: &mut Pooled,
    access: Access,
    limits: &Limits,
    work: &mut Work<'_>,
) -> Result<(), Failed> {
    pooled.wait_for_locks(limits.patience.left()).map_err(Failed::before_commit)?;
    limits.backend.run(pooled.backend, || transaction::run(&mut pooled.conn, access, work))
}

fn most_attempts(meaning: Meaning) -> u32 {
    match meaning {
        Meaning::Retry => RETRIES,
        Meaning::Outdated | Meaning::Lacking => PREPARATIONS,
        Meaning::Disconnected => CONNECTIONS,
        Meaning::Unavailable | Meaning::Conflict | Meaning::Bug => 1,
    }
}

/// Returns a random duration between half of the doubled pause and the whole of it.
fn pause(attempt: u32) -> Duration {
    let longest = PAUSE * 2_u32.saturating_pow(attempt.min(5));
    // If the system provides no randomness, the pause is the longest.
    let random = getrandom::u32().unwrap_or(u32::MAX);
    longest / 2 + (longest / 2).mul_f64(f64::from(random) / f64::from(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_and_stay_short() {
        for attempt in 1..RETRIES {
            let longest = PAUSE * 2_u32.pow(attempt);
            let pause = pause(attempt);
            assert!(longest / 2 <= pause && pause <= longest, "{attempt}: {pause:?}");
        }
    }

    #[test]
    fn only_what_can_help_is_run_again() {
        assert_eq!(most_attempts(Meaning::Unavailable), 1);
        assert_eq!(most_attempts(Meaning::Conflict), 1);
        assert_eq!(most_attempts(Meaning::Bug), 1);
        assert!(
            most_attempts(Meaning::Disconnected) > 2,
            "the second connection may be doomed, too"
        );
    }
}
