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
mod views;
mod words;

use std::sync::Arc;
use std::time::SystemTime;

use actix_web::web;

use crate::cache::Versions;
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
