//! Metrics for Prometheus: counts, durations and sizes since the process began.
//!
//! | URL | |
//! |---|---|
//! | `GET /metrics` | [`pages::show`]: all metrics, as text |
//!
//! - Frequent events are counted where they happen, without a lock and without allocating; the rest
//!   is computed when the metrics are read ([`families`]).
//! - Names are stable and documented; metrics hold no key and nothing about a visitor.
//! - Units are seconds and bytes; names of counters end in `_total`.
//! - Only this machine is answered, unless the shop was started with `--metrics public`.
//!
//! The counters are our own: those of a crate would take a lock for each observation of a
//! histogram, and look labels up for each event.

mod exposition;
pub mod families;
mod operations;
pub mod pages;
mod requests;
mod store;
mod tally;
mod values;
mod views;
mod words;

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use actix_web::web;

use crate::cache::store::Store;
use crate::cache::store::metered::Metered;
use crate::cache::{Level, StampSource};
use operations::Operations;
use requests::Requests;
use store::Calls;
use views::{Views, Watched};

/// All counters of one process.
pub struct Metrics {
    requests: Requests,
    operations: Arc<Operations>,
    calls: Arc<Calls>,
    views: Arc<Views>,
    /// The shared store, which knows whether its circuit breaker is open.
    shared: Option<Arc<dyn Store>>,
    about: About,
    began: SystemTime,
}

/// What does not change while the process lives.
#[derive(Debug, Clone)]
pub struct About {
    /// The kind of database: `sqlite`, `postgres`.
    pub database: &'static str,
    /// The build of this program.
    pub build: String,
    /// Whether every client may read the metrics.
    pub is_public: bool,
}

/// The loads of one level since the process began.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Loads {
    /// The number of loads, whether their results were stored or not.
    pub count: u64,
    /// The mean duration of a load; zero without loads.
    pub mean: Duration,
    /// The p95 duration, by the bounds of the histogram; `None` if it is above them all.
    pub p95: Option<Duration>,
}

impl Metrics {
    /// Returns the loads of this level.
    pub fn loads_of(&self, level: Level) -> Loads {
        let loads = self.operations.loads(level as usize);
        let mean = loads.nanos.checked_div(loads.count()).unwrap_or_default();
        Loads { count: loads.count(), mean: Duration::from_nanos(mean), p95: loads.at_most(95) }
    }

    /// Returns the time since the last successful freshness check; `None` before the first.
    pub fn view_age(&self) -> Option<Duration> {
        self.views.age()
    }

    /// Returns how many freshness checks succeeded, and how many failed.
    pub fn view_questions(&self) -> (u64, u64) {
        self.views.questions()
    }
}

/// Counters before their server is built.
#[derive(Default)]
pub struct Counters {
    operations: Arc<Operations>,
    calls: Arc<Calls>,
    views: Arc<Views>,
}

impl Counters {
    /// Returns the listener to register with the cache.
    pub fn listener(&self) -> Arc<dyn crate::cache::event::Listener> {
        self.operations.clone()
    }

    /// Wraps the shared store to count its calls.
    pub fn around_store(&self, store: Arc<dyn Store>) -> Arc<dyn Store> {
        let calls = self.calls.clone();
        Arc::new(Metered::new(store, move |call| calls.count(call)))
    }

    /// Wraps the source of stamps to count its answers.
    pub fn around_versions(&self, versions: Arc<dyn StampSource>) -> Arc<dyn StampSource> {
        Arc::new(Watched::new(versions, self.views.clone()))
    }

    /// Returns the metrics; `shared` is the shared store.
    pub fn open(self, shared: Option<Arc<dyn Store>>, about: About) -> Metrics {
        let Self { operations, calls, views } = self;
        let (requests, began) = (Requests::default(), SystemTime::now());
        Metrics { requests, operations, calls, views, shared, about, began }
    }
}

/// Registers `GET /metrics`.
pub fn routes(cfg: &mut web::ServiceConfig) {
    cfg.service(web::resource("/metrics").route(web::get().to(pages::show)));
}
