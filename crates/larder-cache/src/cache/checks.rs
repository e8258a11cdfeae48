//! Freshness checks: the stamps by which lookups are validated.

use std::sync::Arc;
use std::time::Instant;

use super::Cache;
use crate::level::Level;
use crate::stamps::{Current, Stamps, StampsResult};
use crate::tracking;

impl Cache {
    /// Returns the stamps to validate by, or `None` if the level is off or they are unavailable.
    ///
    /// While dependencies are tracked these are the pinned stamps, so all lookups of a page are
    /// validated at the same moment.
    pub(crate) async fn stamps_for(&self, level: Level) -> Option<Arc<Stamps>> {
        if !self.shared.levels.has(level) {
            return None;
        }
        if let Some(pinned) = tracking::pinned() {
            // What is built around the entry depends on its scope, too.
            if let Some(scope) = &self.scope {
                self.reads(std::slice::from_ref(&scope.tag));
            }
            return Some(pinned);
        }
        let began = (!self.shared.listeners.is_empty()).then(Instant::now);
        let current = self.ask_for_stamps().get().await;
        self.checked(began.map(|began| (began, Instant::now())), current)
    }

    /// Reports whether entries of this level are stored.
    #[cfg(feature = "actix")]
    pub(crate) fn has(&self, level: Level) -> bool {
        self.shared.levels.has(level)
    }

    /// Asks for the current stamps, for [`Cache::checked`].
    pub(crate) fn ask_for_stamps(&self) -> Current {
        self.shared.versions.current()
    }

    /// Reports a freshness check to the listeners, and returns the stamps if they are available.
    pub(crate) fn checked(
        &self,
        from_to: Option<(Instant, Instant)>,
        current: StampsResult,
    ) -> Option<Arc<Stamps>> {
        if let Some((began, ended)) = from_to {
            let took = ended.saturating_duration_since(began);
            let listeners = self.shared.listeners.iter();
            listeners.for_each(|listener| listener.on_check(began, took, &current));
        }
        current.ok()
    }
}
