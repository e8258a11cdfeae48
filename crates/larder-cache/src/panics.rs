//! Panics as failures: of handlers, and of loads.
//!
//! - A panic is a failure like an error: a stale entry may be served instead, and the waiting
//!   callers are notified once.
//! - A panic is logged where it is answered; elsewhere it is resumed.

use std::any::Any;
use std::fmt::{self, Display};
use std::panic::{AssertUnwindSafe, resume_unwind};

use futures_util::FutureExt;

/// The rule in `Cache-Status` for a response that is not stored because of a panic.
pub(super) const RULE: &str = "panic";

/// A panic that was caught.
pub(super) struct Panic(Box<dyn Any + Send>);

impl Panic {
    /// Logs the panic as a failure of `what`.
    pub(crate) fn log(&self, what: impl Display) {
        tracing::error!(cache.key = %what, panic = %self, "the handler or load panicked");
    }

    /// Resumes the panic.
    pub(crate) fn resume(self) -> ! {
        resume_unwind(self.0)
    }
}

impl Display for Panic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self.0.downcast_ref::<&str>().copied();
        let text = text.or_else(|| self.0.downcast_ref::<String>().map(String::as_str));
        f.write_str(text.unwrap_or("without a message"))
    }
}

/// Runs `work`, and returns a panic in it as an error.
pub(super) async fn caught<W: Future>(work: W) -> Result<W::Output, Panic> {
    // Unwind safe: the unwinding drops all that `work` owns, and nothing sees it afterwards. It
    // shares only locks, which a panic poisons, and cells of the request, whose borrows the
    // unwinding drops too.
    AssertUnwindSafe(work).catch_unwind().await.map_err(Panic)
}
