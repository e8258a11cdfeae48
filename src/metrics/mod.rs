//! Figures for Prometheus: how many, how long, how much, since the process began.
//!
//! | URL | |
//! |---|---|
//! | `GET /metrics` | [`pages::show`]: all figures, as text |
//!
//! - What happens often is counted where it happens, without a lock and without allocating; all else is
//!   done by who asks ([`families`]).
//! - Names are stable and documented; a figure holds no key and nothing of a visitor.
//! - Units are seconds and bytes; what only grows ends in `_total`.
//! - This machine is answered, and others only where the shop was started with `--metrics public`.
//!
//! The counters are our own: a crate's would take a lock for each observation of a histogram, and look
//! labels up for each event.

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

use crate::cache::Versions;
use crate::cache::level::Level;
use crate::cache::store::Store;
use crate::cache::store::metered::Metered;
use operations::Operations;
use requests::Requests;
use store::Calls;
use views::{Views, Watched};

/// Everything that is counted, for one process.
pub struct Metrics {
    requests: Requests,
    operations: Arc<Operations>,
    calls: Arc<Calls>,
    views: Arc<Views>,
    /// The store that instances share, which knows whether it is paused.
    shared: Option<Arc<dyn Store>>,
    about: About,
    began: SystemTime,
}

/// What does not change while the process lives.
#[derive(Debug, Clone)]
pub struct About {
    /// The database's kind: `sqlite`, `postgres`.
    pub database: &'static str,
    /// Names this very program.
    pub build: String,
    /// Whether everybody may read the figures.
    pub is_public: bool,
}

/// What a level made since the process began.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Loads {
    /// How much was made, kept or not.
    pub count: u64,
    /// How long one took on average; zero of none.
    pub mean: Duration,
    /// 95 of 100 took so long or less, by the bounds of the histogram; none where it is above them all.
    pub p95: Option<Duration>,
}

impl Metrics {
    /// What this level made.
    pub fn loads_of(&self, level: Level) -> Loads {
        let loads = self.operations.loads(level as usize);
        let mean = loads.nanos.checked_div(loads.count()).unwrap_or_default();
        Loads { count: loads.count(), mean: Duration::from_nanos(mean), p95: loads.at_most(95) }
    }

    /// Time since somebody last vouched for what is cached; none if nobody did yet.
    pub fn view_age(&self) -> Option<Duration> {
        self.views.age()
    }

    /// How many questions for what is current were answered, and how many were not.
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
    /// Who is to listen to the cache.
    pub fn listener(&self) -> Arc<dyn crate::cache::event::Listener> {
        self.operations.clone()
    }

    /// The same store, its calls counted.
    pub fn around_store(&self, store: Arc<dyn Store>) -> Arc<dyn Store> {
        Arc::new(Metered::new(store, self.calls.clone()))
    }

    /// The same views, noticed as they are handed out.
    pub fn around_versions(&self, versions: Arc<dyn Versions>) -> Arc<dyn Versions> {
        Arc::new(Watched::new(versions, self.views.clone()))
    }

    /// All that is counted, where `shared` is the store that instances share.
    pub fn open(self, shared: Option<Arc<dyn Store>>, about: About) -> Metrics {
        let Self { operations, calls, views } = self;
        let (requests, began) = (Requests::default(), SystemTime::now());
        Metrics { requests, operations, calls, views, shared, about, began }
    }
}

/// `GET /metrics`
pub fn routes(cfg: &mut web::ServiceConfig) {
    cfg.service(web::resource("/metrics").route(web::get().to(pages::show)));
}
