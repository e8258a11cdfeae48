//! What all addresses of a panel share, and the listener through which it learns what the cache does.

use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use crate::cache::Cache;
use crate::cache::event::{Event, Listener};
use crate::cache::inspect::Stats;
use crate::cache::stamps::StampsResult;
use crate::cache::store::metered;
use crate::cache::values::call::Call;
use crate::dashboard::audit::Audit;
use crate::dashboard::history::History;
use crate::hooks::Hooks;
use crate::metrics::Metrics;
use crate::toolbar::noticed::Noticed;
use crate::toolbar::{Memory, recorder};

/// A panel: its settings, and what it remembers.
pub(crate) struct PanelState {
    pub cache: Cache,
    /// The path that all addresses begin with; empty for the root of the site.
    pub at: String,
    /// The line that pages with the toolbar carry.
    pub script: OnceLock<String>,
    pub hooks: Hooks,
    /// The last requests.
    pub memory: Memory,
    /// The last invalidations and deletions.
    pub audit: Audit,
    pub counts: Arc<Counts>,
}

/// What is counted of the cache.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    /// Since the start.
    pub stats: Stats,
    /// The last hour.
    pub history: History,
    pub metrics: Metrics,
    /// When changes of stamps were noticed.
    pub noticed: Noticed,
}

impl PanelState {
    /// Creates the state of a panel.
    pub(crate) fn new(cache: Cache) -> Self {
        Self {
            cache,
            at: "/_larder".to_owned(),
            script: OnceLock::new(),
            hooks: Hooks::default(),
            memory: Memory::default(),
            audit: Audit::default(),
            counts: Arc::default(),
        }
    }

    /// Reports whether the path is one of the panel's own.
    pub(crate) fn owns(&self, path: &str) -> bool {
        let rest = path.strip_prefix(&self.at);
        rest.is_some_and(|rest| rest.starts_with("/toolbar/"))
    }

    /// Reports whether requests for this path have a row in the history.
    pub(crate) fn lists(&self, path: &str) -> bool {
        let rest = path.strip_prefix(&self.at);
        let is_own = rest.is_some_and(|rest| rest.starts_with("/static/") || rest == "/metrics");
        !is_own && !self.hooks.unlisted.iter().any(|front| path.starts_with(front))
    }
}

impl Listener for Counts {
    fn on(&self, event: &Event<'_>) {
        recorder::hear(event);
        self.stats.on(event);
        self.history.on(event);
        self.metrics.operations.on(event);
    }

    fn on_value(&self, call: &Call<'_>) {
        recorder::hear_call(call);
        self.metrics.operations.on_value(call);
    }

    fn on_check(&self, began: Instant, took: Duration, current: &StampsResult) {
        self.metrics.checks.count(began + took, current.is_ok());
        if recorder::hear_check(took)
            && let Ok(current) = current
        {
            self.noticed.notice(current);
        }
    }

    fn on_store(&self, call: &metered::Call) {
        self.metrics.calls.count(*call);
    }
}
