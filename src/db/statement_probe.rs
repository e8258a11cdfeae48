//! What is asked on this thread, overheard by who checks it.
//!
//! - In debug builds only: printing a statement costs more than many a statement.
//! - Not a log: who keeps one is asked for a whole task, who overhears sits within one read.

use std::cell::RefCell;
use std::fmt;

thread_local! {
    static RECORDED: RefCell<Option<Vec<String>>> = const { RefCell::new(None) };
}

/// Overhears this thread until it is dropped.
#[derive(Debug)]
pub struct StatementProbe(());

impl StatementProbe {
    /// Begins to overhear; hears nothing in a release build.
    pub fn open() -> Self {
        RECORDED.set(Some(Vec::new()));
        Self(())
    }

    /// The statements since the last time, in order, without their binds.
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

/// A statement was run.
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
