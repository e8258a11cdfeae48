//! Collects the statements of this thread for the checks of debug builds.
//!
//! - Debug builds only: printing a statement often costs more than running it.
//! - A log belongs to a whole task; a probe belongs to a single read.

use std::cell::RefCell;
use std::fmt;

thread_local! {
    static RECORDED: RefCell<Option<Vec<String>>> = const { RefCell::new(None) };
}

/// Collects the statements of this thread until it is dropped.
#[derive(Debug)]
pub struct StatementProbe(());

impl StatementProbe {
    /// Starts collecting; collects nothing in a release build.
    pub fn open() -> Self {
        RECORDED.set(Some(Vec::new()));
        Self(())
    }

    /// Returns the statements since the last call, in order, without their binds.
    pub fn take(&self) -> Vec<String> {
        RECORDED
            .with_borrow_mut(|recorded| recorded.as_mut().map(std::mem::take).unwrap_or_default())
    }
}

impl Drop for StatementProbe {
    fn drop(&mut self) {
        RECORDED.set(None);
    }
}

/// Records a statement that was run, if a probe is open on this thread.
pub(super) fn record(statement: impl fmt::Display) {
    if !cfg!(debug_assertions) {
        return;
    }
    RECORDED.with_borrow_mut(|recorded| {
        if let Some(recorded) = recorded {
            recorded.push(super::binds::without_binds(statement));
        }
    });
}
