//! Panics as failures: of handlers, and of loads.
//!
//! - A panic is a failure like an error: what is old may stand in for it, and those who wait are told once.
//! - It is written into the log where it is answered; where it is not answered it goes on.

use std::any::Any;
use std::fmt::{self, Display};
use std::panic::{AssertUnwindSafe, resume_unwind};

use futures_util::FutureExt;

/// The rule by which what panicked is not stored.
pub(super) const RULE: &str = "panic";

/// A panic that was caught.
pub(super) struct Panic(Box<dyn Any + Send>);

impl Panic {
    /// Writes it into the log, as what happened to `what`.
    pub fn log(&self, what: impl Display) {
        tracing::error!(key = %what, panic = %self, "the handler or load panicked");
    }

    /// Lets it go on.
    pub fn resume(self) -> ! {
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

/// Runs `work`; a panic in it is answered, not passed on.
pub(super) async fn caught<W: Future>(work: W) -> Result<W::Output, Panic> {
    // Unwind safe: all that `work` owns is dropped by the unwinding and seen by none afterwards. What it
    // shares is locks, which a panic poisons, and cells of the request, of which no borrow is kept across
    // the panic, since borrows are dropped by the unwinding too.
    AssertUnwindSafe(work).catch_unwind().await.map_err(Panic)
}
