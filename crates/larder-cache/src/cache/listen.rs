//! Listening to a cache that is open.

use std::sync::Arc;

use super::Cache;
use crate::event::Listener;

impl Cache {
    /// Adds a listener to the open cache; reports whether it did: there is room for one.
    ///
    /// Others are added while it is opened ([`Builder::listener`](crate::Builder::listener)).
    pub fn listen(&self, listener: Arc<dyn Listener>) -> bool {
        self.0.listeners.join(listener)
    }
}
