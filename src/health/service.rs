//! Looking whether all is there that the shop needs.
//!
//! - One look at a time: who comes meanwhile waits for what it finds.
//! - Who waits, waits for so long and no longer; a look that hangs goes on by itself, and holds one
//!   thread.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde::Serialize;
use tokio::sync::watch;

use crate::cache::store::{Store, budget};
use crate::db::Db;
use crate::versions::probe::{Finding, Findings, Probe};

/// How long the database has to answer. With it an answer is there within two seconds.
const PATIENCE: Duration = Duration::from_millis(1_500);

/// A key that is never kept: asking for it tells whether the store answers.
const NOBODYS_KEY: &str = "larder-health";

/// What was found about one thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Check {
    /// It is as it should be.
    Ok,
    /// It is not.
    Failed,
    /// It could not be asked.
    Unknown,
    /// There is none, by decision of who started the shop.
    Off,
}

/// What was looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Checks {
    /// The database answers.
    pub database: Check,
    /// It has all migrations.
    pub migrations: Check,
    /// Its triggers move the stamps of all tables.
    pub triggers: Check,
    /// The store that instances share answers. Does not decide.
    pub redis: Check,
    /// The last write was not refused. Does not decide: the shop can still be read.
    pub writes: Check,
}

impl Checks {
    /// Whether requests should come here.
    pub fn are_good(&self) -> bool {
        [self.database, self.migrations, self.triggers].iter().all(|check| *check == Check::Ok)
    }
}

type Look = watch::Receiver<Option<Findings>>;

/// Who looks.
pub struct Health {
    probe: Arc<Probe>,
    db: Db,
    shared: Option<Arc<dyn Store>>,
    /// The look that is under way.
    under_way: Arc<Mutex<Option<Look>>>,
    was_good: AtomicBool,
}

impl Health {
    /// Looks with `probe`, at what became of writes to `db`, and at `shared`, the store that instances share.
    pub fn new(probe: Probe, db: Db, shared: Option<Arc<dyn Store>>) -> Self {
        let under_way = Arc::default();
        Self { probe: Arc::new(probe), db, shared, under_way, was_good: AtomicBool::new(true) }
    }

    /// Looks now, or waits for who does.
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

    /// The look that is under way; a new one where there is none.
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
            // Who comes from now on is to have a look of its own.
            drop(ending);
            teller.send_replace(Some(findings));
        });
        look
    }

    async fn redis(&self) -> Check {
        let Some(store) = &self.shared else { return Check::Off };
        match budget::apart(store.has(NOBODYS_KEY)).await {
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

/// Says that a look is over, also after a panic.
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
