//! What people and listeners see of a cache that is open.

use std::sync::Arc;

use super::Cache;
use crate::event::Listener;
use crate::inspect::Inspection;

impl Cache {
    /// Returns a view of what is stored, for people.
    pub fn inspect(&self) -> Inspection {
        let shared = &self.shared;
        let versions = Some(shared.versions.clone());
        let (local, values) = (Some(shared.local.clone()), shared.values.clone());
        Inspection::new(shared.readers, local, (&shared.entries, values), versions)
    }

    /// Adds a listener to the open cache; reports whether it did: there is room for one.
    ///
    /// Others are added while it is opened ([`Builder::listener`](crate::Builder::listener)).
    pub fn listen(&self, listener: Arc<dyn Listener>) -> bool {
        self.shared.listeners.join(listener)
    }
}
