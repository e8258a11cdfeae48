//! Personal values: what must not be printed into a fragment that others get to see.

use std::cell::Cell;
use std::fmt::{self, Display};

thread_local! {
    /// Whether the fragment whose body is being rendered is for everybody.
    static IS_SHARED: Cell<bool> = const { Cell::new(false) };
}

/// A value that is one visitor's own: a name, a basket.
///
/// It prints itself anywhere but in the body of a fragment that is not declared
/// [`personal`](super::Fragment::personal): there the template fails, as a page that leaks is worse than
/// none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Personal<T>(pub T);

impl<T: Display> Display for Personal<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if IS_SHARED.get() {
            tracing::error!("a personal value is printed into a fragment that is for everybody");
            return Err(fmt::Error);
        }
        self.0.fmt(f)
    }
}

/// Renders the body of a fragment, which is for everybody or not.
///
/// Within one that is for everybody nothing is personal any more.
pub(super) fn within<T>(is_personal: bool, render: impl FnOnce() -> T) -> T {
    /// Puts back what was, also where rendering panics.
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
