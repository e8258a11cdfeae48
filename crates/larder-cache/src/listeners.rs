//! The listeners of a cache: those that it was opened with, and one that joined later.

use std::fmt;
use std::sync::{Arc, OnceLock};

use super::event::Listener;

/// The listeners of a cache. Clones are the same listeners.
#[derive(Clone, Default)]
pub(super) struct Listeners {
    opened_with: Arc<[Arc<dyn Listener>]>,
    joined: Arc<OnceLock<Arc<dyn Listener>>>,
}

impl Listeners {
    /// Returns the listeners of a cache that is opened with these.
    pub(super) fn of(listeners: Vec<Arc<dyn Listener>>) -> Self {
        Self { opened_with: listeners.into(), joined: Arc::default() }
    }

    /// Adds a listener; reports whether there was room for it.
    #[cfg(feature = "inspect")]
    pub(super) fn join(&self, listener: Arc<dyn Listener>) -> bool {
        self.joined.set(listener).is_ok()
    }

    /// Reports whether there are none, so that the clock need not be read.
    pub(super) fn is_empty(&self) -> bool {
        self.opened_with.is_empty() && self.joined.get().is_none()
    }

    /// Returns all listeners.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Arc<dyn Listener>> {
        self.opened_with.iter().chain(self.joined.get())
    }
}

impl fmt::Debug for Listeners {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} listeners", self.iter().count())
    }
}
