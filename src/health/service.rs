//! Checks whether all that the shop needs is there.
//!
//! - One check at a time: callers that come meanwhile wait for its result.
//! - Callers wait for a limited time; a check that hangs continues by itself, and holds one thread.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde::Serialize;
use tokio::sync::watch;

use crate::cache::store::{Store, without_budget};
use crate::db::Db;
use crate::db::probe::{Finding, Findings, Probe};

/// How long the database has to answer, so that the client has its answer within two seconds.
const PATIENCE: Duration = Duration::from_millis(1_500);

/// A key that is never stored: looking it up shows whether the store answers.
const PROBE_KEY: &str = "larder-health";

/// The result of one check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Check {
    /// The check passed.
    Ok,
    /// The check failed.
    Failed,
    /// The check could not be made.
    Unknown,
    /// Not configured, so there is nothing to check.
    Off,
}

/// The results of all checks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Checks {
    /// The database answers.
    pub database: Check,
    /// It has all migrations.
    pub migrations: Check,
    /// Its triggers change the stamps of all tables.
    pub triggers: Check,
    /// The shared store answers. Does not affect readiness.
    pub redis: Check,
    /// Writes are not refused. Does not affect readiness: the shop can still be read.
    pub writes: Check,
}

impl Checks {
    /// Reports whether requests should come here.
    pub fn are_good(&self) -> bool {
        [self.database, self.migrations, self.triggers].iter().all(|check| *check == Check::Ok)
    }
}

type Look = watch::Receiver<Option<Findings>>;

/// Checks the shop's health.
pub struct Health {
    probe: Arc<Probe>,
    db: Db,
    shared: Option<Arc<dyn Store>>,
    /// The check that is under way.
    under_way: Arc<Mutex<Option<Look>>>,
    was_good: AtomicBool,
    is_draining: AtomicBool,
}

impl Health {
    /// Returns a check of the database by `probe`, of the writes to `db`, and of the shared store.
    pub fn new(probe: Probe, db: Db, shared: Option<Arc<dyn Store>>) -> Self {
        let under_way = Arc::default();
        let (was_good, is_draining) = (AtomicBool::new(true), AtomicBool::new(false));
        Self { probe: Arc::new(probe), db, shared, under_way, was_good, is_draining }
    }

    /// Makes the shop not ready for good, since it is about to stop.
    pub fn drain(&self) {
        self.is_draining.store(true, Ordering::Relaxed);
    }

    /// Reports whether the shop is about to stop.
    pub fn is_draining(&self) -> bool {
        self.is_draining.load(Ordering::Relaxed)
    }

    /// Runs the checks now, or waits for those that are under way.
    pub async fn check(&self) -> Checks {
        let (findings, redis) = tokio::join!(self.findings(), self.redis());
        self.log(&findings);
        Checks {
            database: told(&findings.database),
            migrations: told(&findings.migrations),
            triggers: told(&findings.triggers),
            redis,
            writes: if self.db.is_refusing_writes() { Check::Failed } else { Check::Ok },
        }
    }

    async fn findings(&self) -> Findings {
        let mut look = self.look();
        let found = async {
            let found = look.wait_for(Option::is_some).await;
            found.ok().and_then(|found| found.clone())
        };
        let found = tokio::time::timeout(PATIENCE, found).await.ok().flatten();
        found.unwrap_or_else(|| Findings::unreachable("it does not answer"))
    }

    /// Returns the check that is under way, or starts one.
    fn look(&self) -> Look {
        let mut under_way = self.under_way.lock().unwrap();
        if let Some(look) = &*under_way {
            return look.clone();
        }
        let (teller, look) = watch::channel(None);
        *under_way = Some(look.clone());
        let ending = Ending(self.under_way.clone());
        let probe = self.probe.clone();
        tokio::task::spawn_blocking(move || {
            let findings = probe.ask();
            // Before the result is sent: callers from now on must start a check of their own.
            drop(ending);
            teller.send_replace(Some(findings));
        });
        look
    }

    async fn redis(&self) -> Check {
        let Some(store) = &self.shared else { return Check::Off };
        match without_budget(store.has(PROBE_KEY)).await {
            Ok(_) => Check::Ok,
            Err(_) => Check::Failed,
        }
    }

    /// Logs when the shop becomes unready and ready again, once each.
    fn log(&self, findings: &Findings) {
        let is_good = findings.are_good();
        if self.was_good.swap(is_good, Ordering::Relaxed) == is_good {
            return;
        }
        if is_good {
            tracing::info!("the shop is ready again");
        } else {
            let why = [&findings.database, &findings.migrations, &findings.triggers];
            let why = why.into_iter().find_map(|finding| match finding {
                Finding::Bad(why) => Some(why.as_str()),
                Finding::Good | Finding::Unknown => None,
            });
            tracing::warn!(why, "the shop is not ready");
        }
    }
}

/// Marks the check as over when it is dropped, also after a panic.
struct Ending(Arc<Mutex<Option<Look>>>);

impl Drop for Ending {
    fn drop(&mut self) {
        *self.0.lock().unwrap() = None;
    }
}

fn told(finding: &Finding) -> Check {
    match finding {
        Finding::Good => Check::Ok,
        Finding::Bad(_) => Check::Failed,
        Finding::Unknown => Check::Unknown,
    }
}
