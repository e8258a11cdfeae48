//! Personal values, which must not be printed into a fragment that other visitors see.

use std::cell::Cell;
use std::fmt::{self, Display};

thread_local! {
    /// Whether the fragment that is being rendered is shared by all visitors.
    static IS_SHARED: Cell<bool> = const { Cell::new(false) };
}

/// A value that belongs to one visitor: a name, a basket.
///
/// Printing it in the body of a fragment that is not declared
/// [`personal`](super::Fragment::personal) makes the template fail, since a page that leaks is
/// worse than none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Personal<T>(pub T);

impl<T: Display> Display for Personal<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if IS_SHARED.get() {
            tracing::error!("a personal value is rendered into a shared fragment");
            return Err(fmt::Error);
        }
        self.0.fmt(f)
    }
}

/// Renders the body of a fragment, shared or personal.
///
/// Within a shared fragment, every inner fragment counts as shared.
pub(super) fn within<T>(is_personal: bool, render: impl FnOnce() -> T) -> T {
    /// Restores the previous state, even if rendering panics.
    struct Outside(bool);
    impl Drop for Outside {
        fn drop(&mut self) {
            IS_SHARED.set(self.0);
        }
    }
    let outside = Outside(IS_SHARED.get());
    IS_SHARED.set(outside.0 || !is_personal);
    render()
}
