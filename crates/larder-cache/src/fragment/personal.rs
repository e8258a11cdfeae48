//! Personal values, which must not be printed into a fragment that other visitors see.

use std::cell::Cell;
use std::fmt::{self, Display};

use serde::ser::Error;
use serde::{Serialize, Serializer};

thread_local! {
    /// Whether the fragment that is being rendered is shared by all visitors.
    static IS_SHARED: Cell<bool> = const { Cell::new(false) };
    /// Whether a personal value was refused in it. Some template engines go on after an error.
    static HAS_REFUSED: Cell<bool> = const { Cell::new(false) };
}

const REFUSAL: &str = "a personal value is rendered into a shared fragment";

/// A value that belongs to one visitor: a name, a basket.
///
/// Printing it in the body of a fragment that is not declared
/// [`personal`](super::Fragment::personal) makes the template fail, since a page that leaks is
/// worse than none. So does serializing it there, as engines do that take their values by serde.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Personal<T>(pub T);

impl<T: Display> Display for Personal<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if is_refused() {
            return Err(fmt::Error);
        }
        self.0.fmt(f)
    }
}

impl<T: Serialize> Serialize for Personal<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if is_refused() {
            return Err(S::Error::custom(REFUSAL));
        }
        self.0.serialize(serializer)
    }
}

fn is_refused() -> bool {
    if IS_SHARED.get() {
        tracing::error!("{REFUSAL}");
        HAS_REFUSED.set(true);
    }
    IS_SHARED.get()
}

/// Renders the body of a fragment, shared or personal.
///
/// Within a shared fragment, every inner fragment counts as shared, and one that is refused fails those around it.
pub(super) fn within<T>(
    is_personal: bool,
    render: impl FnOnce() -> Result<T, fmt::Error>,
) -> Result<T, fmt::Error> {
    /// Restores the previous state, even if rendering panics.
    struct Outside(bool);
    impl Drop for Outside {
        fn drop(&mut self) {
            IS_SHARED.set(self.0);
            if !self.0 {
                HAS_REFUSED.set(false);
            }
        }
    }
    let outside = Outside(IS_SHARED.get());
    IS_SHARED.set(outside.0 || !is_personal);
    let rendered = render()?;
    if HAS_REFUSED.get() { Err(fmt::Error) } else { Ok(rendered) }
}
