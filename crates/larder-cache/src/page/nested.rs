//! Knows whether this page cache runs within the handler of another one.

use crate::key::Key;

tokio::task_local! {
    /// The key of the page whose handler is running.
    pub(super) static MAKING: Key;
}

/// Reports whether a page cache around this one is building a page.
pub(super) fn is_nested() -> bool {
    MAKING.try_with(|_| ()).is_ok()
}
